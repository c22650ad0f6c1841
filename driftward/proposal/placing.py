"""Where the rules go on the NSG that stands, what becomes of those that stand, and in which order.

Rules that already say what is wanted stay. New allows stand ahead of every deny where there is room, the
denies behind them; then the other rules are removed, those with the largest priority numbers first. So no
step makes anything worse: an allow lets pass only what is meant to pass, a deny stands behind every allow,
and a packet that a removed rule decided goes on to rules that decide it as they do in the end.

An NSG that other subnets or network interfaces share keeps its rules: there the new ones all stand ahead of
the first that is somebody else's, which then decides nothing of the subnet. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import takewhile
from operator import itemgetter
from typing import Final, NamedTuple, TypeAlias

from driftward.flows.advice import template_group
from driftward.proposal.fitting import NoRoom
from shared.model import (
    Access,
    DeleteSecurityRule,
    Direction,
    Edit,
    PutSecurityRule,
    SecurityGroup,
    SecurityRule,
)
from shared.model.values import value
from shared.nsg import (
    EVERY_PORT,
    LAST_PRIORITY,
    Protocol,
    Rule,
    Spans,
    Tags,
    effective_rules,
    free_rule_name,
    minus,
    with_rules,
)
from shared.nsg.engine.additions import FIRST_PRIORITY

_STEP: Final = 10
"""Between priorities where there is room, so that a rule can be put between two by hand."""


@value
class Placed:
    allows: tuple[SecurityRule, ...]
    """As they were given, with name and priority; some may have stood before."""
    denies: tuple[SecurityRule, ...]
    added: tuple[SecurityRule, ...]
    """Allows before denies."""
    removed: tuple[SecurityRule, ...]
    """In the order in which they are removed."""


Reads: TypeAlias = Mapping[int, Rule]
"""Rules as the engine reads them, by the id of the object: names and priorities are not there yet."""


class _Way(NamedTuple):
    """One direction: what is wanted there, and what stands."""

    allows: Sequence[SecurityRule]
    denies: Sequence[SecurityRule]
    standing: Sequence[SecurityRule]
    """By priority."""
    reads: Reads


def place_rules(
    allows: Sequence[SecurityRule], denies: Sequence[SecurityRule], group: SecurityGroup, tags: Tags
) -> Placed:
    """Names, priorities and order for the rules. Raises ``NoRoom``, and ``NsgError`` for rules that stand."""
    found = [_one_way(direction, (*allows, *denies), group, tags) for direction in Direction]
    by_wanted = {id(wanted): got for placed, pairs in found for wanted, got in pairs}
    named = _named([by_wanted[id(rule)] for rule in (*allows, *denies)], group)
    stood = {id(rule) for rule in group.rules}
    return Placed(
        allows=tuple(named[: len(allows)]),
        denies=tuple(named[len(allows) :]),
        added=tuple(rule for rule in named if id(rule) not in stood),
        removed=tuple(rule for removed, _ in found for rule in removed),
    )


def edits(placed: Placed, group: SecurityGroup) -> tuple[Edit, ...]:
    """One edit after the other, in an order that makes nothing worse on the way."""
    return (
        *(PutSecurityRule(nsg=group.id, rule=rule) for rule in placed.added),
        *(DeleteSecurityRule(nsg=group.id, rule=rule) for rule in placed.removed),
    )


def after(placed: Placed, group: SecurityGroup) -> SecurityGroup:
    """The NSG when all is done."""
    gone = {id(rule) for rule in placed.removed}
    left = replace(group, rules=tuple(rule for rule in group.rules if id(rule) not in gone))
    return with_rules(left, placed.added)


def is_shared(group: SecurityGroup) -> bool:
    return len(group.subnets) > 1 or bool(group.network_interfaces)


_Pairs = list[tuple[SecurityRule, SecurityRule]]
"""A wanted rule, and the rule that does it."""


def _one_way(
    direction: Direction, wanted: Iterable[SecurityRule], group: SecurityGroup, tags: Tags
) -> tuple[list[SecurityRule], _Pairs]:
    """What is removed, and what does each wanted rule."""
    way = _way(direction, wanted, group, tags)
    usable = _usable(way, is_shared(group))
    numbers = _free(way, usable, group)
    ends = (_ends_beside if is_shared(group) else _ends)(way, usable, numbers)
    barrier = min((rule.priority for _, rule in ends), default=LAST_PRIORITY + 1)
    stays = _same(way.allows, _ahead(usable, barrier), way.reads)
    fresh = [rule for rule in way.allows if id(rule) not in stays]
    first_deny = _first_deny(way, group)
    room = min(barrier, first_deny) if is_shared(group) else barrier
    ahead = _spread([number for number in numbers if number < room], len(fresh), first_deny)
    pairs = [(rule, stays[id(rule)]) for rule in way.allows if id(rule) in stays]
    pairs = [*pairs, *_numbered(fresh, ahead), *ends]
    used = {id(rule) for _, rule in pairs}
    others = [rule for rule in reversed(way.standing) if id(rule) not in used]
    return [] if is_shared(group) else others, pairs


def _way(direction: Direction, wanted: Iterable[SecurityRule], group: SecurityGroup, tags: Tags) -> _Way:
    listed = [rule for rule in wanted if rule.direction is direction]
    standing = sorted(
        (rule for rule in group.rules if rule.direction is direction), key=lambda rule: rule.priority
    )
    return _Way(
        allows=[rule for rule in listed if rule.access is Access.ALLOW],
        denies=[rule for rule in listed if rule.access is Access.DENY],
        standing=standing,
        reads=_reads([*listed, *standing], tags),
    )


def _usable(way: _Way, shared: bool) -> Sequence[SecurityRule]:
    """What may stay; in a shared NSG only what is ahead of the first that is somebody else's."""
    if not shared:
        return way.standing
    ours = (
        bool(_same(way.allows, [rule], way.reads)) or _covers_some(rule, way.denies, way.reads)
        for rule in way.standing
    )
    return [rule for rule, _ in takewhile(itemgetter(1), zip(way.standing, ours, strict=True))]


def _free(way: _Way, usable: Sequence[SecurityRule], group: SecurityGroup) -> list[int]:
    """Free priorities, ahead of what is somebody else's."""
    direction = way.denies[0].direction
    taken = {rule.priority for rule in group.taken if rule.direction is direction}
    end = min((rule.priority for rule in way.standing[len(usable) :]), default=LAST_PRIORITY + 1)
    return [number for number in range(FIRST_PRIORITY, end) if number not in taken]


def _first_deny(way: _Way, group: SecurityGroup) -> int:
    direction = way.denies[0].direction
    denies = (r.priority for r in group.taken if r.direction is direction and r.access is Access.DENY)
    return min(denies, default=LAST_PRIORITY + 1)


def _ends(way: _Way, usable: Sequence[SecurityRule], numbers: Sequence[int]) -> _Pairs:
    """What denies the rest: rules that stand with room ahead of them, or new ones as far behind as may be.

    Of several that stand the last one stays.
    """
    standing = [(deny, rule) for deny in way.denies if (rule := _covering(deny, usable[::-1], way.reads))]
    barrier = min((rule.priority for _, rule in standing), default=0)
    room = sum(number < barrier for number in numbers)
    stood = _same(way.allows, _ahead(usable, barrier), way.reads)
    if len(standing) == len(way.denies) and room >= len(way.allows) - len(stood):
        return standing
    return _numbered(way.denies, numbers[-len(way.denies) :])


def _ends_beside(way: _Way, usable: Sequence[SecurityRule], numbers: Sequence[int]) -> _Pairs:
    """The same where no rule goes: what denies already decides, and only what it leaves needs a new one."""
    standing = [(deny, rule) for deny in way.denies if (rule := _covering(deny, usable, way.reads))]
    covered = {id(deny) for deny, _ in standing}
    rest = [deny for deny in way.denies if id(deny) not in covered]
    return [*standing, *_numbered(rest, numbers[len(numbers) - len(rest) :])]


def _ahead(rules: Iterable[SecurityRule], barrier: int) -> list[SecurityRule]:
    return [rule for rule in rules if rule.priority < barrier]


def _numbered(rules: Sequence[SecurityRule], numbers: Sequence[int]) -> _Pairs:
    if len(numbers) < len(rules):
        direction = rules[0].direction.lower()
        raise NoRoom(
            f"{len(rules)} {direction} rules must stand ahead of the others, and {len(numbers)} priorities "
            "are free there: give the subnet an NSG of its own, or move the first rules back"
        )
    return [(rule, replace(rule, priority=number)) for rule, number in zip(rules, numbers, strict=False)]


def _spread(numbers: Sequence[int], wanted: int, first_deny: int) -> Sequence[int]:
    """The numbers to take: ahead of all denies, so that they work at once, with steps between them."""
    ahead = [number for number in numbers if number < first_deny]
    for choice in (ahead[::_STEP], ahead, numbers[::_STEP], numbers):
        if len(choice) >= wanted:
            return choice[:wanted]
    return numbers


def _named(rules: Sequence[SecurityRule], group: SecurityGroup) -> list[SecurityRule]:
    """New rules get names that are free; those that stood keep theirs."""
    stood, named = {id(rule) for rule in group.rules}, []
    grown = group
    for rule in rules:
        if id(rule) in stood:
            named.append(rule)
            continue
        named.append(replace(rule, name=free_rule_name(rule.name, grown)))
        grown = with_rules(grown, named[-1:])
    return named


# --- what says the same ----------------------------------------------------------------------------


def _same(
    wanted: Iterable[SecurityRule], standing: Iterable[SecurityRule], reads: Reads
) -> dict[int, SecurityRule]:
    """By the id of a wanted rule the first standing one that says the same, each for one."""
    found: dict[int, SecurityRule] = {}
    left = {_match(reads[id(rule)]): rule for rule in reversed([*standing])}
    for one in wanted:
        rule = left.pop(_match(reads[id(one)]), None)
        if rule is not None:
            found[id(one)] = rule
    return found


def _match(read: Rule) -> tuple[object, ...]:
    sides = ((side.addresses, side.sets, frozenset(side.tags)) for side in (read.source, read.destination))
    return read.direction, read.access, read.protocol, *sides, read.ports, read.source_ports


def _covering(deny: SecurityRule, standing: Sequence[SecurityRule], reads: Reads) -> SecurityRule | None:
    return next((rule for rule in standing if _covers_some(rule, [deny], reads)), None)


def _covers_some(rule: SecurityRule, denies: Iterable[SecurityRule], reads: Reads) -> bool:
    """Whether a rule that stands denies all that one of ``denies`` denies."""
    if rule.access is not Access.DENY:
        return False
    read = reads[id(rule)]
    whole = read.protocol is Protocol.ANY and read.ports == EVERY_PORT == read.source_ports
    return whole and any(_within(reads[id(deny)], read) for deny in denies)


def _within(deny: Rule, rule: Rule) -> bool:
    return _lies_in(deny.source.addresses, rule.source.addresses) and _lies_in(
        deny.destination.addresses, rule.destination.addresses
    )


def _lies_in(part: Spans, whole: Spans) -> bool:
    return not minus(part, whole)


def _reads(rules: Sequence[SecurityRule], tags: Tags) -> Reads:
    """Each rule as the engine reads it, by the id of the object; where it stands does not matter here."""
    apart = tuple(replace(rule, priority=number) for number, rule in enumerate(rules))
    here = SecurityGroup(id=template_group().id, rules=apart, default_rules=())
    read = {one.priority: one for one in effective_rules(here, tags) if one.priority < len(rules)}
    return {id(rule): read[number] for number, rule in enumerate(rules)}
