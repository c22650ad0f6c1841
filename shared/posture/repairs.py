"""What would mend a verdict that is blocked: of the ways that could be made to stand, the one with the fewest
changes, and the safest.

A plan mends every part of one way that blocks it: of a way that the name leads to already, or of one that it
would lead to if private DNS answered for the client. That is tried: the world is given the record and the
link and asked again, so nobody is told to link a network from which no route leads to the endpoint. Names
come last in a plan, for from then on a whole network takes the private way. A plan that keeps to private ways
goes before one that lets in a public address; that public access be opened is never proposed. Where there is
no plan, sentences say what a person could do. Which zone may be written is told in ``dns_steps``. Pure.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from ipaddress import IPv4Address
from itertools import starmap
from operator import itemgetter
from typing import Final, TypeAlias

from shared.model import (
    Edit,
    FirewallRule,
    PublicAccess,
    PutFirewallRule,
    ServerSnapshot,
    ServerState,
    TargetKind,
)
from shared.model.dns_names import endpoint_zone_name
from shared.model.parts import DnsZone, EndpointDns, NetworkDns, PrivateDns, ZoneLink
from shared.model.resource_id import ResourceId, free_name
from shared.posture.dns_commands import FALLS_BACK, link_command, link_names
from shared.posture.dns_steps import serving_steps
from shared.posture.endpoint_steps import closed_choice
from shared.posture.own_zone_steps import giving_one, making_again, own_zone
from shared.posture.private_dns import Case
from shared.posture.server_findings import az
from shared.posture.steps import Step
from shared.posture.ways.answers import Fact, Stage, State, Verdict, Way
from shared.posture.ways.endpoints import endpoints_of
from shared.posture.ways.names import network_of
from shared.posture.ways.verdict import verdict
from shared.posture.ways.world import (
    AnyAzure,
    Client,
    OnPremises,
    PublicClient,
    SubnetClient,
    World,
)
from shared.posture.ways.zones import custom_dns

_LINKED: Final = "Completed"


_Naming: TypeAlias = tuple[tuple[Step, ...], World]
"""What has the name lead to a private address for a network, and the world as it is then."""


def repairs(world: World, found: Verdict) -> tuple[Step | Edit, ...]:
    """Steps in order; none for a verdict that is not blocked."""
    if found.state is not State.BLOCKED:
        return ()
    ways = [(_mended(world, found.client, way), _leading_there(found, way)) for way in found.ways]
    moving = _moving(world, found)
    tried = (*ways, *((way, (*moving, *steps)) for way, steps in _renamed(world, found.client)))
    if plans := [(cost, steps) for cost, steps in starmap(_plan, tried) if steps]:
        return min(plans, key=itemgetter(0))[1]
    return tuple(dict.fromkeys(_advice(world, found, [way for way, _ in tried])))


def _moving(world: World, found: Verdict) -> tuple[Step, ...]:
    """What a link takes along: whoever else of the network is on the public path."""
    network, is_open = network_of(world, found.client), world.server.public_access is PublicAccess.ENABLED
    if network is None or custom_dns(network) or not (is_open and _is_public(found)):
        return ()
    whole = f"all of network {network.id.name}"
    return (f"a link takes {whole} off the public path, so see first that none of its clients needs that",)


def _leading_there(found: Verdict, way: Way) -> tuple[Step, ...]:
    """Where several answers are possible, the way that is mended has to be the one that is taken."""
    known = ", ".join(map(str, way.answer.addresses))
    return (f"see to it that the name leads to {known} there",) if known and len(found.ways) > 1 else ()


def _renamed(world: World, client: Client) -> Iterator[tuple[Way, tuple[Step, ...]]]:
    """The ways that the client would take if its name servers resolved the name to a private address."""
    network = network_of(world, client)
    asked = (network,) if network is not None and not custom_dns(network) else _central(world, client)
    for steps, after in _namings(world, asked):
        for way in verdict(after, client).ways:
            yield _routed(client, _mended(after, client, way)), steps


def _routed(client: Client, way: Way) -> Way:
    """The way, blocked where it is not known that a route leads there: a link would take the network off the
    public path, on which others of it may be."""
    if isinstance(client, OnPremises):
        return way
    unsure = (Stage.ROUTES, State.UNKNOWN)
    facts = (replace(f, state=State.BLOCKED) if (f.stage, f.state) == unsure else f for f in way.facts)
    return replace(way, facts=tuple(facts))


def _central(world: World, client: Client) -> tuple[NetworkDns, ...]:
    """The declared networks, one of which answers whoever asks DNS servers that are not visible."""
    if isinstance(client, PublicClient | AnyAzure):
        return ()
    return tuple(NetworkDns(id=network, dns_servers=()) for network in world.declared.networks)


def _plan(way: Way, naming: tuple[Step, ...]) -> tuple[tuple[bool, bool, int], tuple[Step | Edit, ...]]:
    """Every part of the way that blocks it mended, then its name; no steps where one cannot be. First what
    counts against it: that something stays unknown, that somebody is let in, how much there is to do."""
    blocked = [fact for fact in way.facts if fact.state is State.BLOCKED]
    mended = dict.fromkeys(step for fact in blocked for step in fact.remedy)
    steps = (*mended, *naming) if all(fact.remedy for fact in blocked) else ()
    unsure = any(fact.state is State.UNKNOWN for fact in way.facts)
    return (unsure, any(isinstance(step, PutFirewallRule) for step in steps), len(steps)), steps


# --- parts without a remedy of their own -----------------------------------------------------------


def _mended(world: World, client: Client, way: Way) -> Way:
    """The way with what mends its gate, where that is safe to say."""
    facts = (replace(f, remedy=f.remedy or _at_gate(world.server, client, f)) for f in way.facts)
    return replace(way, facts=tuple(facts))


def _at_gate(server: ServerSnapshot, client: Client, fact: Fact) -> tuple[Step | Edit, ...]:
    if fact.state is not State.BLOCKED:
        return ()
    if fact.stage is Stage.ADDRESS and server.state is ServerState.STOPPED:
        return _starting(server)
    if fact.stage is Stage.FIREWALL and server.public_access is PublicAccess.ENABLED:
        return tuple(_admitting(server, address) for address in _leaving(client))
    return ()


def _starting(server: ServerSnapshot) -> tuple[Step, ...]:
    if server.state_text.lower() == "inaccessible":
        return ("give the server's identity access to its encryption key again: without it nobody connects",)
    flexible = server.kind is TargetKind.FLEXIBLE_SERVER
    return (az(server, "start", "") if flexible else "start the server in the portal",)


def _leaving(client: Client) -> tuple[IPv4Address, ...]:
    """The public addresses of the client, where they are known."""
    if isinstance(client, PublicClient):
        return (client.address,)
    return client.nat if isinstance(client, SubnetClient | OnPremises) else ()


def _admitting(server: ServerSnapshot, address: IPv4Address) -> PutFirewallRule:
    """The narrowest rule, under a name that is free."""
    taken = [rule.name for rule in server.firewall_rules or ()]
    name = free_name(f"client-{str(address).replace('.', '-')}", taken)
    return PutFirewallRule(server=server.id, rule=FirewallRule(name=name, start=address, end=address))


# --- advice ----------------------------------------------------------------------------------------


def _advice(world: World, found: Verdict, ways: Iterable[Way]) -> Iterator[Step]:
    """What a person could do where no plan mends it."""
    server, network = world.server, network_of(world, found.client)
    for fact in (one for way in ways for one in way.facts):
        if fact.state is State.BLOCKED and not fact.remedy:
            yield from _unmendable(found, fact, network)
    if network is None and not isinstance(found.client, OnPremises):
        yield from _privately(server)
    if not server.vnet_integrated and not endpoints_of(server):
        yield from _endpoint_steps(server)
    if server.public_access is PublicAccess.ENABLED and not server.vnet_integrated:
        yield from _publicly(found, network)


def _is_public(found: Verdict) -> bool:
    """Whether the name may lead the client to the public endpoint now."""
    return any(way.answer.public for way in found.ways)


def _publicly(found: Verdict, network: NetworkDns | None) -> Iterator[str]:
    if _is_public(found) and not _leaving(found.client):
        yield "by the public path: add a firewall rule for the public address by which the client leaves"
    elif network is not None and not _is_public(found):
        yield (
            f"where all of network {network.id.name} is to take the public path: have its link to the zone"
            f" fall back ({FALLS_BACK}) if that holds no record of the server, else take the link away"
        )


def _unmendable(found: Verdict, fact: Fact, network: NetworkDns | None) -> Iterator[str]:
    if fact.stage is Stage.NSG:
        yield f"{fact.says}: no rule can be put ahead of it, so change what denies"
    if fact.stage is Stage.ROUTES and network is not None:
        first = ", before its zone is linked there" if _is_public(found) else ""
        there = f"make a private endpoint of the server in {network.id.name}{first}"
        yield f"peer the two networks, or {there}: {fact.says}"
    elif fact.stage is Stage.ROUTES:
        yield "have a gateway of the server's network, or of a peer that it uses, connect the two"
        if len(found.ways) > 1:
            yield "have the name servers there answer with the private address (Azure DNS Private Resolver)"


def _privately(server: ServerSnapshot) -> Iterator[Step]:
    """Where somebody without a network of Azure's could come from."""
    if server.delegated_subnet is not None and server.delegated_subnet.parent is not None:
        yield f"connect from network {server.delegated_subnet.parent.name}, or one that is joined to it"
    elif endpoints := endpoints_of(server):
        named = ", ".join(one.id.name for one in endpoints)
        yield f"connect from a network in which the name leads to private endpoint {named}"


def _endpoint_steps(server: ServerSnapshot) -> Iterator[Step]:
    """An endpoint that waits is decided upon; where there is none, one is made."""
    for one in server.private_endpoints or ():
        yield closed_choice(server, one)
    if not server.private_endpoints:
        yield "make a private endpoint of the server in a network of its clients"


# --- names -----------------------------------------------------------------------------------------


def _namings(world: World, networks: Sequence[NetworkDns]) -> Iterator[_Naming]:
    """What has the name lead to a private address in all of the networks."""
    dns = world.server.private_dns
    if dns is None or not networks:
        return
    if world.server.vnet_integrated:
        yield _in_own_zone(world, dns, networks)
        return
    for endpoint in endpoints_of(world.server):
        if endpoint.addresses and endpoint in dns.endpoints:
            yield _at_endpoint(world, dns, endpoint, networks)


def _at_endpoint(
    world: World, dns: PrivateDns, endpoint: EndpointDns, networks: Sequence[NetworkDns]
) -> _Naming:
    """What has the endpoint's name be answered in its own network has it be answered in the client's."""
    name = endpoint_zone_name(world.server.host_name)
    case = Case(server=world.server, dns=dns, endpoint=endpoint, zone_name=name, declared=world.declared)
    told = [serving_steps(replace(case, endpoint=replace(endpoint, network=one))) for one in networks]
    where = f"/subscriptions/{endpoint.id.subscription}/resourceGroups/{endpoint.id.resource_group}"
    made = ResourceId(f"{where}/providers/Microsoft.Network/privateDnsZones/{name}")
    zone = DnsZone(id=world.declared.zone or made, record=endpoint.addresses)
    steps = tuple(dict.fromkeys(step for steps in told for step in steps))
    return steps, _answered(world, dns, zone, networks)


def _in_own_zone(world: World, dns: PrivateDns, networks: Sequence[NetworkDns]) -> _Naming:
    """A VNet-integrated server's own zone linked to the client's network; the service keeps its record."""
    server = world.server
    zone = server.private_dns_zone or own_zone(server, server.id, "")
    read = next((one for one in dns.zones if one.id == zone), None)
    steps = tuple(step for one in networks for step in _own_steps(server, read, one.id))
    after = replace(world, server=replace(server, private_dns_zone=zone))
    return steps, _answered(after, dns, read or DnsZone(id=zone), networks)


def _own_steps(server: ServerSnapshot, zone: DnsZone | None, network: ResourceId) -> tuple[Step, ...]:
    own = server.delegated_subnet.parent if server.delegated_subnet is not None else None
    if server.private_dns_zone is None:
        more = () if network == own else (f"link that zone to network {network.name} as well",)
        return (*giving_one(server), *more)
    if zone is not None and zone.exists is False:
        return making_again(server, server.private_dns_zone, dict.fromkeys(filter(None, (own, network))))
    name = link_names([network], zone.links if zone is not None else ())[network]
    return (link_command(server.private_dns_zone, network, name),)


def _answered(world: World, dns: PrivateDns, zone: DnsZone, networks: Sequence[NetworkDns]) -> World:
    """The world once the zone answers in the networks, which are linked to no other of its name then."""
    ids = {one.id for one in networks}
    links = tuple(ZoneLink(name="", network=network, state=_LINKED) for network in sorted(ids))
    others = [_without(one, ids) for one in dns.zones if one.id != zone.id]
    served = replace(zone, exists=True, links=(*(_without(zone, ids).links or ()), *links))
    after = replace(dns, zones=(*others, served), found=(zone.id,) if dns.found is None else dns.found)
    return replace(world, server=replace(world.server, private_dns=after))


def _without(zone: DnsZone, networks: Collection[ResourceId]) -> DnsZone:
    if zone.links is None:
        return zone
    return replace(zone, links=tuple(one for one in zone.links if one.network not in networks))
