"""One question to one NSG: is this traffic allowed, which rules decide, and which packets show it.

``decide`` is exact packet by packet. A packet is surely allowed, surely denied, or open, which means
that some membership of the open sets (tags, application security groups) allows it and another denies
it. What an NSG alone cannot tell (admin rules of Virtual Network Manager, an NSG on a network
interface, routes) is no part of a verdict.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from functools import partial
from itertools import chain, islice
from typing import Final, NamedTuple

from shared.model import Access
from shared.model.values import value
from shared.nsg.engine.budget import bounded
from shared.nsg.engine.outcomes import SURE, Decided, Opened, Outcome, accesses, deciders, opened, surely
from shared.nsg.engine.program import PROTOCOLS, Program
from shared.nsg.engine.question import Question, parts_of
from shared.nsg.engine.space import Space, matching, spaces
from shared.nsg.engine.telling import decided_among, telling
from shared.nsg.packets.addresses import MACHINES, address_at
from shared.nsg.packets.spans import Spans, common, is_one_number, minus
from shared.nsg.packets.steps import Steps
from shared.nsg.rules.nobodys_tags import unpublished
from shared.nsg.rules.reading import FIRST_DEFAULT_PRIORITY, Rule
from shared.nsg.rules.tags import OpenSet, SetKind, Tags, ids_of_namesakes


class State(StrEnum):
    ALLOWED = "allowed"
    DENIED = "denied"
    MIXED = "mixed"
    """Some packets are surely allowed and some surely denied; open ones may stand beside them."""
    DEPENDS = "depends"


@value
class Witness:
    """A packet, what happens to it, and the rule that does it.

    ``source_in`` and ``destination_in`` name the open sets that the packet's ends are taken to belong
    to; they belong to no other. ``sure`` says that the outcome is the same for every membership.
    """

    outcome: Outcome
    sure: bool
    protocol: str
    source: str
    source_port: int
    destination: str
    destination_port: int
    rule: str
    source_in: tuple[str, ...] = ()
    destination_in: tuple[str, ...] = ()


@value
class Verdict:
    """The answer to a question, with what it rests on. Rules are in the order of asking."""

    state: State
    outcomes: frozenset[Outcome]
    """Which kinds of packets there are in the question."""
    witnesses: tuple[Witness, ...]
    """One surely allowed and one surely denied packet where there are such; an open one both ways."""
    blocking: tuple[Rule, ...]
    """Every rule that denies some packet for some membership."""
    exposing: tuple[Rule, ...]
    """Every rule that allows some packet for some membership."""
    shadowed: tuple[Rule, ...]
    """Custom rules that match some packet of the question and decide none."""
    depends_on: tuple[str, ...]
    """Open sets named by a rule that can decide an open packet."""
    caveats: tuple[str, ...]


@value
class _Answer:
    """What one space says."""

    space: Space
    deciding: tuple[Decided, ...]
    sure: tuple[Decided, ...]
    opened: Opened | None

    @property
    def outcomes(self) -> Iterator[Outcome]:
        yield from (SURE[decided.rule.access] for decided in self.sure)
        if self.opened is not None:
            yield Outcome.OPEN


def decide(program: Program, question: Question, steps: Steps | None = None) -> Verdict:
    """The verdict of ``program`` on ``question``; ``steps`` are what is left of a larger task's.

    Raises ``NsgError``; that is ``TooComplex`` where no answer was found within the budget.
    """
    with bounded(steps) as left:
        return _decide(program, question, left)


def _decide(program: Program, question: Question, steps: Steps) -> Verdict:
    parts = tuple(parts_of(question, program, steps))
    answers = [_answer(space) for part in parts for space in spaces(program, part)]
    outcomes = frozenset(chain.from_iterable(answer.outcomes for answer in answers))
    deciding = {d.rule.priority: d.rule for answer in answers for d in answer.deciding}
    asked = {rule.priority: rule for part in parts for rule in matching(program, part)}
    named = _named(program, question)
    ordered = [deciding[priority] for priority in sorted(deciding)]
    return Verdict(
        state=_state(outcomes),
        outcomes=outcomes,
        witnesses=tuple(_first_of_each(w for answer in answers for w in _witnesses(answer, named))),
        blocking=tuple(rule for rule in ordered if rule.access is Access.DENY),
        exposing=tuple(rule for rule in ordered if rule.access is Access.ALLOW),
        shadowed=tuple(asked[p] for p in sorted(asked) if p not in deciding and p < FIRST_DEFAULT_PRIORITY),
        depends_on=_depends_on(answers, named),
        caveats=tuple(dict.fromkeys(_caveats(asked.values()))),
    )


def state_of(program: Program, question: Question, steps: Steps | None = None) -> State:
    """The verdict's state alone: it stops as soon as nothing more can change it. Raises as ``decide``."""
    with bounded(steps) as left:
        return _state_of(program, question, left)


def _state_of(program: Program, question: Question, steps: Steps) -> State:
    outcomes: set[Outcome] = set()
    for part in parts_of(question, program, steps):
        for space in spaces(program, part):
            outcomes.update(_outcomes(space))
            if _state(outcomes) is State.MIXED:
                return State.MIXED
    return _state(outcomes)


def _outcomes(space: Space) -> Iterator[Outcome]:
    """Which kinds of packets there are in ``space``; an open one only where it can matter to the state."""
    there = list(accesses(space))
    if not space.is_open or len(there) < len(SURE):
        yield from (SURE[access] for access in there)
        return
    sure = [access for access in Access if surely(space, access)]
    yield from (SURE[access] for access in sure)
    if len(sure) < len(SURE) and opened(space, tuple(deciders(space))) is not None:
        yield Outcome.OPEN


def _answer(space: Space) -> _Answer:
    deciding = tuple(deciders(space))
    found = {decided.rule.access: decided for decided in reversed(deciding)}
    if space.is_open and len(found) == len(SURE):
        sure = [decided for access in Access if (decided := _sure(space, access))]
    else:  # what some rule decides in some world is so in all
        sure = [_shown(space, found[access]) for access in Access if access in found]
    return _Answer(space=space, deciding=deciding, sure=tuple(sure), opened=opened(space, deciding))


def _sure(space: Space, access: Access) -> Decided | None:
    """A packet that has ``access`` in every world, to show."""
    found = surely(space, access)
    return found and telling(space, found, partial(surely, space, access))


def _shown(space: Space, decided: Decided) -> Decided:
    """A packet to show for what some rule of the same access decides."""
    access = decided.rule.access
    return telling(
        space, decided, lambda among: decided_among(space, among, lambda rule: rule.access is access)
    )


_STATES: Final = {
    frozenset[Outcome](): State.ALLOWED,
    frozenset({Outcome.ALLOWED}): State.ALLOWED,
    frozenset({Outcome.DENIED}): State.DENIED,
}


def _state(outcomes: Iterable[Outcome]) -> State:
    found = frozenset(outcomes)
    if {Outcome.ALLOWED, Outcome.DENIED} <= found:
        return State.MIXED
    return _STATES.get(found, State.DEPENDS)


def _depends_on(answers: Iterable[_Answer], known: _Named) -> tuple[str, ...]:
    named: dict[str, str] = {}
    for answer in answers:
        asked = {key for field in answer.space.fields for world in field.worlds for key in world.keys}
        for rule in answer.opened.rules if answer.opened is not None else ():
            # A network that is known to hold every address asked about makes no difference here.
            told = (s for s in rule.sets if s.key in asked or not _is_known(s, known.tags))
            named |= {s.key: known.name(s) for s in told}
    return tuple(named[key] for key in sorted(named))


def _is_known(open_set: OpenSet, tags: Tags) -> bool:
    return open_set.kind is SetKind.VIRTUAL_NETWORK and bool(tags.vnet)


def _first_of_each(witnesses: Iterable[Witness]) -> Iterator[Witness]:
    """One witness per outcome, surely so or not: the first found."""
    seen: set[tuple[Outcome, bool]] = set()
    for witness in witnesses:
        if (kind := (witness.outcome, witness.sure)) not in seen:
            seen.add(kind)
            yield witness


class _Named(NamedTuple):
    """The open sets that an address can be told to lie in."""

    tags: Tags
    sets: Mapping[str, OpenSet]
    namesakes: Mapping[str, str]

    def name(self, open_set: OpenSet) -> str:
        """The name, or the id where another set has the same name."""
        return self.namesakes.get(open_set.key, open_set.name)

    def of(self, address: int, keys: frozenset[str]) -> tuple[str, ...]:
        """Names of the sets with ``keys``, and of those that surely hold ``address``."""
        here = ((address, address),)
        held = (s for s in self.sets.values() if s.key in keys or common(self.tags.lower(s), here))
        return tuple(sorted(map(self.name, held)))


def _named(program: Program, question: Question) -> _Named:
    sides = (question.source.sets, question.destination.sets, *(rule.sets for rule in program.rules))
    by_key = {s.key: s for s in chain.from_iterable(sides)}
    return _Named(program.tags, by_key, ids_of_namesakes(by_key.values()))


def _witnesses(answer: _Answer, named: _Named) -> Iterator[Witness]:
    for decided in answer.sure:
        yield _witness(answer.space, decided, named, sure=True)
    if answer.opened is not None:
        for decided in answer.opened.example.values():
            yield _witness(answer.space, decided, named, sure=False)


def _witness(space: Space, decided: Decided, named: _Named, *, sure: bool) -> Witness:
    places = dict(zip(space.kept, decided.point, strict=True))
    found = [field.at(places.get(number, field.lowest)) for number, field in enumerate(space.fields)]
    (protocol, _), (ports, _), (source_ports, _), (sources, source_in), *rest = found
    destinations, destination_in = rest[0] if rest else (sources, source_in)
    source, destination = _ends(sources, destinations) if rest else (_ordinary(sources),) * 2
    if source == destination:  # one address belongs to the same sets on both ends
        source_in = destination_in = source_in | destination_in
    return Witness(
        outcome=SURE[decided.rule.access],
        sure=sure,
        protocol=PROTOCOLS[protocol[0][0]].value,
        source=str(address_at(source)),
        source_port=_source_port(source_ports),
        destination=str(address_at(destination)),
        destination_port=ports[0][0],
        rule=decided.rule.name,
        source_in=named.of(source, source_in),
        destination_in=named.of(destination, destination_in),
    )


def _ends(sources: Spans, destinations: Spans) -> tuple[int, int]:
    """A source and a destination; two addresses where there are two."""
    source, destination = _ordinary(sources), _ordinary(destinations)
    if source == destination and not is_one_number(destinations):
        destination = _another(destinations, source)
    elif source == destination and not is_one_number(sources):
        source = _another(sources, destination)
    return source, destination


def _ordinary(spans: Spans) -> int:
    """An address that a machine can have, if there is one: Azure keeps a subnet's first four."""
    first, last = (common(spans, MACHINES) or spans)[0]
    return min(first + 4, last)


def _another(spans: Spans, taken: int) -> int:
    """An address beside ``taken``: the next one, or else the first."""
    rest = minus(spans, ((taken, taken),))
    return next((first for first, _ in rest if first > taken), rest[0][0])


def _source_port(spans: Spans) -> int:
    """An ephemeral port, if there is one."""
    ephemeral = common(spans, ((49152, 65535),))
    return (ephemeral or spans)[0][0]


def _caveats(rules: Iterable[Rule]) -> Iterator[str]:
    """Rules inside the question that hold a text which is no address and no tag, or no tag of Azure's."""
    listed = tuple(rules)
    for rule in listed:
        for text in rule.odd_texts:
            yield f"rule {rule.name!r} has {text!r} for an address: it may match anything"
    named = ((rule.name, text) for rule in listed for text in rule.nobodys_tags)
    for name, text in islice(named, _MOST_TOLD):
        yield f"rule {name!r} may match any address: {unpublished(text)}"


_MOST_TOLD: Final = 50
"""What was probably meant is looked for among all tags: a thousand would take a second."""
