"""Letters: an alert is written with one for each sink, and a message says that there is one.

Alert and letters are one transaction, so that nothing is told that is not so, and nothing is so that is not
told. The message says only that a sink may have something to hear: one that is lost or comes twice harms
nothing. One is on its way before the transaction, for whoever dies right after it; a letter that waits is
called for by that one alone. Who is told of what is in ``notifying``, delivering in ``delivering``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from shared.alerts.lifecycle import notification
from shared.alerts.patterns import MASS_DRIFT
from shared.controller.deps import Deps
from shared.guardrails.routes import heard_by
from shared.guardrails.slots import deployment_words, slot
from shared.model import Cause
from shared.model.alert_records import AlertRecord, Notification, NotificationType
from shared.model.errors import EntityChanged
from shared.model.letters import Letter
from shared.model.messages import Message, MessageKind
from shared.model.resource_id import parse_resource_id
from shared.model.values import value

SOON: Final = timedelta(minutes=2)
"""By when a message should have come for a letter that was just written."""
LONGEST_DELAY: Final = 6 * 86_400.0
"""Seconds that a message is hidden at most: a queue keeps none hidden for longer than seven days."""
ANYWAY: Final = 15.0
"""Seconds after which a message comes for what was to be written; one that is too early finds nothing."""


@value
class _Post:
    """An alert as it is written, and the letters that go with it."""

    alert: AlertRecord
    letters: tuple[Letter, ...]


def write_with_letters(alert: AlertRecord, kind: NotificationType, cause: Cause, deps: Deps) -> AlertRecord:
    """Write an alert with the letters that tell of it, and have them delivered. There is a sink at least.

    Raises ``EntityChanged`` when somebody else was faster. A letter that waits under a number that the record
    does not count is no race: the next ones go behind it.
    """
    post = _post(alert, kind, cause, deps)
    call_anyway(post.letters, deps)
    try:
        stored = deps.store.put_alert(post.alert, post.letters)
    except EntityChanged:
        newest = deps.store.letters.newest(deps.sinks, alert.id)
        if newest <= alert.told:
            raise
        post = _post(replace(alert, told=newest), kind, cause, deps)
        stored = deps.store.put_alert(post.alert, post.letters)
    call(post.letters, deps)
    return stored


def _post(alert: AlertRecord, kind: NotificationType, cause: Cause, deps: Deps) -> _Post:
    sinks = _hearing(alert, kind, deps)
    letters = tuple(_letters(alert, kind, cause, sinks, deps))
    told = max((letter.number for letter in letters), default=alert.told)
    return _Post(alert=replace(alert, unsent=(), told=told, told_to=sinks), letters=letters)


def _hearing(alert: AlertRecord, kind: NotificationType, deps: Deps) -> tuple[str, ...]:
    """The sinks that are told: by the routes, and who heard of the beginning hears of the rest."""
    routed = heard_by(deps.sinks, alert.severity, alert.target.id, deps.configuration.routes, alert.tags)
    if kind is NotificationType.ALERT_OPENED:
        return routed
    heard = deps.sinks if alert.told_to is None else alert.told_to
    return tuple(sink for sink in deps.sinks if sink in routed or sink in heard)


def call(letters: Iterable[Letter], deps: Deps) -> None:
    """Have delivered what waits for nothing, to each sink on its own."""
    for one in _first_to_each(letters):
        if one.not_before is None:
            send_for(one.sink, one.about, one.cause, deps)


def call_anyway(letters: Iterable[Letter], deps: Deps) -> None:
    """Have delivered in a while, or when it has waited, what is about to be written: its writer may die
    before it can call."""
    for one in _first_to_each(letters):
        send_for(one.sink, one.about, one.cause, deps, max(ANYWAY, seconds_left(one, deps.clock.now())))


def _first_to_each(letters: Iterable[Letter]) -> Iterable[Letter]:
    """Of the letters about one thing, to each sink the one that goes first."""
    first: dict[str, Letter] = {}
    for one in letters:
        first.setdefault(one.sink, one)
    return first.values()


def seconds_left(letter: Letter, now: datetime) -> float:
    """Until a letter may go, and a second for clocks that do not agree; 0 where it may go now."""
    left = (letter.not_before - now).total_seconds() if letter.not_before is not None else 0.0
    return left + 1.0 if left > 0 else 0.0


def send_for(sink: str, about: str, cause: Cause, deps: Deps, delay: float = 0) -> None:
    """Say that a sink may have something to hear. What comes too early comes again."""
    token = deps.store.new_token()
    message = Message(kind=MessageKind.NOTIFY, cause=cause, sink=sink, about=about, token=token)
    deps.store.send(message, min(delay, LONGEST_DELAY))


def letter(sink: str, about: str, number: int, message: Notification, cause: Cause) -> Letter:
    """A letter that was not delivered yet and waits for nothing."""
    written = message.time
    return Letter(
        sink=sink,
        about=about,
        number=number,
        notification=message,
        cause=cause,
        written_at=written,
        due_at=written + SOON,
    )


def timed(letter: Letter, deps: Deps) -> Letter:
    """The letter with when it may go, as quiet hours, digests and the merge window have it now. An incident
    is many things in one message already, and is merged with nothing."""
    told = letter.notification
    is_incident = told.data.get("policy") == MASS_DRIFT
    words = () if is_incident else deployment_words(letter.cause, parse_resource_id(told.subject))
    found = slot(letter.sink, told.severity, words, deps.clock.now(), deps.configuration.waits)
    if found.until is None:
        return letter
    return replace(letter, not_before=found.until, bundle=found.bundle, due_at=found.until + SOON)


def _letters(
    alert: AlertRecord, kind: NotificationType, cause: Cause, sinks: tuple[str, ...], deps: Deps
) -> Iterator[Letter]:
    """What an older version had not queued yet goes before."""
    now, kinds = deps.clock.now(), (*map(NotificationType, alert.unsent), kind)
    for number, one in enumerate(kinds, start=alert.told + 1):
        message = notification(alert, one, now, deps.page_link(alert.id))
        yield from (timed(letter(sink, alert.id, number, message, cause), deps) for sink in sinks)
