"""The smallest addition that makes a question hold: allow rules that connect, or denies that guard.

A rule names the question's addresses, tags and ports and nothing else. Rules that connect stand at the
largest free priorities below every deny that can decide a packet of the question, guards below every
allow that can, so that all other precedence stays as it is. Nobody's rule is edited, moved or deleted:
where there is no room, the answer is ``NoFix`` with what a person would do. Names and priorities follow
from the input alone. ARM's limits for a rule are kept (network limits; names: network security groups
overview). A fix is proved before it is told: on the patched NSG the question holds, and no packet
outside it is decided otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from shared.model import Access, Direction, SecurityGroup, SecurityRule
from shared.model.values import value
from shared.nsg.engine.additions import (
    LAST_PRIORITY,
    Ends,
    Goal,
    ends_of,
    largest_free,
    no_room,
    rule_for,
    used_priorities,
)
from shared.nsg.engine.budget import STEPS, TooComplex
from shared.nsg.engine.program import parse
from shared.nsg.engine.question import Question
from shared.nsg.engine.verdict import Verdict, decide, state_of
from shared.nsg.packets.addresses import EVERY_ADDRESS, WHOLE, parse_addresses
from shared.nsg.packets.spans import common, minus
from shared.nsg.packets.steps import Steps
from shared.nsg.rules.reading import Protocol, Rule, Side
from shared.nsg.rules.tags import Tags

_MOST_RULES: Final = 1000
_MOST_PREFIXES: Final = 4000
"""Sources, and separately destinations, of all rules of one NSG together."""
_PARSING: Final = 5
"""Steps that it takes to read a rule."""
_OUR_FAULT: Final = "this is a fault of Driftward, please report it"


@value
class Fix:
    """Rules to add, in any order; none when the question already holds."""

    rules: tuple[SecurityRule, ...]


@value
class NoFix:
    """No rule can be added; ``reason`` says why and what a person would do instead."""

    reason: str


def fix(group: SecurityGroup | None, goal: Goal, tags: Tags, verdict: Verdict | None = None) -> Fix | NoFix:
    """The rules that make every packet of the goal's question allowed, or denied.

    ``verdict`` is the question's, where it is known already. Raises ``NsgError``.
    """
    steps = Steps(STEPS)
    verdict = verdict or decide(parse(group, tags), goal.question, steps)
    if verdict.state is goal.state:
        return Fix(rules=())
    if group is None:
        return NoFix(reason="there is no NSG, and so everything passes: give the subnet one first")
    if reason := _unguarded(goal):
        return NoFix(reason=reason)
    against = verdict.blocking if goal.want is Access.ALLOW else verdict.exposing
    if not against:
        return NoFix(reason="no packet goes between addresses of different families")
    try:
        return _proved(group, goal, against[0], tags, steps)
    except TooComplex as error:
        return NoFix(reason=str(error))


def _proved(group: SecurityGroup, goal: Goal, blocker: Rule, tags: Tags, steps: Steps) -> Fix | NoFix:
    """Raises ``TooComplex``."""
    proposed = _additions(group, goal, blocker, tags, steps)
    if isinstance(proposed, NoFix):
        return proposed
    return (
        _beyond_limits(with_rules(group, proposed.rules))
        or _unproved(group, proposed, goal, tags, steps)
        or proposed
    )


def with_rules(group: SecurityGroup, rules: Iterable[SecurityRule]) -> SecurityGroup:
    """``group`` as it would be with ``rules`` added."""
    return replace(group, rules=(*group.rules, *rules))


def _unguarded(goal: Goal) -> str | None:
    """A guard names what it protects; one for every destination would be a rule about other people's."""
    inbound = goal.question.direction is Direction.INBOUND
    protected = goal.question.destination if inbound else goal.question.source
    if goal.want is Access.DENY and any(
        common(protected.addresses, whole) == whole for whole in WHOLE.values()
    ):
        side = "destination" if inbound else "source"
        return (
            f"a guard must name what it protects: ask with the {side}'s own prefixes instead of all addresses"
        )
    return None


def _additions(group: SecurityGroup, goal: Goal, blocker: Rule, tags: Tags, steps: Steps) -> Fix | NoFix:
    """One rule for each family and tag that needs it."""
    program = parse(group, tags)
    needed = [
        ends
        for ends in ends_of(goal.question, tags)
        if state_of(program, part := _between(goal.question, ends), steps) is not goal.state
        and decide(
            program, part, steps
        ).outcomes  # between a tag without addresses of a family, no packet goes
    ]
    proposed = _placed(group, goal, blocker, needed)
    if isinstance(proposed, NoFix) or not _may_overlap(goal.question):
        return proposed
    rules = dict(zip(needed, proposed.rules, strict=True))
    return _placed(group, goal, blocker, _fewest(group, goal, tags, rules, steps))


def _between(question: Question, ends: Ends) -> Question:
    return replace(question, source=ends.source.side, destination=ends.destination.side)


def _placed(group: SecurityGroup, goal: Goal, blocker: Rule, needed: Iterable[Ends]) -> Fix | NoFix:
    """A rule for each of ``needed``, with names and priorities that are free."""
    added: list[SecurityRule] = []
    direction = goal.question.direction
    for ends in needed:
        patched = with_rules(group, added)
        below = blocker.priority if blocker.priority <= LAST_PRIORITY else goal.last + 1
        priority = largest_free(used_priorities(patched, direction), below)
        if priority is None:
            return NoFix(reason=no_room(group, direction, blocker, len(added)))
        added.append(rule_for(patched, goal, ends, priority))
    return Fix(rules=tuple(added))


def _may_overlap(question: Question) -> bool:
    """Whether one rule may name what another does: a tag beside prefixes, or beside its region."""
    sides = (question.source, question.destination)
    return any(
        (side.sets or side.closed) and len(side.sets) + len(side.closed) + bool(side.addresses) > 1
        for side in sides
    )


def _fewest(
    group: SecurityGroup, goal: Goal, tags: Tags, rules: dict[Ends, SecurityRule], steps: Steps
) -> list[Ends]:
    """What is still to be named when each rule is left out without which the question holds as well."""
    kept = dict(rules)
    for ends in rules:
        others = [rule for other, rule in kept.items() if other != ends]
        steps.take(_PARSING * len(group.rules))
        if state_of(parse(with_rules(group, others), tags), goal.question, steps) is goal.state:
            del kept[ends]
    return list(kept)


# --- why it is right -------------------------------------------------------------------------------


def _beyond_limits(group: SecurityGroup) -> NoFix | None:
    rules = len(group.rules)
    if rules > _MOST_RULES:
        reason = f"the NSG would hold {rules} rules; {_MOST_RULES} is the most, so some must go first"
        return NoFix(reason=reason)
    sources = _listed(rule.sources for rule in group.rules)
    destinations = _listed(rule.destinations for rule in group.rules)
    if (listed := max(sources, destinations)) > _MOST_PREFIXES:
        return NoFix(
            reason=f"the NSG would list {listed} addresses on one side; {_MOST_PREFIXES} is the most"
        )
    return None


def _listed(sides: Iterable[tuple[str, ...]]) -> int:
    """How many addresses, blocks and ranges are listed; ``*`` and tags do not count."""
    return sum(1 for texts in sides for text in texts if parse_addresses(text) is not None)


def _unproved(group: SecurityGroup, proposed: Fix, goal: Goal, tags: Tags, steps: Steps) -> NoFix | None:
    """Why the patched NSG is not as it should be; None when it is proved to be.

    A packet that none of the new rules can match is decided by the same rules in the same order as
    before. So nothing outside the question changes if and only if the rules match nothing outside it,
    which is a difference of sets, field by field.
    """
    patched = parse(with_rules(group, proposed.rules), tags)
    names = {rule.name for rule in proposed.rules}
    if any(not _is_within(rule, goal.question) for rule in patched.rules if rule.name in names):
        return NoFix(reason=f"the rules that were found would match other traffic: {_OUR_FAULT}")
    if state_of(patched, goal.question, steps) is not goal.state:
        return NoFix(reason=f"the rules that were found do not settle the question: {_OUR_FAULT}")
    return None


def _is_within(rule: Rule, question: Question) -> bool:
    """Whether every packet that ``rule`` can match is one of the question's."""
    return (
        rule.direction is question.direction
        and question.protocol in {rule.protocol, Protocol.ANY}
        and not minus(rule.ports, question.ports)
        and not minus(rule.source_ports, question.source_ports)
        and _side_within(rule.source, question.source)
        and _side_within(rule.destination, question.destination)
    )


def _side_within(inner: Side, outer: Side) -> bool:
    held = {open_set.key for open_set in outer.sets}
    everything = outer.addresses == EVERY_ADDRESS
    named = all(everything or not held.isdisjoint(open_set.closure()) for open_set in inner.sets)
    return named and not minus(inner.addresses, outer.addresses)
