"""The NSGs that an ARM template holds: written by hand, compiled from Bicep, or exported by the portal.

The rules of an NSG stand in its properties, in resources nested in it, in resources beside it whose name is
``<nsg>/<rule>``, or in an inner template (a Bicep module); each may be in a ``copy`` loop or under a
``condition``. A rule beside the NSG replaces one of the same name in its properties: it is deployed after it.
The portal's export names every rule twice in this way. ``defaultSecurityRules`` are left aside, because a
deployment does not write them.

What a deployment alone can know is a ``Doubt``, and stays as it is written in a name. Source: "Understand the
structure and syntax of ARM templates", "Set name and type for child resources" (Microsoft Learn). Expressions
are computed in ``shared.nsg.documents.expressions``, resources are found in ``shared.nsg.documents.placing``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from shared.model import Json
from shared.model.resource_id import ResourceId, parse_resource_id
from shared.model.values import value
from shared.nsg.documents.declared import outer_scope
from shared.nsg.documents.doubts import Body, Doubt, PlainRule, bodies, plain_rule, unanswered
from shared.nsg.documents.expressions import resolve
from shared.nsg.documents.places import UNKNOWN_SUBSCRIPTION
from shared.nsg.documents.placing import GROUP_TYPE, RULE_TYPE, Placed, count, left_out, placed_in
from shared.nsg.documents.scope import Unknown
from shared.nsg.rules.resources import Resource, folded, objects, resource

_MOST_SHOWN: Final = 3
_COMPARED_IN_A_STEP: Final = 4
"""Names of rules and NSGs."""


@value
class TemplateGroup:
    """An NSG of a template. ``name`` is what is known of its name."""

    name: str
    group: Placed
    rules: tuple[Placed, ...]
    """The rules beside the NSG that belong to it."""
    strays: tuple[Placed, ...]
    """Those of which nobody knows whose they are."""

    @property
    def id(self) -> ResourceId | None:
        """Where the template says to which resource group the NSG is deployed."""
        scope = self.group.scope
        if scope.group is None or not self.group.certain:
            return None
        held = f"/subscriptions/{scope.subscription or UNKNOWN_SUBSCRIPTION}/resourceGroups/{scope.group}"
        return parse_resource_id(f"{held}/providers/Microsoft.Network/networkSecurityGroups/{self.name}")


def is_template(document: Json) -> bool:
    """Whether ``document`` is an ARM template: the only object that holds ``resources``."""
    found = folded(document)
    return isinstance(found.get("resources"), (list, Mapping)) and "securityrules" not in found


def groups_of(template: Mapping[str, Json], given: Json = None) -> tuple[TemplateGroup, ...]:
    """The NSGs of a template, in its order, with ``given`` for its parameters. Raises ``NsgError``."""
    scope = outer_scope(template, given)
    found = [*placed_in(template, scope)]
    rules = [item for item in found if item.type == RULE_TYPE]
    groups = [item for item in found if item.type == GROUP_TYPE and not item.body.get("existing")]
    count(scope, len(rules) * len(groups) // _COMPARED_IN_A_STEP)
    owners = [(rule, _owned(rule, groups)) for rule in rules]
    return tuple(
        TemplateGroup(
            name=group.name,
            group=group,
            rules=tuple(rule for rule, owned in owners if owned[place]),
            strays=tuple(rule for rule, owned in owners if owned[place] is None),
        )
        for place, group in enumerate(groups)
    )


def _owned(rule: Placed, groups: Iterable[Placed]) -> list[bool | None]:
    """Of each NSG, whether the rule is its own; None where only a deployment knows whose it is."""
    parent = rule.parent_key.lower()
    found = [_belongs(rule, group, parent == group.key.lower()) for group in groups]
    return [bool(owned) for owned in found] if True in found else found


def why_none(template: Mapping[str, Json], given: Json = None) -> str:
    """Why a template without NSGs has none."""
    conditions = left_out(template, outer_scope(template, given))
    if not conditions:
        return "a template without one"
    return f"those of the template are not deployed: {', '.join(conditions[:_MOST_SHOWN])} is false"


def _belongs(rule: Placed, group: Placed, same: bool) -> bool | None:
    """Whether the rule is the NSG's, of which ``same`` says whether the names are surely one."""
    if same:
        return _may_be(rule.scope.group, group.scope.group)
    return False if rule.certain and group.certain else None


def _may_be(one: str | None, other: str | None) -> bool:
    """Whether two resource groups can be one."""
    return one is None or other is None or one.lower() == other.lower()


def body_of(group: TemplateGroup) -> Body:
    """The NSG and what is in doubt about it. Raises ``NsgError`` where too little is known of it."""
    if group.group.doubt is not None:
        raise group.group.doubt.error()
    replaced = {rule.leaf.lower() for rule in group.rules if rule.doubt is None}
    inside = [rule for rule in _inside(group.group) if rule.name.lower() not in replaced]
    strays = {id(rule) for rule in group.strays}
    beside = [*_new((*group.rules, *group.strays), inside)]
    doubts = [doubt for placed, _ in beside for doubt in _doubts(placed, id(placed) in strays)]
    rules = [*inside, *(rule for _, rule in beside)]
    doubts += [doubt for rule in rules for doubt in rule.doubts]
    named = {"name": group.name, **({} if group.id is None else {"id": str(group.id)})}
    return Body(json={**named, "properties": {"securityRules": bodies(rules)}}, doubts=tuple(doubts))


def _new(found: Iterable[Placed], inside: Iterable[PlainRule]) -> Iterator[tuple[Placed, PlainRule]]:
    """The rules beside the NSG, but for those that are there already: deployed again they change nothing."""
    held: dict[str, list[Mapping[str, Json]]] = {}
    for rule in inside:
        held.setdefault(rule.name.lower(), []).append(rule.fields)
    for placed in found:
        rule = _beside(placed)
        same = held.setdefault(rule.name.lower(), [])
        if rule.fields not in same or not rule.is_exact:
            same.append(rule.fields)
            yield placed, rule


def _doubts(rule: Placed, is_stray: bool) -> Iterator[Doubt]:
    """Whether a rule beside the NSG is deployed, and is its own."""
    if rule.doubt is not None:
        yield rule.doubt
    if is_stray:
        said = f"rule {rule.leaf!r}: the template alone does not say which NSG it belongs to"
        yield Doubt(rule=rule.leaf, field="name", said=said)


# --- rules -----------------------------------------------------------------------------------------


def _inside(group: Placed) -> list[PlainRule]:
    properties = _answered(resolve(group.body.get("properties"), group.scope), "", "properties")
    rules = _answered(folded(properties).get("securityrules"), "", "securityRules")
    for rule in rules if isinstance(rules, list) else ():
        _answered(rule, "", "securityRules")
    return [
        _plain(rule, _name(resource(rule), place))
        for place, rule in enumerate(objects(rules, "securityRules"), 1)
    ]


def _beside(placed: Placed) -> PlainRule:
    body = {"properties": resolve(placed.body.get("properties"), placed.scope)}
    return _plain(body, placed.leaf)


def _plain(body: Mapping[str, Json], name: str) -> PlainRule:
    rule = resource(body)
    _answered(rule.own.get("properties"), name, "properties")
    return plain_rule(rule, name)


def _name(rule: Resource, place: int) -> str:
    """The name, or its expression: with the rule's place where the expression stands for many."""
    found = rule.own.get("name")
    if not isinstance(found, Unknown):
        return rule.text("name")
    return f"{found.text} #{place}" if found.varies else found.text


def _answered(found: Json, rule: str, field: str) -> Json:
    if isinstance(found, Unknown):
        raise unanswered(found, rule, field).error()
    return found
