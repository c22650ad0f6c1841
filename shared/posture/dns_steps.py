"""What has a private DNS zone answer for a server: the record, the link and the zone group, in the order in
which nobody's name stops resolving on the way.

A zone that is linked before it holds the record makes the name unresolvable in that network, so the record
comes first. A zone that is new is in nobody's way before it is linked, so its link comes last. Azure links a
network to one zone of a name: where one is linked already, that one is used. Pure.
"""

from __future__ import annotations

from shared.model.dns_names import canonical, record_name
from shared.model.parts import DnsZone
from shared.model.resource_id import ResourceId
from shared.posture.dns_commands import (
    group_commands,
    link_command,
    link_names,
    record_command,
    zone_command,
)
from shared.posture.dns_links import linked, move_steps
from shared.posture.private_dns import Case, resolver_unknown

_NOT_ASKED = "which zones of this name exist could not be asked: where the network is linked to one, name it"


def serving_steps(case: Case) -> tuple[str, ...]:
    """What has the declared zone, one that is there, or a new one beside the endpoint answer for it."""
    zone = case.declared.zone or _there(case)
    if zone is None:
        made = _beside(case)
        unsure = (_NOT_ASKED,) if case.dns.found is None else ()
        return (
            *unsure,
            zone_command(made, made.name),
            *group_commands(case.endpoint, made),
            *_links(case, made),
        )
    read = _read(case, zone)
    if read is not None and read.exists is False:
        return (zone_command(zone, zone.name), *group_commands(case.endpoint, zone), *_links(case, zone))
    links = _links(case, zone)
    records = _records(case, zone) if links else ()
    return (*records, *links, *group_commands(case.endpoint, zone))


def _there(case: Case) -> ResourceId | None:
    """A zone of the name that exists, if possible the one to which the network is linked."""
    network = case.endpoint.network
    candidates = sorted(one for one in case.dns.found or () if _exists(case, one))
    if network is not None:
        candidates.sort(key=lambda one: _link_of(case, one, network.id) is None)
    return next(iter(candidates), None)


def _exists(case: Case, zone: ResourceId) -> bool:
    read = _read(case, zone)
    return read is None or read.exists is not False


def _read(case: Case, zone: ResourceId) -> DnsZone | None:
    return next((one for one in case.dns.zones if one.id == zone), None)


def _link_of(case: Case, zone: ResourceId, network: ResourceId) -> object:
    read = _read(case, zone)
    return linked(read, network) if read is not None else None


def _beside(case: Case) -> ResourceId:
    where = case.endpoint.id
    scope = f"/subscriptions/{where.subscription}/resourceGroups/{where.resource_group}"
    return ResourceId(f"{scope}/providers/Microsoft.Network/privateDnsZones/{case.zone_name}")


def _links(case: Case, zone: ResourceId) -> tuple[str, ...]:
    """The link of the endpoint's network, where it lacks one and Azure's resolver answers there."""
    network = case.endpoint.network
    if network is None or resolver_unknown(case.endpoint) or _link_of(case, zone, network.id) is not None:
        return ()
    namesakes = [one for one in case.dns.zones if canonical(one.id.name) == canonical(zone.name)]
    others = [one for one in namesakes if one.id != zone]
    read = _read(case, zone)
    name = link_names([network.id], read.links if read is not None else ())[network.id]
    link = link_command(zone, network.id, name)
    return move_steps(zone, network.id, others, link) or (link,)


def _records(case: Case, zone: ResourceId) -> tuple[str, ...]:
    """The endpoint's record in a zone that is about to be linked; the zone group keeps it from then on."""
    read = _read(case, zone)
    held = set(read.record or ()) if read is not None else set()
    label = record_name(case.server.host_name)
    wanted = sorted(set(case.endpoint.addresses or ()) - held)
    return tuple(record_command(zone, "add-record", label, str(address)) for address in wanted)
