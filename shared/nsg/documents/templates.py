"""The NSGs that an ARM template holds: written by hand, compiled from Bicep, or exported by the portal.

A template's resources are a list or, from ``languageVersion`` 2.0, an object by symbolic name. The rules of
an NSG stand in its properties, in resources nested in it, in resources beside it whose name is
``<nsg>/<rule>``, or in an inner template (a Bicep module); each may be in a ``copy`` loop or under a
``condition``. A rule beside the NSG replaces one of the same name in its properties: it is deployed after it.
The portal's export names every rule twice in this way. ``defaultSecurityRules`` are left aside, because a
deployment does not write them.

What a deployment alone can know is an ``NsgError`` where it decides, and stays as it is written in a name.
Source: "Understand the structure and syntax of ARM templates", "Set name and type for child resources"
(Microsoft Learn). Expressions are computed in ``shared.nsg.documents.expressions``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Final

from shared.model import Json
from shared.model.values import value
from shared.nsg.documents.expressions import name_of, resolve, turns
from shared.nsg.documents.grammar import Unresolved
from shared.nsg.documents.scope import Scope, Unknown, unknown_part
from shared.nsg.rules.reading import NsgError
from shared.nsg.rules.resources import Resource, folded, objects, resource
from shared.nsg.rules.spelling import DECIDING

GROUP_TYPE: Final = "microsoft.network/networksecuritygroups"
_RULE_TYPE: Final = f"{GROUP_TYPE}/securityrules"
_DEPLOYMENT_TYPE: Final = "microsoft.resources/deployments"
_DEEPEST: Final = 10
"""How many templates may stand in one another."""


@value
class Placed:
    """A resource of a template, and where its expressions are computed."""

    type: str
    """In lower case, with the types of the parents."""
    name: str
    """With the names of the parents."""
    certain: bool
    """Whether all of the name is known."""
    body: Mapping[str, Json]
    """With keys in lower case."""
    scope: Scope
    sure: bool
    """Whether it is deployed; False where only a deployment knows. What is not deployed is not placed."""

    @property
    def leaf(self) -> str:
        return self.name.rpartition("/")[2]

    @property
    def parent(self) -> str:
        return self.name.rpartition("/")[0]


@value
class TemplateGroup:
    """An NSG of a template. ``name`` is what is known of its name."""

    name: str
    group: Placed
    rules: tuple[Placed, ...]
    """The rules beside the NSG that belong to it."""


def is_template(document: Json) -> bool:
    """Whether ``document`` is an ARM template: the only object that holds ``resources``."""
    found = folded(document)
    return isinstance(found.get("resources"), (list, Mapping)) and "securityrules" not in found


def groups_of(template: Mapping[str, Json]) -> tuple[TemplateGroup, ...]:
    """The NSGs of a template, in its order. Raises ``NsgError`` where that cannot be told."""
    found = [*_resources(template, _outer_scope(template), 0, sure=True)]
    rules = [item for item in found if item.type == _RULE_TYPE]
    groups = [item for item in found if item.type == GROUP_TYPE and not item.body.get("existing")]
    for rule in rules:
        belongs = [_belongs(rule, group) for group in groups]
        if None in belongs and True not in belongs:
            raise NsgError(
                f"rule {rule.leaf!r}: the template alone does not say which NSG it belongs to",
                rule=rule.leaf,
                field="name",
            )
    return tuple(
        TemplateGroup(name=group.name, group=group, rules=tuple(r for r in rules if _belongs(r, group)))
        for group in groups
    )


def _belongs(rule: Placed, group: Placed) -> bool | None:
    """Whether the rule is the NSG's, which its name says; None where only a deployment knows the names."""
    same = rule.parent.lower() == group.name.lower()
    if rule.certain and group.certain:
        return same
    # One expression has one value, but only in one template.
    return True if same and rule.scope.parameters is group.scope.parameters else None


def body_of(group: TemplateGroup) -> Json:
    """The NSG as the body of its PUT, without expressions. Raises ``NsgError``."""
    placed = group.group
    for deployed in (placed, *group.rules):
        _must_be_deployed(deployed)
    replaced = {rule.leaf.lower() for rule in group.rules}
    inside = [rule for rule in _inside(placed) if str(rule["name"]).lower() not in replaced]
    return {"name": group.name, "properties": {"securityRules": [*inside, *map(_beside, group.rules)]}}


def _must_be_deployed(placed: Placed) -> None:
    if not placed.sure:
        raise NsgError(
            f"{placed.name!r} is deployed under a condition that the template alone does not answer",
            rule=placed.leaf if placed.type == _RULE_TYPE else "",
            field="condition",
        )


# --- finding ---------------------------------------------------------------------------------------


def _outer_scope(template: Mapping[str, Json]) -> Scope:
    found = folded(template)
    definitions = folded(found.get("definitions"))
    declared = {
        name: _with_its_type(item, definitions) for name, item in folded(found.get("parameters")).items()
    }
    return Scope(parameters=declared, variables=_variables(found))


def _with_its_type(declared: Json, definitions: Mapping[str, Json]) -> Json:
    """A declaration with what the type says that it refers to: whether the parameter may be null."""
    if not isinstance(declared, Mapping):
        return declared
    kind = _text(declared.get("$ref")).rpartition("/")[2]
    return {**folded(definitions.get(kind)), **declared}


def _variables(template: Mapping[str, Json]) -> Mapping[str, Json]:
    """The variables by name in lower case; a ``copy`` among them makes one variable of each loop."""
    found = folded(template.get("variables"))
    loops = found.get("copy")
    if not isinstance(loops, list):
        return found
    names = [
        loop["name"] for loop in loops if isinstance(loop, Mapping) and isinstance(loop.get("name"), str)
    ]
    made = {name.lower(): f"[variables('copy').{name}]" for name in names}
    return {**found, **made, "copy": {"copy": loops}}


def _resources(template: Json, scope: Scope, level: int, sure: bool) -> Iterator[Placed]:
    held = folded(template).get("resources")
    for item in held.values() if isinstance(held, Mapping) else held if isinstance(held, list) else ():
        if isinstance(item, Mapping):
            for placed in _unrolled(folded(item), scope, None, sure):
                yield placed
                yield from _inner_template(placed, level)


def _unrolled(body: Mapping[str, Json], scope: Scope, parent: Placed | None, sure: bool) -> Iterator[Placed]:
    """The resource and those nested in it, once for each turn of its loop."""
    kind = _type(body, parent)
    if kind not in {GROUP_TYPE, _RULE_TYPE, _DEPLOYMENT_TYPE}:
        return
    for turned in _scopes(body, scope):
        condition = resolve(body.get("condition", True), turned)
        if condition is False:
            continue
        placed = _placed(kind, body, turned, parent, sure and condition is True)
        yield placed
        nested = body.get("resources") if kind == GROUP_TYPE and parent is None else ()
        for item in nested if isinstance(nested, list) else ():
            if isinstance(item, Mapping):
                yield from _unrolled(folded(item), turned, placed, placed.sure)


def _type(body: Mapping[str, Json], parent: Placed | None) -> str:
    kind = _text(body.get("type"))
    return f"{parent.type}/{kind}" if parent and "/" not in kind else kind


def _text(found: Json) -> str:
    """A text that compares without case; ``""`` for anything else."""
    return found.strip().lower() if isinstance(found, str) else ""


def _scopes(body: Mapping[str, Json], scope: Scope) -> Iterable[Scope]:
    loop = body.get("copy")
    if not isinstance(loop, Mapping):
        return [scope]
    try:
        return [scope.turned(_text(loop.get("name")), turn) for turn in turns(loop, scope)]
    except Unresolved as error:
        shown, _ = name_of(body.get("name"), scope)
        raise NsgError(
            f"resource {shown!r}: its loop cannot be computed from the template alone: {error}",
            rule="",
            field="copy",
        ) from error


def _placed(kind: str, body: Mapping[str, Json], scope: Scope, parent: Placed | None, sure: bool) -> Placed:
    name, certain = name_of(body.get("name"), scope)
    if parent is not None and "/" not in name:
        name, certain = f"{parent.name}/{name}", certain and parent.certain
    return Placed(type=kind, name=name.strip(), certain=certain, body=body, scope=scope, sure=sure)


def _inner_template(deployment: Placed, level: int) -> Iterator[Placed]:
    """The resources of a template inside a deployment; a linked one is another document."""
    if deployment.type != _DEPLOYMENT_TYPE:
        return
    if level >= _DEEPEST:
        raise NsgError("templates nested too deeply", rule="", field="template")
    properties = folded(deployment.body.get("properties"))
    template = properties.get("template")
    if isinstance(template, Mapping):
        inner = _inner_scope(properties, template, deployment.scope)
        yield from _resources(template, inner, level + 1, deployment.sure)


def _inner_scope(properties: Mapping[str, Json], template: Mapping[str, Json], outer: Scope) -> Scope:
    """An inner template computes in its own scope only where its deployment says so."""
    options = folded(properties.get("expressionevaluationoptions"))
    if _text(options.get("scope")) != "inner":
        return outer
    own = _outer_scope(template)
    given = resolve(properties.get("parameters"), outer)
    if isinstance(given, Unknown):
        values: dict[str, Json] = dict.fromkeys(own.parameters, given)
    else:
        values = {name: _value(item) for name, item in folded(given).items()}
    return replace(own, given=values, steps=outer.steps)


def _value(item: Json) -> Json:
    """The value of a handed-in parameter; a secret from a vault is not in the document."""
    if isinstance(item, Unknown):
        return item
    found = folded(item)
    return found["value"] if "value" in found else Unknown(text="a value from a key vault")


# --- rules -----------------------------------------------------------------------------------------


def _inside(group: Placed) -> list[Mapping[str, Json]]:
    properties = _answered(resolve(group.body.get("properties"), group.scope), "", "properties")
    rules = _answered(folded(properties).get("securityrules"), "", "securityRules")
    for rule in rules if isinstance(rules, list) else ():
        _answered(rule, "", "securityRules")
    return [_plain(rule, "") for rule in objects(rules, "securityRules")]


def _beside(placed: Placed) -> Mapping[str, Json]:
    body = {"properties": resolve(placed.body.get("properties"), placed.scope)}
    return _plain(body, placed.leaf)


def _plain(body: Mapping[str, Json], name: str) -> Mapping[str, Json]:
    """The rule with its fields that decide, each of them computed."""
    rule = resource(body)
    name = name or _name(rule)
    _answered(rule.own.get("properties"), name, "properties")
    fields = {field: _known(rule.get(field), name, field) for field in DECIDING if rule.has(field)}
    return {"name": name, "properties": {**fields, "description": rule.get("description")}}


def _name(rule: Resource) -> str:
    found = rule.own.get("name")
    return found.text if isinstance(found, Unknown) else rule.text("name")


def _answered(found: Json, rule: str, field: str) -> Json:
    if isinstance(found, Unknown):
        raise _unanswered(found.text, rule, field)
    return found


def _known(found: Json, rule: str, field: str) -> Json:
    text = unknown_part(found)
    if text is not None:
        raise _unanswered(text, rule, field)
    return found


def _unanswered(text: str, rule: str, field: str) -> NsgError:
    place = f"rule {rule!r}: {field}" if rule else field
    shown = text[:200]
    return NsgError(f"{place} cannot be computed from the template alone: {shown}", rule=rule, field=field)
