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

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final, NamedTuple

from shared.model import Access, Direction, SecurityGroup, SecurityRule
from shared.model.values import value
from shared.nsg.engine.program import parse
from shared.nsg.engine.space import Question
from shared.nsg.engine.verdict import State, Verdict, decide, state_of
from shared.nsg.packets.addresses import EVERY_ADDRESS, WHOLE, networks_of, parse_addresses
from shared.nsg.packets.spans import EVERY_PORT, Spans, common, minus
from shared.nsg.rules.reading import DEFAULT_RULES, Protocol, Rule, Side, read_side
from shared.nsg.rules.tags import Tags

FIRST_PRIORITY: Final = 100
LAST_PRIORITY: Final = 4096
_LONGEST_NAME: Final = 80
_LONGEST_DESCRIPTION: Final = 140
_MOST_RULES: Final = 1000
_MOST_PREFIXES: Final = 4000
"""Sources, and separately destinations, of all rules of one NSG together."""


@value
class Fix:
    """Rules to add, in any order; none when the question already holds."""

    rules: tuple[SecurityRule, ...]


@value
class NoFix:
    """No rule can be added; ``reason`` says why and what a person would do instead."""

    reason: str


@value
class Goal:
    """What a question should be. ``name`` is what the names of rules begin with."""

    question: Question
    want: Access = Access.ALLOW
    name: str = "driftward"

    @property
    def state(self) -> State:
        return State.ALLOWED if self.want is Access.ALLOW else State.DENIED


def fix(group: SecurityGroup | None, goal: Goal, tags: Tags, verdict: Verdict | None = None) -> Fix | NoFix:
    """The rules that make every packet of the goal's question allowed, or denied.

    ``verdict`` is the question's, where it is known already. Raises ``NsgError``.
    """
    verdict = verdict or decide(parse(group, tags), goal.question)
    if verdict.state is goal.state:
        return Fix(rules=())
    if group is None:
        return NoFix(reason="there is no NSG, and so everything passes: give the subnet one first")
    if reason := _unguarded(goal):
        return NoFix(reason=reason)
    against = verdict.blocking if goal.want is Access.ALLOW else verdict.exposing
    if not against:
        return NoFix(reason="no packet goes between addresses of different families")
    proposed = _additions(group, goal, against[0], tags)
    if isinstance(proposed, NoFix):
        return proposed
    return (
        _beyond_limits(with_rules(group, proposed.rules))
        or _unproved(group, proposed, goal, tags)
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


def _additions(group: SecurityGroup, goal: Goal, blocker: Rule, tags: Tags) -> Fix | NoFix:
    """One rule for each family and tag that needs it."""
    program = parse(group, tags)
    needed = [
        ends
        for ends in _ends(goal.question, tags)
        if state_of(program, _between(goal.question, ends)) is not goal.state
    ]
    proposed = _placed(group, goal, blocker, needed)
    if isinstance(proposed, NoFix) or not _may_overlap(goal.question):
        return proposed
    return _placed(
        group, goal, blocker, _fewest(group, goal, tags, dict(zip(needed, proposed.rules, strict=True)))
    )


def _between(question: Question, ends: _Ends) -> Question:
    return replace(question, source=ends.source.side, destination=ends.destination.side)


def _placed(group: SecurityGroup, goal: Goal, blocker: Rule, needed: Iterable[_Ends]) -> Fix | NoFix:
    """A rule for each of ``needed``, with names and priorities that are free."""
    added: list[SecurityRule] = []
    direction = goal.question.direction
    for ends in needed:
        patched = with_rules(group, added)
        priority = _largest_free(_used(patched, direction), blocker.priority)
        if priority is None:
            return NoFix(reason=_no_room(group, direction, blocker, len(added)))
        added.append(_rule(patched, goal, ends, priority))
    return Fix(rules=tuple(added))


def _may_overlap(question: Question) -> bool:
    """Whether one rule may name what another does: a tag beside prefixes, or beside its region."""
    sides = (question.source, question.destination)
    return any(
        (side.sets or side.closed) and len(side.sets) + len(side.closed) + bool(side.addresses) > 1
        for side in sides
    )


def _fewest(group: SecurityGroup, goal: Goal, tags: Tags, rules: dict[_Ends, SecurityRule]) -> list[_Ends]:
    """What is still to be named when each rule is left out without which the question holds as well."""
    kept = dict(rules)
    for ends in rules:
        others = [rule for other, rule in kept.items() if other != ends]
        if state_of(parse(with_rules(group, others), tags), goal.question) is goal.state:
            del kept[ends]
    return list(kept)


# --- what one rule can name ------------------------------------------------------------------------


class _End(NamedTuple):
    """What one rule can name on one side: prefixes of one family, every address, or one tag."""

    texts: tuple[str, ...]
    side: Side
    label: str


class _Ends(NamedTuple):
    source: _End
    destination: _End

    @property
    def label(self) -> str:
        return "-".join(dict.fromkeys(end.label for end in self if end.label)) or "any"


def _ends(question: Question, tags: Tags) -> Iterator[_Ends]:
    """What the rules for ``question`` name, the fewest that hold exactly its packets."""
    for source in _one_side(question.source, tags):
        for destination in _one_side(question.destination, tags):
            if _some_family(source.side, destination.side):
                yield _Ends(source, destination)


def _one_side(side: Side, tags: Tags) -> Iterator[_End]:
    if side.listed == EVERY_ADDRESS:
        yield _End(("*",), Side(EVERY_ADDRESS), "")
        return
    for family, whole in WHOLE.items():
        if spans := common(side.listed, whole):
            yield _End(tuple(map(str, networks_of(spans))), Side(spans), family.lower())
    for name in (*(name for name, _ in side.closed), *(open_set.name for open_set in side.sets)):
        yield _End((name,), read_side([name], tags), name.lower())


def _some_family(source: Side, destination: Side) -> bool:
    """Whether a packet can go from one to the other; open sets hold addresses of both families."""
    families = [
        {f for f, whole in WHOLE.items() if side.sets or common(side.addresses, whole)}
        for side in (source, destination)
    ]
    return bool(families[0] & families[1])


# --- where it stands, and what it is called --------------------------------------------------------


def _used(group: SecurityGroup, direction: Direction) -> dict[int, str]:
    """Names by priority; a priority is unique in one direction only."""
    return {rule.priority: rule.name for rule in group.rules if rule.direction is direction}


def _largest_free(used: dict[int, str], below: int) -> int | None:
    highest = min(below - 1, LAST_PRIORITY)
    return next((n for n in range(highest, FIRST_PRIORITY - 1, -1) if n not in used), None)


def _no_room(group: SecurityGroup, direction: Direction, blocker: Rule, free_below: int) -> str:
    """What a person would do. ``free_below`` lower numbers are free, and one more is needed."""
    used = _used(group, direction)
    named = f"{direction.lower()} {blocker.access.lower()} {blocker.name!r}"
    lack = "too few lower numbers are" if free_below else "no lower number is"
    said = f"{named} has priority {blocker.priority} and {lack} free"
    if blocker.priority < FIRST_PRIORITY:
        return f"{named} has priority {blocker.priority}, and a rule can be given {FIRST_PRIORITY} at least"
    start = blocker.priority
    free = next((n for n in range(start, LAST_PRIORITY + 1) if n not in used), None)
    if free is None:
        return f"{said}, nor any higher one: rules of this direction would have to be merged first"
    moved = [f"{used[n]!r} from {n} to {n + 1}" for n in range(free - 1, start - 1, -1) if n in used]
    shown = ", then ".join(moved[:3]) + (f" and so on ({len(moved)} rules)" if len(moved) > 3 else "")
    article = "a deny" if blocker.access is Access.ALLOW else "an allow"
    return f"{said}: move {shown}, and put {article} rule at {start}"


def _rule(group: SecurityGroup, goal: Goal, ends: _Ends, priority: int) -> SecurityRule:
    question = goal.question
    wanted = f"{goal.name}-{question.direction.lower()}-{ends.label}"
    return SecurityRule(
        name=_free_name(wanted, group),
        direction=question.direction,
        access=goal.want,
        priority=priority,
        protocol=question.protocol.value,
        sources=ends.source.texts,
        destinations=ends.destination.texts,
        source_ports=port_texts(question.source_ports),
        destination_ports=port_texts(question.ports),
        description=_description(goal),
    )


def port_texts(spans: Spans) -> tuple[str, ...]:
    """Ports as rules spell them."""
    if spans == EVERY_PORT:
        return ("*",)
    return tuple(str(a) if a == b else f"{a}-{b}" for a, b in spans)


def _description(goal: Goal) -> str:
    does, past = (
        ("lets", "pass ahead of a deny") if goal.want is Access.ALLOW else ("keeps", "out ahead of an allow")
    )
    ports = ", ".join(port_texts(goal.question.ports))
    text = f"Added by Driftward: {does} {goal.question.protocol} {ports} {past} rule."
    return (
        text
        if len(text) <= _LONGEST_DESCRIPTION
        else f"Added by Driftward ahead of another rule ({goal.want.lower()})."
    )


def _free_name(wanted: str, group: SecurityGroup) -> str:
    """``wanted`` made fit for ARM, with a number where the NSG has that name in either direction."""
    read = (rule.name.lower() for rule in (*group.rules, *group.default_rules))
    taken = {*read, *(rule.name.lower() for rule in DEFAULT_RULES)}
    name, number = _fitting(wanted, ""), 1
    while name.lower() in taken:
        number += 1
        name = _fitting(wanted, f"-{number}")
    return name


def _fitting(wanted: str, ending: str) -> str:
    """A name by ARM's grammar; one that is too long keeps its beginning and a hash of the whole."""
    name = re.sub(r"[^A-Za-z0-9_.-]", "-", wanted).lstrip("_.-").rstrip(".-") or "allow"
    if len(name) + len(ending) <= _LONGEST_NAME:
        return name + ending
    digest = "-" + hashlib.sha256(wanted.encode()).hexdigest()[:8]
    return name[: _LONGEST_NAME - len(digest) - len(ending)] + digest + ending


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


_OUR_FAULT: Final = "this is a fault of Driftward, please report it"


def _unproved(group: SecurityGroup, proposed: Fix, goal: Goal, tags: Tags) -> NoFix | None:
    """Why the patched NSG is not as it should be; None when it is proved to be.

    A packet that none of the new rules can match is decided by the same rules in the same order as
    before. So nothing outside the question changes if and only if the rules match nothing outside it,
    which is a difference of sets, field by field.
    """
    patched = parse(with_rules(group, proposed.rules), tags)
    names = {rule.name for rule in proposed.rules}
    if any(not _is_within(rule, goal.question) for rule in patched.rules if rule.name in names):
        return NoFix(reason=f"the rules that were found would match other traffic: {_OUR_FAULT}")
    if state_of(patched, goal.question) is not goal.state:
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
