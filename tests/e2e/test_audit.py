"""Audit writes nothing to Azure and decides as enforce does: every scenario in both modes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from local.simulator import seeds
from local.simulator.values import JsonObject
from tests.e2e.conftest import DRIFTWARD_APP, Installation, Site

pytestmark = [pytest.mark.engine, pytest.mark.azurite, pytest.mark.long]

ENDPOINTS = "snet-endpoints"


def server(name: str, access: str | None, **parts: Any) -> JsonObject:
    return seeds.flexible_server(name=name, public_access=access, **parts)


def endpoint(name: str) -> list[JsonObject]:
    """A network with a private endpoint by which it reaches the server."""
    network = f"vnet-{name}"
    return [
        seeds.vnet(name=network, subnets=[seeds.subnet(name=ENDPOINTS, delegated=False)]),
        *seeds.way_in(
            name=f"{name}-endpoint",
            server=seeds.flexible_server_id(name=name),
            vnet=network,
            subnet=ENDPOINTS,
        ),
    ]


def rule(name: str, rule_name: str, start: str) -> JsonObject:
    return seeds.firewall_rule(server=seeds.flexible_server_id(name=name), name=rule_name, start=start)


def database(name: str, *rules: JsonObject) -> list[JsonObject]:
    group, network = f"nsg-{name}", f"vnet-{name}"
    inside = seeds.subnet(name="db", nsg=seeds.nsg_id(name=group))
    return [seeds.nsg(name=group, rules=rules), seeds.vnet(name=network, subnets=[inside])]


Scenario = Callable[[str], tuple[list[JsonObject], list[JsonObject], str]]


def all_azure_added(name: str) -> tuple[list[JsonObject], list[JsonObject], str]:
    before = [server(name, "Enabled"), rule(name, "office", "198.51.100.7")]
    return before, [rule(name, "anything", "0.0.0.0")], seeds.flexible_server_id(name=name)


def opened_beside_an_endpoint(name: str) -> tuple[list[JsonObject], list[JsonObject], str]:
    before = [server(name, "Disabled"), *endpoint(name)]
    return before, [server(name, "Enabled"), *endpoint(name)], seeds.flexible_server_id(name=name)


def opened_without_an_endpoint(name: str) -> tuple[list[JsonObject], list[JsonObject], str]:
    return [server(name, "Disabled")], [server(name, "Enabled")], seeds.flexible_server_id(name=name)


def opened_with_old_rules(name: str) -> tuple[list[JsonObject], list[JsonObject], str]:
    before = [server(name, "Disabled"), rule(name, "office", "198.51.100.7"), *endpoint(name)]
    return before, [server(name, "Enabled"), *endpoint(name)], seeds.flexible_server_id(name=name)


def dormant(name: str) -> tuple[list[JsonObject], list[JsonObject], str]:
    return [server(name, "Disabled")], [rule(name, "azure", "0.0.0.0")], seeds.flexible_server_id(name=name)


def unknown(name: str) -> tuple[list[JsonObject], list[JsonObject], str]:
    return [server(name, "Disabled")], [server(name, None)], seeds.flexible_server_id(name=name)


def stopped(name: str) -> tuple[list[JsonObject], list[JsonObject], str]:
    before = [server(name, "Disabled"), *endpoint(name)]
    after = [server(name, "Enabled", state="Stopped"), *endpoint(name)]
    return before, after, seeds.flexible_server_id(name=name)


def inherited(name: str) -> tuple[list[JsonObject], list[JsonObject], str]:
    return [], [server(name, "Enabled"), rule(name, "azure", "0.0.0.0")], seeds.flexible_server_id(name=name)


def blocked(name: str) -> tuple[list[JsonObject], list[JsonObject], str]:
    deny = seeds.security_rule(name="deny-all", priority=4096)
    return database(name), database(name, deny), seeds.subnet_id(vnet=f"vnet-{name}", name="db")


def blocked_without_room(name: str) -> tuple[list[JsonObject], list[JsonObject], str]:
    deny = seeds.security_rule(name="deny-all", priority=100)
    return database(name), database(name, deny), seeds.subnet_id(vnet=f"vnet-{name}", name="db")


SCENARIOS: tuple[Scenario, ...] = (
    all_azure_added,
    opened_beside_an_endpoint,
    opened_without_an_endpoint,
    opened_with_old_rules,
    dormant,
    unknown,
    stopped,
    inherited,
    blocked,
    blocked_without_room,
)


@pytest.fixture(scope="module")
def both(site: Site) -> tuple[Installation, Installation]:
    """The same app twice, auditing and enforcing, each with an Azure of its own."""
    return (
        site.install(subscribe=False, ENFORCEMENT_MODE="audit"),
        site.install(subscribe=False, ENFORCEMENT_MODE="enforce"),
    )


def play(installation: Installation, scenario: Scenario) -> dict[str, Any]:
    """Let the state before be seen, put the drift in place without an event, and run on it."""
    before, after, resource = scenario(scenario.__name__.replace("_", "-"))
    if before:
        installation.simulator.seed(before)
        installation.look(resource)
    installation.simulator.seed(after)
    status, run = installation.api("POST", "runs", {"resourceId": resource})
    assert status in {200, 202}, run
    return dict(run)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_audit_decides_as_enforce_does(both: tuple[Installation, Installation], scenario: Scenario) -> None:
    audited, enforced = (play(installation, scenario) for installation in both)

    def decisions(run: dict[str, Any]) -> list[tuple[str, str, str]]:
        return [(d["policy"], d["action"], d["reason"]) for d in run["decisions"]]

    assert decisions(audited) == decisions(enforced)
    assert decisions(audited), "a scenario without a decision shows nothing"
    assert all(decision["dryRun"] for decision in audited["decisions"])
    assert not any(decision["dryRun"] for decision in enforced["decisions"])
    for decision in audited["decisions"]:
        if decision["action"] == "Revert":
            assert audited["outcomes"][decision["policy"]] == "WouldRevert"
    shown = {change["resourceId"] for change in audited["changes"]}
    begun = {change["resourceId"] for change in enforced["changes"]}
    assert begun <= shown, "audit reports what enforce did"


def test_audit_has_written_nothing(both: tuple[Installation, Installation]) -> None:
    audited, enforced = both
    for installation in both:
        play(installation, opened_beside_an_endpoint)
    kinds = {call["kind"] for call in audited.simulator.calls(app_id=DRIFTWARD_APP)}
    assert kinds <= {"read", "poll"}
    assert {"write", "delete"} & {call["kind"] for call in enforced.simulator.calls(app_id=DRIFTWARD_APP)}


def test_audit_refuses_to_enforce_to_approve_and_to_roll_back(
    both: tuple[Installation, Installation],
) -> None:
    audited, _ = both
    play(audited, all_azure_added)
    resource = seeds.flexible_server_id(name="all-azure-added")
    status, problem = audited.api("POST", "runs", {"resourceId": resource, "enforcement": "enforce"})
    assert (status, problem["type"].rsplit("/", 1)[-1]) == (409, "enforcement-disabled")
    alert = audited.alerts(resource)[0]
    status, problem = audited.api("POST", f"alerts/{alert['id']}/approve", {})
    assert (status, problem["type"].rsplit("/", 1)[-1]) == (409, "enforcement-disabled")
