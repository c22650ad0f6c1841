"""Azure's own record of who wrote what: the Activity Log of a subscription.

``GET …/providers/Microsoft.Insights/eventtypes/management/values`` takes a ``$filter`` with a range of time
and at most one further name, of which the caller is none (Azure Monitor REST reference, Activity Logs - List,
2015-04-01): all writes of the time are read, and each says whose it is. Azure keeps 90 days. What must not
live here: which writes ought to be there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final
from urllib.parse import urlencode

from azure.core.rest import HttpRequest

from shared.adapters.arm.session.session import Hooks, Session
from shared.adapters.arm.wire import fields
from shared.model import Actor, Json
from shared.model.errors import Permanent
from shared.model.operations import LoggedWrite

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
    link = _first(session, subscription, since, until)
    for _ in range(_MOST_PAGES):
        page = session.ask(partial(_page, session, link))
        for line in fields.get(page, "value") or ():
            if _is_write(line):
                yield _write(line)
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


def _page(session: Session, link: str, hooks: Hooks) -> Json:
    response = session.clients.pipeline().send_request(HttpRequest("GET", link), **hooks)
    response.raise_for_status()
    return response.json()
