"""An NSG from any document that a person may hold: strict reading, for questions without Azure at hand.

Read alike are the REST answer and the portal's JSON view, the body of a PUT (no id, no default rules),
``az network nsg show`` and ``create``, a list that holds one NSG, PowerShell's objects, and ARM templates
(by hand, exported, compiled from Bicep; see ``shared.nsg.documents.templates``), and what other tools give of
NSGs (``shared.nsg.documents.exports``). The form is read by
``shared.nsg.rules.spelling``, which the gateway uses too. Only here are values judged as well: a document is
typed by people, and an answer about a rule that nobody meant is worse than none. So what looks like an
address and is none, a port of 70000 or two rules of one priority are an ``NsgError`` naming rule and field,
while the gateway keeps what Azure says.

What must not live here: files, and the meaning of rules.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from functools import partial
from typing import Final

from shared.model import Json, SecurityGroup, SecurityRule
from shared.model.resource_id import ResourceId, parse_resource_id
from shared.model.values import value
from shared.nsg.documents.choosing import Held, choose
from shared.nsg.documents.declared import FIELD as PARAMETERS
from shared.nsg.documents.doubts import Body, Doubt
from shared.nsg.documents.exports import as_groups
from shared.nsg.documents.places import UNKNOWN_GROUP
from shared.nsg.documents.placing import GROUP_TYPE
from shared.nsg.documents.templates import body_of, groups_of, is_template, why_none
from shared.nsg.engine.program import Program, parse
from shared.nsg.rules.reading import NsgError, Rule, effective_rules
from shared.nsg.rules.resources import folded, resource, unusable
from shared.nsg.rules.spelling import group_from, rule_from
from shared.nsg.rules.tags import SetKind, Tags, is_tag_name

WHOLE: Final = "nsg"
"""The field of errors that concern the document as a whole."""

_COLLECTIONS: Final[Mapping[str, str]] = {
    "id": "networkSecurityGroups",
    "subnets": "virtualNetworks/unknown/subnets",
    "networkInterfaces": "networkInterfaces",
    "sourceApplicationSecurityGroups": "applicationSecurityGroups",
    "destinationApplicationSecurityGroups": "applicationSecurityGroups",
}


@value
class ReadGroup:
    """An NSG that was read for a question."""

    group: SecurityGroup
    program: Program
    doubts: tuple[Doubt, ...]
    """What a template leaves open about its rules, which are as wide as they can be."""


@value
class Choice:
    """Which NSG of a document is meant, and the values for a template's parameters."""

    name: str | None = None
    """A name, an id, a symbolic name or a position (``#2``)."""
    parameters: Json = None
    """A parameter file, or an object of plain values."""


# --- texts and files -------------------------------------------------------------------------------


def decode(data: bytes) -> str:
    """The text of a JSON file: UTF-8, or UTF-16 as Windows PowerShell writes it with ``>``.

    Raises ``NsgError`` for bytes that are no text.
    """
    try:
        return data.decode(json.detect_encoding(data))
    except UnicodeDecodeError as error:
        raise NsgError(f"no text: {error.reason} at byte {error.start}", rule="", field=WHOLE) from error


def read_text(text: str, *, name: str | None = None) -> SecurityGroup:
    """``read_group`` for a JSON text. Raises ``NsgError`` with line and column where it is no JSON."""
    try:
        document = json.loads(text.removeprefix("\ufeff"))
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise NsgError(f"no JSON: {error.msg} at {place}", rule="", field=WHOLE) from error
    except (ValueError, RecursionError) as error:
        raise NsgError(f"no JSON that can be read: {error}", rule="", field=WHOLE) from error
    return read_group(document, name=name)


# --- reading ---------------------------------------------------------------------------------------


def read_group(document: Json, *, name: str | None = None) -> SecurityGroup:
    """The one NSG that ``document`` holds, or the one called ``name``.

    An NSG without an id gets one in a subscription of zeros. Raises ``NsgError``; its ``rule`` is ``""``
    where no single rule is at fault, its ``field`` is ``nsg`` where the document holds no NSG, and
    ``resources`` (template) or ``nsg`` (list) where it holds several.
    """
    group = _certain(document, name)
    _judge(effective_rules(group))
    return group


def read_program(document: Json, tags: Tags, *, name: str | None = None) -> tuple[SecurityGroup, Program]:
    """``read_group`` and ``parse`` in one go, which reads every address once. Raises ``NsgError``."""
    group = _certain(document, name)
    program = parse(group, tags)
    _judge(program.rules)
    return group, program


def _certain(document: Json, name: str | None) -> SecurityGroup:
    body = _chosen(document, Choice(name=name)).body()
    for doubt in body.doubts:
        raise doubt.error()
    return _convert(body)


def read_for_question(document: Json, tags: Tags, choice: Choice) -> ReadGroup:
    """``read_program`` for who asks a question. Raises ``NsgError``.

    What a template leaves open is no error here: whether it matters depends on the question.
    """
    body = _chosen(document, choice).body()
    group = _convert(body)
    program = parse(group, tags)
    _judge(program.rules, {text for doubt in body.doubts for text in doubt.stays_open})
    return ReadGroup(group=group, program=program, doubts=body.doubts)


def _convert(body: Body) -> SecurityGroup:
    return group_from(_with_an_id(body.json), _identified)


def read_rule(body: Json) -> SecurityRule:
    """One rule, as REST or ``az network nsg rule show`` has it, judged alone. Raises ``NsgError``."""
    if not isinstance(body, Mapping):
        raise unusable("", WHOLE, body)
    rule = rule_from(body, _identified)
    nowhere = ResourceId(f"{UNKNOWN_GROUP}/providers/Microsoft.Network/networkSecurityGroups/unknown")
    _judge(effective_rules(SecurityGroup(id=nowhere, rules=(), default_rules=(rule,))))
    return rule


def _identified(text: Json, field: str) -> ResourceId | None:
    """The id, or one in a group of our own for a mere name: documents without Azure abbreviate."""
    found = parse_resource_id(text)
    if found is not None or not isinstance(text, str) or not text.strip():
        return found
    name = text.strip().replace("~", "~7E").replace("%", "~25").replace("/", "~2F")
    return ResourceId(f"{UNKNOWN_GROUP}/providers/Microsoft.Network/{_COLLECTIONS[field]}/{name}")


def _with_an_id(body: Json) -> Json:
    found = resource(body)
    if found.text("id"):
        return body
    named = {key: item for key, item in body.items() if str(key).lower() != "id"}
    return {**named, "id": found.text("name") or "nsg"}


# --- which NSG -------------------------------------------------------------------------------------


def _chosen(document: Json, choice: Choice) -> Held:
    document = as_groups(_unwrapped(document))
    held = _groups(document, choice.parameters)
    if not held:
        raise NsgError(
            f"no network security group: {_described(document, choice.parameters)}", rule="", field=WHOLE
        )
    return choose(held, choice.name, "resources" if is_template(document) else WHOLE)


def _unwrapped(document: Json) -> Json:
    """What an answer wraps: a page of a list, the output of ``az network nsg create``, an export."""
    found = folded(document)
    inner = next((found[key] for key in ("value", "newnsg", "template") if key in found), None)
    return inner if len(found) <= 2 and isinstance(inner, (list, Mapping)) else document


def _groups(document: Json, parameters: Json) -> list[Held]:
    if isinstance(document, Mapping) and is_template(document):
        return [
            Held(name=group.name, body=partial(body_of, group), id=group.id, symbol=group.group.symbol)
            for group in groups_of(document, parameters)
        ]
    if parameters is not None:
        raise NsgError("parameters go with a template, and this is none", rule="", field=PARAMETERS)
    items: Iterable[Json] = document if isinstance(document, list) else [document]
    return [_held(item) for item in items if _is_group(item)]


def _held(item: Json) -> Held:
    identity = parse_resource_id(resource(item).text("id"))
    return Held(name=_name(item), body=partial(_with_rules, item), id=identity)


def _is_group(item: Json) -> bool:
    """Decided by the type where one is given, by the id's type, or by the rules that it holds."""
    found = resource(item)
    identity = parse_resource_id(found.text("id"))
    kind = found.text("type").lower() or (identity.type if identity else "")
    return kind == GROUP_TYPE if kind else _has_rules(item)


def _has_rules(item: Json) -> bool:
    found = resource(item)
    return found.has("securityRules") or found.has("defaultSecurityRules")


def _with_rules(item: Json) -> Body:
    """Lists of resources name an NSG without its rules: that is not an NSG that has none."""
    if not _has_rules(item):
        raise NsgError(f"{_name(item)!r} comes without its rules", rule="", field="securityRules")
    return Body(json=item)


def _name(item: Json) -> str:
    found = resource(item)
    identity = parse_resource_id(found.text("id"))
    return found.text("name") or (identity.name if identity else found.text("id"))


def _described(document: Json, parameters: Json) -> str:
    match document:
        case Mapping() if is_template(document):
            return why_none(document, parameters)
        case Mapping():
            kind = resource(document).text("type")
            return f"a resource of type {kind}" if kind else "an object without securityRules"
        case list():
            return "a list without one"
        case None | bool():
            return str(document)
        case str():
            return "a text"
        case _:
            return "a number"


# --- values ----------------------------------------------------------------------------------------


def _judge(rules: Iterable[Rule], known: Collection[str] = ()) -> None:
    """What a rule names beside addresses must be a tag: no address with a slip of the pen is one.

    ``known`` are the expressions that a template leaves open.
    """
    for rule in rules:
        if not 0 <= rule.priority <= 65535:
            raise unusable(rule.name, "priority", rule.priority)
        for side, field in ((rule.source, "source"), (rule.destination, "destination")):
            for named in side.sets:
                if named.kind is SetKind.SECURITY_GROUP or named.name in known:
                    continue
                if not is_tag_name(named.name):
                    raise _no_address(rule.name, f"{field}AddressPrefix", named.name)


def _no_address(rule: str, field: str, text: str) -> NsgError:
    said = f"rule {rule!r}: {field} holds {text[:100]!r}, which is no address and no tag"
    return NsgError(said, rule=rule, field=field)
