"""Further parts of a target that was read already: none is asked for twice, the target not at all.

The same is held against the gateway of the tests, which others stand on.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from local.simulator import seeds
from local.simulator.values import JsonObject
from shared.adapters.arm.session.tokens import LOCAL_IDENTITY
from shared.model import Aspect, ServerSnapshot, Snapshot, SubnetSnapshot, Target, TargetKind
from shared.model.errors import Transient
from shared.model.interfaces import Gateway
from shared.model.parts import PrivateDns
from shared.model.resource_id import ResourceId
from tests.adapters.conftest import Azure
from tests.builders import server
from tests.fakes import FakeGateway, World

SERVER = Target(kind=TargetKind.FLEXIBLE_SERVER, id=ResourceId(seeds.flexible_server_id(name="orders")))
SUBNET = Target(kind=TargetKind.SUBNET, id=ResourceId(seeds.subnet_id()))
TABLE = seeds.network_id(kind="routeTables", name="rt")
RULES = frozenset({Aspect.SERVER, Aspect.FIREWALL_RULES})
FURTHER = frozenset({Aspect.FIREWALL_RULES, Aspect.PRIVATE_DNS})
AROUND = frozenset({Aspect.SUBNET, Aspect.SECURITY_GROUP, Aspect.ROUTES})


def standing() -> list[JsonObject]:
    inside = seeds.subnet(nsg=seeds.nsg_id(), route_table=TABLE)
    return [
        seeds.flexible_server(name="orders"),
        seeds.nsg(),
        seeds.route_table(name="rt"),
        seeds.vnet(subnets=[inside]),
        seeds.private_endpoint(name="orders-pe", server=str(SERVER.id), subnet=seeds.subnet_id()),
    ]


def grown(gateway: Gateway, snapshot: Snapshot, aspects: frozenset[Aspect]) -> tuple[Snapshot, list[str]]:
    """What came of it, and the paths that it asked for."""
    before = len(gateway.calls)
    found = gateway.more(snapshot, aspects)
    return found, [call.path for call in gateway.calls[before:]]


def test_a_server_grows_by_what_it_does_not_hold_and_is_not_read_again(azure: Azure) -> None:
    azure.simulator.seed(standing())
    gateway = azure.gateway()
    first = gateway.read(SERVER, RULES)
    found, asked = grown(gateway, first, FURTHER)
    assert isinstance(found, ServerSnapshot)
    assert found.private_dns is not None
    assert replace(found, private_dns=None) == first
    assert asked == [
        f"{seeds.endpoint_id(name='orders-pe')}/privateDnsZoneGroups",
        "/providers/Microsoft.ResourceGraph/resources",
    ]
    assert grown(gateway, found, FURTHER) == (found, [])
    assert found == gateway.read(SERVER, RULES | FURTHER), "as if it had been read at once"


def test_what_was_refused_once_is_not_asked_for_again(azure: Azure) -> None:
    azure.simulator.seed(standing())
    azure.simulator.roles({LOCAL_IDENTITY.app_id or "": ["Microsoft.DBforPostgreSQL/flexibleServers/read"]})
    gateway = azure.gateway()
    first = gateway.read(SERVER, RULES)
    assert Aspect.FIREWALL_RULES in first.unread
    assert grown(gateway, first, RULES) == (first, [])


def test_a_part_that_is_refused_is_told_as_it_is_in_any_reading(azure: Azure) -> None:
    azure.simulator.seed(standing())
    azure.simulator.roles({LOCAL_IDENTITY.app_id or "": ["Microsoft.DBforPostgreSQL/flexibleServers/read"]})
    gateway = azure.gateway()
    found, asked = grown(gateway, gateway.read(SERVER, frozenset({Aspect.SERVER})), RULES)
    assert len(asked) == 1
    assert Aspect.FIREWALL_RULES in found.unread


def test_a_subnet_grows_by_what_its_snapshot_names(azure: Azure) -> None:
    azure.simulator.seed(standing())
    gateway = azure.gateway()
    first = gateway.read(SUBNET, AROUND)
    found, asked = grown(gateway, first, AROUND | {Aspect.VIRTUAL_NETWORK})
    assert isinstance(found, SubnetSnapshot)
    assert asked == [seeds.vnet_id()]
    assert found.virtual_network is not None
    assert found == gateway.read(SUBNET, AROUND | {Aspect.VIRTUAL_NETWORK})


# --- the gateway of the tests ----------------------------------------------------------------------


def in_memory(dns: PrivateDns | None) -> tuple[World, FakeGateway, Snapshot]:
    world = World()
    gateway = FakeGateway(world.azure)
    target = world.azure.put(server(private_dns=dns))
    return world, gateway, gateway.read(target, RULES)


def test_the_gateway_of_the_tests_grows_a_server_alike() -> None:
    _, gateway, first = in_memory(PrivateDns())
    found, asked = grown(gateway, first, FURTHER)
    assert isinstance(first, ServerSnapshot)
    assert first.private_dns is None
    assert found == replace(first, private_dns=PrivateDns())
    assert len(asked) == 1
    assert grown(gateway, found, FURTHER) == (found, [])


def test_it_tells_what_is_unread_and_raises_what_passes() -> None:
    world, gateway, first = in_memory(None)
    there = world.azure.snapshots[first.target.key]
    world.azure.put(replace(there, unread={Aspect.PRIVATE_DNS: "no role"}))
    assert gateway.more(first, FURTHER).unread == {Aspect.PRIVATE_DNS: "no role"}
    world.azure.read_errors.append(Transient("busy", status=503))
    with pytest.raises(Transient):
        gateway.more(first, FURTHER)
