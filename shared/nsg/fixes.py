"""The smallest addition that lets a question's traffic pass: one allow rule per family, in one direction.

The rule names the question's addresses and ports and nothing else. It stands at the largest free
priority below every rule that can deny a packet of the question, so that all other precedences stay
as they are. Nobody's rule is edited, moved or deleted: where there is no room, the answer is ``NoFix``
with what a person would do. Names and priorities follow from the input alone. ARM's limits for a
rule are kept (network limits; names: network security groups overview).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from shared.model import Access, Direction, SecurityGroup, SecurityRule
from shared.nsg.addresses import WHOLE, Family, networks_of, parse_addresses
from shared.nsg.boxes import EVERY_PORT
from shared.nsg.rules import DEFAULT_RULES, Rule
from shared.nsg.spans import Spans, common
from shared.nsg.sweep import Outcome
from shared.nsg.verdict import Question, Verdict
from shared.values import value

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


def fix(group: SecurityGroup | None, question: Question, verdict: Verdict, name: str) -> Fix | NoFix:
    """The allow rules that make every packet of ``question`` pass, given its ``verdict``.

    ``name`` is what the rules' names begin with; direction and family are added to it.
    """
    if group is None:
        return Fix(rules=())
    added: list[SecurityRule] = []
    for family in Family:
        blocker = _lowest_blocker(verdict, family)
        if blocker is None:
            continue
        priority = _largest_free(_used(group, question.direction), blocker.priority)
        if priority is None:
            return NoFix(reason=_no_room(group, question.direction, blocker))
        rule = _allow(group, question, family, (priority, name))
        added.append(rule)
        group = with_rules(group, [rule])
    if added and (reason := _beyond_limits(group)):
        return NoFix(reason=reason)
    return Fix(rules=tuple(added))


def with_rules(group: SecurityGroup, rules: Iterable[SecurityRule]) -> SecurityGroup:
    """``group`` as it would be with ``rules`` added."""
    return replace(group, rules=(*group.rules, *rules))


def _lowest_blocker(verdict: Verdict, family: Family) -> Rule | None:
    """The first rule that can deny a packet of ``family``, for some membership of the open sets."""
    blockers = [
        decider.rule
        for piece in verdict.pieces
        if piece.outcome is not Outcome.ALLOWED and common(piece.box.sources, WHOLE[family])
        for decider in piece.deciders
        if decider.rule.access is Access.DENY
    ]
    return min(blockers, key=lambda rule: rule.priority, default=None)


def _used(group: SecurityGroup, direction: Direction) -> dict[int, str]:
    """Names by priority; a priority is unique in one direction only."""
    return {rule.priority: rule.name for rule in group.rules if rule.direction is direction}


def _largest_free(used: dict[int, str], below: int) -> int | None:
    highest = min(below - 1, LAST_PRIORITY)
    return next((n for n in range(highest, FIRST_PRIORITY - 1, -1) if n not in used), None)


def _no_room(group: SecurityGroup, direction: Direction, blocker: Rule) -> str:
    used = _used(group, direction)
    deny = f"{direction.lower()} deny {blocker.name!r}"
    said = f"{deny} has priority {blocker.priority} and no lower number is free"
    start = max(blocker.priority, FIRST_PRIORITY)
    free = next((n for n in range(start, LAST_PRIORITY + 1) if n not in used), None)
    if free is None:
        return f"{said}, nor any higher one: rules of this direction would have to be merged first"
    moved = [f"{used[n]!r} from {n} to {n + 1}" for n in range(free - 1, start - 1, -1) if n in used]
    shown = ", then ".join(moved[:3]) + (f" and so on ({len(moved)} rules)" if len(moved) > 3 else "")
    return f"{said}: move {shown}, and put an allow rule at {start}"


def _allow(group: SecurityGroup, question: Question, family: Family, place: tuple[int, str]) -> SecurityRule:
    priority, prefix = place
    wanted = f"{prefix}-{question.direction.lower()}-{family.lower()}"
    return SecurityRule(
        name=_free_name(wanted, group),
        direction=question.direction,
        access=Access.ALLOW,
        priority=priority,
        protocol=question.protocol.value,
        sources=_prefixes(question.sources, family),
        destinations=_prefixes(question.destinations, family),
        source_ports=_ports(question.source_ports),
        destination_ports=_ports(question.ports),
        description=_description(question),
    )


def _prefixes(spans: Spans, family: Family) -> tuple[str, ...]:
    """The fewest prefixes: ARM refuses overlapping ones in one rule."""
    return tuple(map(str, networks_of(common(spans, WHOLE[family]))))


def _ports(spans: Spans) -> tuple[str, ...]:
    if spans == EVERY_PORT:
        return ("*",)
    return tuple(str(a) if a == b else f"{a}-{b}" for a, b in spans)


def _description(question: Question) -> str:
    ports = ", ".join(_ports(question.ports))
    text = f"Added by Driftward: lets {question.protocol} {ports} pass ahead of a deny rule."
    return text if len(text) <= _LONGEST_DESCRIPTION else "Added by Driftward ahead of a deny rule."


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


def _beyond_limits(group: SecurityGroup) -> str | None:
    if len(group.rules) > _MOST_RULES:
        return (
            f"the NSG would hold {len(group.rules)} rules; {_MOST_RULES} is the most, so some must go first"
        )
    sources = _listed(rule.sources for rule in group.rules)
    destinations = _listed(rule.destinations for rule in group.rules)
    if (listed := max(sources, destinations)) > _MOST_PREFIXES:
        return f"the NSG would list {listed} addresses on one side; {_MOST_PREFIXES} is the most"
    return None


def _listed(sides: Iterable[tuple[str, ...]]) -> int:
    """How many addresses, blocks and ranges are listed; ``*`` and tags do not count."""
    return sum(1 for texts in sides for text in texts if parse_addresses(text) is not None)
