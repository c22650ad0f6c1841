"""Questions about NSGs over HTTP: an NSG in the request, or one in Azure by its id.

The answer is the one of the command line (`shared.nsg.explain`). For an NSG in Azure its rules are read
through the gateway, and the prefixes of the service tags that they and the question name through
``ServiceTags``, unless the request brings its own; a tag whose prefixes cannot be read stays open, and the
answer says so. Nothing is written, neither to Azure nor to the store.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from time import perf_counter
from typing import Final

from shared.api.bodies import ExplainBody, read_body, resource_in
from shared.api.http import LONGEST_NSG_BODY, ApiRequest, ApiResponse, Refused, invalid, not_found
from shared.api.nsg_views import TagsAsOf
from shared.controller.deps import Deps
from shared.model import Json
from shared.model.codec import to_json
from shared.model.errors import GatewayError, Gone
from shared.model.interfaces import TagReading
from shared.model.resource_id import ResourceId
from shared.model.rules import GroupReading
from shared.model.values import camel_case, value
from shared.nsg.asking import Asked, BadInput, read_question
from shared.nsg.documents.exports import tags_in
from shared.nsg.engine.budget import TooComplex
from shared.nsg.engine.program import parse
from shared.nsg.explain import answer, answer_about
from shared.nsg.rules.reading import NsgError, effective_rules
from shared.nsg.rules.tags import LOAD_BALANCER, NOTHING_GIVEN, OpenSet, SetKind

GROUP_TYPE: Final = "microsoft.network/networksecuritygroups"
_LISTED: Final = {SetKind.PUBLIC_TAG, SetKind.UNKNOWN_TAG}
"""What may stand in Azure's list of service tags."""


@value
class _Known:
    """What is known of service tags: what is taken for granted, where it is from, and what to say of it."""

    tags: Json
    as_of: TagsAsOf | None = None
    caveat: str | None = None


def explain_nsg(request: ApiRequest, deps: Deps) -> ApiResponse:
    """The answer to one question; input that cannot be used is a problem that names field and rule."""
    started = perf_counter()
    body = read_body(ExplainBody, request, longest=LONGEST_NSG_BODY)
    given = {camel_case(name): getattr(body, name) for name in ExplainBody.model_fields}
    line = {name: found for name, found in given.items() if found is not None}
    try:
        found = _about_azure(body.nsg, line, deps) if isinstance(body.nsg, str) else _about_document(line)
    except TooComplex as error:
        raise Refused("too-complex", str(error), field=error.field) from None
    except (BadInput, NsgError) as error:
        raise invalid(error.field or "body", str(error), rule=error.rule or None) from None
    milliseconds = round((perf_counter() - started) * 1000, 3)
    return ApiResponse(status=200, body={"id": body.id, **found, "ms": milliseconds})


def _about_document(line: Mapping[str, Json]) -> dict[str, Json]:
    return {**answer(line, tags_in(line.get("nsg"))), "nsgId": None, "tagsAsOf": None}


def _about_azure(text: str, line: Mapping[str, Json], deps: Deps) -> dict[str, Json]:
    for field in ("name", "parameters"):
        if line.get(field) is not None:
            raise invalid(field, f"{field}: goes with an NSG in the request, and not with an id")
    line = {"openTags": True, **line}
    asked = read_question(line)  # what cannot be asked costs no request
    reading = _read(_group_id(text), deps)
    known = _known(line, asked, reading, deps)
    asked = read_question({**line, "tags": known.tags}, NOTHING_GIVEN)
    found = answer_about(reading.group, parse(reading.group, asked.tags), asked)
    said = [known.caveat] if known.caveat is not None else []
    if reading.group.updating:
        said.append("the NSG was being written while it was read: its rules may be others in a moment")
    return {
        **found,
        "caveats": [*found["caveats"], *said],
        "nsgId": str(reading.group.id),
        "tagsAsOf": None if known.as_of is None else to_json(known.as_of),
    }


def _group_id(text: str) -> ResourceId:
    found = resource_in(text, "nsg")
    if found.type != GROUP_TYPE:
        raise invalid("nsg", f"nsg: the id of a {found.type} and not of a network security group")
    return found


def _read(group: ResourceId, deps: Deps) -> GroupReading:
    try:
        return deps.gateway.security_group(group)
    except Gone:
        raise not_found(f"resource {group}", field="nsg") from None


# --- service tags ----------------------------------------------------------------------------------


def _known(line: Mapping[str, Json], asked: Asked, reading: GroupReading, deps: Deps) -> _Known:
    """The tags that the request brings, or else those that Azure lists.

    Where they cannot be read they stay open; who asked for closed ones gets the ``GatewayError``.
    """
    if "tags" in line:
        return _Known(tags=line["tags"])
    names = _tag_names(asked, reading)
    if not names:
        return _Known(tags={})
    try:
        read = deps.service_tags.read(reading.group.id.subscription, reading.location, names)
    except GatewayError as error:
        if not asked.open_tags:
            raise
        said = f"the prefixes of {', '.join(sorted(names))} could not be read and are taken for unknown"
        return _Known(tags={}, caveat=f"{said}: {error}")
    listed = {name: [str(prefix) for prefix in prefixes] for name, prefixes in read.prefixes.items()}
    as_of = TagsAsOf(change_number=read.change_number, read_at=read.read_at)
    return _Known(tags=listed, as_of=as_of, caveat=_outdated(read))


def _tag_names(asked: Asked, reading: GroupReading) -> Collection[str]:
    """The tags that the question and the rules of its direction name, each once. Raises ``NsgError``."""
    question = asked.question
    sets: list[OpenSet] = [*question.source.sets, *question.destination.sets]
    for rule in effective_rules(reading.group):
        if rule.direction is question.direction:
            sets += rule.sets
    named = {found.key: found.name for found in sets if found.kind in _LISTED}
    named.pop(LOAD_BALANCER, None)  # in nobody's list, but defined
    return named.values()


def _outdated(read: TagReading) -> str | None:
    if read.outdated is None:
        return None
    return f"the list of service tags is an older one, as it could not be read again: {read.outdated}"
