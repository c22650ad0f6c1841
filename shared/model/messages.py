"""Messages of the queue ``reconcile``: what is to be looked at, checked, spread or delivered, and why."""

from __future__ import annotations

from dataclasses import field, replace
from datetime import datetime
from enum import StrEnum

from shared.model.alert_records import Notification
from shared.model.kinds import EnforcementMode
from shared.model.sweeping import Spread
from shared.model.targets import Cause, Locator, Target
from shared.model.values import MOST, value


class MessageKind(StrEnum):
    """What a message on the queue ``reconcile`` asks for.

    ``look``: coalesced, carries a token and a generation. ``recheck``: the same question again, later.
    ``check``: a change in progress. ``scope``: enumerate and fan out. ``notify``: there may be letters about
    something for one sink.
    ``sweep``: a pass over a subscription. ``spread``: a part of the looks that a pass asks for.
    """

    LOOK = "look"
    RECHECK = "recheck"
    CHECK = "check"
    SCOPE = "scope"
    NOTIFY = "notify"
    SWEEP = "sweep"
    SPREAD = "spread"


@value
class RunOptions:
    """What an operator asked for; events and the sweep use the defaults."""

    run_id: str | None = None
    enforcement: EnforcementMode | None = None
    """The stricter of this and the global mode wins; None means the global mode."""
    policies: tuple[str, ...] | None = None
    """Only these policies; None means all."""
    adopt: bool = False


@value
class Message:
    """One message of the queue: a target or a locator, and why. ``attempt`` counts our own re-enqueues."""

    kind: MessageKind
    cause: Cause
    target: Target | None = None
    locator: Locator | None = None
    token: str | None = None
    generation: int = 0
    """Which reading of its queue key a look asks for; 0 where it was sent before they were numbered."""
    change_id: str | None = None
    about: str | None = None
    """The id of the alert or change that a sink is to be told of."""
    notification: Notification | None = None
    """What is to be delivered, in messages from before there were letters."""
    sink: str | None = None
    options: RunOptions = field(default_factory=RunOptions)
    attempt: int = 0
    due: datetime | None = None
    """When a question that was put off is to come, by the clock of whoever put it off and wrote that down."""
    revived: int = 0
    """How often a message about the same was given up before, and the question asked anew."""
    spread: Spread | None = None
    trouble: str = ""
    """Request and answer for which it was put off the last time."""

    @property
    def queue_key(self) -> str:
        """What messages are coalesced by."""
        if self.locator is not None:
            return self.locator.key
        return self.target.key if self.target is not None else ""

    @property
    def is_whole(self) -> bool:
        """Whether it names what its kind is about, at times that can be compared and with numbers that count;
        a body of another's making may not."""
        times = (one.time.tzinfo for one in (self.cause, *self.cause.earlier))
        if not all(times) or not all(0 <= number <= MOST for number in self._numbers):
            return False
        match self.kind:
            case MessageKind.LOOK:
                return self.queue_key != ""
            case MessageKind.RECHECK:
                return self.target is not None
            case MessageKind.SCOPE | MessageKind.SWEEP:
                return self.locator is not None
            case MessageKind.SPREAD:
                return self.spread is not None and self.spread.is_sane
            case MessageKind.NOTIFY:
                return self.sink is not None and (self.about is not None or self.notification is not None)
            case MessageKind.CHECK:
                return self.change_id is not None

    @property
    def _numbers(self) -> tuple[int, ...]:
        counts = (one.count for one in (self.cause, *self.cause.earlier))
        return (self.attempt, self.revived, self.generation, *counts)

    def not_after(self, now: datetime) -> Message:
        """The same for a cause that does not lie in the future, as a forger or a wrong clock may have it."""
        cause = self.cause
        if max(one.time for one in (cause, *cause.earlier)) <= now:
            return self
        earlier = tuple(replace(one, time=min(one.time, now)) for one in cause.earlier)
        return replace(self, cause=replace(cause, time=min(cause.time, now), earlier=earlier))


def look(target: Target, cause: Cause) -> Message:
    """A message that asks for a look at ``target``."""
    return Message(kind=MessageKind.LOOK, target=target, cause=cause)
