"""The kinds of values in ``policies.yaml``: scopes, moments, times of the day, zones, tags.

Each is parsed strictly and says what is wrong with a text that is none; its JSON Schema stands beside it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from typing import Annotated, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from shared.guardrails.sink_names import ONE_BY_ONE, TOPIC, without_s
from shared.guardrails.slots import MOST_HELD
from shared.model import Severity, TargetKind
from shared.model.cuts import LEAST_KEPT
from shared.model.resource_id import InvalidResourceId, ResourceId

_CLOCK: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)", re.ASCII)
_MIDNIGHT: Final = "24:00"
_MOST_KEPT: Final = 36_500
"""Days."""
_EVERY_KIND: Final = frozenset(TargetKind)

KINDS_INSIDE: Final[Mapping[str, frozenset[TargetKind]]] = {
    "microsoft.resources/subscriptions": _EVERY_KIND,
    "microsoft.resources/subscriptions/resourcegroups": _EVERY_KIND,
    "microsoft.dbforpostgresql/flexibleservers": frozenset({TargetKind.FLEXIBLE_SERVER}),
    "microsoft.dbforpostgresql/servers": frozenset({TargetKind.SINGLE_SERVER}),
    "microsoft.network/virtualnetworks": frozenset({TargetKind.SUBNET}),
    "microsoft.network/virtualnetworks/subnets": frozenset({TargetKind.SUBNET}),
}
"""The targets that a scope can hold, by its type. One that holds none would silently say nothing."""


def _scope(text: object) -> ResourceId:
    try:
        scope = ResourceId(str(text))
    except InvalidResourceId as error:
        raise ValueError(str(error)) from None
    if scope.type not in KINDS_INSIDE:
        raise ValueError(
            "a scope is a subscription, a resource group, a server, a virtual network or a subnet; "
            f"policies look at nothing in a {scope.type}"
        )
    return scope


def _retention(days: int) -> int:
    if days == 0 or LEAST_KEPT.days <= days <= _MOST_KEPT:
        return days
    raise ValueError(
        f"{days} days: at least {LEAST_KEPT.days} (Azure's own log keeps 90, and `verify-journal` compares "
        f"all of it), at most {_MOST_KEPT}, or 0 to keep everything for good"
    )


def _moment(said: object) -> datetime:
    """A time without a zone is UTC, and a date is its first moment; a bare number is no time."""
    match said:
        case datetime():
            moment = said
        case date():
            moment = datetime.combine(said, time())
        case str():
            moment = datetime.fromisoformat(said)
        case _:
            raise ValueError("a time is written as 2027-01-31T18:00:00Z")
    try:
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except OverflowError:
        raise ValueError("a time is between the years 1 and 9999, in UTC as well") from None


def _time_of_day(said: object) -> time:
    found = _CLOCK.fullmatch(str(said))
    if found is None:
        raise ValueError('a time of the day is written as "22:00"')
    return time(int(found[1]), int(found[2]))


def _end_of_day(said: object) -> time:
    """Only an end may be 24:00: as a beginning it would mean the day before the one that is named."""
    return time() if str(said) == _MIDNIGHT else _time_of_day(said)


def _zone(said: object) -> ZoneInfo:
    try:
        return ZoneInfo(str(said))
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: "Europe" is a directory
        raise ValueError(f"there is no time zone {str(said)[:60]!r}, for example Europe/Berlin") from None


def _tags(tags: dict[str, str]) -> dict[str, str]:
    """Azure compares the names of tags without case, their values with it."""
    if len({name.lower() for name in tags}) < len(tags):
        raise ValueError("a tag is named twice: names are compared without case")
    return tags


def _held_back(severity: Severity) -> Severity:
    if severity.rank > MOST_HELD.rank:
        raise ValueError(f"{severity} never waits: {MOST_HELD} and milder can be held back")
    return severity


def _sinks_with_hours(sinks: tuple[str, ...]) -> tuple[str, ...]:
    for name in sinks:
        if without_s(name.lower()) == TOPIC:
            raise ValueError(f"{name!r} waits for nothing: its subscribers are machines")
    return sinks


def _sinks_with_digests(sinks: tuple[str, ...]) -> tuple[str, ...]:
    for name in sinks:
        if without_s(name.lower()) in ONE_BY_ONE:
            raise ValueError(f"{name!r} is told of each alert by itself: a digest is for chats and mail")
    return sinks


Scope = Annotated[
    ResourceId,
    BeforeValidator(_scope),
    WithJsonSchema({"type": "string", "pattern": "^/?[sS]ubscriptions/[^/]+(/.+)?$"}),
]

Moment = Annotated[
    datetime,
    BeforeValidator(_moment),
    WithJsonSchema({"type": "string", "pattern": "^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt ].+)?$"}),
]

TimeOfDay = Annotated[
    time,
    BeforeValidator(_time_of_day),
    WithJsonSchema({"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$"}),
]

EndOfDay = Annotated[
    time,
    BeforeValidator(_end_of_day),
    WithJsonSchema({"type": "string", "pattern": "^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$"}),
]

Retention = Annotated[
    int,
    Field(strict=True),
    AfterValidator(_retention),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "const": 0},
                {"type": "integer", "minimum": LEAST_KEPT.days, "maximum": _MOST_KEPT},
            ]
        }
    ),
]
"""Days; 0 for ever."""

HeldBack = Annotated[
    Severity,
    AfterValidator(_held_back),
    WithJsonSchema({"enum": [one.value for one in Severity if one.rank <= MOST_HELD.rank]}),
]
"""The gravest that waits."""

SinksWithHours = Annotated[tuple[str, ...], AfterValidator(_sinks_with_hours)]
SinksWithDigests = Annotated[tuple[str, ...], AfterValidator(_sinks_with_digests)]

Zone = Annotated[ZoneInfo, BeforeValidator(_zone), WithJsonSchema({"type": "string"})]
Tags = Annotated[dict[str, str], AfterValidator(_tags)]
