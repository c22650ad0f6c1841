"""Links of a private DNS zone to virtual networks: is each linked that must be, and what would link it.

Azure links a network to one zone of a name, so a link to another zone of that name is in the way. A link
that is not Completed yet is waited for. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TypeAlias

from shared.model import Json
from shared.model.dns_names import canonical
from shared.model.parts import DnsZone, ZoneLink
from shared.model.resource_id import ResourceId
from shared.posture.dns_commands import (
    delete_link_command,
    group_commands,
    link_command,
    link_names,
    names,
    show_link_command,
)
from shared.posture.findings import Judged, beside_the_point, compliant, drifted, unknown
from shared.posture.private_dns import Case, because, networks_of
from shared.posture.shared_records import A_ZONE_EACH, held_by, mending
from shared.posture.steps import OneOf, Step, Way
from shared.posture.ways.zones import answering_zone, linked

Naming: TypeAlias = Callable[[ResourceId], tuple[str, ...]]
"""Steps that have an endpoint's zone group name a zone."""


def judge_links(
    zones: Sequence[DnsZone],
    networks: Sequence[ResourceId],
    read: Sequence[DnsZone] = (),
    naming: Naming | None = None,
) -> Judged:
    """Whether every network is linked to one of the zones (Azure links a network to one zone of a name).

    ``read`` are all zones that were read: a further one of this name may have the network's link. ``naming``
    has the endpoint be named by such a zone instead, where that will do.
    """
    unread = [zone for zone in zones if zone.links is None]
    if unread:
        told = because(f"the links of zone {unread[0].id.name} could not be read", unread[0].unread)
        return unknown(told)
    open_ones = sorted(one for one in networks if answering_zone(zones, one) is None)
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
        steps = _link_steps(zones[0], missing, others, naming)
        return drifted(told, told.lower(), what_to_do=steps, evidence={**facts, "linkedElsewhere": elsewhere})
    if begun:
        return _waiting(*next(iter(begun.values())), facts)
    every = ", ".join(network.name for network in sorted(networks))
    return compliant(f"zone {zones[0].id.name} is linked to {every}", facts)


def without_zone(case: Case) -> Judged:
    """Where networks are declared that must be linked, some zone is meant, and which one is not said."""
    if not case.declared.networks or case.declared.zone is not None:
        return beside_the_point(f"endpoint {case.endpoint.id.name} has no zone that could be linked")
    told = ", ".join(network.name for network in sorted(case.declared.networks))
    reason = f"no zone {case.zone_name} is linked to {told}"
    return drifted(reason, reason.lower(), what_to_do="have policies.yaml name the zone that is meant (zone)")


def judge_case_links(case: Case, zones: Sequence[DnsZone]) -> Judged:
    """The same of an endpoint, which may be named by the zone that is linked, unless its zone is declared."""
    naming = partial(group_commands, case.endpoint) if case.declared.zone is None else None
    judged = judge_links(zones, case.declared.networks or networks_of(case), case.dns.zones, naming)
    return replace(judged, what_to_do=_recorded(case, zones[0], judged.steps)) if judged.is_drift else judged


def _recorded(case: Case, zone: DnsZone, linking: tuple[Step, ...]) -> tuple[Step, ...]:
    """A zone is linked once its record leads to the endpoint; till then the public address is answered."""
    if zone.record is None:
        return (f"See that the record of the server in zone {zone.id.name} is the endpoint's.", *linking)
    if held_by(case, zone.record).apart:
        return (A_ZONE_EACH,)
    mended = mending(case, zone)
    if any(isinstance(step, OneOf) for step in linking):
        return tuple(_linked_after(mended, step) for step in linking)
    return (*mended, *linking)


def _linked_after(mended: tuple[str, ...], step: Step) -> Step:
    """The record is mended only where the zone is chosen: else the zone group names another after all."""
    if isinstance(step, str):
        return step
    stays, moves = step.ways
    return OneOf(ways=(stays, replace(moves, steps=(*mended, *moves.steps))))


def _further(zones: Sequence[DnsZone], read: Sequence[DnsZone]) -> list[DnsZone]:
    """The zones of the same name that are not among ``zones``."""
    judged = {zone.id for zone in zones}
    return [
        zone
        for zone in read
        if zone.id not in judged and canonical(zone.id.name) == canonical(zones[0].id.name)
    ]


def _link_steps(
    zone: DnsZone, networks: Sequence[ResourceId], others: Sequence[DnsZone], naming: Naming | None
) -> tuple[Step, ...]:
    called = link_names(networks, zone.links)
    links = {one: linking_command(zone.id, one, name, others) for one, name in called.items()}
    return tuple(step for network in networks for step in _linking(zone.id, network, others, naming, links))


def _linking(
    zone: ResourceId,
    network: ResourceId,
    others: Sequence[DnsZone],
    naming: Naming | None,
    links: Mapping[ResourceId, str],
) -> tuple[Step, ...]:
    """What links the network to the zone; a link to another zone of that name is in the way of it."""
    moved, found = move_steps(zone, network, others, links[network]), _begun(others, network)
    if found is None:
        return (links[network],)
    if naming is None:
        return moved
    other, _ = found
    stays = Way(
        when=f"where the zone in {other.id.resource_group}, to which {network.name} is linked, is to answer",
        steps=naming(other.id),
    )
    return (OneOf(ways=(stays, Way(when=f"where the one in {zone.resource_group} is", steps=moved))),)


def linking_command(zone: ResourceId, network: ResourceId, name: str, others: Sequence[DnsZone]) -> str:
    """A link that is moved from another zone of that name keeps its policy."""
    if (found := _begun(others, network)) is None:
        return link_command(zone, network, name)
    return link_command(zone, network, name, found[1].resolution_policy)


def move_steps(
    zone: ResourceId, network: ResourceId, others: Sequence[DnsZone], link_here: str
) -> tuple[str, ...]:
    """What moves the network's link here from another zone of that name; nothing where it has none."""
    if (found := _begun(others, network)) is None:
        return ()
    other, link = found
    told = (
        f"network {network.name} is linked to a zone of that name in {other.id.resource_group}, and Azure"
        f" links a network to one zone of a name: see that the one in {zone.resource_group} holds all records"
        " that are needed there, then move the link"
    )
    return told, delete_link_command(other.id, link), link_here


def _shown(zones: Sequence[DnsZone]) -> list[str]:
    return sorted(f"{link.network}: {link.state}".lower() for zone in zones for link in zone.links or ())


def _waiting(zone: DnsZone, link: ZoneLink, facts: Mapping[str, Json]) -> Judged:
    """A link that is being made or changed: names may resolve by it or not yet, and a second is refused."""
    state = link.state or "without a state"
    told = f"zone {zone.id.name}: its link {link.name} is {state}, look again"
    return replace(unknown(told, facts), what_to_do=(show_link_command(zone.id, link),))


def _begun(zones: Sequence[DnsZone], network: ResourceId) -> tuple[DnsZone, ZoneLink] | None:
    found = ((zone, linked(zone, network)) for zone in zones)
    return next(((zone, link) for zone, link in found if link is not None), None)
