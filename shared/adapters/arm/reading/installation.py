"""What the doctor asks of Azure Resource Manager beside targets: itself, our permissions, an app's sign-in.

``GET /metadata/endpoints`` names the endpoints and suffixes of the cloud that answers; ``GET
<scope>/providers/Microsoft.Authorization/permissions`` lists the grants of whoever asks (REST reference,
Permissions - List For Resource Group, 2022-04-01); ``GET <app>/config/authsettingsV2`` holds what App Service
authentication leaves out (Web Apps - Get Auth Settings V2, 2024-11-01). ``GET
<topic>/providers/Microsoft.Insights/metrics`` counts what a system topic delivered, by event subscription and
minute (Metrics - List, 2023-10-01; Supported metrics for Microsoft.EventGrid/systemTopics). What must not
live here: what is wrong.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Final
from urllib.parse import urlencode

from azure.core.rest import HttpRequest

from shared.adapters.arm.reading.lists import bodies, page_at
from shared.adapters.arm.session.session import Hooks, Session
from shared.adapters.arm.wire import fields
from shared.model import Json
from shared.model.event_grid import EventSubscription
from shared.model.resource_id import ResourceId
from shared.model.surroundings import ArmAnswer, Permission

_METADATA: Final = "/metadata/endpoints?api-version=2022-09-01"
_PERMISSIONS: Final = "2022-04-01"
_WEB: Final = "2024-11-01"
_METRICS: Final = "2023-10-01"


class ArmSurroundings:
    """Implements ``shared.model.surroundings.Surroundings``."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def arm(self) -> ArmAnswer:
        return self._session.ask(partial(_metadata, self._session))

    def permissions(self, scope: ResourceId) -> tuple[Permission, ...]:
        place = f"{scope}/providers/Microsoft.Authorization/permissions"
        return tuple(map(_permission, bodies(self._session, place, _PERMISSIONS)))

    def excluded_paths(self, app: ResourceId) -> tuple[str, ...] | None:
        link = f"{self._session.clients.endpoint}{app}/config/authsettingsV2?api-version={_WEB}"
        body = self._session.ask(partial(page_at, self._session, link))
        if fields.get(body, "properties", "platform", "enabled") is not True:
            return None
        return tuple(_texts(fields.get(body, "properties", "globalValidation", "excludedPaths")))

    def last_delivery(
        self, subscription: EventSubscription, since: datetime, until: datetime
    ) -> datetime | None:
        asked = {
            "api-version": _METRICS,
            "metricnames": "DeliverySuccessCount",
            "aggregation": "Total",
            "interval": "PT1M",
            "timespan": f"{_utc(since)}/{_utc(until)}",
            "$filter": f"EventSubscriptionName eq '{subscription.name}'",
        }
        place = f"{self._session.clients.endpoint}{subscription.topic}/providers/Microsoft.Insights/metrics"
        body = self._session.ask(partial(page_at, self._session, f"{place}?{urlencode(asked)}"))
        counted = (point for metric in _listed(body, "value") for point in _points(metric))
        return max((time for time, total in counted if total > 0), default=None)


def _utc(time: datetime) -> str:
    return f"{time.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _points(metric: Json) -> Iterator[tuple[datetime, float]]:
    """Each minute with what was counted; what is no time or no number counts nothing."""
    for series in _listed(metric, "timeseries"):
        for point in _listed(series, "data"):
            total, time = fields.get(point, "total"), _moment(fields.text(point, "timeStamp"))
            if isinstance(total, int | float) and time is not None:
                yield time, total


def _moment(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


def _listed(body: Json, name: str) -> list[Json]:
    found = fields.get(body, name)
    return found if isinstance(found, list) else []


def _metadata(session: Session, hooks: Hooks) -> ArmAnswer:
    request = HttpRequest("GET", f"{session.clients.endpoint}{_METADATA}")
    response = session.clients.pipeline().send_request(request, **hooks)
    response.raise_for_status()
    suffix = fields.text(response.json(), "suffixes", "storage")
    return ArmAnswer(time=_time(response.headers.get("Date", "")), storage_suffix=suffix)


def _time(text: str) -> datetime | None:
    try:
        return parsedate_to_datetime(text).astimezone(UTC)
    except ValueError:
        return None


def _permission(body: Json) -> Permission:
    actions, refused = (tuple(_texts(fields.get(body, name))) for name in ("actions", "notActions"))
    return Permission(actions=actions, not_actions=refused)


def _texts(listed: Json) -> Iterator[str]:
    return (one for one in listed if isinstance(one, str)) if isinstance(listed, list) else iter(())
