"""Messages of the queue, as whoever may write to the storage account may put them there."""

from __future__ import annotations

import json
from random import Random

from shared.alerts.lifecycle import notification
from shared.controller.arrivals import receive_message
from shared.controller.poison import poisoned
from shared.model import Cause, CauseKind, Locator, LocatorKind, Target, TargetKind, codec
from shared.model.alert_records import NotificationType
from shared.model.errors import GatewayError, StoreError
from shared.model.messages import Message, MessageKind, RunOptions
from shared.model.resource_id import ResourceId
from tests.builders import GROUP, NSG, SERVER, SUBNET
from tests.fakes import SOMEBODY, START
from tests.fuzz.junk import Junk, encoded
from tests.fuzz.world import Kept, at_ease

CAUSE = Cause(kind=CauseKind.EVENT, time=START, actor=SOMEBODY, correlation_id="c", event_id="e")


class Messages:
    """Plays bodies to one world; one that fails is given up at once, as it would be in the end."""

    def __init__(self) -> None:
        self.world = at_ease()
        self.real = [codec.dump(one) for one in self._real()]

    def _real(self) -> list[Message]:
        alert, change = self.world.store.alerts()[0], self.world.store.changes()[0]
        told = notification(alert, NotificationType.ALERT_OPENED, START)
        server = Target(kind=TargetKind.FLEXIBLE_SERVER, id=SERVER)
        subnet = Target(kind=TargetKind.SUBNET, id=SUBNET)
        nsg = Locator(kind=LocatorKind.NSG, id=NSG)
        scope = Locator(kind=LocatorKind.SCOPE, id=ResourceId(GROUP))
        return [
            Message(kind=MessageKind.LOOK, target=server, cause=CAUSE, token="token"),
            Message(kind=MessageKind.LOOK, locator=nsg, cause=CAUSE),
            Message(
                kind=MessageKind.RECHECK,
                target=subnet,
                cause=CAUSE,
                options=RunOptions(run_id="r", adopt=True),
            ),
            Message(kind=MessageKind.CHECK, target=server, cause=CAUSE, change_id=change.id),
            Message(kind=MessageKind.SCOPE, locator=scope, cause=CAUSE, options=RunOptions(policies=("x",))),
            Message(kind=MessageKind.NOTIFY, target=server, cause=CAUSE, notification=told, sink="sink"),
        ]

    def play(self, random: Random) -> None:
        kept = Kept.of(self.world)
        body = self._body(Junk(random))
        try:
            receive_message(body, self.world.deps())
        except (GatewayError, StoreError):
            poisoned(body, self.world.deps())
        self._work_off()
        kept.check(self.world)
        kept.check_alerts(self.world)

    def _body(self, junk: Junk) -> bytes:
        real = junk.random.choice(self.real)
        roll = junk.random.random()
        if roll < 0.1:
            return junk.bytes(real.encode())
        if roll < 0.2:
            return encoded(junk.value()).encode()
        return encoded(junk.mutated(json.loads(real), 1 + junk.random.randrange(3))).encode()

    def _work_off(self) -> None:
        """What the message asked for in turn, as far as it is soon."""
        self.world.clock.advance(10)
        for _ in range(20):
            received = self.world.queue.receive()
            if received is None:
                return
            self.world.queue.delete(received)
            try:
                receive_message(received.body.encode(), self.world.deps())
            except (GatewayError, StoreError):
                poisoned(received.body.encode(), self.world.deps())
