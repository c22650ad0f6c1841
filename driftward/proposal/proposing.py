"""The proposal: a pure function of what was seen, what is needed and the NSG that stands.

First needs take what they cover, suspicious or not: Storage that was denied is needed all the same. What is
left is sifted; what is kept is packed, fitted and placed. The proof is part of the value.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field, replace
from typing import Final, NamedTuple

from driftward.proposal.fitting import Fitted, fit
from driftward.proposal.needs import Needed, needs
from driftward.proposal.packing import pack
from driftward.proposal.placing import Placed, after, edits, place_rules
from driftward.proposal.proving import Asked, Proof, Stages, prove
from driftward.proposal.rules import allow_rule, deny_rules
from driftward.proposal.sifting import Keep, SetApart, Sifted, sift
from driftward.proposal.traffic import Observed, Place, Traffic, total
from driftward.proposal.wants import Covers, Purpose, Want
from shared.model import Direction, Edit, SecurityGroup, SecurityRule
from shared.model.values import value
from shared.nsg import Tags, union, with_rules

_CLIENTS: Final = frozenset({Purpose.CLIENTS, Purpose.OBSERVED, Purpose.NAMED})


@value
class Given:
    """What a proposal is a function of."""

    observed: Observed
    place: Place
    needed: Needed
    group: SecurityGroup
    """The NSG that stands; one without rules where none is known."""
    tags: Tags = field(default_factory=Tags)
    """What may be taken for granted of tags."""
    keeps: tuple[Keep, ...] = ()


@value
class Allowed:
    """A rule that lets pass, what it is for, and what was seen of that."""

    rule: SecurityRule
    want: Want
    flows: int
    streams: int
    first: int | None
    last: int | None
    stood: bool
    """Whether the NSG has the rule already."""


@value
class Proposal:
    allows: tuple[Allowed, ...]
    denies: tuple[SecurityRule, ...]
    added: tuple[SecurityRule, ...]
    removed: tuple[SecurityRule, ...]
    edits: tuple[Edit, ...]
    """In an order that makes nothing worse on the way."""
    after: SecurityGroup
    apart: tuple[SetApart, ...]
    """Denied from now on."""
    beside: tuple[SetApart, ...]
    """Set apart as well, but a rule that something else takes lets it pass."""
    unfiltered: tuple[Traffic, ...]
    left_out: tuple[Traffic, ...]
    """Legitimate, and without room in the NSG."""
    unmet: tuple[str, ...]
    """What was named as legitimate and not set apart."""
    widened_by: int
    proof: Proof

    @property
    def lets_somebody_in(self) -> bool:
        """Whether anybody from outside the subnet may still connect, as far as the rules go."""
        return any(
            one.want.purpose in _CLIENTS and one.want.direction is Direction.INBOUND for one in self.allows
        )


def propose(given: Given) -> Proposal:
    """The tightest rules. Raises ``NoRoom`` where they cannot stand, ``NsgError`` for rules that stand."""
    observed, place = given.observed, given.place
    needed = needs(given.needed, place, given.tags, observed.traffic)
    met, rest = _covered(observed.traffic, needed)
    sifted = sift(rest, place, given.keeps)
    seen = (*pack(sifted.kept, place), *pack(sifted.named, place, Purpose.NAMED))
    fitted = fit(_merged((*needed, *seen)), given.group, place)
    kept = (*met, *sifted.kept, *sifted.named)
    return _placed(given, fitted, kept, sifted)


def _placed(given: Given, fitted: Fitted, kept: Sequence[Traffic], sifted: Sifted) -> Proposal:
    place, group = given.place, given.group
    allows = [allow_rule(want, place) for want in fitted.wants]
    denies = [rule for direction in Direction for rule in deny_rules(place, direction)]
    placed = place_rules(allows, denies, group, given.tags)
    inside, left_out = _covered(kept, fitted.wants)
    covers = Covers(fitted.wants)
    beside = tuple(one for one in sifted.apart if covers.first(one.traffic) is not None)
    apart = tuple(one for one in sifted.apart if covers.first(one.traffic) is None)
    return Proposal(
        allows=tuple(_allowed(placed, fitted.wants, inside, group)),
        denies=placed.denies,
        added=placed.added,
        removed=placed.removed,
        edits=edits(placed, group),
        after=after(placed, group),
        apart=apart,
        beside=beside,
        unfiltered=sifted.unfiltered,
        left_out=left_out,
        unmet=sifted.unmet,
        widened_by=fitted.widened_by,
        proof=_proof(given, placed, fitted, _Ends(inside, apart)),
    )


class _Ends(NamedTuple):
    kept: Sequence[Traffic]
    apart: Sequence[SetApart]


def _proof(given: Given, placed: Placed, fitted: Fitted, ends: _Ends) -> Proof:
    """Of a protocol that no rule can name, no question can be asked: the deny for all of them meets it."""
    apart = [one.traffic for one in ends.apart]
    asked = Asked(
        kept=tuple(ends.kept),
        wants=tuple(want for want in fitted.wants if want.purpose is not Purpose.OBSERVED),
        apart=tuple(one for one in apart if one.protocol is not None),
        ours=frozenset(rule.name for rule in (*placed.allows, *placed.denies)),
    )
    stages = Stages(
        now=given.group, between=with_rules(given.group, placed.added), end=after(placed, given.group)
    )
    return prove(asked, stages, given.place, given.tags)


def _covered(
    traffic: Iterable[Traffic], wants: Sequence[Want]
) -> tuple[tuple[Traffic, ...], tuple[Traffic, ...]]:
    """What the wants let pass, and the rest."""
    met: list[Traffic] = []
    rest: list[Traffic] = []
    covers = Covers(wants)
    for one in traffic:
        (rest if covers.first(one) is None else met).append(one)
    return tuple(met), tuple(rest)


def _merged(wants: Iterable[Want]) -> tuple[Want, ...]:
    """Wants of one purpose that differ in their ports alone are one rule; the order is that of purposes."""
    found: dict[tuple[object, ...], Want] = {}
    for want in wants:
        key = (want.purpose, want.direction, want.protocol, want.other)
        known = found.get(key)
        ports = want.ports if known is None else union((*known.ports, *want.ports))
        found[key] = replace(known or want, ports=ports)
    order = list(Purpose)
    return tuple(sorted(found.values(), key=lambda want: order.index(want.purpose)))


def _allowed(
    placed: Placed, wants: Sequence[Want], traffic: Iterable[Traffic], group: SecurityGroup
) -> Iterable[Allowed]:
    by_want = _attributed(traffic, wants)
    stood = {id(rule) for rule in group.rules}
    for number, (rule, want) in enumerate(zip(placed.allows, wants, strict=True)):
        seen = by_want.get(number, ())
        yield Allowed(
            rule=rule,
            want=want,
            flows=total(seen),
            streams=len(seen),
            first=min((one.first for one in seen), default=None),
            last=max((one.last for one in seen), default=None),
            stood=id(rule) in stood,
        )


def _attributed(traffic: Iterable[Traffic], wants: Sequence[Want]) -> Mapping[int, Sequence[Traffic]]:
    """Each stream to the first want that lets it pass, by the want's number."""
    found: defaultdict[int, list[Traffic]] = defaultdict(list)
    covers = Covers(wants)
    for one in traffic:
        if (number := covers.first(one)) is not None:
            found[number].append(one)
    return found
