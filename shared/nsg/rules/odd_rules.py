"""An NSG of Azure's read rule by rule: one that cannot be read whole is kept as odd, beside the others.

What a person asks about is refused where a rule has no one meaning (``shared.nsg.documents``); what Azure
answers is judged all the same, because an NSG holds what it holds. Of an odd rule bounds are known: it may
match all that its readable fields match, or nothing. ``shared.nsg.rules.reading`` makes an open set of it.

What must not live here: what an odd rule does to a packet.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final, TypeAlias

from shared.model import Access, Direction, Json, SecurityGroup, SecurityRule
from shared.model.resource_id import parse_resource_id
from shared.model.rules import OddSecurityRule
from shared.nsg.rules.reading import NsgError, check, effective_rules, read_ports
from shared.nsg.rules.resources import Resource, folded, resource, unusable
from shared.nsg.rules.spelling import group_from, plural_of, rule_body, rule_from, rule_name

_Fields: TypeAlias = Mapping[str, Json]
_AHEAD: Final = 0
"""Ahead of every rule: there a rule that may match or not stands for one at any priority."""
_NAMELESS: Final = "without a name"
_PREFIXES: Final = ("sourceAddressPrefix", "destinationAddressPrefix")
_PORTS: Final = ("sourcePortRange", "destinationPortRange")
_GROUPS: Final = {
    "sourceAddressPrefix": "sourceApplicationSecurityGroups",
    "destinationAddressPrefix": "destinationApplicationSecurityGroups",
}
_BOTH: Final = {"direction": tuple(Direction), "access": tuple(Access)}


def group_with_odd(body: Json) -> SecurityGroup:
    """An NSG from Azure's answer; a rule that lacks what a rule has is odd.

    What a rule says is kept as Azure says it, also where it means nothing: that is for ``tolerated``. Default
    rules cannot be written: where one cannot be read, those that every NSG has stand for them. Raises
    ``NsgError`` where there is no id, or no list of rules.
    """
    group = resource(body)
    bodies, defaults = _listed(group, "securityRules"), _listed(group, "defaultSecurityRules")
    rest = group_from({**group.own, "properties": _without_rules(group)})
    listed = [_read(one, rule_from) for one in bodies]
    behind = [_read(one, rule_from) for one in defaults]
    return replace(
        rest,
        rules=_whole(listed),
        odd_rules=_odd_ones(listed),
        default_rules=() if _odd_ones(behind) else _whole(behind),
        updating=rest.updating or any(resource(one).updating for one in bodies),
    )


def tolerated(group: SecurityGroup | None) -> SecurityGroup | None:
    """The group with those of its rules as odd that have no one meaning. Raises nothing."""
    if group is None or _is_sound(group):
        return group
    alone, sharing = _parted_by_priority(group.rules)
    listed = [_read(rule_body(rule), _checked) for rule in alone]
    behind = [_read(rule_body(rule), _checked) for rule in group.default_rules]
    return replace(
        group,
        rules=_whole(listed),
        odd_rules=(*group.odd_rules, *_odd_ones(listed), *sharing),
        default_rules=() if _odd_ones(behind) else _whole(behind),
    )


def shares_a_priority(group: SecurityGroup) -> bool:
    """Whether two rules of one direction have one priority, which Azure refuses: nothing is added to it."""
    taken = Counter(map(_place, group.rules))
    return any(times > 1 for times in taken.values())


def _is_sound(group: SecurityGroup) -> bool:
    try:
        effective_rules(group)
    except NsgError:
        return False
    return True


def _whole(listed: Iterable[SecurityRule | OddSecurityRule]) -> tuple[SecurityRule, ...]:
    return tuple(rule for rule in listed if isinstance(rule, SecurityRule))


def _odd_ones(listed: Iterable[SecurityRule | OddSecurityRule]) -> tuple[OddSecurityRule, ...]:
    return tuple(rule for rule in listed if isinstance(rule, OddSecurityRule))


def _listed(group: Resource, field: str) -> Sequence[Json]:
    """What stands in a list of rules; an item that is no object is a rule of which nothing can be read."""
    found = group.get(field)
    nothing = found is None and not isinstance(group.own.get("properties"), Mapping) and not group.has(field)
    if nothing or not isinstance(found, list | None):
        raise unusable("", field, found)
    return found or []


def _without_rules(group: Resource) -> _Fields:
    """What is read of an NSG besides its rules; of what uses it, the ids that are ids."""
    users = {name: _ids(group.get(name)) for name in ("subnets", "networkInterfaces")}
    return {**group.fields, **{name.lower(): ids for name, ids in users.items()}, **_NO_RULES}


_NO_RULES: Final[_Fields] = {"securityrules": [], "defaultsecurityrules": [], "properties": None}


def _ids(listed: Json) -> list[Json]:
    items = listed if isinstance(listed, list) else []
    return [one for one in items if parse_resource_id(folded(one).get("id")) is not None]


# --- one rule --------------------------------------------------------------------------------------


def _read(body: Json, reading: Callable[[Json], SecurityRule]) -> SecurityRule | OddSecurityRule:
    """A rule as ``reading`` has it, or an odd one."""
    try:
        return reading(body)
    except NsgError as error:
        return _odd(body, error)


def _checked(body: Json) -> SecurityRule:
    rule = rule_from(body)
    check(rule)
    return rule


def _odd(body: Json, error: NsgError) -> OddSecurityRule:
    try:
        found = resource(body)
        fields: _Fields = {**found.fields, "name": _name(found)}
    except NsgError:  # two keys that differ in letter case only: which one counts nobody could say
        fields = {"name": _NAMELESS}
    fields = {key: held for key, held in fields.items() if key != "properties"}
    return OddSecurityRule(
        name=str(fields["name"]),
        field=error.field,
        why=str(error) if error.rule else f"rule {fields['name']!r}: {error}",
        may_be=tuple(_widest(fields, error, frozenset())),
        surely=tuple(_sure_part(fields, error)),
    )


def _name(found: Resource) -> str:
    try:
        return rule_name(found)
    except NsgError:
        return _NAMELESS


def _widest(fields: _Fields, error: NsgError, mended: frozenset[str]) -> Iterator[SecurityRule]:
    """The readings in which the field at fault is as wide as can be, and so on with the next one."""
    field = _singular(error.field)
    for wider in _wider(fields, field if field not in mended else ""):
        try:
            yield _checked(wider)
        except NsgError as again:
            yield from _widest(wider, again, mended | {field})


def _singular(field: str) -> str:
    whole = (*_PREFIXES, *_PORTS)
    by_group = {groups: prefix for prefix, groups in _GROUPS.items()}
    return by_group.get(field, next((one for one in whole if field in (one, plural_of(one))), field))


def _wider(fields: _Fields, field: str) -> Iterable[_Fields]:
    """``fields`` with that one as wide as can be; everything but where it stands, for any other field."""
    if field in _BOTH:
        return [{**fields, field: str(one)} for one in _BOTH[field]]
    if field == "priority":
        return [{**fields, field: _AHEAD}]
    if field == "protocol":
        return [{**fields, field: "*"}]
    if field in (*_PREFIXES, *_PORTS):
        return [{**fields, **_any(field)}]
    anything: dict[str, Json] = {"protocol": "*"}
    for one in (*_PREFIXES, *_PORTS):
        anything |= _any(one)
    return [{**fields, **anything}]


def _any(field: str) -> dict[str, Json]:
    groups = {_GROUPS[field].lower(): None} if field in _GROUPS else {}
    return {field.lower(): "*", plural_of(field).lower(): None, **groups}


def _sure_part(fields: _Fields, error: NsgError) -> Iterator[SecurityRule]:
    """What the rule is by those of its ports that can be read, where only others cannot."""
    field = _singular(error.field)
    if field not in _PORTS:
        return
    one, several = fields.get(field.lower()), fields.get(plural_of(field).lower())
    texts = [text for held in (one, several) for text in (held if isinstance(held, list) else [held])]
    good = [text for text in texts if isinstance(text, str) and text.strip() and read_ports(text)]
    if not good:
        return
    try:
        yield _checked({**fields, field.lower(): None, plural_of(field).lower(): good})
    except NsgError:
        return


# --- equal priorities ------------------------------------------------------------------------------


def _parted_by_priority(rules: Iterable[SecurityRule]) -> tuple[list[SecurityRule], list[OddSecurityRule]]:
    """Rules that have their place alone, and those that share one: which of these comes first is not known.

    A rule that shares its place and cannot be read besides is odd for that.
    """
    listed = [*rules]
    taken = Counter(map(_place, listed))
    alone = [rule for rule in listed if taken[_place(rule)] == 1]
    shared = [_read(rule_body(rule), _checked) for rule in listed if taken[_place(rule)] > 1]
    return alone, [_sharing(one, listed) if isinstance(one, SecurityRule) else one for one in shared]


def _place(rule: SecurityRule) -> tuple[str, int]:
    return rule.direction, rule.priority


def _sharing(rule: SecurityRule, everyone: Iterable[SecurityRule]) -> OddSecurityRule:
    names = " and ".join(repr(one.name) for one in everyone if _place(one) == _place(rule))
    why = f"rules {names} share priority {rule.priority} in direction {rule.direction}"
    return OddSecurityRule(name=rule.name, field="priority", why=why, may_be=(rule,), surely=(rule,))
