"""Event Grid in: one resource event becomes a question on the queue.

Returning acknowledges the event. Raising makes Event Grid deliver it again, so only what a later
delivery can cure may raise. The library's converter chooses the class by the payload (``specversion``)
and not by the annotation, so the parts are taken by name from whichever class arrives; versions before
1.25 have no ``CloudEvent`` and leave parts of one empty.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Final

import azure.functions as func

from functions.blueprint import blueprint

if TYPE_CHECKING:
    from shared.controller.arrivals import Arrived

bp = blueprint()

_EVENT_GRID: Final = {
    "id": "id",
    "topic": "topic",
    "subject": "subject",
    "eventType": "event_type",
    "eventTime": "event_time",
    "dataVersion": "data_version",
}
_CLOUD_EVENT: Final = {
    "specversion": "specversion",
    "id": "id",
    "source": "source",
    "type": "type",
    "subject": "subject",
    "time": "time",
}
"""Names in JSON, and those of the attributes that hold them."""


@bp.event_grid_trigger(arg_name="event")
def resource_events(event: func.EventGridEvent) -> None:
    """Ask for a look at what the event names; dead-letter what cannot be followed."""
    from shared.controller.arrivals import receive_event
    from shared.wiring import deps

    receive_event(take_apart(event), deps())


def take_apart(event: func.EventGridEvent | func.CloudEvent) -> Arrived:
    """The plain parts of an event of either schema."""
    from shared.controller.arrivals import Arrived

    names = _CLOUD_EVENT if getattr(event, "specversion", None) is not None else _EVENT_GRID
    parts = {name: getattr(event, attribute, None) for name, attribute in names.items()}
    data = event.get_json()
    time = parts.get("time", parts.get("eventTime"))
    return Arrived(
        id=parts["id"],
        type=parts.get("type", parts.get("eventType")),
        subject=parts["subject"],
        time=time if isinstance(time, datetime) else None,
        data=data,
        original=json.dumps({**parts, "data": data}, default=str),
    )
