"""Runs over HTTP: asked for, refused, followed to their end."""

from __future__ import annotations

import pytest

from shared.api.http import LONGEST_BODY
from shared.api.operator import CLAIMED
from shared.model import EnforcementMode, Json
from shared.model.errors import (
    Throttled,
)
from tests.api.calling import (
    FIREWALL,
    PUBLIC,
    SCOPE,
    alerted,
    call,
    drifted,
    problem,
)
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
    subnet,
)
from tests.fakes import World


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
