"""Azure's own record of who wrote what: the Activity Log of a subscription.

``GET …/providers/Microsoft.Insights/eventtypes/management/values`` takes a ``$filter`` with a range of time
and at most one further name, of which the caller is none (Azure Monitor REST reference, Activity Logs - List,
2015-04-01): all writes of the time are read, and each says whose it is. Azure keeps 90 days. Lines come some
minutes after what they tell of, later ones maybe before earlier ones. What must not live here: which writes
ought to be there, what a line is a reason for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final
from urllib.parse import urlencode

from shared.adapters.arm.reading.lists import page_at
from shared.adapters.arm.session.session import Session
from shared.adapters.arm.wire import fields
from shared.model import Actor, Json
from shared.model.errors import Permanent
from shared.model.operations import LoggedWrite
from shared.model.sweeping import Touched

VERSION: Final = "2015-04-01"
KEPT: Final = timedelta(days=90)
_MOST_PAGES: Final = 5_000
_OBJECT_ID: Final = "http://schemas.microsoft.com/identity/claims/objectidentifier"


def logged_writes(
    session: Session, subscription: str, since: datetime, until: datetime
) -> Iterator[LoggedWrite]:
    """What anybody wrote in a subscription within a time. Raises a classified ``GatewayError``.

    A line that names no operation or time is not ours to judge and raises ``Permanent``.
    """
    for line in _lines(session, subscription, since, until):
        if _is_write(line):
            yield _write(line)


def touched_by(session: Session, subscription: str, since: datetime) -> Iterator[Touched]:
    """What was written in a subscription since then, or said to be well or not so (Resource Health)."""
    for line in _lines(session, subscription, since, session.clock.now()):
        resource = fields.text(line, "resourceId")
        if resource and _is_write(line):
            yield Touched(resource=resource, operation=_named(line, "operationName"))
        elif resource and _named(line, "category").lower() == "resourcehealth":
            yield Touched(resource=resource, operation="")


def _lines(session: Session, subscription: str, since: datetime, until: datetime) -> Iterator[Json]:
    link = _first(session, subscription, since, until)
    for _ in range(_MOST_PAGES):
        page = session.ask(partial(page_at, session, link))
        yield from fields.get(page, "value") or ()
        link = fields.text(page, "nextLink")
        if not link:
            return
    raise Permanent("the Activity Log has no end", code="MalformedAnswer")


def _first(session: Session, subscription: str, since: datetime, until: datetime) -> str:
    """Times in UTC, as the reference writes them."""
    wanted = f"eventTimestamp ge '{_text(since)}' and eventTimestamp le '{_text(until)}'"
    query = urlencode({"api-version": VERSION, "$filter": wanted})
    place = f"/subscriptions/{subscription}/providers/Microsoft.Insights/eventtypes/management/values"
    return f"{session.clients.endpoint}{place}?{query}"


def _text(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _is_write(line: Json) -> bool:
    """Of the category of what people and apps do, not of what policies or Azure's health say about it."""
    category = _named(line, "category").lower()
    operation = _named(line, "operationName").lower()
    return category in ("", "administrative") and operation.endswith(("/write", "/delete", "/action"))


def _write(line: Json) -> LoggedWrite:
    time = fields.moment(line, "eventTimestamp")
    if time is None:
        raise Permanent("a line of the Activity Log has no time", code="MalformedAnswer")
    return LoggedWrite(
        id=fields.text(line, "eventDataId"),
        time=time,
        operation=_named(line, "operationName"),
        resource=fields.text(line, "resourceId"),
        status=_named(line, "status"),
        caller=_caller(line),
        correlation_id=fields.text(line, "correlationId"),
    )


def _caller(line: Json) -> Actor:
    """By the claims; where they are left out, ``caller`` is the id of an app or the name of a person."""
    found = fields.get(line, "claims")
    claims: Mapping[str, Json] = found if isinstance(found, dict) else {}
    caller = fields.text(line, "caller")
    return Actor(
        app_id=claims.get("appid"), object_id=claims.get(_OBJECT_ID) or caller or None, name=caller or None
    )


def _named(line: Json, name: str) -> str:
    """The ``value`` of a word that the log gives in two spellings."""
    word = fields.get(line, name)
    return fields.text(word, "value") if isinstance(word, dict) else fields.text(line, name)
