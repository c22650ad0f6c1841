"""What a template leaves open about an NSG, and the rules that hold whatever it turns out to be.

A rule whose prefix only a deployment knows matches addresses of an *open set*, named by its expression. One
of which more is unknown is read as the widest that it can be: every protocol and port, before every other
rule where its priority is unknown, in both directions where that is. If the widest rule decides no packet of
a question, neither does the rule itself, and the answer stands; else the question cannot be answered, and the
doubt says why. So what is unknown refuses an NSG only where it could matter.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import count
from typing import Final

from shared.model import Direction, Json
from shared.model.values import value
from shared.nsg.documents.scope import Unknown, unknown_in
from shared.nsg.rules.reading import NsgError
from shared.nsg.rules.resources import Resource
from shared.nsg.rules.spelling import DECIDING

_WIDEST: Final[Mapping[str, Json]] = {
    "protocol": "*",
    "access": "Allow",  # either: a rule in doubt that decides something is refused
    "sourcePortRange": "*",
    "sourcePortRanges": ["*"],
    "destinationPortRange": "*",
    "destinationPortRanges": ["*"],
}
_MOST_SHOWN: Final = 10


@value
class Doubt:
    """Something about a rule that the template alone does not say."""

    rule: str
    field: str
    said: str
    stays_open: tuple[str, ...] = ()
    """The open sets that stand for it, by the texts of their expressions; none where none can."""

    def error(self) -> NsgError:
        return NsgError(self.said, rule=self.rule, field=self.field)


def unanswered(unknown: Unknown, rule: str, field: str) -> Doubt:
    """A value that cannot be computed."""
    place = f"rule {rule!r}: {field}" if rule else field
    said = f"{place} cannot be computed from the template alone: {unknown.text[:200]}"
    if unknown.fault and unknown.fault != unknown.text:
        said = f"{said}: {unknown.fault[:200]}"
    return Doubt(rule=rule, field=field, said=said)


@value
class Body:
    """An NSG as the body of its PUT, without expressions, and what is in doubt about it."""

    json: Json
    doubts: tuple[Doubt, ...] = ()


@value
class PlainRule:
    """A rule's fields that decide, each of them computed, open or as wide as it can be."""

    name: str
    fields: Mapping[str, Json]
    doubts: tuple[Doubt, ...] = ()

    @property
    def is_exact(self) -> bool:
        """Whether it is as wide as it is written, open sets included."""
        return all(doubt.stays_open for doubt in self.doubts)

    @property
    def is_unordered(self) -> bool:
        return any(doubt.field == "priority" for doubt in self.doubts)


def plain_rule(rule: Resource, name: str) -> PlainRule:
    """The rule that a resource without expressions is, but for ``Unknown`` ones."""
    fields: dict[str, Json] = {"description": rule.get("description")}
    doubts: list[Doubt] = []
    for field in DECIDING:
        if rule.has(field):
            found = rule.get(field)
            unknown = unknown_in(found)
            if unknown is not None:
                found, doubt = _widened(found, unknown, name, field)
                doubts.append(doubt)
            fields[field] = found
    return PlainRule(name=name, fields=_with_open_groups(fields), doubts=tuple(doubts))


def _widened(found: Json, unknown: Unknown, name: str, field: str) -> tuple[Json, Doubt]:
    doubt = unanswered(unknown, name, field)
    if field in _WIDEST or not field.startswith(("source", "destination")):
        return _WIDEST.get(field), doubt
    if unknown.fault:
        return (["*"] if field.endswith("s") else "*"), doubt
    if not isinstance(found, list):
        text = _open_set(unknown, f"{name} {field}")
        return ([text] if field.endswith("s") else text), replace(doubt, stays_open=(text,))
    items = [(item, unknown_in(item)) for item in found]
    texts = [_open_set(part, f"{name} {field}") for _, part in items if part is not None]
    return [*(item for item, part in items if part is None), *texts], replace(doubt, stays_open=tuple(texts))


def _open_set(unknown: Unknown, place: str) -> str:
    """The expression, in brackets: with where it stands, where it is another value elsewhere."""
    text = unknown.text.removeprefix("[").removesuffix("]")
    origin = f" in {unknown.origin}" if unknown.origin else ""
    return f"[{text}{origin}{f' of {place}' if unknown.varies else ''}]"


def _with_open_groups(fields: Mapping[str, Json]) -> Mapping[str, Json]:
    """An open set among security groups stands among the prefixes: it is no id."""
    found = dict(fields)
    for side in ("source", "destination"):
        groups = found.get(f"{side}ApplicationSecurityGroups")
        texts = [item for item in groups if isinstance(item, str)] if isinstance(groups, list) else []
        if texts and isinstance(groups, list):
            held = found.get(f"{side}AddressPrefixes")
            found[f"{side}ApplicationSecurityGroups"] = [item for item in groups if item not in texts]
            found[f"{side}AddressPrefixes"] = [*(held if isinstance(held, list) else ()), *texts]
    return found


def bodies(rules: Iterable[PlainRule]) -> list[Json]:
    """The rules as a PUT has them; those of an unknown priority get one before every other rule."""
    free = count()
    return [{"name": rule.name, "properties": fields} for rule in rules for fields in _directed(rule, free)]


def _directed(rule: PlainRule, free: Iterator[int]) -> Iterator[Mapping[str, Json]]:
    """Once, or for both directions where that is unknown."""
    fields = {**rule.fields, "priority": next(free)} if rule.is_unordered else rule.fields
    if not any(doubt.field == "direction" for doubt in rule.doubts):
        yield fields
        return
    for direction in Direction:
        yield {**fields, "direction": direction.value}


def refuse_what_decides(doubts: Iterable[Doubt], deciding: Collection[str], *, open_sets: bool) -> None:
    """Raise the ``NsgError`` of the first doubt about a rule that decides some packet of a question."""
    for doubt in doubts:
        if (not doubt.rule or doubt.rule in deciding) and not (open_sets and doubt.stays_open):
            raise doubt.error()


def left_aside(doubts: Iterable[Doubt]) -> Iterator[str]:
    """What a reader of an answer that stands all the same must know."""
    rules = dict.fromkeys(doubt.rule for doubt in doubts if not doubt.stays_open)
    if rules:
        shown = ", ".join([*rules][:_MOST_SHOWN]) + (" and more" if len(rules) > _MOST_SHOWN else "")
        yield (
            f"what the template leaves open about {shown} cannot matter to this question; names and "
            "priorities of new rules were chosen without it"
        )
