"""A change is told in time whatever Azure answers meanwhile: that it is closed, or to be asked later."""

from __future__ import annotations

from dataclasses import replace

from shared.model import Outcome
from shared.model.alert_records import NotificationType
from shared.model.change_records import Phase
from shared.model.errors import Denied
from shared.model.messages import MessageKind
from tests.builders import public_server
from tests.controller.test_change_life import flying, told
from tests.controller.test_changes_in_trouble import long_revert, only_change
from tests.controller.test_reconcile import FIREWALL
from tests.fakes import World


def test_an_end_that_was_saved_is_told_though_the_target_cannot_be_read_any_more() -> None:
    world = World()
    target = long_revert(world)
    seen = world.store.recall(target, world.clock.now())
    assert seen.change is not None
    over = replace(
        seen.change,
        phase=Phase.ENDED,
        operation=None,
        outcome=Outcome.REVERTED,
        finished_at=world.clock.now(),
        after=world.store.keep(public_server()),
        revision=seen.change.revision + 1,
    )
    world.store.save(replace(seen, change=over))
    world.azure.read_errors = [Denied("no role", code="AuthorizationFailed", status=403)] * 1000
    world.drain(600)
    assert told(world) == [NotificationType.CHANGE_APPLIED]
    (letter,) = (one for one in world.delivered if one.type is NotificationType.CHANGE_APPLIED)
    assert "0.0.0.0" in str(letter)
    assert only_change(world, FIREWALL).outcome is Outcome.REVERTED
    assert flying(world) is None
    waiting = (world.store.read_message(body) for body in world.queue.bodies())
    assert not [one for one in waiting if one.kind is MessageKind.CHECK]
    assert world.azure.reads < 10
