"""What the policies about private DNS share: which zone answers for an endpoint, and what is said of it.

One endpoint at a time is judged, with a verdict each; a finding joins the verdicts of a server. Where a
network asks its own DNS servers, Azure does not show what they answer, so nothing is claimed about it,
unless the configuration declares the central zone and the networks that must be linked (the hub-and-spoke
of the Private Link article): then exactly those are judged, and who asks whom does not matter. Commands
are for a person: nothing here is ever written by the app. Pure.

What must not live here: the metadata of a policy, and how private DNS is read.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import field
from typing import Final

from shared.model import Aspect, ComplianceState, ConnectionStatus, Finding, Json, ServerSnapshot, Severity
from shared.model.dns_names import canonical, endpoint_zone_name
from shared.model.parts import DnsZone, EndpointDns, NetworkDns, PrivateDns, ZoneLink
from shared.model.resource_id import ResourceId, free_name, parse_resource_id
from shared.model.values import value
from shared.posture.traffic import reach_evidence
from shared.posture.unread import unread_reason

PERMISSIONS: Final = (
    "Microsoft.DBforPostgreSQL/flexibleServers/read",
    "Microsoft.Network/privateEndpoints/read",
    "Microsoft.Network/privateEndpoints/privateDnsZoneGroups/read",
    "Microsoft.Network/virtualNetworks/read",
    "Microsoft.Network/privateDnsZones/read",
    "Microsoft.Network/privateDnsZones/virtualNetworkLinks/read",
    "Microsoft.Network/privateDnsZones/A/read",
)
"""What reading private DNS needs, whichever policy it is read for."""

COMPLIANT: Final = ComplianceState.COMPLIANT
NON_COMPLIANT: Final = ComplianceState.NON_COMPLIANT
UNKNOWN: Final = ComplianceState.UNKNOWN

AZURE_RESOLVER: Final = "168.63.129.16"
"""Azure's own resolver, which a network may also name itself (article on this address)."""
_ZONE_TYPE: Final = "microsoft.network/privatednszones"
_NETWORK_TYPE: Final = "microsoft.network/virtualnetworks"


@value
class About:
    """A policy as far as its findings name it."""

    policy: str
    severity: Severity


@value
class Declared:
    """What the configuration says of central DNS: the zone, and the networks that must be linked to it."""

    zone: ResourceId | None = None
    networks: tuple[ResourceId, ...] = ()

    @classmethod
    def of(cls, zone: str, networks: Sequence[str] = ()) -> Declared:
        return cls(zone=ResourceId(zone) if zone else None, networks=tuple(map(ResourceId, networks)))


@value
class Case:
    """One approved private endpoint of a server, with everything that was read."""

    server: ServerSnapshot
    dns: PrivateDns
    endpoint: EndpointDns
    zone_name: str
    declared: Declared = Declared()


@value
class Verdict:
    """What is said of one endpoint or zone. ``facts`` go to the evidence, ``todo`` to a person."""

    state: ComplianceState
    reason: str
    facts: Mapping[str, Json] = field(default_factory=dict)
    todo: tuple[str, ...] = ()
    applies: bool = True


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


# --- findings --------------------------------------------------------------------------------------


def finding(about: About, server: ServerSnapshot, verdict: Verdict, drift: str = "") -> Finding:
    """A finding on the server; ``drift`` tells one drift from another, whatever is spelled how."""
    wrong = verdict.state is NON_COMPLIANT
    return Finding(
        policy=about.policy,
        target=server.target,
        resource_id=server.id,
        state=verdict.state,
        severity=about.severity,
        reason=verdict.reason,
        evidence={**verdict.facts, "whatToDo": list(verdict.todo), **reach_evidence(server)},
        fingerprint=drift.lower() if wrong else "",
        applies=verdict.applies,
    )


def judge_endpoints(
    about: About, server: ServerSnapshot, declared: Declared, judge: Callable[[Case], Verdict]
) -> Finding:
    """The finding that joins what ``judge`` says of each approved endpoint: the worst word counts."""
    if (settled := _without_endpoints(server)) is not None:
        return finding(about, server, settled)
    dns, name = server.private_dns, endpoint_zone_name(server.host_name)
    if dns is None or not name:
        return finding(about, server, _unread(server))
    cases = [
        Case(server=server, dns=dns, endpoint=endpoint, zone_name=name, declared=declared)
        for endpoint in sorted(dns.endpoints, key=lambda endpoint: endpoint.id.key)
    ]
    verdicts = [(case, judge(case)) for case in cases]
    return _joined(about, server, name, verdicts)


def _joined(
    about: About, server: ServerSnapshot, zone_name: str, verdicts: list[tuple[Case, Verdict]]
) -> Finding:
    worst = NON_COMPLIANT if any(v.state is NON_COMPLIANT for _, v in verdicts) else UNKNOWN
    telling = [(case, verdict) for case, verdict in verdicts if verdict.state is worst]
    unlooked = Aspect.PRIVATE_DNS in server.unread
    if telling:
        reason = "; ".join(verdict.reason for _, verdict in telling)
    elif unlooked or not verdicts:
        reason = unread_reason(server, Aspect.PRIVATE_DNS)
    else:
        worst, reason = COMPLIANT, "; ".join(verdict.reason for _, verdict in verdicts)
    whole = Verdict(
        state=worst,
        reason=reason,
        facts={"zoneName": zone_name, "endpoints": [_told(case, verdict) for case, verdict in verdicts]},
        todo=tuple(dict.fromkeys(step for _, verdict in telling for step in verdict.todo)),
        applies=worst is not COMPLIANT or any(verdict.applies for _, verdict in verdicts),
    )
    drift = "; ".join(f"{case.endpoint.id.key}: {verdict.reason}" for case, verdict in telling)
    return finding(about, server, whole, drift)


def _told(case: Case, verdict: Verdict) -> dict[str, Json]:
    """An endpoint as the evidence shows it."""
    network = case.endpoint.network
    return {
        "endpoint": str(case.endpoint.id),
        "addresses": [str(address) for address in case.endpoint.addresses or ()],
        "network": str(network.id) if network is not None else None,
        "dnsServers": sorted(network.dns_servers or ()) if network is not None else None,
        "zoneGroup": names(case.endpoint.group_zones or ()),
        "state": str(verdict.state),
        **verdict.facts,
    }


def _without_endpoints(server: ServerSnapshot) -> Verdict | None:
    if server.vnet_integrated:
        inside = "the server is VNet-integrated: it has no private endpoint"
        return Verdict(state=COMPLIANT, reason=inside, applies=False)
    if server.private_endpoints is None:
        return Verdict(state=UNKNOWN, reason="the private endpoint connections could not be read")
    if all(one.status is not ConnectionStatus.APPROVED for one in server.private_endpoints):
        return Verdict(state=COMPLIANT, reason="there is no approved private endpoint", applies=False)
    return None


def _unread(server: ServerSnapshot) -> Verdict:
    if server.private_dns is not None:
        unnamed = f"the zone's name cannot be told from the server's host name {server.host_name!r}"
        return Verdict(state=UNKNOWN, reason=unnamed)
    return Verdict(state=UNKNOWN, reason=unread_reason(server, Aspect.PRIVATE_DNS))


# --- which zone answers ----------------------------------------------------------------------------


def serving(case: Case) -> Serving:
    """The existing zones that answer for the endpoint's network, or the declared one."""
    if case.declared.zone is not None:
        return _declared_zone(case, case.declared.zone)
    if not case.declared.networks and (unsure := resolver_unknown(case.endpoint)):
        return Serving(unknown=unsure)
    if case.endpoint.group_zones is None:
        told = _because("the zone group of the endpoint could not be read", case.endpoint.unread)
        return Serving(unknown=told)
    if case.endpoint.group_zones:
        return _read_among(case, rightly_named(case))
    if case.dns.found is None:
        return Serving(unknown=_because("which zones exist could not be asked", case.endpoint.unread))
    return _read_among(case, case.dns.found)


def _read_among(case: Case, named: Iterable[ResourceId]) -> Serving:
    """What was read of the zones; one that does not exist answers nothing."""
    ids = set(named)
    read = [zone for zone in case.dns.zones if zone.id in ids]
    unread = [zone for zone in read if zone.exists is None]
    if unread:
        told = _because(f"zone {names([unread[0].id])[0]} could not be read", unread[0].unread)
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


def resolver_unknown(endpoint: EndpointDns) -> str:
    """Why it is not known who answers in the endpoint's network; ``""`` where Azure's resolver does."""
    if endpoint.network is None:
        return _because("the network of the endpoint is not known", endpoint.unread)
    return custom_dns(endpoint.network)


def custom_dns(network: NetworkDns) -> str:
    """Why nothing can be claimed of names in a network; ``""`` where Azure's resolver answers."""
    if network.dns_servers is None:
        return _because(f"the DNS servers of network {network.id.name} are not known", network.unread)
    if set(network.dns_servers) <= {AZURE_RESOLVER}:
        return ""
    asked = ", ".join(sorted(network.dns_servers))
    return (
        f"network {network.id.name} asks its own DNS servers ({asked}), and what they answer is not visible;"
        " it can be judged where policies.yaml names the central zone and the networks that must be linked"
    )


def _because(what: str, why: str) -> str:
    return f"{what}: {why}" if why else what


# --- links -----------------------------------------------------------------------------------------


def linked(zone: DnsZone, network: ResourceId) -> ZoneLink | None:
    """The zone's link to a network, None where there is none."""
    found = [link for link in zone.links or () if link.network == network]
    return min(found, key=lambda link: (not completed(link), link.name), default=None)


def completed(link: ZoneLink) -> bool:
    return link.state.lower() == "completed"


def judge_links(
    zones: Sequence[DnsZone], networks: Sequence[ResourceId], read: Sequence[DnsZone] = ()
) -> Verdict:
    """Whether every network is linked to one of the zones (Azure links a network to one zone of a name).

    ``read`` are all zones that were read: a further one of this name may have the network's link.
    """
    unread = [zone for zone in zones if zone.links is None]
    if unread:
        told = _because(f"the links of zone {unread[0].id.name} could not be read", unread[0].unread)
        return Verdict(state=UNKNOWN, reason=told)
    open_ones = sorted(one for one in networks if not any(_is_linked(zone, one) for zone in zones))
    begun = {one: found for one in open_ones if (found := _begun(zones, one)) is not None}
    facts = {
        "zones": names(zone.id for zone in zones),
        "mustBeLinked": names(networks),
        "notLinked": names(open_ones),
        "links": _shown(zones),
    }
    if missing := [one for one in open_ones if one not in begun]:
        told = f"zone {zones[0].id.name} is not linked to {', '.join(network.name for network in missing)}"
        others = _further(zones, read)
        elsewhere = names(zone.id for zone in others if any(linked(zone, one) for one in missing))
        steps = tuple(step for network in missing for step in _link_steps(zones[0].id, network, others))
        return Verdict(
            state=NON_COMPLIANT, reason=told, facts={**facts, "linkedElsewhere": elsewhere}, todo=steps
        )
    if begun:
        return _waiting(*next(iter(begun.values())), facts)
    every = ", ".join(network.name for network in sorted(networks))
    return Verdict(state=COMPLIANT, reason=f"zone {zones[0].id.name} is linked to {every}", facts=facts)


def _further(zones: Sequence[DnsZone], read: Sequence[DnsZone]) -> list[DnsZone]:
    """The zones of the same name that are not among ``zones``."""
    judged = {zone.id for zone in zones}
    return [
        zone
        for zone in read
        if zone.id not in judged and canonical(zone.id.name) == canonical(zones[0].id.name)
    ]


def _link_steps(zone: ResourceId, network: ResourceId, others: Sequence[DnsZone]) -> tuple[str, ...]:
    """What links the network to the zone; a link to another zone of that name is in the way of it."""
    if (found := _begun(others, network)) is None:
        return (link_command(zone, network),)
    other, link = found
    told = (
        f"Network {network.name} is linked to another zone of that name, {other.id}, and a network can be"
        " linked to one zone of a name only. Either have the endpoint's zone group name that zone; or, once"
        f" {zone} holds every record of it that is needed in this network, move the link."
    )
    return told, delete_link_command(other.id, link), link_command(zone, network)


def _shown(zones: Sequence[DnsZone]) -> list[str]:
    return sorted(f"{link.network}: {link.state}".lower() for zone in zones for link in zone.links or ())


def _waiting(zone: DnsZone, link: ZoneLink, facts: Mapping[str, Json]) -> Verdict:
    """A link that is being made or changed: names may resolve by it or not yet, and a second is refused."""
    state = link.state or "without a state"
    told = f"zone {zone.id.name}: its link {link.name} is {state}, look again"
    return Verdict(state=UNKNOWN, reason=told, facts=facts, todo=(show_link_command(zone.id, link),))


def _begun(zones: Sequence[DnsZone], network: ResourceId) -> tuple[DnsZone, ZoneLink] | None:
    found = ((zone, linked(zone, network)) for zone in zones)
    return next(((zone, link) for zone, link in found if link is not None), None)


def _is_linked(zone: DnsZone, network: ResourceId) -> bool:
    link = linked(zone, network)
    return link is not None and completed(link)


def names(ids: Iterable[ResourceId]) -> list[str]:
    """Ids in one order, as the evidence lists them."""
    return [str(one) for one in sorted(ids)]


# --- commands for a person -------------------------------------------------------------------------


def az(*words: str) -> str:
    """An azure-cli command, quoted for a POSIX shell."""
    return shlex.join(("az", *words))


def az_at(where: ResourceId, *words: str) -> str:
    """An azure-cli command in the subscription and resource group of ``where``."""
    return az(*words, "--subscription", where.subscription, "--resource-group", where.resource_group)


def link_command(zone: ResourceId, network: ResourceId) -> str:
    return az_at(
        zone,
        *("network", "private-dns", "link", "vnet", "create", "--zone-name", zone.name),
        *("--name", network.name, "--virtual-network", str(network), "--registration-enabled", "false"),
    )


def show_link_command(zone: ResourceId, link: ZoneLink) -> str:
    return _of_link("show", zone, link)


def delete_link_command(zone: ResourceId, link: ZoneLink) -> str:
    return f"{_of_link('delete', zone, link)} --yes"


def _of_link(verb: str, zone: ResourceId, link: ZoneLink) -> str:
    words = ("network", "private-dns", "link", "vnet", verb, "--zone-name", zone.name, "--name", link.name)
    return az_at(zone, *words)


def group_commands(endpoint: EndpointDns, zone: ResourceId) -> tuple[str, ...]:
    """What makes the endpoint's zone group name the zone, and so write its record anew.

    A group that names zones of this name only is made again. Of any other, entries for a zone of this name
    go first; where there are none, the only other zone goes afterwards: it is what was named by mistake. Of
    several other zones none is taken out, for some may be meant.
    """
    if not endpoint.group:
        return (_group_command(endpoint, "create", "postgres", zone),)
    named = set(endpoint.group_zones or ())
    same = {one for one in named if canonical(one.name) == canonical(zone.name)}
    if same and same == named:
        return (_group_command(endpoint, "delete"), _group_command(endpoint, "create", "postgres", zone))
    kept = [config.name for config in endpoint.group_configs if config.zone not in same]
    add = _group_command(endpoint, "add", free_name("postgres", kept), zone)
    mistaken = named if not same and len(named) == 1 else set()
    return (*_removals(endpoint, same), add, *_removals(endpoint, mistaken))


def _removals(endpoint: EndpointDns, zones: Collection[ResourceId]) -> list[str]:
    """What takes zones out of a zone group; an entry's name that was not read has to be looked up."""
    known = [config for config in endpoint.group_configs if config.zone in zones]
    gone = [_group_command(endpoint, "remove", config.name) for config in known]
    unknown = names(set(zones) - {config.zone for config in known})
    if not unknown:
        return gone
    told = f"Take {', '.join(unknown)} out of the zone group by the name that its entry has there."
    return [*gone, told, _group_command(endpoint, "show")]


def _group_command(endpoint: EndpointDns, verb: str, config: str = "", zone: ResourceId | None = None) -> str:
    """``verb`` is ``create``, ``delete`` or ``show`` of a group, ``add`` or ``remove`` of an entry of it."""
    words = ["network", "private-endpoint", "dns-zone-group", verb, "--endpoint-name", endpoint.id.name]
    words += ["--name", endpoint.group or "default"]
    words += ["--zone-name", config] if config else []
    words += ["--private-dns-zone", str(zone)] if zone is not None else []
    return az_at(endpoint.id, *words)


def zone_command(where: ResourceId, name: str) -> str:
    return az_at(where, "network", "private-dns", "zone", "create", "--name", name)


def record_command(zone: ResourceId, verb: str, label: str, address: str) -> str:
    """``verb`` is ``add-record`` or ``remove-record``."""
    words = ("network", "private-dns", "record-set", "a", verb, "--zone-name", zone.name)
    return az_at(zone, *words, "--record-set-name", label, "--ipv4-address", address)
