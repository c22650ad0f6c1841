"""ARM's limits: what has no room is made wider where that lets nobody in from outside, or is left out and
said.

An NSG holds 1,000 rules and, of all its rules together, 4,000 sources and 4,000 destinations (Azure
subscription and service limits). What stands already needs its room until the last step, so only the rest is
given out. Private prefixes are made wider, all of them by the same number of bits, until they fit; public
ones never are. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from driftward.proposal.traffic import Place
from driftward.proposal.wants import Purpose, Want
from shared.model import Direction, SecurityGroup
from shared.model.values import value
from shared.nsg import PUBLIC_ADDRESSES, WHOLE, Spans, common, minus, networks_of, union

MOST_RULES: Final = 1000
MOST_PREFIXES: Final = 4000
_WIDEST: Final = 16
"""Bits by which prefixes are widened at most: an address becomes a /16."""
_FLEXIBLE: Final = frozenset({Purpose.OBSERVED, Purpose.NAMED})


class NoRoom(ValueError):
    """Not even what is needed can stand on the NSG; the message says what is in the way."""


class Room(NamedTuple):
    """What is left of an NSG's limits, or what rules take of them."""

    rules: int
    sources: int
    destinations: int

    def holds(self, other: Room) -> bool:
        return all(mine >= theirs for mine, theirs in zip(self, other, strict=True))


@value
class Fitted:
    wants: tuple[Want, ...]
    left_out: tuple[Want, ...]
    """What there is no room for."""
    widened_by: int = 0
    """Addresses that rules name beyond those that were seen."""


def room_in(group: SecurityGroup, place: Place) -> Room:
    """What is left beside what stands and two denies for each family of the subnet."""
    own, denies = len(networks_of(place.subnet)), _families(place.subnet)
    standing = group.standing
    return Room(
        rules=MOST_RULES - len(standing) - 2 * denies,
        sources=MOST_PREFIXES - sum(len(rule.sources) for rule in standing) - own - denies,
        destinations=MOST_PREFIXES - sum(len(rule.destinations) for rule in standing) - own - denies,
    )


def taken_by(wants: Iterable[Want], place: Place) -> Room:
    own = len(networks_of(place.subnet))
    rules = sources = destinations = 0
    for want in wants:
        inbound = want.direction is Direction.INBOUND
        rules += 1
        sources += len(want.other) if inbound else own
        destinations += own if inbound else len(want.other)
    return Room(rules, sources, destinations)


def fit(wants: Sequence[Want], group: SecurityGroup, place: Place) -> Fitted:
    """``wants``, wider or fewer where the NSG has no room for them as they are. Raises ``NoRoom``."""
    room, left_out = room_in(group, place), []
    pairs = [(want, _widened(want, place, _WIDEST)) for want in wants]
    while not room.holds(taken := taken_by((wide for _, wide in pairs), place)):
        number = _dearest([wide for _, wide in pairs], taken.rules > room.rules)
        if number is None:
            raise NoRoom(
                f"{group.id.name} has room for {max(room.rules, 0)} more rules, and what is needed takes "
                f"{taken.rules}: remove some first"
            )
        left_out.append(pairs.pop(number)[0])
    kept = [want for want, _ in pairs]
    found = _narrowest(kept, room, place)
    added = (_size(minus(wide.addresses, want.addresses)) for wide, want in zip(found, kept, strict=True))
    return Fitted(wants=tuple(found), left_out=tuple(left_out), widened_by=sum(added))


def _narrowest(wants: Sequence[Want], room: Room, place: Place) -> list[Want]:
    """As they are, or wider by as few bits as may be."""
    for bits in range(_WIDEST):
        found = [_widened(want, place, bits) for want in wants]
        if room.holds(taken_by(found, place)):
            return found
    return [_widened(want, place, _WIDEST) for want in wants]


def _is_flexible(want: Want) -> bool:
    """Whether it may be left out: nothing that the service or a declared client needs."""
    return want.purpose in _FLEXIBLE


def _dearest(wants: Sequence[Want], in_rules: bool) -> int | None:
    """The number of what to leave out first: what names least where rules lack, else what names most.

    None where all of it is needed.
    """
    sign = -1 if in_rules else 1
    flexible = (number for number, want in enumerate(wants) if _is_flexible(want))
    return max(flexible, key=lambda number: sign * len(wants[number].other), default=None)


def _widened(want: Want, place: Place, bits: int) -> Want:
    """The want with its private prefixes wider by ``bits``; never into the subnet itself or the Internet."""
    if not bits or want.purpose is not Purpose.OBSERVED:
        return want
    private = minus(want.addresses, minus(PUBLIC_ADDRESSES, place.network))
    wide = union(((first >> bits) << bits, last | ((1 << bits) - 1)) for first, last in private)
    inside = minus(common(wide, _outside_internet(place)), place.subnet)
    addresses = union((*want.addresses, *inside))
    return replace(want, addresses=addresses, other=tuple(map(str, networks_of(addresses))))


def _outside_internet(place: Place) -> Spans:
    everything = union(span for whole in WHOLE.values() for span in whole)
    return union((*minus(everything, PUBLIC_ADDRESSES), *place.network))


def _families(spans: Spans) -> int:
    return sum(bool(common(spans, whole)) for whole in WHOLE.values())


def _size(spans: Spans) -> int:
    return sum(last - first + 1 for first, last in spans)
