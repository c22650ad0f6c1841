"""The HTTP API without the platform: answers, problems, and what becomes of each request."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from driftward.policies import policy_views
from local.dev.environments import ROOT
from local.pages.callers import principal_header
from shared.api import ApiRequest, ApiResponse, answer, unexpected
from shared.api.http import LONGEST_BODY, PROBLEMS
from shared.api.openapi import document
from shared.api.operator import CLAIMED
from shared.api.problems import refusal
from shared.api.routes import BY_NAME, ROUTES
from shared.config.configuration import Configuration
from shared.config.settings import Settings
from shared.controller.deps import Deps
from shared.controller.doctor import Asked, Report, Verdict
from shared.controller.rollback import RollbackRefused
from shared.model import EnforcementMode, Json, Outcome, Reason, Severity
from shared.model.alert_records import AlertRecord
from shared.model.change_records import ChangeRecord
from shared.model.errors import (
    Busy,
    ConfigurationError,
    Conflict,
    Denied,
    EntityChanged,
    GatewayError,
    Gone,
    Locked,
    Permanent,
    Stopped,
    StoreError,
    Throttled,
    Transient,
)
from shared.model.letters import Letter
from shared.policies import family_of
from shared.state.store import Store
from tests.builders import (
    ALL_AZURE,
    GROUP,
    NSG,
    OFFICE,
    ON_SERVERS,
    SERVER,
    SUBNET,
    public_server,
    security_rule,
    server,
    subnet,
)
from tests.fakes import START, SUBSCRIPTION, World
from tests.memory import FakeClock, MemoryBlobs, MemoryTables

PUBLIC = "postgres-public-access-enabled"
FIREWALL = "postgres-firewall-allows-all-azure"
SCOPE = f"/subscriptions/{SUBSCRIPTION}"
IN_AN_HOUR = (START + timedelta(hours=1)).isoformat()


@dataclass
class WorldSources:
    """The composition root of a world; ``broken`` names parts that cannot be had."""

    world: World
    broken: tuple[str, ...] = ()

    def deps(self) -> Deps:
        return self.world.deps()

    def examined(self, asked: Asked) -> Report:
        return Report(verdict=Verdict.WELL, checks=())

    @property
    def has_sinks(self) -> bool:
        self._unless("sinks")
        return bool(self.world.sinks)

    @property
    def settings(self) -> Settings:
        self._unless("settings")
        return self.world.deps().settings

    @property
    def configuration(self) -> Configuration:
        self._unless("policies")
        return self.world.deps().configuration

    @property
    def store(self) -> Store:
        self._unless("store")
        return self.world.store

    @property
    def clock(self) -> FakeClock:
        return self.world.clock

    def _unless(self, part: str) -> None:
        if part in self.broken:
            raise ConfigurationError(f"{part}: the password is hunter2")


def call(
    world: World,
    name: str,
    body: Json = None,
    *,
    id: str | None = None,  # noqa: A002  # the name in the route
    query: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
) -> ApiResponse:
    raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    request = ApiRequest(
        parameters={} if id is None else {"id": id},
        query=query or {},
        headers=headers or {},
        body=raw,
    )
    response = answer(name, request, WorldSources(world))
    json.dumps(response.body, allow_nan=False)
    return response


def problem(response: ApiResponse, status: int, name: str, field: str | None = None) -> str:
    """Checks a problem and returns its detail."""
    assert (response.status, response.body["type"]) == (status, f"/problems/{name}"), response.body
    assert response.body.get("field") == field
    assert (response.body["status"], response.media_type) == (status, "application/problem+json")
    assert response.body["title"] == PROBLEMS[name].title
    assert "Traceback" not in response.body["detail"]
    detail: str = response.body["detail"]
    return detail


def drifted() -> World:
    """A server that was compliant, and to which somebody has let every Azure address in."""
    world = World()
    world.azure.put(public_server())
    world.look(public_server().target)
    world.drain()
    world.azure.put(public_server(firewall_rules=(OFFICE, ALL_AZURE)))
    return world


# --- runs ------------------------------------------------------------------------------------------


def test_a_run_on_one_resource_answers_everything_at_once() -> None:
    world = drifted()
    world.azure.polls_until_done = 0
    response = call(world, "start_run", {"resourceId": str(SERVER), "enforcement": "audit"})
    run = response.body
    assert response.status == 200
    assert (run["status"], run["enforcement"], run["target"]) == (
        "Done",
        "audit",
        {"kind": "flexibleServer", "id": str(SERVER)},
    )
    assert run["cause"]["kind"] == "operator"
    assert run["cause"]["actor"] == {"appId": None, "objectId": None, "name": f"operator ({CLAIMED})"}
    assert {"correlationId", "operationName", "time"} <= set(run["cause"])
    others = dict.fromkeys(ON_SERVERS, "Compliant")
    assert run["outcomes"] == {**others, FIREWALL: "WouldRevert", PUBLIC: "Alerted"}
    finding = next(f for f in run["findings"] if f["policy"] == FIREWALL)
    assert set(finding) == {"policy", "state", "severity", "resourceId", "reason", "evidence"}
    assert (finding["state"], finding["severity"]) == ("NonCompliant", "High")
    decision = next(d for d in run["decisions"] if d["policy"] == FIREWALL)
    assert (decision["action"], decision["reason"], decision["dryRun"]) == ("Revert", "drift", True)
    (change,) = run["changes"]
    assert change["outcome"] == "WouldRevert"
    assert change["edits"][0]["kind"] == "deleteFirewallRule"
    assert change["inverse"][0]["kind"] == "putFirewallRule"
    assert all(step["holds"] for step in change["proof"]["steps"])
    assert run["armCalls"] == [{"method": "GET", "path": str(SERVER), "status": 200}]
    assert isinstance(run["durationMs"], int)
    assert (run["progress"], run["targets"]) == (None, None)
    assert world.azure.writes == []


def test_a_run_that_begins_something_long_is_polled_to_its_end() -> None:
    world = drifted()
    world.azure.polls_until_done = 2
    response = call(world, "start_run", {"resourceId": str(SERVER)})
    run_id = response.body["id"]
    assert (response.status, response.body["status"]) == (202, "InProgress")
    assert response.headers["Location"] == f"/api/runs/{run_id}"
    world.drain(60)
    ended = call(world, "get_run", id=run_id)
    assert (ended.status, ended.body["status"]) == (200, "Done")
    assert ended.body["outcomes"][FIREWALL] == "Reverted"


def test_a_run_on_a_scope_is_queued_and_reports_its_progress() -> None:
    world = drifted()
    world.azure.put(subnet())
    response = call(world, "start_run", {"scope": SCOPE, "enforcement": "audit"})
    run_id = response.body["id"]
    assert (response.status, response.body["status"]) == (202, "Queued")
    assert response.headers["Location"] == f"/api/runs/{run_id}"
    assert (response.body["progress"], response.body["targets"]) == ({"done": 0, "total": None}, [])
    world.drain(5)
    run = call(world, "get_run", id=run_id).body
    assert (run["status"], run["progress"]) == ("Done", {"done": 2, "total": 2})
    assert {result["target"]["kind"] for result in run["targets"]} == {"flexibleServer", "subnet"}
    assert {finding["policy"] for finding in run["findings"]} >= {FIREWALL, PUBLIC}


@pytest.mark.field(
    "http",
    "A run's answer leaves out what is compliant where that is asked for, and still counts every target.",
    source="docs/openapi.json, GET /api/runs/{id}",
    date="2026-11-29",
)
def test_a_run_can_leave_out_what_is_compliant() -> None:
    world = drifted()
    world.azure.put(subnet(security_rule("deny-all", 200)))
    run_id = call(world, "start_run", {"scope": SCOPE, "enforcement": "audit"}).body["id"]
    world.drain(5)
    whole = call(world, "get_run", id=run_id).body
    short = call(world, "get_run", id=run_id, query={"compliant": "false"}).body
    assert call(world, "get_run", id=run_id, query={"compliant": "true"}).body == whole
    assert short["findings"] == [f for f in whole["findings"] if f["state"] != "Compliant"]
    assert 0 < len(short["findings"]) < len(whole["findings"])
    assert (short["progress"], short["decisions"]) == (whole["progress"], whole["decisions"])
    assert all("Compliant" not in target["outcomes"].values() for target in short["targets"])
    assert set(short) == set(whole)


def test_targets_with_nothing_to_tell_are_left_out_with_what_is_compliant() -> None:
    world = drifted()
    run_id = call(world, "start_run", {"scope": SCOPE, "policies": ["postgres-tls-not-required"]}).body["id"]
    world.drain(5)
    short = call(world, "get_run", id=run_id, query={"compliant": "false"}).body
    assert (short["targets"], short["findings"], short["progress"]) == ([], [], {"done": 1, "total": 1})
    single = call(world, "start_run", {"resourceId": str(SERVER), "enforcement": "audit"}).body["id"]
    outcomes = call(world, "get_run", id=single, query={"compliant": "false"}).body["outcomes"]
    assert outcomes == {FIREWALL: "WouldRevert", PUBLIC: "Alerted"}


def test_a_run_on_an_nsg_looks_at_the_subnets_that_use_it() -> None:
    world = World()
    world.azure.put(subnet())
    response = call(world, "start_run", {"resourceId": str(NSG)})
    assert (response.status, response.body["progress"]) == (202, {"done": 0, "total": 1})
    world.drain(5)
    run = call(world, "get_run", id=response.body["id"]).body
    assert [result["target"]["id"] for result in run["targets"]] == [str(SUBNET)]


def test_a_child_resource_is_looked_at_as_part_of_its_server() -> None:
    world = drifted()
    response = call(world, "start_run", {"resourceId": f"{SERVER}/firewallRules/office"})
    assert response.body["target"]["id"] == str(SERVER)


def test_only_the_policies_that_were_asked_for_are_judged() -> None:
    response = call(drifted(), "start_run", {"resourceId": str(SERVER), "policies": [PUBLIC]})
    assert [finding["policy"] for finding in response.body["findings"]] == [PUBLIC]


def test_adopt_reverts_what_was_never_seen_compliant() -> None:
    world = World()
    world.azure.put(public_server(firewall_rules=(OFFICE, ALL_AZURE)))
    call(world, "start_run", {"resourceId": str(SERVER)})
    assert world.azure.writes == []
    call(world, "start_run", {"resourceId": str(SERVER), "adopt": True})
    assert [edit.kind for edit in world.azure.writes] == ["deleteFirewallRule"]


def test_asking_to_enforce_while_the_app_audits_is_refused() -> None:
    world = World(mode=EnforcementMode.AUDIT)
    world.azure.put(public_server())
    body = {"resourceId": str(SERVER), "enforcement": "enforce"}
    problem(call(world, "start_run", body), 409, "enforcement-disabled")


def test_a_resource_that_does_not_exist_is_not_found() -> None:
    response = call(World(), "start_run", {"resourceId": str(SERVER)})
    assert str(SERVER) in problem(response, 404, "not-found", "resourceId")


def test_a_run_that_names_nothing_is_not_found() -> None:
    assert SCOPE in problem(call(World(), "start_run", {"scope": SCOPE}), 404, "not-found", "scope")
    assert str(NSG) in problem(
        call(World(), "start_run", {"resourceId": str(NSG)}), 404, "not-found", "resourceId"
    )


def test_an_azure_that_throttles_is_unavailable_for_as_long_as_it_says() -> None:
    world = drifted()
    world.azure.read_errors.append(Throttled("slow down", code="TooManyRequests", retry_after=17))
    response = call(world, "start_run", {"resourceId": str(SERVER)})
    problem(response, 503, "azure-throttled")
    assert response.headers["Retry-After"] == "17"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "resourceId"),
        ({"resourceId": None}, "resourceId"),
        ({"resourceId": str(SERVER), "scope": SCOPE}, "resourceId"),
        ({"resourceId": 7}, "resourceId"),
        ({"resourceId": ""}, "resourceId"),
        ({"resourceId": "/subscriptions"}, "resourceId"),
        ({"resourceId": "x" * 3000}, "resourceId"),
        ({"resourceId": SCOPE}, "resourceId"),
        ({"resourceId": f"{GROUP}/providers/Microsoft.Compute/virtualMachines/vm"}, "resourceId"),
        ({"resourceId": f"{GROUP}/providers/Microsoft.Network/loadBalancers/lb"}, "resourceId"),
        ({"scope": str(SERVER)}, "scope"),
        ({"scope": "all of it"}, "scope"),
        ({"scope": []}, "scope"),
        ({"resourceId": str(SERVER), "enforcement": "Enforce"}, "enforcement"),
        ({"resourceId": str(SERVER), "enforcement": True}, "enforcement"),
        ({"resourceId": str(SERVER), "policies": "all"}, "policies"),
        ({"resourceId": str(SERVER), "policies": []}, "policies"),
        ({"resourceId": str(SERVER), "policies": [7]}, "policies"),
        ({"resourceId": str(SERVER), "policies": ["no-such-policy"]}, "policies"),
        ({"resourceId": str(SERVER), "policies": ["nsg-blocks-postgres-in-subnet"]}, "policies"),
        ({"resourceId": str(SUBNET), "policies": [PUBLIC, FIREWALL]}, "policies"),
        ({"resourceId": str(SERVER), "adopt": "true"}, "adopt"),
        ({"resourceId": str(SERVER), "adopt": 1}, "adopt"),
        ({"resourceId": str(SERVER), "force": True}, "force"),
        ([], "body"),
        ("text", "body"),
        (7, "body"),
    ],
)
def test_a_run_that_makes_no_sense_is_refused_by_the_name_of_the_field(body: Json, field: str) -> None:
    world = drifted()
    problem(call(world, "start_run", body), 400, "invalid-input", field)


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b"[" * 60_000, b'{"resourceId": "\\ud800"}'])
def test_a_body_that_is_no_json_is_refused(body: bytes) -> None:
    problem(call(World(), "start_run", body), 400, "malformed-json", "body")


@pytest.mark.parametrize("name", ["start_run", "acknowledge_alert", "approve_alert", "rollback_change"])
def test_a_body_of_more_than_64_kib_is_refused_unread(name: str) -> None:
    world, alert = alerted()
    body = b'{"resourceId": "' + b"x" * LONGEST_BODY + b'"}'
    problem(call(world, name, body, id=alert.id), 413, "too-large", "body")


@pytest.mark.parametrize(
    "end", ["..", "firewallRules/..", "firewallRules//office", "firewallRules/%2e%2e", "x\x00"]
)
def test_an_id_that_leads_elsewhere_is_refused(end: str) -> None:
    problem(call(World(), "start_run", {"resourceId": f"{SERVER}/{end}"}), 400, "invalid-input", "resourceId")


@pytest.mark.parametrize("name", ["get_run", "get_alert", "get_change", "acknowledge_alert", "approve_alert"])
@pytest.mark.parametrize("id", ["nothing", "", "../runs", "a" * 2000, "ü", "a/b", "\x00"])
def test_an_id_that_names_nothing_is_not_found(name: str, id: str) -> None:  # noqa: A002
    problem(call(World(), name, id=id), 404, "not-found")


# --- alerts ----------------------------------------------------------------------------------------


def alerted() -> tuple[World, AlertRecord]:
    """Public access was opened, and a rule older than that makes closing it wait for an approval."""
    world = World()
    world.azure.put(server(firewall_rules=(OFFICE,)))
    world.look(server().target)
    world.drain()
    world.azure.put(public_server())
    world.event(server().target)
    world.drain()
    (alert,) = world.store.alerts(policy=PUBLIC)
    return world, alert


def test_alerts_are_listed_and_filtered() -> None:
    world, alert = alerted()
    assert [a["id"] for a in call(world, "list_alerts", query={"policy": PUBLIC}).body] == [alert.id]
    ours = call(world, "list_alerts", query={"resourceId": str(SERVER).upper(), "status": "open"}).body
    assert alert.id in {a["id"] for a in ours}
    assert call(world, "list_alerts", query={"resourceId": str(SUBNET)}).body == []
    assert call(world, "list_alerts", query={"status": "resolved", "policy": PUBLIC}).body == []
    assert len(call(world, "list_alerts", query={"limit": "1", "code": "the function key"}).body) == 1


@pytest.mark.parametrize(
    ("name", "query", "field"),
    [
        ("list_alerts", {"status": "broken"}, "status"),
        ("list_alerts", {"limit": "0"}, "limit"),
        ("list_alerts", {"limit": "1001"}, "limit"),
        ("list_alerts", {"limit": "many"}, "limit"),
        ("list_alerts", {"resourceId": "orders"}, "resourceId"),
        ("list_alerts", {"resourceId": str(NSG)}, "resourceId"),
        ("list_alerts", {"status": ""}, "status"),
        ("list_alerts", {"status": "open,resolved"}, "status"),
        ("list_alerts", {"severity": "high"}, "severity"),
        ("list_alerts", {"severity": "Severe"}, "severity"),
        ("list_alerts", {"family": "firewalls"}, "family"),
        ("list_alerts", {"family": ""}, "family"),
        ("list_alerts", {"policy": "no-such-policy"}, "policy"),
        ("list_alerts", {"target": "orders"}, "target"),
        ("list_alerts", {"target": str(SERVER), "resourceId": str(SUBNET)}, "target"),
        ("list_alerts", {"after": "orders"}, "after"),
        ("list_alerts", {"after": ""}, "after"),
        ("list_alerts", {"after": "\ud800"}, "after"),
        ("list_alerts", {"after": "Y2hhbmdlcyBu"}, "after"),
        ("list_changes", {"severity": "High"}, "severity"),
        ("list_changes", {"family": "firewalls"}, "family"),
        ("get_run", {"compliant": "maybe"}, "compliant"),
        ("list_changes", {"outcome": "reverted"}, "outcome"),
        ("list_changes", {"limit": "-1"}, "limit"),
        ("list_changes", {"resourceId": SCOPE}, "resourceId"),
    ],
)
def test_a_filter_that_makes_no_sense_is_refused(name: str, query: Mapping[str, str], field: str) -> None:
    problem(call(World(), name, id="some", query=query), 400, "invalid-input", field)


def many_alerted(number: int) -> World:
    world, alert = alerted()
    for n in range(number):
        severity = (Severity.CRITICAL, Severity.LOW)[n % 2]
        seen = alert.last_seen - timedelta(minutes=n)
        world.store.put_alert(replace(alert, id=f"more-{n}", severity=severity, last_seen=seen, etag=None))
    return world


def next_page(response: ApiResponse) -> tuple[str, dict[str, str]] | None:
    """Where the link to the next page leads, and its query; None on the last page."""
    link = response.headers.get("Link")
    if link is None:
        return None
    found = re.fullmatch('<([^>]+)>; rel="next"', link)
    assert found is not None
    parts = urlsplit(found[1])
    return f"{parts.scheme}://{parts.netloc}{parts.path}", dict(parse_qsl(parts.query, strict_parsing=True))


@pytest.mark.field(
    "http",
    "A list goes on where its Link says, with its filters and without the key, and its total is in a header.",
    source="https://www.rfc-editor.org/rfc/rfc8288",
    date="2026-11-29",
)
def test_a_list_is_followed_to_its_end_page_by_page() -> None:
    world = many_alerted(7)
    whole = call(world, "list_alerts", query={"policy": PUBLIC, "limit": "1000"})
    assert (whole.headers["X-Total-Count"], "Link" in whole.headers) == ("8", False)
    query = {"policy": PUBLIC, "limit": "3", "code": "secret", "clientId": "default"}
    found: list[str] = []
    pages = 0
    while True:
        page = call(world, "list_alerts", query=query)
        assert isinstance(page.body, list)
        assert page.headers["X-Total-Count"] == "8"
        found += [alert["id"] for alert in page.body]
        pages += 1
        link = next_page(page)
        if link is None:
            break
        assert "secret" not in page.headers["Link"]
        where, query = link
        assert (where, set(query)) == (":///api/alerts", {"policy", "limit", "after"})
    assert (found, pages) == ([alert["id"] for alert in whole.body], 3)


def test_a_page_that_is_full_to_the_brim_is_the_last() -> None:
    world = many_alerted(2)
    assert "Link" not in call(world, "list_alerts", query={"policy": PUBLIC, "limit": "3"}).headers


@pytest.mark.parametrize(
    ("headers", "url", "origin"),
    [
        ({}, "", "://"),
        ({"host": "app.example.net"}, "", "://"),
        (
            {"host": "app.example.net"},
            "https://app.example.net/api/alerts?limit=1",
            "https://app.example.net",
        ),
        ({"host": "127.0.0.1:7071"}, "http://127.0.0.1:7071/api/alerts", "http://127.0.0.1:7071"),
        ({"host": "[::1]:7071"}, "http://[::1]:7071/api/alerts", "http://[::1]:7071"),
        (
            {
                "host": "inner",
                "x-forwarded-host": "door.example.com, inner",
                "x-forwarded-proto": "https,http",
            },
            "http://inner/api/alerts",
            "https://door.example.com",
        ),
        ({"host": 'a"b>'}, "https://x/api/alerts", "://"),
        ({"host": "app.example.net", "x-forwarded-proto": "javascript"}, "https://x/", "://"),
    ],
)
def test_the_link_leads_where_the_caller_came_from(headers: dict[str, str], url: str, origin: str) -> None:
    request = ApiRequest(query={"limit": "1"}, headers=headers, url=url)
    link = next_page(answer("list_alerts", request, WorldSources(many_alerted(2))))
    assert link is not None
    assert link[0] == f"{origin}/api/alerts"


@pytest.mark.parametrize(
    ("query", "fits"),
    [
        ({"severity": "Critical"}, lambda alert: alert["severity"] == "Critical"),
        (
            {"severity": "Low", "status": "open"},
            lambda one: (one["severity"], one["status"]) == ("Low", "open"),
        ),
        ({"severity": "Critical", "status": "resolved"}, lambda _: False),
        ({"family": "public_reach"}, lambda alert: family_of(alert["policy"]) == "public_reach"),
        ({"family": "nsg"}, lambda _: False),
        ({"family": "nsg", "policy": PUBLIC}, lambda _: False),
        ({"family": "public_reach", "policy": PUBLIC}, lambda alert: alert["policy"] == PUBLIC),
        ({"target": str(SERVER)}, lambda _: True),
        ({"target": f"{SERVER}/firewallRules/office", "resourceId": str(SERVER).upper()}, lambda _: True),
        ({"target": str(SUBNET)}, lambda _: False),
        ({"policy": "exemption-expired"}, lambda _: False),
    ],
)
def test_alerts_are_selected_by_all_that_is_asked(
    query: dict[str, str], fits: Callable[[Mapping[str, Json]], bool]
) -> None:
    world = many_alerted(8)
    everything = call(world, "list_alerts").body
    found = call(world, "list_alerts", query=query)
    assert found.body == [alert for alert in everything if fits(alert)]
    assert found.headers["X-Total-Count"] == str(len(found.body))


SIGNED_IN = {
    **principal_header("Driftward.Operator", "Driftward.Approver"),
    "content-type": "application/x-www-form-urlencoded",
}


@pytest.mark.field(
    "http",
    "A query parameter that a route does not know is refused by its name: passed over, it shows all.",
    source="https://www.rfc-editor.org/rfc/rfc9457",
    date="2026-11-29",
)
@pytest.mark.parametrize("route", sorted(BY_NAME))
@pytest.mark.parametrize("name", ["state", "Status", "LIMIT", "clientid", "x" * 500, "a b", ""])
def test_a_query_parameter_that_no_route_knows_is_refused(route: str, name: str) -> None:
    world = World(authentication=BY_NAME[route].page)
    response = call(world, route, {}, id="some", query={name: "open", "code": "secret"}, headers=SIGNED_IN)
    detail = problem(response, 400, "invalid-input", name[:100])
    assert "secret" not in detail
    assert len(detail) < 400


@pytest.mark.parametrize("route", sorted(BY_NAME))
def test_what_the_host_takes_for_itself_is_left_to_it(route: str) -> None:
    response = call(World(), route, {}, id="some", query={"code": "secret", "clientId": "default"})
    assert "query parameter" not in str(response.body)


def test_an_alert_shows_everything_but_what_only_the_store_needs() -> None:
    world, alert = alerted()
    shown = call(world, "get_alert", id=alert.id).body
    assert {"id", "status", "why", "evidence", "decision", "commands", "count", "portal"} <= set(shown)
    assert not {"etag", "unsent"} & set(shown)


def test_an_alert_is_acknowledged_once_and_by_name() -> None:
    world, alert = alerted()
    response = call(world, "acknowledge_alert", {"by": " Jane "}, id=alert.id)
    assert (response.status, response.body["status"], response.body["acknowledgedBy"]) == (
        200,
        "acknowledged",
        f"Jane ({CLAIMED})",
    )
    problem(call(world, "acknowledge_alert", id=alert.id), 409, "illegal-transition")
    world.drain(5)
    assert "Driftward.Alert.Updated" in {told.type for told in world.delivered}
    stored = world.store.alert(alert.id)
    assert stored is not None
    assert stored.unsent == ()


def test_an_approval_is_written_down_and_a_look_is_queued() -> None:
    world, alert = alerted()
    response = call(world, "approve_alert", {"expiresInMinutes": 30}, id=alert.id)
    assert (response.status, response.headers["Location"]) == (202, f"/api/alerts/{alert.id}")
    approval = response.body["approval"]
    assert (approval["by"], approval["actor"]["name"]) == (f"operator ({CLAIMED})",) * 2
    assert approval["notKnown"] == "the approver is not known"
    stored = world.store.alert(alert.id)
    assert stored is not None
    assert stored.approval is not None
    assert stored.approval.expires_at == world.clock.now() + timedelta(minutes=30)
    looks = [world.store.read_message(body) for body in world.queue.bodies()]
    assert [m.target for m in looks if m.kind == "look"] == [alert.target]


def test_what_was_approved_is_reverted_once_it_is_proved_again() -> None:
    world, alert = alerted()
    call(world, "approve_alert", {"by": "Jane"}, id=alert.id)
    world.drain(30)
    assert world.azure.snapshots[SERVER.key] == server(firewall_rules=(OFFICE,))
    assert call(world, "get_alert", id=alert.id).body["status"] == "resolved"
    problem(call(world, "approve_alert", id=alert.id), 409, "illegal-transition")


def test_an_approval_of_what_was_read_is_refused_when_another_change_is_planned_by_now() -> None:
    world, alert = alerted()
    problem(call(world, "approve_alert", {"digest": "of yesterday"}, id=alert.id), 409, "changed-since")
    digest = call(world, "get_alert", id=alert.id).body["planned"]["digest"]
    assert call(world, "approve_alert", {"digest": digest}, id=alert.id).status == 202


def test_an_approval_needs_enforcement() -> None:
    world, alert = alerted()
    world.mode = EnforcementMode.AUDIT
    problem(call(world, "approve_alert", id=alert.id), 409, "enforcement-disabled")
    assert call(world, "get_alert", id=alert.id).body["approval"] is None


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"expiresInMinutes": 0}, "expiresInMinutes"),
        ({"expiresInMinutes": 241}, "expiresInMinutes"),
        ({"expiresInMinutes": "60"}, "expiresInMinutes"),
        ({"expiresInMinutes": 1.5}, "expiresInMinutes"),
        ({"by": ""}, "by"),
        ({"by": "a\nb"}, "by"),
        ({"by": "a" * 201}, "by"),
        ({"until": IN_AN_HOUR}, "until"),
    ],
)
def test_an_approval_that_makes_no_sense_is_refused(body: Json, field: str) -> None:
    world, alert = alerted()
    problem(call(world, "approve_alert", body, id=alert.id), 400, "invalid-input", field)


def test_a_step_is_taken_again_when_a_look_wrote_the_alert_meanwhile() -> None:
    world, alert = alerted()
    real = world.store.put_alert
    written: list[AlertRecord] = []

    def overtaken(record: AlertRecord, letters: Iterable[Letter] = ()) -> AlertRecord:
        if not written:
            known = world.store.alert(alert.id)
            assert known is not None
            written.append(real(replace(known, count=known.count + 1)))
        return real(record, letters)

    world.store.put_alert = overtaken  # type: ignore[method-assign]
    shown = call(world, "acknowledge_alert", id=alert.id).body
    assert (shown["status"], shown["count"]) == ("acknowledged", alert.count + 1)


# --- changes ---------------------------------------------------------------------------------------


def reverted() -> tuple[World, ChangeRecord]:
    world = drifted()
    world.event(public_server().target)
    world.drain(30)
    (change,) = world.store.changes(outcome=Outcome.REVERTED)
    return world, change


def test_changes_are_listed_and_shown() -> None:
    world, change = reverted()
    assert [c["id"] for c in call(world, "list_changes").body] == [change.id]
    query = {"policy": FIREWALL, "resourceId": str(SERVER), "outcome": "Reverted"}
    assert [c["id"] for c in call(world, "list_changes", query=query).body] == [change.id]
    assert call(world, "list_changes", query={"outcome": "Failed"}).body == []
    shown = call(world, "get_change", id=change.id).body
    assert (shown["policy"], shown["outcome"], shown["target"]["id"]) == (FIREWALL, "Reverted", str(SERVER))
    assert shown["edits"][0]["kind"] == "deleteFirewallRule"


def test_a_rollback_is_a_change_of_its_own_that_can_be_followed() -> None:
    world, change = reverted()
    body = {"reason": "the migration needs it", "expiresAt": IN_AN_HOUR}
    response = call(world, "rollback_change", body, id=change.id)
    assert response.status == 202
    assert response.headers["Location"] == f"/api/changes/{response.body['id']}"
    assert (response.body["kind"], response.body["rollbackOf"]) == ("rollback", change.id)
    world.drain(30)
    ended = call(world, "get_change", id=response.body["id"]).body
    assert (ended["outcome"], ended["reason"]) == ("RolledBack", "the migration needs it")
    again = call(world, "rollback_change", body, id=change.id)
    problem(again, 409, "already-rolled-back")


def test_a_rollback_of_nothing_is_not_found() -> None:
    body = {"reason": "why not", "expiresAt": IN_AN_HOUR}
    problem(call(World(), "rollback_change", body, id="nothing"), 404, "not-found")


def test_a_rollback_is_refused_when_somebody_changed_the_resource_since() -> None:
    world, change = reverted()
    world.azure.put(public_server(firewall_rules=()))
    body = {"reason": "the migration needs it", "expiresAt": IN_AN_HOUR}
    problem(call(world, "rollback_change", body, id=change.id), 409, "changed-since")


def test_a_rollback_needs_enforcement() -> None:
    world, change = reverted()
    world.mode = EnforcementMode.AUDIT
    body = {"reason": "the migration needs it", "expiresAt": IN_AN_HOUR}
    problem(call(world, "rollback_change", body, id=change.id), 409, "enforcement-disabled")


def at(**span: float) -> str:
    return (START + timedelta(**span)).isoformat()


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"expiresAt": IN_AN_HOUR}, "reason"),
        ({"reason": "  a  ", "expiresAt": IN_AN_HOUR}, "reason"),
        ({"reason": 7, "expiresAt": IN_AN_HOUR}, "reason"),
        ({"reason": "long enough"}, "expiresAt"),
        ({"reason": "long enough", "expiresAt": at(hours=-1)}, "expiresAt"),
        ({"reason": "long enough", "expiresAt": at(days=91)}, "expiresAt"),
        ({"reason": "long enough", "expiresAt": "tomorrow"}, "expiresAt"),
        ({"reason": "long enough", "expiresAt": "2026-11-02T09:00:00"}, "expiresAt"),
        ({"reason": "long enough", "expiresAt": 1793606400}, "expiresAt"),
        ({"reason": "long enough", "expiresAt": IN_AN_HOUR, "force": True}, "force"),
    ],
)
def test_a_rollback_that_makes_no_sense_is_refused(body: Json, field: str) -> None:
    world, change = reverted()
    problem(call(world, "rollback_change", body, id=change.id), 400, "invalid-input", field)


# --- policies, health, problems --------------------------------------------------------------------


def test_the_catalogue_is_the_one_of_the_command_line() -> None:
    text = f"version: 1\npolicies: {{{PUBLIC}: {{effect: alert}}}}\n"
    world = World(policies_file=text)
    policies = call(world, "list_policies").body
    assert policies == policy_views(world.deps().configuration)
    assert {p["effect"] for p in policies if p["id"] == PUBLIC} == {"alert"}
    assert all(p["permissions"] for p in policies)


def test_every_policy_says_where_it_is_described() -> None:
    for policy in call(World(), "list_policies").body:
        page, _, anchor = policy["docs"].partition("#")
        assert f"\n## {anchor}\n" in (ROOT / page).read_text(encoding="utf-8")
        assert anchor == policy["id"]


def test_health_is_fine_when_every_part_is() -> None:
    response = answer("health", ApiRequest(), WorldSources(World()))
    fine = {"settings": "ok", "policies": "ok", "store": "ok", "sinks": "ok"}
    assert (response.status, response.body) == (200, {"status": "ok", "parts": fine, "shut": []})


def test_health_says_that_nobody_is_told_and_is_fine_without_sinks() -> None:
    world = World()
    world.sinks = ()
    response = answer("health", ApiRequest(), WorldSources(world))
    assert (response.status, response.body["status"], response.body["parts"]["sinks"]) == (200, "ok", "none")


def test_the_deep_look_is_elsewhere_where_somebody_is_known() -> None:
    led = answer("health", ApiRequest(query={"deep": "true"}), WorldSources(World()))
    assert (led.status, led.headers["Location"]) == (307, "/api/doctor")
    plain = answer("health", ApiRequest(query={"deep": "false"}), WorldSources(World()))
    assert (plain.status, plain.body["status"]) == (200, "ok")
    found = answer("doctor", ApiRequest(), WorldSources(World()))
    assert (found.status, found.body) == (200, {"verdict": "well", "checks": []})


@pytest.mark.parametrize("part", ["settings", "policies", "store", "sinks"])
def test_health_names_the_part_that_is_wrong_and_no_secret(part: str) -> None:
    response = answer("health", ApiRequest(), WorldSources(World(), broken=(part,)))
    assert (response.status, response.body["status"]) == (503, "failed")
    assert {name for name, state in response.body["parts"].items() if state == "failed"} == {part}
    assert "hunter2" not in json.dumps(response.body)


class BrokenBlobs(MemoryBlobs):
    """Nothing can be listed here."""

    def names(self, container: str, prefix: str = "") -> Iterator[str]:
        raise StoreError(f"{container}/{prefix}: the account's key is wrong")


def test_health_fails_when_the_store_does() -> None:
    world = World()
    world.store = Store(MemoryTables(), BrokenBlobs(), world.queue)
    response = answer("health", ApiRequest(), WorldSources(world))
    assert response.body["parts"]["store"] == "failed"


@pytest.mark.parametrize(
    ("error", "status", "name"),
    [
        (Gone("x"), 404, "not-found"),
        (Conflict("x"), 409, "azure-conflict"),
        (Locked("x"), 409, "azure-locked"),
        (Stopped("x"), 409, "server-stopped"),
        (Denied("x"), 502, "azure-denied"),
        (Permanent("x"), 502, "azure-refused"),
        (GatewayError("x"), 502, "azure-refused"),
        (Throttled("x"), 503, "azure-throttled"),
        (Busy("x"), 503, "azure-busy"),
        (Transient("x"), 503, "azure-unavailable"),
        (EntityChanged("x"), 409, "concurrent-change"),
        (StoreError("x"), 503, "store-unavailable"),
        (ConfigurationError("x"), 500, "not-configured"),
        (RollbackRefused(Reason.TARGET_BUSY, "x"), 503, "azure-busy"),
        (RollbackRefused(Reason.TARGET_STOPPED, "x"), 409, "server-stopped"),
        (RollbackRefused(Reason.BUDGET, "x"), 409, "budget-exhausted"),
    ],
)
def test_every_error_has_its_problem(error: Any, status: int, name: str) -> None:
    refused = refusal(error)
    assert (refused.kind.status, refused.kind.name) == (status, name)
    assert (refused.retry_after is not None) == (status == 503)


def test_what_nobody_expected_tells_nothing() -> None:
    problem(unexpected(), 500, "unexpected")


# --- the document ----------------------------------------------------------------------------------


def references(part: Json) -> Iterator[str]:
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"]
        for inner in part.values():
            yield from references(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from references(inner)


def test_the_document_describes_every_route_and_every_reference_leads_somewhere() -> None:
    assert len(BY_NAME) == len(ROUTES)
    whole = document(ROUTES)
    described = {
        (operation["operationId"], method, path)
        for path, operations in whole["paths"].items()
        for method, operation in operations.items()
    }
    assert described == {(r.name, r.method.lower(), f"/api/{r.path}") for r in ROUTES}
    components = {f"#/components/schemas/{name}" for name in whole["components"]["schemas"]}
    used = set(references(whole))
    assert used == components


def test_the_document_names_every_problem_a_route_can_answer() -> None:
    responses = document(ROUTES)["paths"]["/api/changes/{id}/rollback"]["post"]["responses"]
    assert "/problems/changed-since" in responses["409"]["description"]
    assert "Retry-After" in responses["503"]["headers"]


def test_every_problem_type_is_answered_by_some_route() -> None:
    at_the_door = {"sign-in-required", "not-permitted", "from-elsewhere", "wrong-media-type"}
    everywhere = {"unexpected", "not-configured", "store-unavailable"} | at_the_door
    assert {name for route in ROUTES for name in route.problems} | everywhere == set(PROBLEMS)


def test_the_document_is_served_and_the_file_is_up_to_date() -> None:
    assert call(World(), "openapi").body == document(ROUTES)
    assert json.loads((ROOT / "docs" / "openapi.json").read_text(encoding="utf-8")) == document(ROUTES)


def test_what_is_shown_has_exactly_the_fields_that_the_document_says() -> None:
    world, alert = alerted()
    other, change = reverted()
    run = call(other, "start_run", {"resourceId": str(SERVER)}).body
    shown = {
        "Alert": call(world, "get_alert", id=alert.id).body,
        "Change": call(other, "get_change", id=change.id).body,
        "Run": run,
        "Policy": call(other, "list_policies").body[0],
        "Health": call(other, "health").body,
        "Status": call(other, "status").body,
    }
    schemas = document(ROUTES)["components"]["schemas"]
    for name, body in shown.items():
        assert set(body) == set(schemas[name]["properties"]) == set(schemas[name]["required"]), name
