"""The second engine: the same questions about an NSG, decided by z3.

Independent of ``shared.nsg`` in every step: it has its own reading of the JSON (``reading``), its own
encoding (bit vectors of 32 or 128 bits for addresses, of 16 for ports, one truth value per open set and
end of the packet) and z3's own decision. Nothing is cut into boxes, ordered or enumerated: "the first
match decides" is one nested formula, and the two IP versions are asked one after the other.

*Some packet and some membership* is one satisfiable formula. *Some packet whose every membership* is a
loop over counterexamples: a packet is found, a membership that refutes it is sought, and that membership
becomes a further demand on the next packet. There are finitely many memberships, so the loop ends and is
exact. The packets of a question that names an open tag are those whose address lies in it: the tag's
truth value is part of the question's formula, for the given memberships and for every other one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Final, TypeAlias, cast

from tests.nsg_check.reading import (
    EVERY_PORT,
    PROTOCOLS,
    WHOLE,
    Json,
    Line,
    Match,
    Range,
    Rule,
    Side,
    read_line,
)
from tests.nsg_check.terms import (
    FALSE,
    TRUE,
    Seeker,
    Term,
    between,
    bits,
    differ,
    equal,
    every,
    implies,
    no,
    number,
    replace,
    some,
    truth,
)

_WIDTH: Final = {4: 32, 6: 128}
_VERSIONS: Final = (4, 6)
Members: TypeAlias = Mapping[str, Term]


class Verdict(StrEnum):
    ALLOWED = "allowed"
    DENIED = "denied"
    MIXED = "mixed"
    DEPENDS = "depends"


@dataclass(frozen=True, slots=True, kw_only=True)
class Blame:
    """Names of rules and of open sets. ``deciding`` rules decide some packet under some membership."""

    blocking: frozenset[str]
    exposing: frozenset[str]
    shadowed: frozenset[str]
    depends_on: frozenset[str]

    @property
    def deciding(self) -> frozenset[str]:
        return self.blocking | self.exposing


def verdict(line: Json) -> Verdict:
    """Raises ``ValueError`` when the question has no packet, or the line cannot be read."""
    problems = _problems(read_line(line))
    passes = any(problem.some_packet(allowed=True) for problem in problems)
    stops = any(problem.some_packet(allowed=False) for problem in problems)
    if not passes and not stops:
        raise ValueError("the question has no packet")
    if passes and stops:
        mixed = all(any(p.some_sure_packet(allowed=answer) for p in problems) for answer in (True, False))
        return Verdict.MIXED if mixed else Verdict.DEPENDS
    return Verdict.ALLOWED if passes else Verdict.DENIED


def blame(line: Json) -> Blame:
    """Which rules decide, which can match and never decide, and on which open sets an outcome depends."""
    read = read_line(line)
    found = [(problem, rule) for problem in _problems(read) for rule in problem.deciding()]
    deciding = {rule.name for _, rule in found}
    matching = {rule.name for problem in _problems(read) for rule in problem.matching()}
    sets = {key for problem, rule in found if problem.decides_open(rule) for key in _sets(rule.match)}
    return Blame(
        blocking=frozenset(rule.name for _, rule in found if not rule.allow),
        exposing=frozenset(rule.name for _, rule in found if rule.allow),
        shadowed=frozenset(
            rule.name for rule in read.rules if rule.custom and rule.name in matching - deciding
        ),
        depends_on=frozenset(read.names[key] for key in sets),
    )


def fix_holds(line: Json, rules_added: Sequence[Json]) -> bool:
    """With ``rules_added`` the answer is what ``want`` says, and outside the question nothing changes.

    Outside is every packet of either direction, any protocol and both IP versions that is no packet of
    the question, under each membership.
    """
    wanted = {"allow": Verdict.ALLOWED, "deny": Verdict.DENIED}[cast(str, line["want"])]
    patched = with_rules(line, rules_added)
    return verdict(patched) is wanted and not any(
        _changes_outside(line, patched, direction, version)
        for direction in ("inbound", "outbound")
        for version in _VERSIONS
    )


def with_rules(line: Json, rules: Sequence[Json]) -> Json:
    """``line`` as it is when ``rules`` were added to the NSG."""
    nsg = cast(Json, line["nsg"])
    properties = cast(Json, nsg.get("properties", nsg))
    custom = [*cast(Sequence[Json], properties.get("securityRules") or []), *rules]
    changed = {**properties, "securityRules": custom}
    return {**line, "nsg": {**nsg, "properties": changed} if "properties" in nsg else changed}


def _changes_outside(line: Json, patched: Json, direction: str, version: int) -> bool:
    """Whether some packet of ``direction`` outside the question has another outcome after the patch."""
    after = _Problem(read_line(patched, direction), version, every_protocol=True)
    before = _Problem(read_line(line, direction), version, every_protocol=True)
    asked = after.line.box.direction == direction
    outside = no(after.within(after.line.box)) if asked else TRUE
    # The variables of the two have the same names and are therefore the same.
    return Seeker(after.consistent(), outside, differ(before.allowed, after.allowed)).finds()


def _problems(line: Line) -> list[_Problem]:
    return [_Problem(line, version) for version in _VERSIONS if _in_version(line.box, version)]


def _in_version(match: Match, version: int) -> bool:
    return all(_side_in_version(side, version) for side in (match.source, match.destination))


def _side_in_version(side: Side, version: int) -> bool:
    return bool(side.sets) or any(of == version for of, _, _ in side.ranges)


def _sets(match: Match) -> tuple[str, ...]:
    return (*match.source.sets, *match.destination.sets)


@dataclass(slots=True)
class _End:
    """One end of the packet as variables: its address, and what the address belongs to."""

    address: Term
    width: int
    members: Members
    known: dict[tuple[int, int], Term] = field(default_factory=dict)

    def within(self, ranges: Iterable[tuple[int, int]]) -> Term:
        return some([self._between(one) for one in ranges])

    def _between(self, one: tuple[int, int]) -> Term:
        found = self.known.get(one)
        if found is None:
            found = self.known[one] = between(self.address, self.width, *one)
        return found


class _Problem:
    """One line for one IP version, as formulas over a packet and the memberships of its ends."""

    def __init__(self, line: Line, version: int, *, every_protocol: bool = False) -> None:
        self.line = line
        self._version = version
        width = _WIDTH[version]
        self._source, self._destination = (
            _End(bits(name, width), width, {key: truth(f"{name} in {key}") for key in line.bounds})
            for name in ("source", "destination")
        )
        self._source_port = _End(bits("source port", 16), 16, {})
        self._port = _End(bits("port", 16), 16, {})
        self._protocol = bits("protocol", 3)
        self._asked = tuple(range(len(PROTOCOLS))) if every_protocol else line.box.protocols
        self._rules = [rule for rule in line.rules if self._can_match(rule.match)]
        self._matches = [self.within(rule.match) for rule in self._rules]
        self.allowed = self._first_match_allows()
        self._question = every([self.within(line.box), self.consistent()])
        self._passes = truth("passes")

    @cached_property
    def _seeker(self) -> Seeker:
        return Seeker(self._question, equal(self._passes, self.allowed))

    def some_packet(self, *, allowed: bool) -> bool:
        """Whether a packet has this outcome under some membership."""
        return self._seeker.finds(self._outcome(allowed))

    def some_sure_packet(self, *, allowed: bool) -> bool:
        """Whether a packet has this outcome under each membership."""
        goal, packet, members = self._outcome(allowed), self._packet(), self._memberships()
        demands = truth(f"demands of {allowed}")
        while self._seeker.finds(demands, goal):
            fixed = [equal(one, value) for one, value in self._seeker.found(packet).items()]
            if not self._seeker.finds(no(goal), *fixed):
                return True
            way = self._seeker.found(members).items()
            holds = implies(replace(self._question, way), replace(self._outcome(allowed, plain=True), way))
            self._seeker.add(implies(demands, holds))
        return False

    def deciding(self) -> Iterator[Rule]:
        """Rules that decide some packet under some membership."""
        seeker = Seeker(self._question)
        for rule, match in zip(self._rules, self._matches, strict=True):
            if seeker.finds(match):
                yield rule
            seeker.add(no(match))

    def matching(self) -> Iterator[Rule]:
        """Rules that match some packet under some membership."""
        seeker = Seeker(self._question)
        for rule, match in zip(self._rules, self._matches, strict=True):
            if seeker.finds(match):
                yield rule

    def decides_open(self, rule: Rule) -> bool:
        """Whether the rule decides a packet that has the other outcome under another membership."""
        place = self._rules.index(rule)
        decides = every([self._matches[place], *map(no, self._matches[:place])])
        other = [(one, truth(f"other {n}")) for n, one in enumerate(self._memberships())]
        contrary = every([self._question, self._outcome(not rule.allow, plain=True)])
        return Seeker(self._question, decides, replace(contrary, other) if other else contrary).finds()

    def within(self, match: Match) -> Term:
        """The packet lies in the rule's match, or in the question."""
        parts = [
            self._side(self._source, match.source),
            self._side(self._destination, match.destination),
        ]
        if match.source_ports != EVERY_PORT:
            parts.append(self._source_port.within(match.source_ports))
        if match.ports != EVERY_PORT:
            parts.append(self._port.within(match.ports))
        if len(match.protocols) < len(PROTOCOLS) and len(self._asked) > 1:
            parts.append(some([equal(self._protocol, number(n, 3)) for n in match.protocols]))
        return every([part for part in parts if part is not TRUE])

    def consistent(self) -> Term:
        """The memberships are possible, and the protocol is one that exists."""
        ends = (self._source, self._destination)
        keys = self.line.bounds
        same = [equal(self._source.members[key], self._destination.members[key]) for key in keys]
        protocol = some([equal(self._protocol, number(n, 3)) for n in self._asked])
        return every(
            [
                protocol,
                *(term for end in ends for term in self._bounded(end)),
                implies(equal(self._source.address, self._destination.address), every(same)),
            ]
        )

    def _first_match_allows(self) -> Term:
        found = FALSE
        for rule, match in zip(reversed(self._rules), reversed(self._matches), strict=True):
            found = some([match, found]) if rule.allow else every([no(match), found])
        return found

    def _outcome(self, allowed: bool, *, plain: bool = False) -> Term:
        """The outcome as a name that the seeker knows, or as the plain formula."""
        outcome = self.allowed if plain else self._passes
        return outcome if allowed else no(outcome)

    def _bounded(self, end: _End) -> Iterator[Term]:
        for key, bounds in self.line.bounds.items():
            yield implies(end.within(self._own(bounds.lower)), end.members[key])
            yield implies(end.members[key], end.within(self._own(bounds.upper)))
        for part, whole in self.line.parts:
            yield implies(end.members[part], end.members[whole])

    def _side(self, end: _End, side: Side) -> Term:
        if side.ranges == WHOLE:
            return TRUE
        terms = [end.within(self._own(side.ranges)), *(end.members[key] for key in side.sets)]
        return some([term for term in terms if term is not FALSE])

    def _own(self, ranges: Iterable[Range]) -> list[tuple[int, int]]:
        return [(first, last) for version, first, last in ranges if version == self._version]

    def _can_match(self, match: Match) -> bool:
        """Leaves out rules of other protocols and of the other IP version."""
        return not set(self._asked).isdisjoint(match.protocols) and _in_version(match, self._version)

    def _packet(self) -> list[Term]:
        ends = (self._source, self._destination, self._source_port, self._port)
        return [*(end.address for end in ends), self._protocol]

    def _memberships(self) -> list[Term]:
        return [*self._source.members.values(), *self._destination.members.values()]
