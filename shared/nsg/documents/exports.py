"""What tools give of NSGs that is no NSG: rows of Resource Graph, lists of rules, effective rules.

Each becomes the list of NSGs that it tells of, in the shape that ``document`` reads:

- ``az graph query``: ``{"count", "data": [row], "skip_token", "total_records"}``; a row is the resource, or
  what a query projected (``properties.securityRules`` becomes ``properties_securityRules``). ``data`` may be
  a table of ``columns`` and ``rows``.
- ``az network nsg rule list``: rules alone, with ``--include-default`` the default ones behind them. Of
  which NSG a rule is its id says.
- ``az network nic list-effective-nsg`` (``effectiveNetworkSecurityGroups``): for each NSG of an interface
  ``effectiveSecurityRules``, with names such as ``securityRules/app`` or ``UserRule_app``, the protocol
  ``All`` and ``0.0.0.0/0`` for ``*``. What the tags in them hold on that interface stands beside them, in
  ``expandedSourceAddressPrefix`` or ``tagMap``: ``tags_in`` gives it. Default rules are those of every NSG.

Sources: the response schemas of azure-cli 2.91.0, "Diagnose a virtual machine network traffic filter problem"
(MicrosoftDocs/azure-docs), "Work with large Azure resource data sets" (Microsoft Learn).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Final

from shared.model import Json
from shared.model.resource_id import parse_resource_id
from shared.nsg.packets.addresses import parse_addresses
from shared.nsg.packets.spans import Spans, union
from shared.nsg.rules.reading import FIRST_DEFAULT_PRIORITY
from shared.nsg.rules.resources import Resource, folded, resource
from shared.nsg.rules.tags import Tags, is_tag_name, tag_key

_RULE_TYPES: Final = (
    "microsoft.network/networksecuritygroups/securityrules",
    "microsoft.network/networksecuritygroups/defaultsecurityrules",
)
_DECIDING: Final = ("access", "direction", "priority")


def as_groups(document: Json) -> Json:
    """The NSGs that ``document`` tells of; the document itself where it is none of these exports."""
    rows = _rows(document)
    if not isinstance(rows, list) or not rows:
        return rows
    if effective := list(_effective(rows)):
        return [_group_in_effect(item) for item in effective]
    return list(_of_rules(rows)) if all(map(_is_rule, rows)) else rows


def tags_in(document: Json) -> Tags:
    """What effective rules say that tags hold, on their interface; of other documents nothing is known.

    A tag that they give twice in different ways stays open.
    """
    told: dict[str, set[Spans]] = {}
    rows = _rows(document)
    for item in _effective(rows) if isinstance(rows, list) else ():
        for name, prefixes in _expansions(item):
            told.setdefault(tag_key(name), set()).add(prefixes)
    return Tags(closed=MappingProxyType({key: found.pop() for key, found in told.items() if len(found) == 1}))


# --- Resource Graph --------------------------------------------------------------------------------


def _rows(document: Json) -> Json:
    """The rows of a Resource Graph answer, and of a page of a list; else the document."""
    found = folded(document)
    data = found.get("data", found.get("value"))
    if isinstance(data, Mapping):
        data = list(_table(data))
    if not isinstance(data, list) or "securityrules" in found or "resources" in found:
        return document
    return [_unprojected(row) for row in data]


def _table(data: Mapping[str, Json]) -> Iterator[Json]:
    found = folded(data)
    columns, rows = found.get("columns"), found.get("rows")
    names = [folded(column).get("name") for column in columns] if isinstance(columns, list) else []
    for row in rows if isinstance(rows, list) else ():
        yield dict(zip(map(str, names), row, strict=False)) if isinstance(row, list) else row


def _unprojected(row: Json) -> Json:
    """Columns under the names of the properties that they were projected from."""
    if not isinstance(row, Mapping):
        return row
    return {str(key).removeprefix("properties_"): found for key, found in row.items()}


# --- lists of rules --------------------------------------------------------------------------------


def _is_rule(item: Json) -> bool:
    found = resource(item)
    identity = parse_resource_id(found.text("id"))
    kind = found.text("type").lower() or (identity.type if identity else "")
    return kind in _RULE_TYPES or (not kind and all(map(found.has, _DECIDING)))


def _of_rules(rules: Iterable[Json]) -> Iterator[Json]:
    """An NSG for each that the rules are of, in their order."""
    groups: dict[str, dict[str, list[Json]]] = {}
    for rule in rules:
        kinds = groups.setdefault(_owner(rule), {"securityRules": [], "defaultSecurityRules": []})
        kinds["defaultSecurityRules" if _is_default(resource(rule)) else "securityRules"].append(rule)
    for owner, kinds in groups.items():
        yield {**({"id": owner} if owner else {}), "properties": kinds}


def _owner(rule: Json) -> str:
    """The id of the rule's NSG; ``""`` where its own does not say."""
    identity = parse_resource_id(resource(rule).text("id"))
    return str(identity.parent) if identity and identity.parent else ""


def _is_default(rule: Resource) -> bool:
    priority = rule.get("priority")
    return isinstance(priority, int) and priority >= FIRST_DEFAULT_PRIORITY


# --- effective rules -------------------------------------------------------------------------------


def _effective(rows: Iterable[Json]) -> Iterator[Resource]:
    """Each NSG once: one that both subnet and interface have stands there twice, and so do admin rules."""
    seen: set[str] = set()
    for row in rows:
        found = resource(row)
        group = _id(found.get("networkSecurityGroup"))
        if found.has("effectiveSecurityRules") and group and group.lower() not in seen:
            seen.add(group.lower())
            yield found


def _group_in_effect(item: Resource) -> Json:
    association = folded(item.get("association"))
    listed = [_rule_in_effect(rule) for rule in _objects(item, "effectiveSecurityRules")]
    return {
        "id": _id(item.get("networkSecurityGroup")),
        "properties": {
            "securityRules": [rule for rule in listed if not _is_default(resource(rule))],
            "subnets": [{"id": found} for found in [_id(association.get("subnet"))] if found],
            "networkInterfaces": [
                {"id": found} for found in [_id(association.get("networkinterface"))] if found
            ],
        },
    }


def _rule_in_effect(rule: Mapping[str, Json]) -> Json:
    found = folded(rule)
    name = str(found.get("name") or "").rpartition("/")[2].removeprefix("UserRule_")
    return {key: _as_written(value) for key, value in found.items()} | {"name": name}


def _as_written(value: Json) -> Json:
    """A field's text as rules spell it; a list's texts alike."""
    if isinstance(value, list):
        return list(dict.fromkeys(_as_written(one) for one in value if isinstance(one, str)))
    return "*" if isinstance(value, str) and value.strip().lower() in {"all", "0.0.0.0/0"} else value


def _expansions(item: Resource) -> Iterator[tuple[str, Spans]]:
    """What tags hold: by ``tagMap``, and by the sides of rules that name one tag and nothing else."""
    by_name = item.get("tagMap")
    named = list(by_name.items()) if isinstance(by_name, Mapping) else []
    for rule in _objects(item, "effectiveSecurityRules"):
        found = folded(rule)
        for side in ("source", "destination"):
            texts = {*_texts(found, f"{side}addressprefix"), *_texts(found, f"{side}addressprefixes")}
            if len(texts) == 1:
                named.append((texts.pop(), found.get(f"expanded{side}addressprefix")))
    for name, prefixes in named:
        if is_tag_name(name) and (spans := _spans(prefixes)):
            yield name, spans


def _texts(found: Mapping[str, Json], field: str) -> Iterator[str]:
    value = found.get(field)
    for text in value if isinstance(value, list) else [value]:
        if isinstance(text, str) and text.strip():
            yield text.strip()


def _spans(prefixes: Json) -> Spans:
    """The addresses of a list of prefixes; none where one of them cannot be read."""
    listed = prefixes if isinstance(prefixes, list) else []
    found = [parse_addresses(text.strip()) if isinstance(text, str) else None for text in listed]
    return union(span for spans in found if spans for span in spans) if all(found) else ()


def _objects(item: Resource, field: str) -> Iterator[Mapping[str, Json]]:
    listed = item.get(field)
    return (one for one in (listed if isinstance(listed, list) else ()) if isinstance(one, Mapping))


def _id(found: Json) -> str:
    text = folded(found).get("id")
    return text.strip() if isinstance(text, str) else ""
