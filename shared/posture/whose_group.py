"""Whether rules that a change writes into a subnet's NSG may concern anybody but that subnet.

Whoever may attach an NSG to a subnet of her own (``networkSecurityGroups/join/action``) may not therefore
write its rules, and must not get them written by asking for what the subnet needs. So a person looks first
where the NSG is not the one of the last compliant reading, and where anybody else has it whom the rules name,
or may name for all that is known.

A rule decides a packet at somebody's interface only if it names the address there: inbound as a
destination, outbound as a source. Pure; no policy's question lives here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Final

from shared.model import (
    Change,
    DeleteSecurityRule,
    Direction,
    PutSecurityRule,
    Safety,
    SecurityGroup,
    SecurityRule,
    SubnetSnapshot,
)
from shared.model.resource_id import ResourceId
from shared.nsg import EVERY_ADDRESS, Spans, common, minus, parse_addresses, spans_of, union
from shared.posture.policy import Assessment

MOST_NAMED: Final = 3
"""Of more subnets than these the first are named: thousands may have one NSG."""


def whose_group(change: Change, subnet: SubnetSnapshot, baseline: SubnetSnapshot | None) -> Assessment:
    """How far the rules of ``change`` need somebody's consent; what was looked at is said either way."""
    edits = [one for one in change.edits if isinstance(one, PutSecurityRule | DeleteSecurityRule)]
    group = subnet.security_group
    if group is None or not edits:
        return Assessment()
    concerned = _concerned(subnet, group, union(chain.from_iterable(_nearby(one.rule) for one in edits)))
    if doubts := (*_not_the_former(subnet, group, baseline), *concerned):
        return Assessment(safety=Safety.APPROVAL, notes=doubts)
    return Assessment(notes=_nobody_named(subnet, group))


def _not_the_former(
    subnet: SubnetSnapshot, group: SecurityGroup, baseline: SubnetSnapshot | None
) -> Iterator[str]:
    """Where there is no compliant reading, only an NSG that nobody else has is surely this subnet's."""
    if baseline is None:
        if group.network_interfaces or _others(subnet, group):
            yield "no compliant reading shows that the NSG is this subnet's, and others have it too"
        return
    former = baseline.security_group
    if former is None:
        yield "the subnet had no NSG at the last compliant reading"
    elif former.id != group.id:
        yield f"the subnet had another NSG ({former.id.name!r}) at the last compliant reading"


def _concerned(subnet: SubnetSnapshot, group: SecurityGroup, nearby: Spans) -> Iterator[str]:
    """Who else has the NSG and is named by rules for the addresses ``nearby``, or may be."""
    others = _others(subnet, group)
    known = {one: spans for one in others if (spans := _prefixes(subnet, one, nearby)) is not None}
    if named := [one for one, spans in known.items() if common(spans, nearby)]:
        yield f"the new rules name addresses of {_listed(named)} with the same NSG"
    if unknown := [one for one in others if one not in known]:
        yield f"the prefixes of {_listed(unknown)} with the same NSG are not known"
    if count := len(group.network_interfaces):
        yield f"{count} network interfaces have the same NSG, and their addresses are not known"


def _others(subnet: SubnetSnapshot, group: SecurityGroup) -> list[ResourceId]:
    return sorted((one for one in group.subnets if one != subnet.id), key=lambda one: one.key)


def _nearby(rule: SecurityRule) -> Spans:
    """The addresses at whose interfaces the rule may decide a packet; a tag or a group may be any."""
    inbound = rule.direction is Direction.INBOUND
    texts = rule.destinations if inbound else rule.sources
    groups = rule.destination_groups if inbound else rule.source_groups
    spans = [parse_addresses(text.strip()) for text in texts]
    listed = [one for one in spans if one is not None]
    if groups or not spans or len(listed) < len(spans):
        return EVERY_ADDRESS
    return union(chain.from_iterable(listed))


def _prefixes(subnet: SubnetSnapshot, other: ResourceId, nearby: Spans) -> Spans | None:
    """What is known of the addresses of ``other``; None where nothing is that would settle the matter.

    Azure refuses subnets of one network whose ranges overlap (``NetcfgSubnetRangesOverlap``,
    MicrosoftDocs/azure-docs pull 123869): no neighbour has any of this subnet's own addresses.
    """
    network = subnet.virtual_network
    read = {one.id: one.prefixes for one in network.subnets} if network else {}
    if prefixes := read.get(other):
        return spans_of(prefixes)
    is_neighbour = other.parent is not None and other.parent == subnet.id.parent
    only_own = not minus(nearby, spans_of(subnet.prefixes))
    return () if is_neighbour and only_own else None


def _nobody_named(subnet: SubnetSnapshot, group: SecurityGroup) -> tuple[str, ...]:
    others = _others(subnet, group)
    if not others:
        return ()
    return (f"{len(others)} other subnets have the same NSG; the new rules do not name their addresses",)


def _listed(subnets: Iterable[ResourceId]) -> str:
    """``subnets 'hub/apps', 'spoke/web' and 4 more``."""
    named = [f"{one.parent.name}/{one.name}" if one.parent else one.name for one in subnets]
    more = len(named) - MOST_NAMED
    told = ", ".join(repr(name) for name in named[:MOST_NAMED])
    return f"subnets {told}{f' and {more} more' if more > 0 else ''}"
