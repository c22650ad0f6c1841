"""What arrives from outside: an event that names something, a message that asks for something.

An event becomes a look at each target or locator that it names; it needs the store and nothing of
ARM. What can never be followed is put aside with a reason, and arriving counts as done: delivering it
again could not help. Everything that another delivery might cure is raised.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from shared.controller.deps import Deps
from shared.controller.dispatch import dispatch
from shared.controller.event_targets import Ignored, Mapped, Unmappable, map_event
from shared.controller.events import ResourceEvent, parse_event
from shared.controller.poison import NOT_A_MESSAGE
from shared.model import Json
from shared.model.messages import Message, MessageKind
from shared.model.values import value
from shared.state.message_body import understand

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@value
class Arrived:
    """An event as the trigger got it: parts of whatever type they had, and all of it as JSON."""

    id: Json
    type: Json
    subject: Json
    time: datetime | None
    data: Json
    original: str


def receive_event(arrived: Arrived, deps: Deps) -> None:
    """Ask for a look at what the event names. Raises ``StoreError`` when nobody could be asked."""
    now = deps.clock.now()
    event = parse_event(
        event_id=arrived.id,
        event_type=arrived.type,
        subject=arrived.subject,
        time=_moment(arrived.time, now),
        data=arrived.data,
    )
    try:
        mapped = map_event(event)
    except Unmappable as unmappable:
        letter = deps.store.dead_letter(str(unmappable), arrived.original, now)
        deps.log(_line(event, "dead-lettered", reason=unmappable.reason, deadLetter=letter))
        return
    match mapped:
        case Ignored(reason=reason):
            deps.log(_line(event, "ignored", reason=reason))
        case Mapped():
            asked = _ask(mapped, now, deps)
            deps.log(_line(event, "asked" if asked else "outside-scopes", asked=asked))


def receive_message(body: bytes, deps: Deps) -> None:
    """Do what a message of the queue asks. Raises what the platform should deliver again."""
    message = understand(body, deps.store)
    if message is None:
        letter = deps.store.dead_letter(NOT_A_MESSAGE, body, deps.clock.now())
        deps.log({"message": "dead-lettered", "reason": NOT_A_MESSAGE, "deadLetter": letter})
        return
    dispatch(message, deps)


def _moment(time: datetime | None, now: datetime) -> datetime:
    """When it happened: an event without a time happened now, and none happened later than now.

    A time in the future would keep reverts waiting until it has passed.
    """
    if time is None:
        return now
    aware = time if time.tzinfo else time.replace(tzinfo=UTC)
    return max(_EPOCH, min(aware, now))


def _ask(mapped: Mapped, now: datetime, deps: Deps) -> list[str]:
    """Queue a look at each target and locator within the scopes; returns their queue keys."""
    messages = [
        *(Message(kind=MessageKind.LOOK, target=target, cause=mapped.cause) for target in mapped.targets),
        *(Message(kind=MessageKind.LOOK, locator=locator, cause=mapped.cause) for locator in mapped.locators),
    ]
    wanted = [message for message in messages if _is_ours(message, deps)]
    for message in wanted:
        deps.store.arm(message, now, deps.settings.coalesce_seconds)
    return [message.queue_key for message in wanted]


def _is_ours(message: Message, deps: Deps) -> bool:
    """Whether a target lies within the scopes. What a locator names is judged when that is known: an
    NSG outside the scopes may guard a subnet within them."""
    return message.target is None or deps.settings.covers(message.target.id)


def _line(event: ResourceEvent, came_to: str, **more: Json) -> dict[str, Json]:
    """The canonical line of an event; identifiers only."""
    return {
        "event": event.id,
        "type": event.type,
        "operation": event.operation_name,
        "correlationId": event.correlation_id,
        "cameTo": came_to,
        **more,
    }
