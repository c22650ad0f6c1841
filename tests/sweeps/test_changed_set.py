"""What each kind of change is found by, and how soon: nobody's event tells of any of them here."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from local.simulator import seeding, seeds
from local.simulator.values import JsonObject, JsonValue
from shared.adapters.arm.gateway import ArmGateway
from shared.model.resource_id import ResourceId
from tests.sweeps.estate import BETWEEN, Estate, estate, nsg_name, server_name

SERVERS = [seeds.flexible_server_id(name=server_name(number)) for number in range(16)]
PUBLIC = SERVERS[3]
GROUPS = 4
"""The first four servers are private, each in a subnet of its own."""
SIX_HOURS = timedelta(hours=6)


def subnet(number: int) -> str:
    return seeds.subnet_id(vnet="vnet-00000", name=f"snet-{number:05d}")


def zone(number: int) -> str:
    return seeds.zone_id(name=f"shop{number}.postgres.database.azure.com")


def group(number: int) -> str:
    return seeds.nsg_id(name=nsg_name(number))


Deed = Callable[[Estate], None]


@pytest.fixture(scope="module")
def swept() -> Estate:
    """A small estate of which everything was looked at once; what follows goes on with it."""
    small = Estate(estate(servers=4, groups=2))
    small.pass_over()
    return small


def call(method: str, path: str, body: JsonObject | None = None) -> Deed:
    return lambda there: there.azure.call(method, path, body)


def silently(body: JsonObject) -> Deed:
    """Azure changes it by itself: no call, no line in any log."""

    def amend(there: Estate) -> None:
        seeding.amend(there.azure.world, {"resources": [body]})

    return amend


def next_pass(there: Estate) -> set[str]:
    """Half an hour later: whom the next pass looks at."""
    there.clock.set(there.clock.now() + BETWEEN)
    there.looked_at.clear()
    there.pass_over()
    return set(there.looked_at)


def properties(**said: JsonValue) -> JsonObject:
    return {"properties": dict(said)}


def rule(address: str) -> JsonObject:
    return properties(startIpAddress=address, endIpAddress=address)


def child(server: int, path: str, method: str = "PUT", **said: JsonValue) -> tuple[Deed, str]:
    """A child of a server, or what hangs on it, is written or deleted."""
    return call(method, f"{SERVERS[server]}/{path}", properties(**said)), SERVERS[server]


OPENED = seeds.security_rule(name="opened", priority=300, access="Allow")
WITH_STORAGE: JsonObject = {
    "addressPrefix": "10.20.1.0/24",
    "delegations": [{"name": "postgres", "properties": {"serviceName": seeds.POSTGRES_DELEGATION}}],
    "networkSecurityGroup": {"id": group(1)},
    "serviceEndpoints": [{"service": "Microsoft.Storage"}],
}
CHANGES: dict[str, tuple[Deed, str]] = {
    "a server's property": (
        call("PATCH", SERVERS[4], properties(backup={"backupRetentionDays": 8})),
        SERVERS[4],
    ),
    "a server's tags": (call("PATCH", SERVERS[5], {"tags": {"owner": "jane"}}), SERVERS[5]),
    "a firewall rule": (call("PUT", f"{SERVERS[6]}/firewallRules/home", rule("198.51.100.9")), SERVERS[6]),
    "a firewall rule less": child(7, "firewallRules/office", "DELETE"),
    "a parameter": child(8, "configurations/log_duration", value="off", source="user-override"),
    "an administrator": child(9, f"administrators/{seeds.ADMINISTRATOR}", "DELETE"),
    "threat protection": child(10, "advancedThreatProtectionSettings/Default", state="Disabled"),
    "a diagnostic setting": child(
        11, "providers/Microsoft.Insights/diagnosticSettings/to-workspace", "DELETE"
    ),
    "a lock": child(12, "providers/Microsoft.Authorization/locks/keep", level="CanNotDelete"),
    "an NSG's rule": (call("PUT", f"{group(0)}/securityRules/opened", OPENED), subnet(0)),
    "a subnet": (call("PUT", subnet(1), properties(**WITH_STORAGE)), subnet(1)),
    "a record": (
        call("PUT", f"{zone(0)}/A/other", properties(ttl=10, aRecords=[{"ipv4Address": "10.20.0.9"}])),
        SERVERS[0],
    ),
    "a zone's link": (call("DELETE", f"{zone(1)}/virtualNetworkLinks/vnet-00000"), SERVERS[1]),
    "what Azure itself changes of a server": (
        silently({"id": SERVERS[13], "properties": {"state": "Disabled"}}),
        SERVERS[13],
    ),
    "what Azure itself changes of an NSG": (silently({"id": group(2), "tags": {"by": "azure"}}), subnet(2)),
}
UNTOUCHED = {SERVERS[14].lower(), SERVERS[15].lower()}


@pytest.fixture(scope="module")
def looked_at_after_all_changes() -> set[str]:
    """Whom the pass after all of the changes looks at."""
    whole = Estate(estate(servers=len(SERVERS), groups=GROUPS))
    whole.pass_over()
    for deed, _ in CHANGES.values():
        deed(whole)
    return next_pass(whole)


@pytest.mark.field(
    "steady",
    "Whatever is changed of a server, its children, its network or its names, the next pass looks at it.",
    source="docs/adr/0021-what-may-have-changed.md",
    date="2026-11-29",
)
@pytest.mark.parametrize("kind", CHANGES)
def test_what_was_changed_without_an_event_is_looked_at_by_the_next_pass(
    looked_at_after_all_changes: set[str], kind: str
) -> None:
    assert CHANGES[kind][1].lower() in looked_at_after_all_changes


def test_what_nobody_changed_is_not_looked_at_because_others_were(
    looked_at_after_all_changes: set[str],
) -> None:
    assert len(UNTOUCHED - looked_at_after_all_changes) >= 1


def test_bodies_and_etags_of_lists_tell_of_a_change_that_no_log_tells_of(
    swept: Estate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ArmGateway, "touched", lambda *_: iter(()))
    silently({"id": PUBLIC, "tags": {"by": "azure"}})(swept)
    silently({"id": group(1), "tags": {"by": "azure"}})(swept)
    assert {PUBLIC.lower(), subnet(1).lower()} <= next_pass(swept)


def test_what_nobody_changed_waits_for_its_turn(swept: Estate) -> None:
    next_pass(swept)
    looked_at = next_pass(swept) | next_pass(swept)
    assert len(looked_at) <= 3
    assert swept.azure.throttled == 0


def test_a_new_server_is_looked_at_by_the_next_pass_and_one_that_is_gone_is_forgotten(swept: Estate) -> None:
    new = seeds.flexible_server_id(name="pg-new")
    seeding.seed(swept.azure.world, {"resources": [seeds.flexible_server(name="pg-new")]})
    assert new.lower() in next_pass(swept)
    swept.azure.world.remove(new)
    next_pass(swept)
    known = {record.target.key for record in swept.store.known_targets(seeds.SUBSCRIPTION)}
    assert new.lower() not in known
    assert PUBLIC.lower() in known


@pytest.mark.long
def test_a_child_that_azure_changes_without_a_line_is_seen_when_the_turn_of_its_server_comes(
    swept: Estate,
) -> None:
    silently(seeds.firewall_rule(server=PUBLIC, name="unlogged", start="198.51.100.77"))(swept)
    until = swept.clock.now() + SIX_HOURS
    while PUBLIC.lower() not in next_pass(swept):
        assert swept.clock.now() <= until


def test_everything_is_looked_at_when_other_policies_or_other_code_judge(swept: Estate) -> None:
    swept.judged_by = "another"
    assert len(next_pass(swept)) == 6


@pytest.mark.long
def test_everything_is_looked_at_when_a_switch_that_stopped_writes_is_taken_away(swept: Estate) -> None:
    now = swept.clock.now()
    swept.store.set_break_glass(True, seeds.SUBSCRIPTION, by="jane", reason="an incident", now=now)
    next_pass(swept)
    swept.store.set_break_glass(False, seeds.SUBSCRIPTION, by="jane", reason="over", now=now)
    assert len(next_pass(swept)) == 6


@pytest.mark.field(
    "steady",
    "Where the Activity Log or Resource Graph refuses, cuts off or throttles, everything is looked at.",
    source="docs/adr/0021-what-may-have-changed.md",
    date="2026-11-29",
)
@pytest.mark.parametrize("path", ["eventtypes", pytest.param("ResourceGraph", marks=pytest.mark.long)])
def test_a_source_that_says_nothing_leaves_nothing_out(swept: Estate, path: str) -> None:
    refused: JsonObject = {"status": 403, "code": "AuthorizationFailed"}
    fault: JsonObject = {"match": {"pathContains": path}, "times": 1000, "then": refused}
    swept.azure.world.faults.add(fault)
    looked_at = next_pass(swept)
    swept.azure.world.faults.clear()
    swept.failed = 0
    assert len(looked_at) == 6
    next_pass(swept)


@pytest.mark.long
def test_resource_graph_that_leaves_subscriptions_out_says_so_and_nothing_is_left_out(swept: Estate) -> None:
    swept.azure.told["x-ms-tenant-subscription-limit-hit"] = "true"
    looked_at = next_pass(swept)
    swept.azure.told.clear()
    assert len(looked_at) == 6
    assert "left subscriptions out" in str(swept.lines[-1]["unlisted"])
    next_pass(swept)


@pytest.mark.long
def test_resource_graph_that_lags_behind_hides_no_server_that_its_provider_lists() -> None:
    late = Estate(estate(servers=4, groups=2))
    late.pass_over()
    late.azure.world.switches = late.lagging(seconds=3600.0)
    seeding.seed(late.azure.world, {"resources": [seeds.flexible_server(name="pg-new")]})
    assert seeds.flexible_server_id(name="pg-new").lower() in next_pass(late)


@pytest.mark.long
@pytest.mark.field(
    "steady",
    "Every target is looked at whole at least every six hours, a few in each pass.",
    source="docs/adr/0021-what-may-have-changed.md",
    date="2026-11-29",
)
def test_everything_is_looked_at_within_six_hours_whatever_is_told_and_never_all_at_once() -> None:
    quiet = Estate(estate(servers=6, groups=1))
    quiet.pass_over()
    seen = dict.fromkeys(quiet.looked_at, quiet.clock.now())
    most = 0
    for _ in range(13):
        looked_at = next_pass(quiet)
        most = max(most, len(looked_at))
        for key in looked_at:
            assert quiet.clock.now() - seen[key] <= SIX_HOURS
            seen[key] = quiet.clock.now()
    assert all(quiet.clock.now() - last <= SIX_HOURS for last in seen.values())
    assert most < len(seen)


def test_ids_of_what_is_looked_at_keep_their_spelling(swept: Estate) -> None:
    call("PATCH", PUBLIC, {"tags": {"spelled": "so"}})(swept)
    next_pass(swept)
    record = next(r for r in swept.store.known_targets(seeds.SUBSCRIPTION) if r.target.key == PUBLIC.lower())
    assert record.target.id == ResourceId(PUBLIC)
    assert str(record.target.id) == PUBLIC
