"""What has a private DNS zone answer for a server: the record, the link and the zone group, in the order in
which nobody's name stops resolving on the way.

Only a zone is written into that is declared, that the endpoint's own zone group names, or to which its
network is linked: any other answers for others. Where there is none, one is made in the server's own resource
group: a zone group may name a zone of any subscription. A zone that is linked before it holds the record
makes the name unresolvable in that network, so the record comes first. A zone that is new is in nobody's way
before it is linked, so its link comes after the record, and a zone that was named by mistake goes last. Pure.
"""

from __future__ import annotations

from shared.model.dns_names import canonical
from shared.model.parts import DnsZone
from shared.model.resource_id import ResourceId
from shared.posture.dns_commands import (
    group_commands,
    link_names,
    naming_commands,
    unnaming_commands,
    zone_command,
)
from shared.posture.dns_links import linking_command, move_steps
from shared.posture.private_dns import Case, resolver_unknown, rightly_named
from shared.posture.shared_records import mending
from shared.posture.ways.zones import linked, unseen_zones, zones_of

_NOT_SEEN = (
    "not every zone of this name could be read: where the network is linked to one, have the zone group name"
    " that one instead of a new one"
)


def serving_steps(case: Case) -> tuple[str, ...]:
    """What has the declared zone, the one that is linked or named, or a new one answer for the endpoint."""
    zone = case.declared.zone or _own(case)
    if zone is None:
        return _new(case)
    if (read := _read(case, zone)) is not None and read.exists is False:
        return _made(case, zone)
    links = _links(case, zone)
    known = read if read is not None and read.record is not None else DnsZone(id=zone, record=())
    records = mending(case, known) if links else ()
    named = links and zone in (case.endpoint.group_zones or ())
    return (*records, *links, *(() if named else group_commands(case.endpoint, zone)))


def _own(case: Case) -> ResourceId | None:
    """The zone to which the endpoint's network is linked, else the one that its zone group names."""
    network = case.endpoint.network
    there = [zone.id for zone in zones_of(case.server) if network is not None and linked(zone, network.id)]
    return next(iter((*sorted(there), *rightly_named(case))), None)


def _new(case: Case) -> tuple[str, ...]:
    """A zone in the server's own resource group; Azure keeps one of a name in a group."""
    where = case.server.id
    scope = f"/subscriptions/{where.subscription}/resourceGroups/{where.resource_group}"
    made = ResourceId(f"{scope}/providers/Microsoft.Network/privateDnsZones/{case.zone_name}")
    if made in (case.dns.found or ()) or made in {zone.id for zone in zones_of(case.server)}:
        return (
            f"zone {made} exists, and is not linked to the endpoint's network: have policies.yaml name it"
            " (zone) where it is meant to answer, else the zone that is",
        )
    return (*((_NOT_SEEN,) if _unseen(case) else ()), *_made(case, made))


def _unseen(case: Case) -> bool:
    return unseen_zones(case.server) or any(zone.links is None for zone in zones_of(case.server))


def _made(case: Case, zone: ResourceId) -> tuple[str, ...]:
    named = naming_commands(case.endpoint, zone), unnaming_commands(case.endpoint, zone)
    return (zone_command(zone, zone.name), *named[0], *_links(case, zone), *named[1])


def _read(case: Case, zone: ResourceId) -> DnsZone | None:
    return next((one for one in case.dns.zones if one.id == zone), None)


def _links(case: Case, zone: ResourceId) -> tuple[str, ...]:
    """The link of the endpoint's network, where it lacks one and Azure's resolver answers there."""
    network, read = case.endpoint.network, _read(case, zone)
    if network is None or resolver_unknown(case.endpoint) or (read and linked(read, network.id)):
        return ()
    namesakes = [one for one in case.dns.zones if canonical(one.id.name) == canonical(zone.name)]
    others = [one for one in namesakes if one.id != zone]
    name = link_names([network.id], read.links if read is not None else ())[network.id]
    link = linking_command(zone, network.id, name, others)
    return move_steps(zone, network.id, others, link) or (link,)
