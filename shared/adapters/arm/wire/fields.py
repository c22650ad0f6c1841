"""Reading ARM's JSON field by field: what is tolerated, and what is refused by name.

Tolerated, because each was recorded or documented: keys and enum members in another letter case, fields
that are absent, null or ``""``, singular and plural fields side by side, ids in any case, seven digits of a
second, ``Z`` and ``+00:00``, enum members that are younger than this code. What a decision rests on is
never guessed: an id that is none raises ``Permanent``, which names the resource and the field.

What must not live here: what any resource is made of.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final, TypeVar

from shared.model import Json
from shared.model.errors import Permanent
from shared.model.resource_id import ResourceId, parse_resource_id

_MOST_SHOWN = 100
_NETWORK_TYPE: Final = "microsoft.network/virtualnetworks"
_Member = TypeVar("_Member", bound=StrEnum)


def get(body: Json, *path: str) -> Json:
    """Follow ``path`` through objects whose keys compare without case; None where a step is missing."""
    for step in path:
        body = _key(body, step)
    return body


def _key(body: Json, name: str) -> Json:
    if not isinstance(body, Mapping):
        return None
    if name in body:
        return body[name]
    lowered = name.lower()
    return next((found for key, found in body.items() if str(key).lower() == lowered), None)


def text(body: Json, *path: str) -> str:
    """The text at ``path`` without surrounding blanks; ``""`` where there is none."""
    found = get(body, *path)
    return found.strip() if isinstance(found, str) else ""


def as_it_stands(found: Json) -> str | None:
    """What stands in a field, also where it is no text; None where there is nothing."""
    said = found.strip() if isinstance(found, str) else "" if found is None else str(found)[:_MOST_SHOWN]
    return said or None


def required_id(body: Json) -> ResourceId:
    """The resource's own id. Raises ``Permanent`` when there is none."""
    found = parse_resource_id(get(body, "id"))
    if found is None:
        raise malformed("resource", body, "id", get(body, "id"))
    return found


def created_at(body: Json) -> datetime | None:
    """``systemData.createdAt`` in UTC; None where it is absent or no time."""
    return moment(body, "systemData", "createdAt")


def moment(body: Json, *path: str) -> datetime | None:
    """The time at ``path`` in UTC; None where it is absent or no time."""
    try:
        found = datetime.fromisoformat(text(body, *path))
    except ValueError:
        return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def tags(body: Json) -> Mapping[str, str]:
    """The resource's tags; {} where it has none."""
    found = get(body, "tags")
    return {str(k): str(v) for k, v in found.items()} if isinstance(found, Mapping) else {}


def part(body: Json, *path: str) -> Json:
    found = get(body, *path)
    return found if isinstance(found, Mapping) else {}


def items(found: Json) -> Iterable[Json]:
    return [item for item in found if isinstance(item, Mapping)] if isinstance(found, list) else []


def listed(found: Json) -> list[Json]:
    """What stands where a list is expected: none where it is absent, and what is no list is one odd item."""
    if found is None:
        return []
    return found if isinstance(found, list) else [found]


def texts(found: Json) -> list[str]:
    return [item.strip() for item in found if isinstance(item, str)] if isinstance(found, list) else []


def optional_id(body: Json, holder: Json, name: str) -> ResourceId | None:
    found = text(holder, name)
    parsed = parse_resource_id(found)
    if found and parsed is None:
        raise malformed("resource", body, name, found)
    return parsed


def network_id(found: Json) -> ResourceId | None:
    """The id of a virtual network; None for anything else, the id of another resource too."""
    parsed = parse_resource_id(found)
    return parsed if parsed is not None and parsed.type == _NETWORK_TYPE else None


def member(kind: type[_Member], found: str, otherwise: _Member) -> _Member:
    return next((member for member in kind if member.lower() == found.lower()), otherwise)


def wrong(found: Json, field: str, what: str) -> str:
    """What is wrong with a field in words: that it is absent, or what stands there and is ``what``."""
    if found is None or found == "":
        return f"{field} is absent"
    return f"{field} is {repr(found)[:_MOST_SHOWN]}, which is {what}"


def malformed(what: str, body: Json, name: str, found: Json) -> Permanent:
    return Permanent(f"{what} {called(body)!r}: {name} cannot be used: {found!r}", code="MalformedAnswer")


def called(body: Json) -> str:
    return text(body, "name") or text(body, "id") or "without a name"


def objects(body: Json, name: str) -> Iterable[Json]:
    """The objects of a list among the properties; none where there is no list."""
    return items(get(body, "properties", name))
