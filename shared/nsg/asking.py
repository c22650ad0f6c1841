"""A question as people and programs write it: texts and JSON become a ``Question`` and what is known.

Every field that cannot be read is a ``BadInput`` that names it. A line of a batch asks about mere sets; a
person means what Azure defines (``shared.nsg.rules.defined_tags``). The NSG itself is read in
``shared.nsg.documents.document``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

from shared.model import Access, Direction, Json
from shared.model.values import value
from shared.nsg.engine.question import Question
from shared.nsg.packets.addresses import parse_addresses
from shared.nsg.packets.spans import Spans, union
from shared.nsg.rules.defined_tags import as_azure_defines, assumptions
from shared.nsg.rules.reading import PROTOCOLS_BY_NAME, Protocol, Side, read_ports, read_side
from shared.nsg.rules.tags import Tags, is_tag_name, known_tags


@value
class Asked:
    """A question, and what the answer may take for granted."""

    question: Question
    tags: Tags
    open_tags: bool
    want: Access | None
    endpoint_policies: str | None
    """``privateEndpointNetworkPolicies`` of the subnet; None where no private endpoint is meant."""
    assumed: Mapping[str, str] | None = None
    """By tag what is taken for granted as Azure defines it; None where tags are mere sets."""

    @property
    def is_enforced(self) -> bool:
        """Whether the NSG filters at all: for private endpoints only where the subnet says so."""
        return self.endpoint_policies is None or self.endpoint_policies in _ENFORCING


_MOST: Final = 10**6
"""No port and no other number that a question holds is larger."""
_ENFORCING: Final = frozenset({"enabled", "networksecuritygroupenabled"})
_ENDPOINT_POLICIES: Final = _ENFORCING | {"disabled", "routetableenabled"}
_GOALS: Final = {"allow": Access.ALLOW, "deny": Access.DENY}


class BadInput(ValueError):
    """A field of the question cannot be read. ``rule`` is ``""`` where no rule is at fault."""

    def __init__(self, message: str, *, field: str, rule: str = "") -> None:
        super().__init__(message)
        self.field = field
        self.rule = rule


def read_question(line: Mapping[str, Json], beside: Tags | None = None) -> Asked:
    """What ``line`` asks, all but the NSG. Raises ``BadInput``.

    Without ``beside`` tags are mere sets: nothing is known of them but what the line says. With it they are
    what Azure defines, unless the line or else ``beside`` says what they hold.
    """
    found = line.get("tags")
    given = read_tags({} if found is None else found)
    known = given if beside is None else replace(given, closed={**beside.closed, **given.closed})
    tags = known if beside is None else as_azure_defines(known)
    question = Question(
        direction=Direction(_one_of(line, "direction", {d.lower(): d for d in Direction})),
        protocol=Protocol(_one_of(line, "protocol", PROTOCOLS_BY_NAME, "Tcp")),
        source=_side(line, "source", tags),
        destination=_side(line, "destination", tags),
        ports=_ports(line, "ports"),
        source_ports=_ports(line, "sourcePorts", ["*"]),
    )
    want = line.get("want")
    policies = line.get("privateEndpointNetworkPolicies")
    named = {name: name for name in _ENDPOINT_POLICIES}
    return Asked(
        question=question,
        tags=tags,
        open_tags=_flag(line, "openTags"),
        want=None if want is None else Access(_one_of(line, "want", _GOALS)),
        endpoint_policies=None
        if policies is None
        else _one_of(line, "privateEndpointNetworkPolicies", named),
        assumed=None if beside is None else assumptions(known),
    )


def _one_of(
    line: Mapping[str, Json], field: str, known: Mapping[str, str], otherwise: str | None = None
) -> str:
    found = line.get(field)
    text = otherwise if found is None else found
    if isinstance(text, str) and text.strip().lower() in known:
        return known[text.strip().lower()]
    said = "is missing" if text is None else f"is {_shown(text)}"
    raise BadInput(f"{field} {said}; it is one of {', '.join(sorted(known))}", field=field)


def _flag(line: Mapping[str, Json], field: str) -> bool:
    found = line.get(field)
    if found is None or isinstance(found, bool):
        return bool(found)
    raise BadInput(f"{field} is {_shown(found)}; it is true or false", field=field)


def _texts(line: Mapping[str, Json], field: str, otherwise: list[str] | None = None) -> list[str]:
    found = line.get(field)
    listed = otherwise if found is None else found if isinstance(found, list) else [found]
    if not listed:
        raise BadInput(f"{field} is missing or empty", field=field)
    for text in listed:
        if (
            isinstance(text, bool)
            or not isinstance(text, str | int)
            or (isinstance(text, int) and abs(text) > _MOST)
        ):
            raise BadInput(f"{field} holds {_shown(text)}, which is no text", field=field)
    return [str(text).strip() for text in listed]


def _side(line: Mapping[str, Json], field: str, tags: Tags) -> Side:
    side = read_side(_texts(line, field), tags)
    for named in side.sets:
        if not is_tag_name(named.name):
            raise BadInput(f"{field} holds {named.name!r}, which is no address and no tag", field=field)
    return side


def _ports(line: Mapping[str, Json], field: str, otherwise: list[str] | None = None) -> Spans:
    found = [(text, read_ports(text)) for text in _texts(line, field, otherwise)]
    for text, spans in found:
        if spans is None:
            raise BadInput(f"{field} holds {text!r}, which is no port, no range and not *", field=field)
    return union(span for _, spans in found for span in spans or ())


def read_tags(document: Json) -> Tags:
    """What is known of tags: ``{name: [prefixes]}``, or Azure's service tag file. Raises ``BadInput``.

    The file of the download page and the answer of the service tag API have one shape: ``values`` with
    ``name`` and ``properties.addressPrefixes``.
    """
    return Tags(closed=known_tags({name: _prefixes(name, found) for name, found in _tag_items(document)}))


def _tag_items(document: Json) -> Iterator[tuple[str, Json]]:
    if not isinstance(document, Mapping):
        raise BadInput("tags are an object: {name: [prefixes]}, or Azure's service tag file", field="tags")
    listed = document.get("values")
    if not isinstance(listed, list) or (all(isinstance(item, str) for item in listed) and listed):
        yield from document.items()
        return
    for item in listed:
        properties = item.get("properties") if isinstance(item, Mapping) else None
        name = item.get("name") if isinstance(item, Mapping) else None
        if not isinstance(properties, Mapping) or not isinstance(name, str):
            raise BadInput("an entry of the service tag file has no name or no properties", field="tags")
        yield name, properties.get("addressPrefixes")


def _prefixes(name: str, found: Json) -> list[Spans]:
    if not isinstance(found, list):
        raise BadInput(f"tag {name!r} has no list of prefixes", field="tags")
    prefixes: list[Spans] = []
    for text in found:
        spans = parse_addresses(text.strip()) if isinstance(text, str) else None
        if spans is None:
            raise BadInput(f"tag {name!r} holds {_shown(text)}, which is no address", field="tags")
        prefixes.append(spans)
    return prefixes


def _shown(found: Json) -> str:
    if isinstance(found, int) and abs(found) > _MOST:
        return "a number as long as no port"  # Python refuses to spell very long ones
    text = repr(found)
    return text if len(text) <= 100 else f"{text[:97]}..."
