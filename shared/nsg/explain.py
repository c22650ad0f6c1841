"""One question as JSON, answered as JSON: what the command line, the batch and the API share.

``explain`` takes a line with an NSG, a question and what is known of tags, and gives the verdict with
its witnesses, the rules to blame, and the fix. Bad input becomes an answer of its own that names the
field, and the rule where there is one; it is never a verdict. Reading files, showing and timing an
answer is done by whoever asks.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from shared.model import Access, Direction, Json, SecurityGroup
from shared.nsg.asking import Asked, BadInput, read_question
from shared.nsg.caveats import caveats, taken_for_granted
from shared.nsg.documents.document import Choice, ReadGroup, read_for_question
from shared.nsg.documents.doubts import Doubt, left_aside, refuse_what_decides
from shared.nsg.engine.additions import Goal, port_texts
from shared.nsg.engine.fixes import Fix, NoFix, fix
from shared.nsg.engine.program import Program, parse
from shared.nsg.engine.question import Question, parts_of
from shared.nsg.engine.space import matching
from shared.nsg.engine.verdict import Verdict, Witness, decide
from shared.nsg.packets.spans import EVERY_PORT
from shared.nsg.rules.nobodys_tags import unpublished
from shared.nsg.rules.reading import NsgError, Protocol, Rule
from shared.nsg.rules.spelling import rule_body
from shared.nsg.rules.tags import OpenSet, SetKind, Tags


def explain(line: Json) -> dict[str, Json]:
    """The answer to ``line``, or what is wrong with it: ``id``, ``error``, ``field`` and ``rule``."""
    number = line.get("id") if isinstance(line, Mapping) else None
    try:
        return {"id": number, **answer(line)}
    except (NsgError, BadInput) as error:
        return {"id": number, "error": str(error), "field": error.field, "rule": error.rule or None}


def answer(line: Json, beside: Tags | None = None) -> dict[str, Json]:
    """The answer to ``line``. Raises ``NsgError`` and ``BadInput``, which name what is wrong.

    ``beside`` is ``read_question``'s: without it tags are mere sets.
    """
    if not isinstance(line, Mapping):
        raise BadInput("a question is a JSON object", field="")
    if "nsg" not in line:
        raise BadInput("no NSG was given", field="nsg")
    asked = read_question(line, beside)
    return answer_from(read_for_question(line["nsg"], asked.tags, _choice(line)), asked)


def _choice(line: Mapping[str, Json]) -> Choice:
    name = line.get("name")
    if name is not None and not isinstance(name, str):
        raise BadInput(
            "name is no text: a name, an id, a symbolic name or a position such as #2", field="name"
        )
    return Choice(name=name, parameters=line.get("parameters"))


def answer_from(read: ReadGroup, asked: Asked) -> dict[str, Json]:
    """The answer to a question about an NSG of a document. Raises ``NsgError`` and ``BadInput``."""
    return answer_about(read.group, read.program, asked, read.doubts)


def answer_about(
    group: SecurityGroup, program: Program, asked: Asked, doubts: Sequence[Doubt] = ()
) -> dict[str, Json]:
    """The answer to a question about an NSG that was read. Raises ``NsgError`` and ``BadInput``.

    What is in doubt about a rule must not matter to the question.
    """
    written = program
    if asked.assumed is not None:
        _refuse_tags_of_nobody(written, asked.question)
    if not asked.open_tags and not doubts:
        _refuse_open_tags(written, asked)
    if asked.endpoint_policies is not None:
        asked, group, program = _for_endpoints(asked, group)
    verdict = decide(program, asked.question)
    if doubts:
        deciding = {rule.name for rule in (*verdict.blocking, *verdict.exposing)}
        refuse_what_decides(doubts, deciding, open_sets=asked.open_tags)
        if not asked.open_tags:
            _refuse_open_tags(written, asked)
    found = _fix(group, asked, verdict)
    doubtful = {doubt.rule for doubt in doubts if not doubt.stays_open}
    return {
        "verdict": verdict.state.value,
        "dependsOn": list(verdict.depends_on),
        "witnesses": [_witness(witness, asked) for witness in verdict.witnesses],
        "blockingRules": _rules(verdict.blocking),
        "exposingRules": _rules(verdict.exposing if asked.is_enforced else ()),
        "shadowedRules": _rules(rule for rule in verdict.shadowed if rule.name not in doubtful),
        "fix": {"rules": [rule_body(rule) for rule in found.rules]} if isinstance(found, Fix) else None,
        "noFixReason": found.reason if isinstance(found, NoFix) else None,
        "sharedWith": {
            "subnets": [str(subnet) for subnet in group.subnets],
            "networkInterfaces": [str(interface) for interface in group.network_interfaces],
        },
        **({} if asked.assumed is None else {"assumptions": list(taken_for_granted(asked, verdict))}),
        "caveats": [
            *([] if verdict.outcomes else [_NO_PACKET]),
            *caveats(group, asked, verdict),
            *left_aside(doubts),
        ],
    }


def _for_endpoints(asked: Asked, group: SecurityGroup) -> tuple[Asked, SecurityGroup, Program]:
    """Question and rules as private endpoints see them: inbound, where that is on, by no source port.

    Source: manage network policies for private endpoints (MicrosoftDocs).
    """
    if asked.question.direction is Direction.OUTBOUND:
        raise BadInput(
            "a private endpoint begins no connection: only inbound can be asked", field="direction"
        )
    asked = replace(asked, question=replace(asked.question, source_ports=EVERY_PORT))
    if not asked.is_enforced:
        return asked, group, parse(None, asked.tags)
    seen = replace(group, rules=tuple(replace(rule, source_ports=("*",)) for rule in group.rules))
    return asked, seen, parse(seen, asked.tags)


_NO_PACKET: Final = "the question holds no packet: a side is empty, or one side is IPv4 and the other IPv6"


def _fix(group: SecurityGroup | None, asked: Asked, verdict: Verdict) -> Fix | NoFix | None:
    if asked.want is None:
        return None
    if asked.want is Access.DENY and not verdict.outcomes:
        return NoFix(reason=_NO_PACKET)
    if asked.want is Access.DENY and not asked.is_enforced:
        return NoFix(reason="no rule filters the subnet's private endpoints: enable network policies first")
    goal = Goal(question=asked.question, want=asked.want, name=_rule_name(asked.question, asked.want))
    found = fix(group, goal, asked.tags, verdict)
    return found if isinstance(found, NoFix) or found.rules else None


def _rule_name(question: Question, want: Access) -> str:
    """What the names of rules begin with: equal for equal questions, and for others not.

    A PUT under a name that exists replaces that rule, so two questions about one NSG may not share it.
    """
    protocol = "any" if question.protocol is Protocol.ANY else question.protocol.lower()
    ports = "any" if question.ports == EVERY_PORT else "-".join(port_texts(question.ports))
    asked = repr((question.source, question.destination, question.source_ports))
    return f"driftward-{want.lower()}-{protocol}-{ports}-{hashlib.sha256(asked.encode()).hexdigest()[:6]}"


def _witness(witness: Witness, asked: Asked) -> dict[str, Json]:
    return {
        "outcome": witness.outcome.value,
        "sure": witness.sure,
        "protocol": witness.protocol,
        "source": witness.source,
        "sourcePort": witness.source_port,
        "destination": witness.destination,
        "destinationPort": witness.destination_port,
        "rule": witness.rule if asked.is_enforced else None,
        "memberships": {"source": list(witness.source_in), "destination": list(witness.destination_in)},
    }


def _rules(rules: Iterable[Rule]) -> list[Json]:
    return [{"name": rule.name, "priority": rule.priority} for rule in rules]


def _refuse_tags_of_nobody(program: Program, question: Question) -> None:
    """A tag that Azure does not publish, no rule names and nobody knows is a slip of the pen."""
    named = {open_set.key for rule in program.rules for open_set in rule.sets}
    for field, side in (("source", question.source), ("destination", question.destination)):
        for open_set in side.sets:
            if open_set.kind is SetKind.UNKNOWN_TAG and open_set.key not in named:
                said = f"{unpublished(open_set.name)} If it is one, give its prefixes in tags"
                raise BadInput(f"{field}: {said}", field=field)


def _refuse_open_tags(program: Program, asked: Asked) -> None:
    """Without ``openTags`` every tag that is asked about must be known, those of the default rules too.

    Where ``Internet`` is defined it is known, and a rule that can match no packet asked about needs nothing.
    """
    question = asked.question
    for field, side in (("source", question.source), ("destination", question.destination)):
        if unknown := _unknown(side.sets, program.tags):
            raise BadInput(f"{field} names the tag {unknown!r}, whose prefixes are not given", field="tags")
    for rule in _asked_rules(program, asked):
        if unknown := _unknown(rule.sets, program.tags):
            said = f"rule {rule.name!r} names the tag {unknown!r}, whose prefixes are not given"
            raise BadInput(f"{said}: give them in tags, or set openTags", field="tags", rule=rule.name)


def _asked_rules(program: Program, asked: Asked) -> Iterable[Rule]:
    if asked.assumed is None:
        return program.chains[asked.question.direction].rules
    found = (rule for part in parts_of(asked.question, program) for rule in matching(program, part))
    return sorted(found, key=lambda rule: rule.priority)


_NOT_TAGS: Final = frozenset({SetKind.SECURITY_GROUP, SetKind.EXPRESSION})
"""What a template leaves to its deployment matters only where it decides."""


def _unknown(sets: Iterable[OpenSet], tags: Tags) -> str | None:
    defined = _NOT_TAGS | ({SetKind.INTERNET} if tags.apart else set())
    return next((s.name for s in sets if s.kind not in defined), None)
