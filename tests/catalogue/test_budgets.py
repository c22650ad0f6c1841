"""How many calls a look at a server costs, counted by the simulator: reading more must stay cheap.

The servers here have everything that a policy may want to read. What an alert adds (who relies on a rule) is
read once, when it opens, and is not counted: the look that is counted is not the first.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TypeAlias

import pytest

from local.simulator import seeds
from local.simulator.values import JsonObject
from shared.model import Aspect, ComplianceState, Effect, Reason, ServerSnapshot, Target, TargetKind
from shared.model.resource_id import ResourceId
from shared.policies import discover
from shared.posture.policy import AnyPolicy, examples
from tests.catalogue.stage import Play, Stage, everything_on

NAME = "frugal"
SERVER = seeds.flexible_server_id(name=NAME)
TARGET = Target(kind=TargetKind.FLEXIBLE_SERVER, id=ResourceId(SERVER))
NETWORK = seeds.vnet_id(name="vnet-frugal")
LINKED_ZONE = seeds.zone_id()
OWN_ZONE = seeds.zone_id(name=f"{NAME}.private.postgres.database.azure.com")
ENDPOINT = seeds.endpoint_id(name=NAME)


def equipped(standby: str) -> JsonObject:
    """What makes further parts worth reading: administrators, and Resource Health of a failing standby."""
    return {
        "authConfig": {"activeDirectoryAuth": "Enabled", "passwordAuth": "Disabled"},
        "highAvailability": {"mode": "ZoneRedundant", "state": standby},
    }


BY_DEFAULT = "version: 1"


Build: TypeAlias = Callable[[str], list[JsonObject]]
"""The bodies of a server with its surroundings, for a state of its standby."""


def behind_an_endpoint(standby: str) -> list[JsonObject]:
    """A server with a rule, and an endpoint whose name resolves in a linked zone."""
    inside = seeds.subnet(name="endpoints", delegated=False)
    return [
        seeds.flexible_server(name=NAME, properties=equipped(standby)),
        seeds.firewall_rule(server=SERVER, name="office", start="198.51.100.7"),
        seeds.vnet(name="vnet-frugal", subnets=[inside]),
        seeds.private_dns_zone(),
        seeds.zone_link(zone=LINKED_ZONE, vnet=NETWORK),
        seeds.private_endpoint(
            name=NAME, server=SERVER, subnet=seeds.subnet_id(vnet="vnet-frugal", name="endpoints")
        ),
        seeds.zone_group(endpoint=ENDPOINT, zones=[LINKED_ZONE]),
    ]


def inside_a_network(standby: str) -> list[JsonObject]:
    """A server in a delegated subnet, with a zone of its own that is linked."""
    return [
        seeds.vnet(name="vnet-frugal", subnets=[seeds.subnet(name="db")]),
        seeds.private_dns_zone(name=f"{NAME}.private.postgres.database.azure.com"),
        seeds.zone_link(zone=OWN_ZONE, vnet=NETWORK),
        seeds.flexible_server(
            name=NAME,
            public_access=None,
            delegated_subnet=seeds.subnet_id(vnet="vnet-frugal", name="db"),
            properties={
                **equipped(standby),
                "network": {
                    "delegatedSubnetResourceId": seeds.subnet_id(vnet="vnet-frugal", name="db"),
                    "privateDnsZoneArmResourceId": OWN_ZONE,
                },
            },
        ),
    ]


both_ways = pytest.mark.parametrize("server", [behind_an_endpoint, inside_a_network])


@both_ways
@pytest.mark.parametrize("standby", ["Healthy", "ReplicatingData"])
def test_a_flexible_server_under_the_default_policies_costs_at_most_five_calls(
    stage: Stage, server: Build, standby: str
) -> None:
    play = stage.play_on(server(standby), BY_DEFAULT, ResourceId(SERVER))
    assert_costs_at_most(5, play)


@both_ways
def test_a_flexible_server_under_every_policy_costs_at_most_ten_calls(stage: Stage, server: Build) -> None:
    """A standby that fails costs one more: then Resource Health is asked why."""
    play = stage.play_on(server("Healthy"), ALL_ON, ResourceId(SERVER))
    assert_costs_at_most(10, play)
    unknown = [found.reason for found in play.findings().values() if found.state is ComplianceState.UNKNOWN]
    assert unknown == [], "what was not read is no saving"


@pytest.mark.field(
    "ways",
    "What is read to know who gets in privately has a price that is counted: six calls for one endpoint",
    source="https://learn.microsoft.com/en-us/azure/azure-resource-manager/management/request-limits-and-throttling",
    date="2026-11-29",
)
@pytest.mark.parametrize(("server", "calls"), [(behind_an_endpoint, 6), (inside_a_network, 5)])
def test_who_gets_in_privately_costs_a_counted_number_of_calls_more(
    stage: Stage, server: Build, calls: int
) -> None:
    """A name costs four with an endpoint and two without; its one place two (no NSG applies there)."""
    play = stage.play_on(server("Healthy"), BY_DEFAULT, ResourceId(SERVER))
    gateway = play.deps().gateway
    first = gateway.read(TARGET, frozenset({Aspect.SERVER}))
    found = gateway.more(first, frozenset({Aspect.PRIVATE_DNS, Aspect.PLACES}))
    assert isinstance(found, ServerSnapshot)
    assert found.unread == {}
    assert [place.unread for place in found.places or ()] == [{}]
    made = [f"{call.method} {call.path} {call.status}" for call in gateway.calls[1:]]
    assert len(made) == calls, made
    assert all(line.endswith(" 200") for line in made), made


@pytest.mark.parametrize(("table", "calls"), [("", 6), ("rt-frugal", 7)])
def test_a_subnet_under_the_default_policies_costs_a_call_for_its_network_and_one_for_a_route_table(
    stage: Stage, table: str, calls: int
) -> None:
    """The others: the subnet, its NSG, the servers in it as Resource Graph lists them, and each of those."""
    inside = seeds.subnet(
        name="db",
        nsg=seeds.nsg_id(name="nsg-frugal"),
        route_table=seeds.route_table_id(name=table) if table else "",
    )
    bodies = [
        seeds.nsg(name="nsg-frugal"),
        *([seeds.route_table(name=table)] if table else []),
        seeds.vnet(name="vnet-frugal", subnets=[inside]),
        seeds.flexible_server(
            name=NAME,
            public_access=None,
            delegated_subnet=seeds.subnet_id(vnet="vnet-frugal", name="db"),
            properties=equipped("Healthy"),
        ),
    ]
    play = stage.play_on(bodies, BY_DEFAULT, ResourceId(seeds.subnet_id(vnet="vnet-frugal", name="db")))
    assert_costs_at_most(calls, play)
    with pytest.raises(AssertionError):
        assert_costs_at_most(calls - 1, play)


@pytest.mark.field(
    "ways",
    "A look that finds public access open reads the ways in besides, six calls, and only where they decide",
    source="https://learn.microsoft.com/en-us/azure/azure-resource-manager/management/request-limits-and-throttling",
    date="2026-11-29",
)
@pytest.mark.parametrize(
    ("settings", "reason", "calls"),
    [("defaults: {adopt: true}", Reason.LAST_WAY_IN, 5 + 6), ("", Reason.INHERITED, 5)],
)
def test_a_look_that_finds_public_access_open_reads_what_last_way_in_asks_and_no_more(
    stage: Stage, settings: str, reason: Reason, calls: int
) -> None:
    unlinked = [one for one in behind_an_endpoint("Healthy") if "virtualNetworkLinks" not in str(one["id"])]
    play = stage.play_on(unlinked, f"{BY_DEFAULT}\n{settings}", ResourceId(SERVER))
    assert_costs_at_most(calls, play)
    alert = play.alert(TARGET, "postgres-public-access-enabled")
    assert alert is not None
    assert alert.decision.reason is reason


def test_everything_is_on_where_that_is_said() -> None:
    configuration = Play.configured(ALL_ON)
    server = ResourceId(SERVER)
    effects = {policy.id: configuration.settings_for(policy, server).effect for policy in on_servers()}
    assert {policy for policy, effect in effects.items() if effect is Effect.OFF} == set()


ALL_ON = everything_on(
    [json.dumps({"policies": {one.id: {"parameters": examples(one)}}}) for one in discover()]
)
"""Every policy reverts, with the parameters without which it would have nothing to say."""


def on_servers() -> list[AnyPolicy]:
    return [policy for policy in discover() if TargetKind.FLEXIBLE_SERVER in policy.targets]


def assert_costs_at_most(calls: int, play: Play) -> None:
    """A look that finds all that there is to read, after one that has told what there is to tell."""
    play.sweep()
    since = play.last_call()
    findings = play.findings()
    assert findings
    made = [f"{call['method']} {call['path']} {call['status']}" for call in play.our_calls(since)]
    assert len(made) <= calls, made
    assert all(line.endswith(" 200") for line in made), made
