"""How ARM spells an NSG: its JSON as the project's values, and a rule as the body of its PUT.

The one place that knows the fields of a rule. The gateway reads Azure's answers with it and
``shared.nsg.documents.document`` reads what a person holds, so both tolerate the same: keys and enum
members in any letter case, fields below ``properties`` (REST, templates) or beside the name (``az``,
PowerShell), the singular and the plural field, a list in the singular one, null, ``""`` and empty arrays,
numbers where a text is meant.

Only the form is judged here: a field that is missing or cannot be a value of its kind is an ``NsgError``
that names rule and field. Whether ports, protocols, priorities and addresses mean something is judged by
``shared.nsg.rules.reading`` and, for documents, by ``shared.nsg.documents.document``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import Final, TypeAlias, TypeVar

from shared.model import Access, Direction, Json, SecurityGroup, SecurityRule
from shared.model.resource_id import ResourceId, leads_elsewhere, parse_resource_id
from shared.nsg.rules.reading import NsgError
from shared.nsg.rules.resources import MOST_NUMBER, Resource, folded, objects, resource, unusable

DECIDING: Final = (
    "access",
    "direction",
    "priority",
    "protocol",
    "sourceAddressPrefix",
    "sourceAddressPrefixes",
    "destinationAddressPrefix",
    "destinationAddressPrefixes",
    "sourcePortRange",
    "sourcePortRanges",
    "destinationPortRange",
    "destinationPortRanges",
    "sourceApplicationSecurityGroups",
    "destinationApplicationSecurityGroups",
)
"""The fields of a rule that say what it does (network API, ``SecurityRulePropertiesFormat``)."""

_WHOLE_NUMBER: Final = re.compile(r"-?\d{1,9}", re.ASCII)
_Member = TypeVar("_Member", bound=StrEnum)


Identify: TypeAlias = Callable[[Json, str], ResourceId | None]
"""The id that a field's ``id`` means; None where it means none."""


def written_id(text: Json, _field: str) -> ResourceId | None:
    """The id as it stands there: what Azure's answers always hold."""
    return parse_resource_id(text)


# --- reading ---------------------------------------------------------------------------------------


def group_from(body: Json, identify: Identify = written_id) -> SecurityGroup:
    """An NSG; it is updating while it or one of its own rules is. Raises ``NsgError``."""
    group = resource(body)
    rules = [resource(rule) for rule in objects(group.get("securityRules"), "securityRules")]
    defaults = objects(group.get("defaultSecurityRules"), "defaultSecurityRules")
    identity = identify(group.text("id"), "id")
    if identity is None:
        raise unusable("", "id", group.own.get("id"))
    return SecurityGroup(
        id=identity,
        rules=tuple(_rule(rule, identify) for rule in rules),
        default_rules=tuple(rule_from(rule, identify) for rule in defaults),
        subnets=_ids(group, "subnets", "", identify),
        network_interfaces=_ids(group, "networkInterfaces", "", identify),
        etag=group.text("etag") or None,
        updating=group.updating or any(rule.updating for rule in rules),
    )


def rule_from(body: Json, identify: Identify = written_id) -> SecurityRule:
    """A rule. Raises ``NsgError`` that names it and the field that it cannot do without."""
    return _rule(resource(body), identify)


def _rule(rule: Resource, identify: Identify) -> SecurityRule:
    name = rule_name(rule)
    source_groups = _ids(rule, "sourceApplicationSecurityGroups", name, identify)
    destination_groups = _ids(rule, "destinationApplicationSecurityGroups", name, identify)
    return SecurityRule(
        name=name,
        direction=_member(_DIRECTIONS, rule, name, "direction"),
        access=_member(_ACCESSES, rule, name, "access"),
        priority=_priority(rule, name),
        protocol=_one_text(rule, name, "protocol"),
        sources=_joined(rule, name, "sourceAddressPrefix", bool(source_groups)),
        destinations=_joined(rule, name, "destinationAddressPrefix", bool(destination_groups)),
        source_ports=_joined(rule, name, "sourcePortRange"),
        destination_ports=_joined(rule, name, "destinationPortRange"),
        source_groups=source_groups,
        destination_groups=destination_groups,
        description=_description(rule),
        etag=rule.text("etag") or None,
    )


def rule_name(rule: Resource) -> str:
    """The name, or the last part of the id. Raises ``NsgError`` where a rule has neither."""
    name = rule.text("name")
    if not name and (identity := parse_resource_id(rule.text("id"))):
        name = identity.name
    if not name:
        raise NsgError("a rule has no name", rule="", field="name")
    if leads_elsewhere(name):
        raise NsgError(f"rule {name!r} has a name that leads elsewhere", rule=name, field="name")
    return name


def _joined(rule: Resource, name: str, singular: str, may_be_empty: bool = False) -> tuple[str, ...]:
    """The singular and the plural field as one list without repetitions."""
    first, others = rule.get(singular), rule.get(_PLURALS[singular])
    if not others and isinstance(first, str) and (only := first.strip()):
        return (only,)  # what nearly every rule is
    values = [*_texts(first, name, singular), *_texts(others, name, _PLURALS[singular])]
    joined = tuple(dict.fromkeys(filter(None, values)))
    if not joined and not may_be_empty:
        raise NsgError(f"rule {name!r}: {singular} is missing", rule=name, field=singular)
    return joined


def plural_of(singular: str) -> str:
    return f"{singular}es" if singular.endswith("x") else f"{singular}s"


_PLURALS: Final = {
    singular: plural_of(singular)
    for singular in (
        "sourceAddressPrefix",
        "destinationAddressPrefix",
        "sourcePortRange",
        "destinationPortRange",
    )
}


def _texts(found: Json, name: str, field: str) -> Iterable[str]:
    if isinstance(found, list):
        return [_text(item, name, field) for item in found]
    return (_text(found, name, field),)


def _text(found: Json, name: str, field: str) -> str:
    if isinstance(found, str):
        return found.strip()
    if found is None:
        return ""
    if isinstance(found, int) and not isinstance(found, bool) and abs(found) < MOST_NUMBER:
        return str(found)  # a port as a number: ARM turns it into a text
    raise unusable(name, field, found)


def _one_text(rule: Resource, name: str, field: str) -> str:
    found = _text(rule.get(field), name, field)
    if not found:
        raise NsgError(f"rule {name!r}: {field} is missing", rule=name, field=field)
    return found


def _member(known: Mapping[str, _Member], rule: Resource, name: str, field: str) -> _Member:
    member = known.get(_one_text(rule, name, field).lower())
    if member is None:
        raise unusable(name, field, rule.get(field))
    return member


_DIRECTIONS: Final = {direction.lower(): direction for direction in Direction}
_ACCESSES: Final = {access.lower(): access for access in Access}


def _priority(rule: Resource, name: str) -> int:
    found = rule.get("priority")
    if isinstance(found, float) and found.is_integer():
        found = int(found)
    if isinstance(found, str) and _WHOLE_NUMBER.fullmatch(found.strip()):
        found = int(found)
    if not isinstance(found, int) or isinstance(found, bool) or abs(found) >= MOST_NUMBER:
        raise unusable(name, "priority", found)
    return found


def _description(rule: Resource) -> str:
    found = rule.get("description")
    return found.strip() if isinstance(found, str) else ""


def _ids(owner: Resource, field: str, rule: str, identify: Identify) -> tuple[ResourceId, ...]:
    listed = owner.get(field)
    if listed is None or listed == []:
        return ()
    found = []
    for item in objects(listed, field, rule):
        text = folded(item).get("id")
        identity = identify(text, field)
        if identity is None:
            raise unusable(rule, field, text)
        found.append(identity)
    return tuple(found)


# --- writing ---------------------------------------------------------------------------------------


def rule_body(rule: SecurityRule) -> dict[str, Json]:
    """The body of a rule's PUT, ``{"name", "properties"}``, in the spelling that ARM takes.

    One value goes into the singular field, several into the plural one: a service tag or ``*`` is accepted
    in the singular field only, and a rule with both fields is refused.
    """
    properties: dict[str, Json] = {
        "protocol": rule.protocol,
        "access": rule.access.value,
        "priority": rule.priority,
        "direction": rule.direction.value,
        **_spelled("sourceAddressPrefix", rule.sources),
        **_spelled("destinationAddressPrefix", rule.destinations),
        **_spelled("sourcePortRange", rule.source_ports),
        **_spelled("destinationPortRange", rule.destination_ports),
    }
    groups = {
        "sourceApplicationSecurityGroups": rule.source_groups,
        "destinationApplicationSecurityGroups": rule.destination_groups,
    }
    properties |= {name: [{"id": str(group)} for group in ids] for name, ids in groups.items() if ids}
    if rule.description:
        properties["description"] = rule.description
    return {"name": rule.name, "properties": properties}


def _spelled(singular: str, values: tuple[str, ...]) -> dict[str, Json]:
    if not values:
        return {}
    return {singular: values[0]} if len(values) == 1 else {plural_of(singular): list(values)}
