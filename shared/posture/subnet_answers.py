"""The answers of a subnet's NSG to questions, each with what was wanted, and how they are said in words.

The exact engine decides; where its verdict on a question is mixed, each port is asked by itself. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from shared.model import Access, Direction, SecurityGroup
from shared.model.values import value
from shared.nsg import (
    Family,
    NsgError,
    Outcome,
    Program,
    Question,
    Rule,
    Side,
    Spans,
    Tags,
    Verdict,
    decide,
    family_at,
    networks_of,
    parse,
    tolerated,
    union,
)
from shared.posture.subnet_questions import Inquiry

_ODD: Final = ("rule ", "rules ")
"""Begin what the engine names an odd rule by; a tag's name has no blank."""


@value
class Answer:
    """One question, a direction in one address family, with its verdict."""

    question: Question
    want: Access
    source: str
    verdict: Verdict
    outcomes: Mapping[int, frozenset[Outcome]]
    """By port, what kinds of packets there are."""

    @property
    def family(self) -> Family:
        """The family of the subnet's own end."""
        return family_at(_own_end(self.question).addresses[0][0])

    @property
    def wrong(self) -> Outcome:
        return Outcome.DENIED if self.want is Access.ALLOW else Outcome.ALLOWED

    @property
    def wrong_ports(self) -> Spans:
        """Spans of ports on which some packet is surely treated as it should not be."""
        return union((port, port) for port, kinds in self.outcomes.items() if self.wrong in kinds)

    @property
    def wholly_wrong(self) -> bool:
        """Whether that is so of all packets on those ports, for every membership of the open sets."""
        return all(kinds == {self.wrong} for kinds in self.outcomes.values() if self.wrong in kinds)

    @property
    def culprits(self) -> tuple[Rule, ...]:
        """The rules that decide as they should not."""
        return self.verdict.blocking if self.want is Access.ALLOW else self.verdict.exposing


def ask(inquiry: Inquiry) -> list[Answer]:
    """The answers, in the order of the questions. Raises ``NsgError``."""
    program = _program(inquiry.subnet.security_group, inquiry.tags)
    return [_answer(program, question, inquiry) for question in inquiry.questions]


def _program(group: SecurityGroup | None, tags: Tags) -> Program:
    """Where a rule has no one meaning, it is asked what it may mean: most NSGs are read once only."""
    try:
        return parse(group, tags)
    except NsgError:
        return parse(tolerated(group), tags)


def _answer(program: Program, question: Question, inquiry: Inquiry) -> Answer:
    verdict = decide(program, question)
    asked = [port for first, last in question.ports for port in range(first, last + 1)]
    outcomes = dict.fromkeys(asked, verdict.outcomes)
    if len(verdict.outcomes) > 1:
        by_port = {port: replace(question, ports=((port, port),)) for port in asked}
        outcomes = {port: decide(program, one).outcomes for port, one in by_port.items()}
    return Answer(
        question=question,
        want=inquiry.want,
        source=inquiry.source,
        verdict=verdict,
        outcomes=outcomes,
    )


def wrong_ones(answers: Iterable[Answer]) -> list[Answer]:
    return [answer for answer in answers if answer.wrong_ports]


def still_open(answers: Iterable[Answer]) -> list[Answer]:
    """Questions that the rules for what is wrong leave open: the subnet would not be compliant."""
    return [answer for answer in answers if answer.verdict.depends_on and not answer.wrong_ports]


def open_reason(answers: Iterable[Answer]) -> str:
    listed = tuple(answers)
    names = dict.fromkeys(name for answer in listed for name in answer.verdict.depends_on)
    asked = dict.fromkeys(_asked(answer, answer.question.ports) for answer in listed)
    sets = [repr(name) for name in names if not name.startswith(_ODD)]
    odd = [name for name in names if name.startswith(_ODD)]
    unknown = [f"what {', '.join(sets)} holds"] if sets else []
    unknown += [f"a rule that cannot be read: {'; '.join(odd)}"] if odd else []
    return f"whether {' and '.join(asked)} passes depends on {' and on '.join(unknown)}"


def wrong_reason(answer: Answer) -> str:
    """For example: inbound tcp/5432 from 10.0.1.0/24 to itself is denied by rule 'x' (priority 200)."""
    how = "" if answer.wholly_wrong else "partly "
    done = f"{how}{answer.wrong.lower()}{_by_whom(answer)}"
    return f"{_asked(answer, answer.wrong_ports)} is {done}"


def _by_whom(answer: Answer) -> str:
    """No rule has a priority of 0: that is what the engine says of a subnet without an NSG."""
    ruled = any(rule.priority for rule in answer.culprits)
    return f" by {name_rules(answer.culprits)}" if ruled else ": the subnet has no NSG"


def _asked(answer: Answer, ports: Spans) -> str:
    question = answer.question
    source, destination = (spell_side(side) for side in (question.source, question.destination))
    whither = "itself" if question.source == question.destination else destination
    protocol = question.protocol.lower()
    what = f"{question.direction.lower()} {protocol}/{spell_ports(ports)}"
    return f"{what} from {answer.source or source} to {whither}"


def name_rules(rules: Sequence[Rule]) -> str:
    named = [f"rule {rule.name!r} (priority {rule.priority})" for rule in rules]
    return " and ".join(named[:3]) + (f" and {len(named) - 3} more" if len(named) > 3 else "")


def spell_side(side: Side) -> str:
    """Tags by their names, other addresses as prefixes."""
    named = [name for name, _ in side.closed] + [open_set.name for open_set in side.sets]
    return ", ".join(named or map(str, networks_of(side.addresses)))


def spell_ports(ports: Spans) -> str:
    return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in ports)


def _own_end(question: Question) -> Side:
    """The subnet's side of a question."""
    return question.destination if question.direction is Direction.INBOUND else question.source
