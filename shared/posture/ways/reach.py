"""How a server can be reached, in words: for the evidence of every finding on a server.

The combinations of public access, rules and endpoints are those of "Private Link combined with firewall
rules" in the Private Link article. An endpoint is a way in for whoever gets its address: where the private
DNS was read and the server's name leads nobody to it, that is said. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum

from shared.model import Finding, Json, PublicAccess, ServerSnapshot, Snapshot
from shared.model.parts import EndpointDns
from shared.model.resource_id import ResourceId
from shared.posture.traffic import (
    PUBLIC_ADDRESSES,
    AddressSet,
    ServerTraffic,
    network_rules_missing,
    odd_texts,
    public_sources,
    server_traffic,
)
from shared.posture.ways.endpoints import endpoints_of
from shared.posture.ways.names import answers
from shared.posture.ways.world import NetworkClient, World
from shared.posture.ways.zones import completed, zones_of


class Reach(StrEnum):
    """How a server can be reached: the combinations of the Private Link page."""

    PUBLIC_WITH_RULES = "public with rules"
    PUBLIC_WITHOUT_RULES = "public without rules (closed)"
    PRIVATE_ONLY = "private only"
    UNREACHABLE = "unreachable"
    UNKNOWN = "unknown"


def reach(server: ServerSnapshot) -> Reach:
    """Rules that exist while public access is off let nobody in, so they need not be known then."""
    if server.vnet_integrated:
        return Reach.PRIVATE_ONLY
    match server.public_access:
        case PublicAccess.UNKNOWN:
            return Reach.UNKNOWN
        case PublicAccess.ENABLED:
            return _public_reach(server)
        case PublicAccess.DISABLED if server.private_endpoints is None:
            return Reach.UNKNOWN
        case PublicAccess.DISABLED:
            return Reach.PRIVATE_ONLY if server_traffic(server).endpoints else Reach.UNREACHABLE


def _public_reach(server: ServerSnapshot) -> Reach:
    """A rule of either kind is a way in; that there is none is known only when both kinds were read."""
    if server.firewall_rules is None:
        return Reach.UNKNOWN
    if server.firewall_rules or server.virtual_network_rules or odd_texts(server):
        return Reach.PUBLIC_WITH_RULES
    return Reach.UNKNOWN if network_rules_missing(server) else Reach.PUBLIC_WITHOUT_RULES


def with_reach(found: Finding, snapshot: Snapshot) -> Finding:
    """The finding with how its server can be reached; as it is, where it is one on a subnet."""
    reached = reach_evidence(snapshot) if isinstance(snapshot, ServerSnapshot) else {}
    return replace(found, evidence={**found.evidence, **reached})


def reach_evidence(server: ServerSnapshot) -> Mapping[str, Json]:
    """How the server can be reached, for the evidence of every finding on a server.

    ``reach`` is one of ``Reach``, ``waysIn`` a list of texts: what may come in now, or may if public
    access is on where that is not known.
    """
    return {
        "publicNetworkAccess": server.public_access_text,
        "reach": str(reach(server)),
        "waysIn": _ways_in(server),
    }


def _ways_in(server: ServerSnapshot) -> list[str]:
    if server.delegated_subnet is not None:
        return [f"the virtual network, through subnet {server.delegated_subnet}"]
    return [*_public_ways_in(server), *_private_ways_in(server)]


def _public_ways_in(server: ServerSnapshot) -> list[str]:
    if server.public_access is PublicAccess.DISABLED:
        return []
    if server.firewall_rules is None:
        return ["firewall rules that were not read", *_network_ways_in(server)]
    ranges = replace(public_sources(server), subnets=frozenset())
    return [*_without_private(ranges).describe(), *_network_ways_in(server)]


def _without_private(traffic: ServerTraffic) -> ServerTraffic:
    """Without the ranges that hold no public address: nobody comes from them to a public endpoint."""
    some = (s for s in traffic.sources.spans if AddressSet(spans=(s,)).common(PUBLIC_ADDRESSES).spans)
    return replace(traffic, sources=AddressSet(spans=tuple(some)))


def _network_ways_in(server: ServerSnapshot) -> list[str]:
    """The subnets of virtual network rules, as ARM spells them."""
    if network_rules_missing(server):
        return ["virtual network rules that were not read"]
    subnets = {rule.subnet.key: rule.subnet for rule in server.virtual_network_rules or ()}
    return [f"the service endpoint of subnet {subnets[key]}" for key in sorted(subnets)]


def _private_ways_in(server: ServerSnapshot) -> list[str]:
    if server.private_endpoints is None:
        return ["private endpoints that the server does not show"]
    return sorted(_endpoint_way(server, one) for one in endpoints_of(server))


def _endpoint_way(server: ServerSnapshot, endpoint: EndpointDns) -> str:
    named = f"private endpoint {endpoint.id}"
    if server.private_dns is None or _leads_somebody(server, endpoint):
        return named
    return f"{named}, to which the server's name leads in no network"


def _leads_somebody(server: ServerSnapshot, endpoint: EndpointDns) -> bool:
    """Whether the name may lead somebody to an endpoint, in a network of which it is known."""
    world = World(server=server)
    found = (
        one.resolved
        for network in networks_meant(world)
        for one in answers(world, NetworkClient(network=network))
    )
    return any(one.endpoint == endpoint.id for one in found)


def networks_meant(world: World) -> tuple[ResourceId, ...]:
    """The networks that can be meant to reach the server: those in which it has an endpoint, those that are
    declared, those that are linked to a zone of its name."""
    server = world.server
    endpoints = [one.network.id for one in endpoints_of(server) if one.network is not None]
    places = [place.id.parent for place in server.places or () if place.id.parent is not None]
    links = (link for zone in zones_of(server) for link in zone.links or () if completed(link))
    linked = sorted({link.network for link in links if link.network is not None})
    return tuple(dict.fromkeys([*endpoints, *places, *world.declared.networks, *linked]))
