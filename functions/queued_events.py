"""The queue ``events``: Event Grid's events for an app that it cannot reach, one a message.

The same as ``resource_events``, but for how they come. What is no event is dead-lettered like an event that
cannot be followed. What cannot be asked now stays in the queue; what failed too often is asked from
``events-poison``, again and again until it can be.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

import azure.functions as func

from functions.blueprint import blueprint
from shared.config.event_queue import QUEUE

if TYPE_CHECKING:
    from shared.controller.arrivals import Arrived

bp = blueprint()


@bp.queue_trigger(arg_name="message", queue_name=QUEUE, connection="AzureWebJobsStorage")
def queued_events(message: func.QueueMessage) -> None:
    """Ask for a look at what the event names; dead-letter what cannot be followed."""
    _receive(message)


@bp.queue_trigger(arg_name="message", queue_name=f"{QUEUE}-poison", connection="AzureWebJobsStorage")
def queued_events_poison(message: func.QueueMessage) -> None:
    """Try again; raising keeps the message in the queue."""
    _receive(message)


def _receive(message: func.QueueMessage) -> None:
    from shared.controller.arrivals import receive_event
    from shared.wiring import deps

    receive_event(taken_out(message.get_body()), deps())


def taken_out(body: bytes) -> Arrived:
    """The plain parts of an event of either schema; all empty where the body is none."""
    from shared.controller.arrivals import Arrived

    text = body.decode("utf-8", "replace")
    parts = _parts(text)
    return Arrived(
        id=parts.get("id"),
        type=parts.get("type", parts.get("eventType")),
        subject=parts.get("subject"),
        time=_moment(parts.get("time", parts.get("eventTime"))),
        data=parts.get("data"),
        original=text,
    )


def _parts(text: str) -> dict[str, Any]:
    try:
        held = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return held if isinstance(held, dict) else {}


def _moment(time: object) -> datetime | None:
    try:
        return datetime.fromisoformat(time) if isinstance(time, str) else None
    except ValueError:
        return None
