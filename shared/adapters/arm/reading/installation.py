"""What the doctor asks of Azure Resource Manager beside targets: itself, our permissions, an app's sign-in.

``GET /metadata/endpoints`` names the endpoints and suffixes of the cloud that answers; ``GET
<scope>/providers/Microsoft.Authorization/permissions`` lists the grants of whoever asks (REST reference,
Permissions - List For Resource Group, 2022-04-01); ``GET <app>/config/authsettingsV2`` holds what App Service
authentication leaves out (Web Apps - Get Auth Settings V2, 2024-11-01). What must not live here: what is
wrong.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Final

from azure.core.rest import HttpRequest

from shared.adapters.arm.reading.lists import bodies, page_at
from shared.adapters.arm.session.session import Hooks, Session
from shared.adapters.arm.wire import fields
from shared.model import Json
from shared.model.resource_id import ResourceId
from shared.model.surroundings import ArmAnswer, Permission

_METADATA: Final = "/metadata/endpoints?api-version=2022-09-01"
_PERMISSIONS: Final = "2022-04-01"
_WEB: Final = "2024-11-01"


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
