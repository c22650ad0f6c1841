"""Benchmark of the ways: the verdict for a server with ten client networks, beside what its NSGs alone cost.

A server behind a private endpoint in a hub, ten spokes peered with it, a subnet with a client in each; every
subnet has an NSG of ten rules and a route table. *Beyond* is what the verdict costs less the exact engine's
answers to the same questions, out of each client's subnet and into the endpoint's. Milliseconds are processor
time, medians; texts that were read are forgotten before each run. That everybody connects is checked.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from ipaddress import IPv4Address, IPv4Network, ip_network
from typing import Final

from shared.model import (
    Access,
    ConnectionStatus,
    Direction,
    PrivateEndpointConnection,
    PublicAccess,
    SecurityGroup,
    SecurityRule,
    ServerSnapshot,
    ServerState,
    SubnetSnapshot,
    TargetKind,
)
from shared.model.networks import Peering, Route, RouteTable, SubnetEndpoint, VirtualNetwork
from shared.model.parts import DnsZone, EndpointDns, NetworkDns, PrivateDns, ZoneLink
from shared.model.resource_id import ResourceId
from shared.nsg import Question, Side, Tags, decide, parse, spans_of
from shared.nsg.packets.addresses import parse_addresses
from shared.nsg.rules.reading import read_ports
from shared.posture.ways.answers import State
from shared.posture.ways.verdict import verdict
from shared.posture.ways.world import SubnetClient, World

_TARGET: Final = 20.0
"""Milliseconds that the verdict should take at most beyond its NSGs; times are figures, not failures."""
_SPOKES: Final = 10
_RUNS: Final = {"quick": 11, "full": 51}
_GROUP: Final = "/subscriptions/5d2e9f6b-7a80-4c1d-8a1c-3b644f0e0a52/resourceGroups/bench/providers"
_NETWORKS: Final = f"{_GROUP}/Microsoft.Network"
_HUB: Final = ResourceId(f"{_NETWORKS}/virtualNetworks/hub")
_ZONE: Final = ResourceId(f"{_NETWORKS}/privateDnsZones/privatelink.postgres.database.azure.com")
_ENDPOINT: Final = ResourceId(f"{_NETWORKS}/privateEndpoints/orders")
_ADDRESS: Final = IPv4Address("10.0.0.4")
_AT: Final = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
_PORTS: Final = ((5432, 5432),)


def measure(extent: str) -> dict[str, tuple[float, str]]:
    """Figures with their units: the verdict for all clients, its NSGs alone, the difference and the ratio."""
    world, clients = typical()
    pairs = [_pair(world, clients) for _ in range(_RUNS[extent])]
    whole, alone = (statistics.median(column) for column in zip(*pairs, strict=True))
    beyond = statistics.median(one - groups for one, groups in pairs)
    ratio = statistics.median(one / groups for one, groups in pairs)
    told = f"{whole:.1f} ms, its NSGs alone {alone:.1f} ms, beyond them {beyond:.1f} ms"
    aim = f"≤ {_TARGET:g}{'' if beyond <= _TARGET else ' missed'}"
    print(f"who can connect, {_SPOKES} client networks: {told} ({aim})")
    return {
        "ways.typical": (round(whole, 2), "ms"),
        "ways.typical.groups": (round(alone, 2), "ms"),
        "ways.typical.beyond": (round(beyond, 2), "ms"),
        "ways.typical.ratio": (round(ratio, 2), "1"),
    }


def _pair(world: World, clients: tuple[SubnetClient, ...]) -> tuple[float, float]:
    """The verdicts, and their NSGs alone: by turns, so that a busy machine is busy for both."""
    whole = _timed(lambda: _verdicts(world, clients))
    return whole, _timed(lambda: _groups_alone(world, clients))


def _timed(action: Callable[[], None]) -> float:
    parse_addresses.cache_clear()
    read_ports.cache_clear()
    started = time.process_time()
    action()
    return (time.process_time() - started) * 1000


def _verdicts(world: World, clients: tuple[SubnetClient, ...]) -> None:
    for client in clients:
        if (found := verdict(world, client)).state is not State.STANDS:
            raise AssertionError(f"the clients of the benchmark connect: {found}")


def _groups_alone(world: World, clients: tuple[SubnetClient, ...]) -> None:
    (place,) = world.server.places or ()
    there = Side(spans_of([ip_network(_ADDRESS)]))
    for client in clients:
        here = Side(spans_of(client.subnet.prefixes))
        for subnet, direction in ((client.subnet, Direction.OUTBOUND), (place, Direction.INBOUND)):
            question = Question(direction=direction, source=here, destination=there, ports=_PORTS)
            decide(parse(subnet.security_group, Tags(vnet=spans_of(subnet.prefixes))), question)


# --- the world -------------------------------------------------------------------------------------


def typical() -> tuple[World, tuple[SubnetClient, ...]]:
    """A hub with a server's private endpoint, and somebody in each of ten spokes."""
    spokes = tuple(_spoke(number) for number in range(1, _SPOKES + 1))
    peerings = tuple(Peering(network=one.id, prefixes=one.prefixes) for one in spokes)
    hub = _network(_HUB, "10.0.0.0/16", peerings)
    server = _server(hub, spokes)
    clients = tuple(SubnetClient(subnet=_apps(one)) for one in spokes)
    return World(server=server, networks=(hub, *spokes)), clients


def _network(named: ResourceId, space: str, peerings: tuple[Peering, ...]) -> VirtualNetwork:
    return VirtualNetwork(
        id=named, prefixes=(ip_network(space),), peerings=peerings, learns_routes=False, admin_rules=()
    )


def _spoke(number: int) -> VirtualNetwork:
    hub = Peering(network=_HUB, prefixes=(IPv4Network("10.0.0.0/16"),))
    named = ResourceId(f"{_NETWORKS}/virtualNetworks/spoke-{number}")
    return _network(named, f"10.{number}.0.0/16", (hub,))


def _subnet(name: str, network: VirtualNetwork, direction: Direction) -> SubnetSnapshot:
    space = IPv4Network(str(network.prefixes[0]))
    table = ResourceId(f"{_NETWORKS}/routeTables/{network.id.name}")
    out = Route(name="out", prefix="0.0.0.0/0", next_hop="VirtualAppliance", address="10.0.9.4")
    return SubnetSnapshot(
        id=network.id.child("subnets", name),
        read_at=_AT,
        location="westeurope",
        prefixes=(next(space.subnets(new_prefix=24)),),
        delegations=(),
        security_group=_security_group(network.id.name, direction),
        route_table_id=table,
        route_table=RouteTable(id=table, routes=(out,), gateway_propagation=False),
        virtual_network=network,
    )


def _apps(network: VirtualNetwork) -> SubnetSnapshot:
    return _subnet("apps", network, Direction.OUTBOUND)


def _security_group(name: str, direction: Direction) -> SecurityGroup:
    """Eight rules for others, one that lets PostgreSQL pass, and one that denies the rest."""
    others = [_rule(100 + n, direction, f"10.{n}.4.0/24", ("22", str(8000 + n))) for n in range(8)]
    rules = (
        *others,
        _rule(200, direction, "10.0.0.0/8", ("5432", "6432")),
        replace(_rule(4096, direction, "*", ("*",)), access=Access.DENY),
    )
    group = ResourceId(f"{_NETWORKS}/networkSecurityGroups/{name}")
    return SecurityGroup(id=group, rules=rules, default_rules=())


def _rule(priority: int, direction: Direction, address: str, ports: tuple[str, ...]) -> SecurityRule:
    return SecurityRule(
        name=f"rule-{priority}",
        direction=direction,
        access=Access.ALLOW,
        priority=priority,
        protocol="Tcp",
        sources=(address,),
        destinations=("*" if direction is Direction.INBOUND else address,),
        destination_ports=ports,
    )


def _server(hub: VirtualNetwork, spokes: tuple[VirtualNetwork, ...]) -> ServerSnapshot:
    named = ResourceId(f"{_GROUP}/Microsoft.DBforPostgreSQL/flexibleServers/orders")
    place = replace(
        _subnet("endpoints", hub, Direction.INBOUND),
        endpoint_network_policies="Enabled",
        private_endpoints=(SubnetEndpoint(id=_ENDPOINT, server=named, addresses=(_ADDRESS,)),),
    )
    links = tuple(ZoneLink(name=one.id.name, network=one.id, state="Completed") for one in (hub, *spokes))
    endpoint = EndpointDns(
        id=_ENDPOINT, addresses=(_ADDRESS,), subnet=place.id, network=NetworkDns(id=hub.id, dns_servers=())
    )
    zone = DnsZone(id=_ZONE, exists=True, links=links, record=(_ADDRESS,))
    connection = PrivateEndpointConnection(
        id=named.child("privateEndpointConnections", "orders"),
        status=ConnectionStatus.APPROVED,
        endpoint=_ENDPOINT,
    )
    return ServerSnapshot(
        kind=TargetKind.FLEXIBLE_SERVER,
        id=named,
        read_at=_AT,
        location="westeurope",
        state=ServerState.READY,
        state_text="Ready",
        public_access=PublicAccess.DISABLED,
        host_name="orders.postgres.database.azure.com",
        firewall_rules=(),
        private_endpoints=(connection,),
        private_dns=PrivateDns(endpoints=(endpoint,), zones=(zone,), found=(_ZONE,)),
        places=(place,),
    )
