"""One rule to add: what it names, where it stands, what it is called.

A rule names the question's addresses, tags and ports and nothing else. Names and priorities follow from the
input alone. ARM's limits for a rule are kept (network limits; names: network security groups overview).
What must not live here: which rules are needed, and the proof that they are right.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from shared.model import Access, Direction, SecurityGroup, SecurityRule
from shared.model.values import value
from shared.nsg.engine.question import Question
from shared.nsg.engine.verdict import State
from shared.nsg.packets.addresses import EVERY_ADDRESS, WHOLE, networks_of
from shared.nsg.packets.spans import EVERY_PORT, Spans, common
from shared.nsg.rules.reading import DEFAULT_RULES, Rule, Side, read_side
from shared.nsg.rules.tags import Tags

FIRST_PRIORITY: Final = 100
LAST_PRIORITY: Final = 4096
_LONGEST_NAME: Final = 80
LONGEST_DESCRIPTION: Final = 140
_LONGEST_SAID: Final = 120
"""Room is left for a note of who wrote it."""


@value
class Goal:
    """What a question should be. ``name`` is what the names of rules begin with."""

    question: Question
    want: Access = Access.ALLOW
    name: str = "driftward"
    last: int = LAST_PRIORITY
    """The largest priority for a rule that need only stand ahead of a default rule."""

    @property
    def state(self) -> State:
        return State.ALLOWED if self.want is Access.ALLOW else State.DENIED


# --- what one rule can name ------------------------------------------------------------------------


class End(NamedTuple):
    """What one rule can name on one side: prefixes of one family, every address, or one tag."""

    texts: tuple[str, ...]
    side: Side
    label: str


class Ends(NamedTuple):
    source: End
    destination: End

    @property
    def label(self) -> str:
        return "-".join(dict.fromkeys(end.label for end in self if end.label)) or "any"


def ends_of(question: Question, tags: Tags) -> Iterator[Ends]:
    """What the rules for ``question`` name, the fewest that hold exactly its packets."""
    for source in _one_side(question.source, tags):
        for destination in _one_side(question.destination, tags):
            if _some_family(source.side, destination.side):
                yield Ends(source, destination)


def _one_side(side: Side, tags: Tags) -> Iterator[End]:
    if side.listed == EVERY_ADDRESS:
        yield End(("*",), Side(EVERY_ADDRESS), "")
        return
    for family, whole in WHOLE.items():
        if spans := common(side.listed, whole):
            yield End(tuple(map(str, networks_of(spans))), Side(spans), family.lower())
    for name in (*(name for name, _ in side.closed), *(open_set.name for open_set in side.sets)):
        yield End((name,), read_side([name], tags), name.lower())


def _some_family(source: Side, destination: Side) -> bool:
    """Whether a packet can go from one to the other; open sets hold addresses of both families."""
    families = [
        {f for f, whole in WHOLE.items() if side.sets or common(side.addresses, whole)}
        for side in (source, destination)
    ]
    return bool(families[0] & families[1])


# --- where it stands, and what it is called --------------------------------------------------------


def used_priorities(group: SecurityGroup, direction: Direction) -> dict[int, str]:
    """Names by priority, also of rules that are only proposed; it is unique in one direction only."""
    return {rule.priority: rule.name for rule in group.taken if rule.direction is direction}


def largest_free(used: dict[int, str], below: int) -> int | None:
    highest = min(below - 1, LAST_PRIORITY)
    return next((n for n in range(highest, FIRST_PRIORITY - 1, -1) if n not in used), None)


def no_room(group: SecurityGroup, direction: Direction, blocker: Rule, free_below: int) -> str:
    """What a person would do. ``free_below`` lower numbers are free, and one more is needed."""
    used = used_priorities(group, direction)
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


def rule_for(group: SecurityGroup, goal: Goal, ends: Ends, priority: int) -> SecurityRule:
    question = goal.question
    wanted = f"{goal.name}-{question.direction.lower()}-{ends.label}"
    return SecurityRule(
        name=free_rule_name(wanted, group),
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
    """What the rule is for; who adds it is not said, for that may be anybody."""
    does, past = (
        ("Lets", "pass ahead of a deny") if goal.want is Access.ALLOW else ("Keeps", "out ahead of an allow")
    )
    ports = ", ".join(port_texts(goal.question.ports))
    text = f"{does} {goal.question.protocol} {ports} {past} rule."
    return text if len(text) <= _LONGEST_SAID else f"{does} many ports {past} rule."


def free_rule_name(wanted: str, group: SecurityGroup) -> str:
    """``wanted`` made fit for ARM, with a number where the NSG has that name in either direction."""
    read = (rule.name.lower() for rule in (*group.taken, *group.default_rules))
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
