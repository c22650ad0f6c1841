"""The Activity Log: who wrote what, as Azure answers for a subscription and a range of time.

One line when a write is answered and one when its operation ends, held together by the correlation id.
Refused writes are there too. The newest come first, and a page that is full ends in a `nextLink`. Shape: the
REST reference of Azure Monitor, Activity Logs - List, 2015-04-01. What must not live here: what a call is.
"""

from __future__ import annotations

import re
import uuid
from collections import Counter, deque
from datetime import datetime
from urllib.parse import quote, urlencode

from local.simulator.events import claims_of
from local.simulator.values import ArmRequest, JsonObject, JsonValue, as_text, bad_request, key, utc_text

VALUES = "Microsoft.Insights/eventtypes/values"
_KEPT = 100_000
_PAGE = 200
_TIME = re.compile(r"eventTimestamp (ge|le) '([^']+)'")
_TIMES_ALONE = re.compile(r"(?:(?:^|\s+and\s+)eventTimestamp (?:ge|le) '[^']+')+")


class ActivityLog:
    """The latest lines. Callers hold the simulator's lock."""

    def __init__(self) -> None:
        self._lines: deque[JsonObject] = deque(maxlen=_KEPT)

    def add(self, request: ArmRequest, operation: str, subject: str, status: str, now: float) -> None:
        self._lines.append(
            {
                "id": f"{subject}/events/{uuid.uuid4()}",
                "eventDataId": str(uuid.uuid4()),
                "eventTimestamp": utc_text(now),
                "submissionTimestamp": utc_text(now),
                "category": _named("Administrative"),
                "caller": request.caller.upn or request.caller.object_id or request.caller.app_id,
                "claims": claims_of(request.caller),
                "correlationId": request.correlation_id,
                "operationId": request.correlation_id,
                "operationName": _named(operation),
                "resourceId": subject,
                "resourceProviderName": _named(operation.split("/", 1)[0]),
                "status": _named(status),
                "subscriptionId": request.address.subscription,
                "level": "Error" if status == "Failed" else "Informational",
            }
        )

    def clear(self) -> None:
        self._lines.clear()

    def minutes(self, subscription: str, first: datetime, last: datetime) -> Counter[str]:
        """How many lines of a subscription were written in each minute, the first and the last among them."""
        mine = [line for line in self._lines if key(as_text(line["subscriptionId"])) == key(subscription)]
        minutes = [_minute(datetime.fromisoformat(as_text(line["eventTimestamp"]))) for line in mine]
        return Counter(one for one in minutes if _minute(first) <= one <= _minute(last))

    def answer(self, request: ArmRequest) -> JsonObject:
        """The page that is asked for; raises ArmError for a filter that Azure would not take."""
        first, last = _between(request.query.get("$filter", ""))
        there = [line for line in reversed(self._lines) if _is_asked_for(line, request, first, last)]
        token = request.query.get("$skiptoken", "0")
        start = int(token) if token.isdigit() else 0
        shown: list[JsonValue] = [*there[start : start + _PAGE]]
        page: JsonObject = {"value": shown}
        if start + _PAGE < len(there):
            asked = {"api-version": request.api_version, "$filter": request.query["$filter"]}
            query = urlencode({**asked, "$skiptoken": str(start + _PAGE)})
            page["nextLink"] = f"{request.base_url}{quote(request.address.path)}?{query}"
        return page


def _minute(time: datetime) -> str:
    return f"{time:%Y-%m-%dT%H:%M:00Z}"


def _named(word: str) -> JsonObject:
    return {"value": word, "localizedValue": word}


def _between(wanted: str) -> tuple[datetime, datetime]:
    """The filter needs a start at least, and takes nothing here but times."""
    times = {which: datetime.fromisoformat(text) for which, text in _TIME.findall(wanted)}
    if "ge" not in times or not _TIMES_ALONE.fullmatch(wanted.strip()):
        raise bad_request("BadRequest", f"The filter '{wanted}' is not supported.")
    return times["ge"], times.get("le", datetime.max.replace(tzinfo=times["ge"].tzinfo))


def _is_asked_for(line: JsonObject, request: ArmRequest, first: datetime, last: datetime) -> bool:
    time = datetime.fromisoformat(as_text(line["eventTimestamp"]))
    mine = key(as_text(line["subscriptionId"])) == key(request.address.subscription)
    return mine and first <= time <= last
