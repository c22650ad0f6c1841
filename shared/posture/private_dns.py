"""What the policies about private DNS share: which zone answers for an endpoint, and what is said of it.

One endpoint at a time is judged; what is said of a server joins what is said of its endpoints. Where a
network asks its own DNS servers, Azure does not show what they answer, so nothing is claimed about it,
unless the configuration declares the central zone and the networks that must be linked (the hub-and-spoke
of the Private Link article): then exactly those are judged, and who asks whom does not matter. Pure.

What must not live here: the metadata of a policy, and how private DNS is read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Final

from shared.model import Aspect, ComplianceState, ConnectionStatus, Finding, Json, ServerSnapshot, Severity
from shared.model.dns_names import canonical, endpoint_zone_name
from shared.model.parts import DnsZone, EndpointDns, NetworkDns, PrivateDns, ZoneLink
from shared.model.resource_id import ResourceId, parse_resource_id
from shared.model.values import value
from shared.posture.dns_commands import names
from shared.posture.findings import Facts, Judged, beside_the_point, compliant, drifted, finding, unknown
from shared.posture.policy import Parameter
from shared.posture.steps import Step
from shared.posture.unread import connections_missing, status_unknown, unread_reason
from shared.posture.ways.world import Declared
from shared.posture.ways.zones import (
    answering_zone,
    custom_dns,
    hanging,
    perhaps_linked,
    unseen_zones,
    zones_of,
)

_TO_DECLARE: Final = (
    "it can be judged where policies.yaml names the central zone and the networks that must be linked"
)
_ZONE_TYPE: Final = "microsoft.network/privatednszones"
_NETWORK_TYPE: Final = "microsoft.network/virtualnetworks"


@value
class Case:
    """One approved private endpoint of a server, with everything that was read."""

    server: ServerSnapshot
    dns: PrivateDns
    endpoint: EndpointDns
    zone_name: str
    declared: Declared = Declared()


@value
class Serving:
    """The zones that answer for an endpoint; ``unknown`` says why they cannot be told."""

    zones: tuple[DnsZone, ...] = ()
    unknown: str = ""
    more: int = 0
    """Zones of the right name that were not read."""


# --- settings --------------------------------------------------------------------------------------


def wrong_zone(setting: Json) -> str | None:
    """What is wrong with the id of a central zone; None for a usable one or ``""``."""
    if setting == "":
        return None
    found = parse_resource_id(setting)
    if found is None or found.type != _ZONE_TYPE:
        return f"{setting!r} is not the resource id of a private DNS zone"
    return None


def wrong_networks(setting: Json) -> str | None:
    """What is wrong with the ids of networks that must be linked; None for a list of usable ones."""
    if not isinstance(setting, list):
        return "a list of resource ids of virtual networks is expected"
    for one in setting:
        found = parse_resource_id(one)
        if found is None or found.type != _NETWORK_TYPE:
            return f"{one!r} is not the resource id of a virtual network"
    return None


CENTRAL_ZONE: Final = Parameter(
    name="zone",
    default="",
    description="Resource id of the central private DNS zone; empty: each endpoint's own is judged.",
    check=wrong_zone,
)
"""The parameter of every policy on the zones of private endpoints."""


# --- findings --------------------------------------------------------------------------------------


def finding_with_steps(policy: str, severity: Severity, server: ServerSnapshot, judged: Judged) -> Finding:
    """The finding of a policy that tells a person several steps, one or none: the evidence has a list."""
    return finding(policy, severity, server, replace(judged, what_to_do=judged.steps))


def judge_endpoints(server: ServerSnapshot, declared: Declared, judge: Callable[[Case], Judged]) -> Judged:
    """What ``judge`` says of each approved endpoint, joined: the worst word counts."""
    if (settled := _without_endpoints(server)) is not None:
        return settled
    dns, name = server.private_dns, endpoint_zone_name(server.host_name)
    if dns is None or not name:
        return _unread(server)
    cases = [
        Case(server=server, dns=dns, endpoint=endpoint, zone_name=name, declared=declared)
        for endpoint in sorted(dns.endpoints, key=lambda endpoint: endpoint.id.key)
    ]
    return _joined(server, name, [(case, judge(case)) for case in cases])


def _joined(server: ServerSnapshot, zone_name: str, verdicts: list[tuple[Case, Judged]]) -> Judged:
    """Advice is told where nothing is worse, and nothing that may be worse is unknown."""
    told = {"zoneName": zone_name, "endpoints": [_told(case, judged) for case, judged in verdicts]}
    wrong = [(case, judged) for case, judged in verdicts if judged.is_drift]
    if grave := [(case, judged) for case, judged in wrong if judged.severity is None]:
        return _wrong(grave, told)
    unsure = [(case, judged) for case, judged in verdicts if judged.state is ComplianceState.UNKNOWN]
    if unsure:
        return replace(unknown(_reasons(unsure), told), what_to_do=_steps(unsure))
    if said := status_unknown(server):
        return unknown(said, told)
    if Aspect.PRIVATE_DNS in server.unread or not verdicts:
        return unknown(unread_reason(server, Aspect.PRIVATE_DNS), told)
    if wrong:
        return replace(_wrong(wrong, told), severity=wrong[0][1].severity)
    applies = any(judged.applies for _, judged in verdicts)
    return replace(compliant(_reasons(verdicts), told), applies=applies)


def _wrong(verdicts: list[tuple[Case, Judged]], told: Facts) -> Judged:
    told_apart = "; ".join(f"{case.endpoint.id.key}: {judged.fingerprint}" for case, judged in verdicts)
    judged = drifted(_reasons(verdicts), told_apart.lower(), evidence=told)
    return replace(judged, what_to_do=_steps(verdicts))


def _reasons(verdicts: Iterable[tuple[Case, Judged]]) -> str:
    return "; ".join(dict.fromkeys(judged.reason for _, judged in verdicts))


def _steps(verdicts: Iterable[tuple[Case, Judged]]) -> tuple[Step, ...]:
    return tuple(dict.fromkeys(step for _, judged in verdicts for step in judged.steps))


def _told(case: Case, judged: Judged) -> dict[str, Json]:
    """An endpoint as the evidence shows it."""
    network = case.endpoint.network
    return {
        "endpoint": str(case.endpoint.id),
        "addresses": [str(address) for address in case.endpoint.addresses or ()],
        "network": str(network.id) if network is not None else None,
        "dnsServers": sorted(network.dns_servers or ()) if network is not None else None,
        "zoneGroup": names(case.endpoint.group_zones or ()),
        "state": str(judged.state),
        **judged.evidence,
    }


def _without_endpoints(server: ServerSnapshot) -> Judged | None:
    if server.vnet_integrated:
        return beside_the_point("the server is VNet-integrated: it has no private endpoint")
    if server.private_endpoints is None:
        return unknown(connections_missing(server))
    if any(one.status is ConnectionStatus.APPROVED for one in server.private_endpoints):
        return None
    unsure = status_unknown(server)
    return unknown(unsure) if unsure else beside_the_point("there is no approved private endpoint")


def _unread(server: ServerSnapshot) -> Judged:
    if server.private_dns is not None:
        return unknown(f"the zone's name cannot be told from the server's host name {server.host_name!r}")
    return unknown(unread_reason(server, Aspect.PRIVATE_DNS))


# --- which zone answers ----------------------------------------------------------------------------


def serving(case: Case) -> Serving:
    """The zones that answer for the endpoint: the declared one, those that its zone group names, else those
    linked to its network or to a declared one. A zone that is none of these answers for others."""
    if case.declared.zone is not None:
        return _declared_zone(case, case.declared.zone)
    if not case.declared.networks and (unsure := resolver_unknown(case.endpoint)):
        return Serving(unknown=unsure)
    if unread := group_unread(case.endpoint):
        return Serving(unknown=unread)
    named = rightly_named(case)
    return _read_among(case, named) if named else _linked_ones(case)


def _linked_ones(case: Case) -> Serving:
    """What is not known of a link matters only where none is surely there."""
    zones, networks = zones_of(case.server), networks_of(case)
    sure = [found[0] for network in networks if (found := answering_zone(zones, network)) is not None]
    if sure:
        return Serving(zones=tuple(dict.fromkeys(sure)))
    hang = ((zone, link, network) for zone, link, network in _perhaps(zones, networks))
    unsure = next((hanging(*one) for one in hang), "")
    return Serving(unknown=unsure or _unseen(case))


def _perhaps(
    zones: Iterable[DnsZone], networks: Sequence[ResourceId]
) -> Iterator[tuple[DnsZone, ZoneLink, ResourceId]]:
    for zone in zones:
        for network in networks:
            if (link := perhaps_linked(zone, network)) is not None:
                yield zone, link, network


def _unseen(case: Case) -> str:
    if case.dns.found is None:
        return because("which zones exist could not be asked", case.endpoint.unread)
    return f"zones called {case.zone_name} exist that were not read" if unseen_zones(case.server) else ""


def networks_of(case: Case) -> tuple[ResourceId, ...]:
    """The networks in which the endpoint's name has to be answered: the declared ones, and its own."""
    own = (case.endpoint.network.id,) if case.endpoint.network is not None else ()
    return (*case.declared.networks, *own)


def _read_among(case: Case, named: Iterable[ResourceId]) -> Serving:
    """What was read of the zones; one that does not exist answers nothing."""
    ids = set(named)
    read = [zone for zone in case.dns.zones if zone.id in ids]
    unread = [zone for zone in read if zone.exists is None]
    if unread:
        told = because(f"zone {names([unread[0].id])[0]} could not be read", unread[0].unread)
        return Serving(unknown=told)
    existing = tuple(sorted((zone for zone in read if zone.exists), key=lambda zone: zone.id.key))
    return Serving(zones=existing, more=len(ids) - len(read))


def _declared_zone(case: Case, declared: ResourceId) -> Serving:
    if canonical(declared.name) != case.zone_name:
        told = f"the declared zone {declared} cannot answer: for this server it must be {case.zone_name}"
        return Serving(unknown=told)
    found = _read_among(case, [declared])
    if found.more:
        told = f"the declared zone {declared} was not among those that could be found and read"
        return Serving(unknown=told)
    return found


def rightly_named(case: Case) -> tuple[ResourceId, ...]:
    """The zones of the prescribed name that the endpoint's zone group names."""
    named = case.endpoint.group_zones or ()
    return tuple(sorted(zone for zone in named if canonical(zone.name) == case.zone_name))


def group_unread(endpoint: EndpointDns) -> str:
    """Why it is not known which zones its zone group names; ``""`` where it is."""
    told = because("the zone group of the endpoint could not be read", endpoint.unread)
    return told if endpoint.group_zones is None else ""


def resolver_unknown(endpoint: EndpointDns) -> str:
    """Why it is not known who answers in the endpoint's network; ``""`` where Azure's resolver does."""
    if endpoint.network is None:
        return because("the network of the endpoint is not known", endpoint.unread)
    return unclaimed(endpoint.network)


def unclaimed(network: NetworkDns) -> str:
    """Why no policy claims anything of names in a network, and what would let it; ``""``: Azure answers."""
    unsure = custom_dns(network)
    return f"{unsure}; {_TO_DECLARE}" if unsure and network.dns_servers is not None else unsure


def because(what: str, why: str) -> str:
    return f"{what}: {why}" if why else what
