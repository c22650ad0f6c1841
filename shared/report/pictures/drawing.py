"""One target's picture, of its reading."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from shared.model import FirewallRule, PublicAccess, ServerSnapshot, Snapshot, SubnetSnapshot
from shared.model.rules import OddRule
from shared.posture.subnet_facts import groups_reach_endpoints
from shared.posture.ways.world import Declared, World
from shared.report.pictures.group import group_of
from shared.report.pictures.values import DrawnGroup, DrawnRange, Picture, Proposed
from shared.report.pictures.ways import ways_of

_NOTHING: Final = Declared()


def picture_of(
    snapshot: Snapshot, declared: Declared = _NOTHING, proposed: Iterable[Proposed] = ()
) -> Picture:
    """A server with its ways, its ranges and the NSG before it; of a subnet the NSG, before and after what is
    proposed."""
    if isinstance(snapshot, SubnetSnapshot):
        return Picture(group=group_of(snapshot, proposed))
    return Picture(
        ways=ways_of(World(server=snapshot, declared=declared)),
        ranges=tuple(_ranges(snapshot)),
        is_public=snapshot.public_access is PublicAccess.ENABLED and not snapshot.vnet_integrated,
        group=_before(snapshot),
    )


def _ranges(server: ServerSnapshot) -> Iterator[DrawnRange]:
    rules: tuple[FirewallRule | OddRule, ...] = (*(server.firewall_rules or ()), *server.odd_rules)
    for rule in rules:
        yield from _range(rule)


def _range(rule: FirewallRule | OddRule) -> Iterator[DrawnRange]:
    """An odd rule of which only one end can be read has no place on a line."""
    if rule.start is not None and rule.end is not None:
        first, last = sorted((int(rule.start), int(rule.end)))
        yield DrawnRange(name=rule.name, first=first, last=last, is_odd=isinstance(rule, OddRule))


def _before(server: ServerSnapshot) -> DrawnGroup | None:
    """The NSG of the subnet in which it is reached: its own, or the first of an endpoint's that filters."""
    places = server.places or ()
    filtering = (one for one in places if server.vnet_integrated or groups_reach_endpoints(one))
    return next((group for one in filtering if (group := group_of(one)) is not None), None)
