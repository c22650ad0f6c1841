"""Where NSGs and their rules stand in an ARM template: resources, loops, conditions, inner templates.

A template's resources are a list or, from ``languageVersion`` 2.0, an object by symbolic name. A resource may
be in a ``copy`` loop and under a ``condition``; a deployment among them (a Bicep module) holds an inner
template. What is not about NSGs is skipped unread: a loop over storage accounts, however long, decides
nothing here. A loop of an unknown number of turns and a condition without an answer are noted as a doubt.
Source: "Understand the structure and syntax of ARM templates", "Resource iteration", "Using linked and nested
templates" (Microsoft Learn). What an NSG is made of is not known here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Final

from shared.model import Json
from shared.model.values import value
from shared.nsg.documents.declared import inner_scope
from shared.nsg.documents.doubts import Doubt
from shared.nsg.documents.expressions import resolve, turns
from shared.nsg.documents.grammar import Unresolved
from shared.nsg.documents.names import name_of
from shared.nsg.documents.scope import Scope
from shared.nsg.rules.reading import NsgError
from shared.nsg.rules.resources import folded

GROUP_TYPE: Final = "microsoft.network/networksecuritygroups"
RULE_TYPE: Final = f"{GROUP_TYPE}/securityrules"
_DEPLOYMENT_TYPE: Final = "microsoft.resources/deployments"
_DEEPEST: Final = 10
"""How many templates may stand in one another."""
_STEPS: Final[Mapping[str, int]] = {GROUP_TYPE: 20, RULE_TYPE: 20, _DEPLOYMENT_TYPE: 100}
"""What it costs to place a resource, in values that are computed."""


@value
class Placed:
    """A resource of a template, and where its expressions are computed."""

    type: str
    """In lower case, with the types of the parents."""
    name: str
    """With the names of the parents."""
    key: str
    """Equal for names that are equal in every deployment."""
    symbol: str
    """The symbolic names on the way to it, with dots; ``""`` where the template gives none."""
    body: Mapping[str, Json]
    """With keys in lower case."""
    scope: Scope
    doubt: Doubt | None
    """Why it may not be deployed, or more than once. What is surely not deployed is not placed."""

    @property
    def certain(self) -> bool:
        """Whether all of the name is known."""
        return self.name == self.key

    @property
    def leaf(self) -> str:
        return self.name.rpartition("/")[2]

    @property
    def parent_key(self) -> str:
        return self.key.rpartition("/")[0]


@value
class _Place:
    """Where resources stand."""

    scope: Scope
    level: int = 0
    symbol: str = ""
    parent: Placed | None = None
    doubt: Doubt | None = None


def placed_in(template: Mapping[str, Json], scope: Scope) -> Iterator[Placed]:
    """The NSGs, rules and deployments of a template. Raises ``NsgError`` where that cannot be told."""
    return _Walk().resources(template, _Place(scope=scope))


def left_out(template: Mapping[str, Json], scope: Scope) -> list[str]:
    """The conditions that keep NSGs of a template, and modules with some, from being deployed."""
    walk = _Walk()
    for _ in walk.resources(template, _Place(scope=scope)):
        pass
    return [*dict.fromkeys(walk.left_out)]


class _Walk:
    """One way through a document. What a template holds is looked up once, however often it is deployed."""

    def __init__(self) -> None:
        self._concerned: dict[int, bool] = {}
        self.left_out: list[str] = []
        """The conditions of what is not deployed."""

    def resources(self, template: Json, place: _Place) -> Iterator[Placed]:
        for key, item in _items(template):
            body = folded(item)
            if self._is_concerned(body, place.level):
                symbol = ".".join(filter(None, (place.symbol, key)))
                for found in self._unrolled(body, replace(place, symbol=symbol)):
                    yield found
                    yield from self._inner_template(found, place.level)

    def _concerns_groups(self, template: Json, level: int) -> bool:
        """Whether a template or one within it holds an NSG or a rule; deeper than can be read, it may."""
        if level > _DEEPEST:
            return True
        if id(template) not in self._concerned:
            held = (folded(item) for _, item in _items(template))
            self._concerned[id(template)] = any(self._is_concerned(body, level) for body in held)
        return self._concerned[id(template)]

    def _is_concerned(self, body: Mapping[str, Json], level: int) -> bool:
        kind = text_of(body.get("type"))
        if kind != _DEPLOYMENT_TYPE:
            return kind in {GROUP_TYPE, RULE_TYPE}
        return self._concerns_groups(folded(body.get("properties")).get("template"), level + 1)

    def _unrolled(self, body: Mapping[str, Json], place: _Place) -> Iterator[Placed]:
        """The resource and those nested in it, once for each turn of its loop."""
        kind = _type(body, place.parent)
        if kind not in {GROUP_TYPE, RULE_TYPE, _DEPLOYMENT_TYPE}:
            return
        for turned in _in_turns(body, place):
            count(turned.scope, _STEPS[kind])
            condition = resolve(body.get("condition", True), turned.scope)
            if condition is False:
                self.left_out.append(str(body.get("condition")))
                continue
            found = _placed(kind, body, turned, sure=condition is True)
            yield found
            nested = body.get("resources") if kind == GROUP_TYPE and place.parent is None else ()
            for item in nested if isinstance(nested, list) else ():
                if isinstance(item, Mapping):
                    inside = replace(turned, parent=found, doubt=found.doubt)
                    yield from self._unrolled(folded(item), inside)

    def _inner_template(self, deployment: Placed, level: int) -> Iterator[Placed]:
        """The resources of a template inside a deployment; a linked one is another document."""
        if deployment.type != _DEPLOYMENT_TYPE:
            return
        if level >= _DEEPEST:
            raise NsgError("templates nested too deeply", rule="", field="template")
        template = folded(deployment.body.get("properties")).get("template")
        if isinstance(template, Mapping):
            turns = "".join(f"[{turn}]" for turn in deployment.scope.turns.values())
            origin = deployment.symbol or f"{deployment.name}{turns}"
            scope = inner_scope(deployment.body, template, deployment.scope, origin)
            place = _Place(scope=scope, level=level + 1, symbol=deployment.symbol, doubt=deployment.doubt)
            yield from self.resources(template, place)


def count(scope: Scope, steps: int) -> None:
    """Take the steps. Raises ``NsgError`` where there are none left."""
    try:
        scope.steps.take(steps)
    except Unresolved as error:
        said = "the template holds more resources than can be looked at"
        raise NsgError(said, rule="", field="resources") from error


def _items(template: Json) -> Iterable[tuple[str, Mapping[str, Json]]]:
    """The resources with their symbolic names."""
    held = folded(template).get("resources")
    if isinstance(held, Mapping):
        return [(str(key), item) for key, item in held.items() if isinstance(item, Mapping)]
    return [("", item) for item in held if isinstance(item, Mapping)] if isinstance(held, list) else ()


def text_of(found: Json) -> str:
    """A text that compares without case; ``""`` for anything else."""
    return found.strip().lower() if isinstance(found, str) else ""


def _type(body: Mapping[str, Json], parent: Placed | None) -> str:
    kind = text_of(body.get("type"))
    return f"{parent.type}/{kind}" if parent and "/" not in kind else kind


def _in_turns(body: Mapping[str, Json], place: _Place) -> Iterable[_Place]:
    """The place in each turn of the resource's loop; one, in doubt, where nobody knows how many there are."""
    loop = body.get("copy")
    if not isinstance(loop, Mapping):
        return [place]
    name = text_of(loop.get("name"))
    try:
        return [
            replace(place, scope=place.scope.turned(name, turn), symbol=_counted(place.symbol, turn))
            for turn in turns(loop, place.scope)
        ]
    except Unresolved as error:
        return [replace(place, scope=place.scope.in_some_turn(name), doubt=_looped(body, place.scope, error))]


def _counted(symbol: str, turn: int) -> str:
    return f"{symbol}[{turn}]" if symbol else ""


def _looped(body: Mapping[str, Json], scope: Scope, error: Unresolved) -> Doubt:
    shown = name_of(body.get("name"), scope).text
    said = f"resource {shown!r}: its loop cannot be computed from the template alone: {error}"
    return Doubt(rule=_rule_of(text_of(body.get("type")), shown), field="copy", said=said)


def _rule_of(kind: str, name: str) -> str:
    return name.rpartition("/")[2] if kind.endswith("securityrules") else ""


def _placed(kind: str, body: Mapping[str, Json], place: _Place, *, sure: bool) -> Placed:
    found = name_of(body.get("name"), place.scope)
    name, key = found.text.strip(), found.key.strip()
    if place.parent is not None and "/" not in name:
        name, key = f"{place.parent.name}/{name}", f"{place.parent.key}/{key}"
    return Placed(
        type=kind,
        name=name,
        key=key,
        symbol=place.symbol,
        body=body,
        scope=place.scope,
        doubt=_doubt(kind, name, place) if place.doubt or not sure else None,
    )


def _doubt(kind: str, name: str, place: _Place) -> Doubt:
    """Of a resource in doubt, its own or that of what it stands in."""
    rule = _rule_of(kind, name)
    said = f"{name!r} is deployed under a condition that the template alone does not answer"
    return replace(place.doubt, rule=rule) if place.doubt else Doubt(rule=rule, field="condition", said=said)
