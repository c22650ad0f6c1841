"""What only a scripted service does: other hosts, odd answers, the bare protocol of operations."""

from __future__ import annotations

import pytest

from shared.model import (
    Aspect,
    DeleteFirewallRule,
    Operation,
    PublicAccess,
    ServerSnapshot,
    SetPublicAccess,
    Target,
    TargetKind,
)
from shared.model.errors import Conflict, Denied, GatewayError, Gone, Permanent, Transient
from shared.model.resource_id import ResourceId
from tests.adapters.conftest import Bench
from tests.adapters.scripted_arm import Reply

SERVER = "/subscriptions/5ab1/resourceGroups/rg/providers/Microsoft.DBforPostgreSQL/flexibleServers/db"
OLD = "/subscriptions/5ab1/resourceGroups/rg/providers/Microsoft.DBforPostgreSQL/servers/old"
TARGET = Target(kind=TargetKind.FLEXIBLE_SERVER, id=ResourceId(SERVER))
OLD_TARGET = Target(kind=TargetKind.SINGLE_SERVER, id=ResourceId(OLD))
CLOSE = SetPublicAccess(server=TARGET.id, access=PublicAccess.DISABLED)
RULES = frozenset({Aspect.FIREWALL_RULES})
POLL = (
    "/subscriptions/5ab1/providers/Microsoft.DBforPostgreSQL/locations/Canada%20Central/azureAsyncOperation/1"
)
SIGNED = "?api-version=2026-10-01&t=638&c=MIIH%2Bab%2Fcd%3D%3D&s=a-b_c~d&h=x+y/z=="


def body(name: str = SERVER) -> dict[str, object]:
    return {"id": name, "name": "db", "location": "westus", "properties": {"state": "Ready"}}


def snapshot(bench: Bench) -> ServerSnapshot:
    bench.arm.on("GET", SERVER, Reply(body=body()))
    found = bench.gateway.read(TARGET, frozenset())
    assert isinstance(found, ServerSnapshot)
    return found


def operation(bench: Bench, path: str = POLL, style: str = "asyncOperation") -> Operation:
    url = f"{bench.arm.url}{path}"
    if style == "location":
        return Operation(url=url, style="location", correlation_id="c")
    return Operation(url=url, style="asyncOperation", correlation_id="c")


# --- operations ------------------------------------------------------------------------------------


def test_the_query_of_an_operation_goes_back_unchanged(bench: Bench) -> None:
    bench.arm.on("GET", POLL, Reply(body={"status": "Succeeded"}))
    assert bench.gateway.poll(operation(bench, POLL + SIGNED)) is None
    assert bench.arm.asked[-1].target == POLL + SIGNED


@pytest.mark.parametrize(
    "url",
    [
        "https://management.azure.example/operations/1",
        "http://127.0.0.1:1/operations/1",
        "http://{host}@elsewhere.example/operations/1",
        "http://{host}.elsewhere.example/operations/1",
        "http://user@{host}/operations/1",
        "ftp://{host}/operations/1",
        "/operations/1",
        "http://[::1",
    ],
)
def test_an_operation_on_another_host_is_not_asked(bench: Bench, url: str) -> None:
    host = bench.arm.url.removeprefix("http://")
    foreign = Operation(url=url.format(host=host), style="asyncOperation")
    with pytest.raises(Permanent, match="another host"):
        bench.gateway.poll(foreign)
    assert bench.arm.asked == []


def test_a_location_runs_while_it_answers_202(bench: Bench) -> None:
    running = Reply(status=202, headers={"Retry-After": "15"})
    bench.arm.on("GET", POLL, running, Reply(status=200, body=body()))
    first = bench.gateway.poll(operation(bench, style="location"))
    assert first is not None
    assert (first.style, first.retry_after_seconds, first.correlation_id) == ("location", 15.0, "c")
    assert bench.gateway.poll(first) is None


@pytest.mark.parametrize("status", [200, 201, 204])
def test_a_location_has_ended_with_any_other_success(bench: Bench, status: int) -> None:
    bench.arm.on("GET", POLL, Reply(status=status))
    assert bench.gateway.poll(operation(bench, style="location")) is None


def test_a_location_that_redirects_has_not_ended_well(bench: Bench) -> None:
    bench.arm.on("GET", POLL, Reply(status=302, headers={"Location": "https://elsewhere.example/"}))
    with pytest.raises(Permanent):
        bench.gateway.poll(operation(bench, style="location"))
    assert len(bench.arm.asked) == 1


def test_an_operation_that_arm_forgot_is_gone(bench: Bench) -> None:
    with pytest.raises(Gone):
        bench.gateway.poll(operation(bench))


def test_an_operation_without_a_status_says_nothing(bench: Bench) -> None:
    bench.arm.on("GET", POLL, Reply(body={}))
    with pytest.raises(Transient, match="status"):
        bench.gateway.poll(operation(bench))


@pytest.mark.parametrize("reply", [Reply(status=202), Reply(raw=b"<html>maintenance</html>")])
def test_an_operation_whose_answer_is_no_json_is_asked_again(bench: Bench, reply: Reply) -> None:
    bench.arm.on("GET", POLL, reply)
    with pytest.raises(Transient, match="answer"):
        bench.gateway.poll(operation(bench))


def test_a_subscription_that_we_may_not_see_is_denied_and_nothing_in_it_is_gone(bench: Bench) -> None:
    refusal = {"error": {"code": "SubscriptionNotFound", "message": "could not be found"}}
    bench.arm.on("GET", SERVER, Reply(status=404, body=refusal))
    with pytest.raises(Denied):
        bench.gateway.read(TARGET, RULES)


def test_an_operation_that_was_cancelled_without_a_word_is_a_conflict(bench: Bench) -> None:
    bench.arm.on("GET", POLL, Reply(body={"status": "Canceled"}))
    with pytest.raises(Conflict):
        bench.gateway.poll(operation(bench))


def test_the_async_operation_is_preferred_to_the_location(bench: Bench) -> None:
    before = snapshot(bench)
    headers = {"Azure-AsyncOperation": f"{bench.arm.url}/a", "Location": f"{bench.arm.url}/l"}
    bench.arm.on("PATCH", SERVER, Reply(status=202, headers=headers | {"Retry-After": "60"}))
    begun = bench.gateway.submit(CLOSE, before)
    assert (begun.url, begun.style, begun.retry_after_seconds) == (
        headers["Azure-AsyncOperation"],
        "asyncOperation",
        60.0,
    )


def test_a_location_alone_is_followed(bench: Bench) -> None:
    before = snapshot(bench)
    bench.arm.on("PATCH", SERVER, Reply(status=202, headers={"Location": f"{bench.arm.url}/l"}))
    assert bench.gateway.submit(CLOSE, before).style == "location"


@pytest.mark.parametrize("status", [200, 204])
def test_a_success_that_the_specification_does_not_list_has_ended_at_once(bench: Bench, status: int) -> None:
    before = snapshot(bench)
    bench.arm.on("PATCH", SERVER, Reply(status=status, body=None if status == 204 else body()))
    begun = bench.gateway.submit(CLOSE, before)
    assert (begun.url, begun.style) == (None, "none")
    assert begun.correlation_id


def test_a_write_that_arm_took_with_an_unreadable_answer_was_taken(bench: Bench) -> None:
    before = snapshot(bench)
    headers = {"Azure-AsyncOperation": f"{bench.arm.url}/a"}
    bench.arm.on("PATCH", SERVER, Reply(status=202, headers=headers, raw=b"{half"))
    assert bench.gateway.submit(CLOSE, before).url == f"{bench.arm.url}/a"


def test_the_correlation_id_is_arms_when_it_chose_another(bench: Bench) -> None:
    before = snapshot(bench)
    bench.arm.on("PATCH", SERVER, Reply(status=202, headers={"x-ms-correlation-request-id": "theirs"}))
    assert bench.gateway.submit(CLOSE, before).correlation_id == "theirs"
    assert bench.arm.asked[-1].headers["x-ms-correlation-request-id"] != "theirs"


def test_every_write_has_a_correlation_id_of_its_own(bench: Bench) -> None:
    before = snapshot(bench)
    bench.arm.on("PATCH", SERVER, Reply(status=202))
    ids = {bench.gateway.submit(CLOSE, before).correlation_id for _ in range(2)}
    assert len(ids) == 2
    assert {asked.headers["x-ms-correlation-request-id"] for asked in bench.arm.asked[1:]} == ids


# --- answers ---------------------------------------------------------------------------------------


def test_a_page_on_another_host_is_not_fetched(bench: Bench) -> None:
    bench.arm.on("GET", SERVER, Reply(body=body()))
    link = "http://127.0.0.1:9/next"
    bench.arm.on("GET", f"{SERVER}/firewallRules", Reply(body={"value": [], "nextLink": link}))
    snapshot = bench.gateway.read(TARGET, RULES)
    assert isinstance(snapshot, ServerSnapshot)
    assert snapshot.firewall_rules is None
    assert "refused to follow" in snapshot.unread[Aspect.FIREWALL_RULES]
    assert bench.statuses == [("GET", 200), ("GET", 200)]


def test_a_page_that_is_no_json_is_asked_for_again(bench: Bench) -> None:
    page = Reply(raw=b"<html>maintenance</html>", headers={"Content-Type": "text/html"})
    bench.arm.on("GET", SERVER, page, Reply(body=body()))
    assert bench.gateway.read(TARGET, frozenset()).id == TARGET.id
    assert bench.slept == [1.0]


def test_broken_json_is_asked_for_again(bench: Bench) -> None:
    bench.arm.on("GET", SERVER, Reply(raw=b'{"id": "/subscr'), Reply(body=body()))
    assert bench.gateway.read(TARGET, frozenset()).id == TARGET.id


@pytest.mark.parametrize(
    "raw",
    [
        b'{"id": ' + b"9" * 5000 + b"}",
        b"[" * 50_000 + b"]" * 50_000,
        b'{"properties": {"network": Infinity}}',
    ],
    ids=["a number of 5000 digits", "very deep", "a number without end"],
)
@pytest.mark.parametrize("status", [200, 404])
def test_json_that_cannot_be_held_is_an_error_of_the_gateway(bench: Bench, raw: bytes, status: int) -> None:
    bench.arm.on("GET", SERVER, Reply(raw=raw, status=status))
    bench.arm.on("POST", "/providers/Microsoft.ResourceGraph/resources", Reply(raw=raw, status=status))
    with pytest.raises(GatewayError):
        bench.gateway.read(TARGET, frozenset())
    with pytest.raises(GatewayError):
        list(bench.gateway.enumerate(ResourceId(f"/subscriptions/{TARGET.id.subscription}")))


def test_a_refusal_without_json_is_classified_by_its_status(bench: Bench) -> None:
    page = Reply(status=502, raw=b"<html>bad gateway</html>", headers={"Content-Type": "text/html"})
    bench.arm.on("GET", SERVER, page)
    with pytest.raises(Transient) as caught:
        bench.gateway.read(TARGET, frozenset())
    assert (caught.value.status, caught.value.code) == (502, "")


def test_a_missing_registration_is_reported_and_not_repaired(bench: Bench) -> None:
    """The SDK's default pipeline would register the resource provider: a write nobody decided on."""
    error = {
        "error": {
            "code": "MissingSubscriptionRegistration",
            "message": "The subscription is not registered to use namespace 'Microsoft.DBforPostgreSQL'.",
        }
    }
    bench.arm.on("GET", SERVER, Reply(status=409, body=error))
    with pytest.raises(Permanent):
        bench.gateway.read(TARGET, frozenset())
    assert [asked.method for asked in bench.arm.asked] == ["GET"]


def test_a_single_server_with_dates_of_the_old_kind_is_read(bench: Bench) -> None:
    properties = {"userVisibleState": "Ready", "earliestRestoreDate": "2018-03-04T21:00:58.9243541+00:00"}
    bench.arm.on("GET", OLD, Reply(body={"id": OLD, "name": "old", "properties": properties}))
    assert bench.gateway.read(OLD_TARGET, frozenset()).id == OLD_TARGET.id


def test_a_single_server_in_a_shape_that_its_sdk_cannot_read_is_still_read(bench: Bench) -> None:
    odd = {"id": OLD, "name": "old", "properties": {"userVisibleState": "Ready", "publicNetworkAccess": 7}}
    bench.arm.on("GET", OLD, Reply(body=odd))
    found = bench.gateway.read(OLD_TARGET, frozenset())
    assert isinstance(found, ServerSnapshot)
    assert found.public_access is PublicAccess.UNKNOWN


def test_a_firewall_rule_without_an_address_names_itself(bench: Bench) -> None:
    for server in (SERVER, OLD):
        bench.arm.on("GET", server, Reply(body=body(server)))
        rule = {"name": "half", "properties": {"startIpAddress": "10.0.0.1"}}
        bench.arm.on("GET", f"{server}/firewallRules", Reply(body={"value": [rule]}))
    for target in (TARGET, OLD_TARGET):
        snapshot = bench.gateway.read(target, RULES)
        assert isinstance(snapshot, ServerSnapshot)
        assert (snapshot.firewall_rules, snapshot.unread) == ((), {})
        assert [odd.described for odd in snapshot.odd_rules] == ["'half': endIpAddress is absent"]


def test_a_body_that_is_no_object_is_refused(bench: Bench) -> None:
    bench.arm.on("GET", SERVER, Reply(body=["surprise"]))
    with pytest.raises(Permanent):
        bench.gateway.read(TARGET, frozenset())


def test_a_delete_whose_answer_is_lost_is_not_repeated(bench: Bench) -> None:
    rule = {"name": "r", "properties": {"startIpAddress": "0.0.0.0", "endIpAddress": "0.0.0.0"}}
    bench.arm.on("GET", SERVER, Reply(body=body()))
    bench.arm.on("GET", f"{SERVER}/firewallRules", Reply(body={"value": [rule]}))
    before = bench.gateway.read(TARGET, RULES)
    assert isinstance(before, ServerSnapshot)
    (standing,) = before.firewall_rules or ()
    bench.arm.on("DELETE", f"{SERVER}/firewallRules/r", Reply(hang_up=True))
    with pytest.raises(Transient):
        bench.gateway.submit(DeleteFirewallRule(server=TARGET.id, rule=standing), before)
    assert bench.statuses[-1] == ("DELETE", 0)
    assert len(bench.arm.asked) == 3


# --- Resource Graph --------------------------------------------------------------------------------

GRAPH = "/providers/Microsoft.ResourceGraph/resources"
SCOPE = ResourceId("/subscriptions/5ab1/resourceGroups/it's")


def rows(*ids: str, **more: object) -> Reply:
    kind = "microsoft.dbforpostgresql/flexibleservers"
    listed = [{"id": one, "type": kind, "properties": {}} for one in ids]
    return Reply(
        body={"data": listed, "count": len(ids), "totalRecords": 9, "resultTruncated": "false"} | more
    )


def test_pages_follow_the_token_and_ask_for_a_stable_order(bench: Bench) -> None:
    bench.arm.on("POST", GRAPH, rows(SERVER, **{"$skipToken": "next"}), rows(SERVER + "2"), rows())
    found = [target.id.name for page in bench.gateway.enumerate(SCOPE) for target in page.targets]
    assert found == ["db", "db2"]
    first, second, *_, networks = (asked.body for asked in bench.arm.asked)
    assert first["options"] == {"$top": 1000, "resultFormat": "objectArray", "allowPartialScopes": False}
    assert second["options"] == first["options"] | {"$skipToken": "next"}
    assert first["subscriptions"] == ["5ab1"]
    for body in (first, networks):
        assert body["query"].endswith("order by id asc")
        assert r"resourceGroup =~ 'it\'s'" in body["query"]


def test_rows_that_were_cut_off_are_not_taken_for_all(bench: Bench) -> None:
    bench.arm.on("POST", GRAPH, rows(SERVER, resultTruncated="true"))
    with pytest.raises(Permanent, match="cut"):
        list(bench.gateway.enumerate(SCOPE))


# --- what may rely on the public path --------------------------------------------------------------


def settings(**values: str) -> Reply:
    return Reply(
        body={"value": [{"name": name, "properties": {"value": text}} for name, text in values.items()]}
    )


def migration(name: str, state: str | None) -> dict[str, object]:
    return {"name": name, "properties": {"currentStatus": {"state": state}} if state else {}}


def test_fabric_mirroring_and_migrations_are_found(bench: Bench) -> None:
    parameters = settings(**{"wal_level": "logical", "azure.fabric_mirror_enabled": "ON"})
    bench.arm.on("GET", f"{SERVER}/configurations", parameters)
    listed = [migration("moving", "InProgress"), migration("done", "Succeeded"), migration("quiet", None)]
    bench.arm.on("GET", f"{SERVER}/migrations", Reply(body={"value": listed}))
    assert bench.gateway.dependants(TARGET) == {
        "logicalReplication": True,
        "fabricMirroring": True,
        "runningMigrations": ["moving", "quiet"],
    }
    assert "migrationListFilter=Active" in bench.arm.asked[-1].target


@pytest.mark.parametrize(
    ("values", "mirroring"),
    [
        ({"azure.fabric_mirror_enabled": "off", "shared_preload_libraries": "azure_cdc"}, False),
        ({"shared_preload_libraries": "pg_cron, azure_cdc"}, True),
        ({"shared_preload_libraries": "pg_cron"}, None),
        ({}, None),
    ],
)
def test_mirroring_is_what_the_server_says_of_it(
    bench: Bench, values: dict[str, str], mirroring: bool | None
) -> None:
    bench.arm.on("GET", f"{SERVER}/configurations", settings(**values))
    found = bench.gateway.dependants(TARGET)
    assert (found["fabricMirroring"], found["runningMigrations"]) == (mirroring, None)


@pytest.mark.parametrize(("text", "expected"), [("LOGICAL", True), ("REPLICA", False), (None, None)])
def test_a_single_server_shows_its_replication_support(
    bench: Bench, text: str | None, expected: bool | None
) -> None:
    path = f"{OLD}/configurations/azure.replication_support"
    if text is not None:
        bench.arm.on("GET", path, Reply(body={"properties": {"value": text}}))
    assert bench.gateway.dependants(OLD_TARGET)["logicalReplication"] is expected
