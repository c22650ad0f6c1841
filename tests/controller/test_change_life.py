"""A change's life in the world: one record, one chain of checks, no gap that loses or doubles anything."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from shared.controller.rollback import RollbackRefused, roll_back
from shared.model import Cause, CauseKind, Edit, Outcome, Reason, ServerSnapshot, Severity
from shared.model.alert_records import AlertStatus, NotificationType
from shared.model.change_records import ChangeRecord, Phase
from shared.model.errors import Denied, Permanent, Transient
from shared.model.messages import Message, MessageKind
from tests.builders import (
    ALL_AZURE,
    DRIFTED,
    OFFICE,
    public_server,
    rule,
)
from tests.controller.test_changes_in_trouble import (
    NO_ROLE,
    WorkerDied,
    long_revert,
    only_change,
)
from tests.controller.test_reconcile import FIREWALL, drift, seen_compliant, there
from tests.controller.test_rollback import request_for, reverted_rule
from tests.fakes import SOMEBODY, SUBSCRIPTION, US, World

WHOLE = "postgres-firewall-allows-whole-internet"
EVERYBODY = rule("everybody", "0.0.0.0", "255.255.255.255")
RECOVERY = 60.0
FAILED_INSIDE = "InternalServerError"
ADR = "docs/adr/0017-a-change-is-one-value.md"


def flying(world: World, target: object = DRIFTED) -> ChangeRecord | None:
    return world.store.recall(target.target, world.clock.now()).change  # type: ignore[attr-defined]


def dies(world: World, work: Callable[[], object]) -> None:
    """A worker ends in the middle of ``work``; what it received stays hidden for ten minutes."""
    with pytest.raises(WorkerDied):
        work()


def told(world: World) -> list[NotificationType]:
    kinds = {NotificationType.CHANGE_APPLIED, NotificationType.CHANGE_ROLLED_BACK}
    return [n.type for n in world.delivered if n.type in kinds]


def ended(error: Transient | Denied | Permanent) -> Transient | Denied | Permanent:
    """The error as the end of an operation."""
    error.is_end = True
    return error


# --- one record, one chain of checks ---------------------------------------------------------------


@pytest.mark.field(
    "steady",
    "a change in flight stands whole in its target's row, and a message is on its way before the claim",
    source="docs/adr/0017-a-change-is-one-value.md",
    date="2026-11-29",
)
def test_a_message_that_goes_on_with_a_change_is_on_its_way_before_the_claim() -> None:
    world = World()
    seen_compliant(world, public_server())
    world.event(world.azure.put(DRIFTED))
    world.azure.refusals = [WorkerDied()]
    dies(world, world.drain)
    change = flying(world)
    assert change is not None
    assert change.phase is Phase.SENDING
    checks = [world.store.read_message(body) for body in world.queue.bodies()]
    assert {one.token for one in checks if one.kind is MessageKind.CHECK} == {change.watch}


def test_a_worker_that_dies_in_the_middle_of_a_write_is_replaced_within_a_minute() -> None:
    world = World()
    seen_compliant(world, public_server())
    world.event(world.azure.put(DRIFTED))
    world.azure.refusals = [WorkerDied()]
    dies(world, world.drain)
    world.drain(RECOVERY)
    assert there(world) == public_server()
    assert len(world.azure.writes) == 1
    assert told(world) == [NotificationType.CHANGE_APPLIED]


def test_a_worker_that_dies_while_it_asks_an_operation_is_replaced_within_a_minute() -> None:
    world = World()
    long_revert(world, polls=2)
    world.azure.refusals = [WorkerDied()]
    dies(world, lambda: world.drain(RECOVERY))
    world.drain(RECOVERY)
    assert only_change(world, FIREWALL).outcome is Outcome.REVERTED
    assert (len(world.azure.writes), flying(world)) == (1, None)


@pytest.mark.field(
    "steady",
    "a check whose worker dies before it has done anything has a second message that stands in for it",
    source="docs/adr/0017-a-change-is-one-value.md",
    date="2026-11-30",
)
def test_a_check_whose_worker_dies_at_once_is_made_by_another_within_a_minute() -> None:
    world = World()
    long_revert(world)
    world.clock.advance(10)
    assert world.queue.receive(600) is not None  # and its worker is gone
    world.drain(RECOVERY)
    assert only_change(world, FIREWALL).outcome is Outcome.REVERTED
    assert (len(world.azure.writes), flying(world)) == (1, None)


def test_only_the_message_that_the_row_names_goes_on_with_a_change() -> None:
    world = World()
    target = long_revert(world, polls=3)
    change = flying(world)
    assert change is not None
    for token in ("0-old", change.watch.replace("-", "-not"), None):
        cause = Cause(kind=CauseKind.EVENT, time=world.clock.now())
        stale = Message(kind=MessageKind.CHECK, target=target, cause=cause, token=token, change_id=change.id)
        world.store.send(stale)
    world.drain()
    assert world.azure.polls == 0
    assert flying(world) == change
    world.drain(RECOVERY)
    assert world.azure.polls == 3


def not_saved_yet(world: World) -> ChangeRecord:
    """A change whose worker has enqueued the next check, which the row does not name."""
    target = long_revert(world)
    world.lose_messages()
    change = flying(world)
    assert change is not None
    cause = Cause(kind=CauseKind.EVENT, time=world.clock.now())
    world.store.send(
        Message(kind=MessageKind.CHECK, target=target, cause=cause, token="99-x", change_id=change.id)
    )
    return change


def test_a_message_that_comes_before_its_worker_has_saved_waits_for_it() -> None:
    world = World()
    change = not_saved_yet(world)
    world.drain()
    (waiting,) = (world.store.read_message(body) for body in world.queue.bodies())
    assert (waiting.token, world.azure.polls) == ("99-x", 0)
    assert flying(world) == change


def test_a_change_is_gone_on_with_whose_worker_died_before_it_could_save() -> None:
    world = World()
    not_saved_yet(world)
    world.drain(RECOVERY)
    assert only_change(world, FIREWALL).outcome is Outcome.REVERTED
    assert (len(world.azure.writes), flying(world)) == (1, None)


def test_a_worker_that_dies_before_its_claim_is_replaced_within_a_minute(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World()
    seen_compliant(world, public_server())
    world.event(world.azure.put(DRIFTED))
    with monkeypatch.context() as patched:
        patched.setattr(type(world.store), "claim", _die)
        dies(world, world.drain)
    assert flying(world) is None
    world.drain(RECOVERY)
    assert there(world) == public_server()
    assert len(world.azure.writes) == 1


def _die(*_: object, **__: object) -> None:
    raise WorkerDied


def test_a_change_whose_messages_are_all_lost_is_gone_on_with_by_the_next_look() -> None:
    world = World()
    target = long_revert(world)
    world.lose_messages()
    world.clock.advance(61)
    world.event(target)
    world.drain(30)
    assert only_change(world, FIREWALL).outcome is Outcome.REVERTED
    assert len(world.azure.writes) == 1


def test_an_end_that_was_saved_and_not_told_is_told_by_whoever_comes_next() -> None:
    world = World()
    target = long_revert(world)
    seen = world.store.recall(target, world.clock.now())
    assert seen.change is not None
    finished = world.clock.now()
    over = replace(
        seen.change,
        phase=Phase.ENDED,
        operation=None,
        outcome=Outcome.REVERTED,
        finished_at=finished,
        revision=seen.change.revision + 1,
    )
    world.azure.put(public_server())
    world.store.save(replace(seen, change=over))
    world.drain(RECOVERY)
    assert only_change(world, FIREWALL).outcome is Outcome.REVERTED
    assert told(world) == [NotificationType.CHANGE_APPLIED]
    assert flying(world) is None


def test_a_change_that_an_earlier_version_began_is_finished() -> None:
    world = World()
    target = long_revert(world)
    record = world.store.recall(target, world.clock.now())
    old = record.change
    assert old is not None
    world.lose_messages()
    entered = only_change(world, FIREWALL)
    of_old = replace(entered, operation=old.operation, phase=Phase.TOLD, revision=0, watch="", sent_at=None)
    world.store.put_change(of_old)
    world.store.save(replace(record, change=None))
    check = Message(kind=MessageKind.CHECK, target=target, cause=old.cause, change_id=old.id)
    world.store.send(check)
    world.drain(RECOVERY)
    assert only_change(world, FIREWALL).outcome is Outcome.REVERTED
    assert (len(world.azure.writes), flying(world)) == (1, None)
    record = world.store.recall(target, world.clock.now())
    assert (record.active_change, record.lease_until) == (None, None)


def test_the_change_of_a_deleted_server_ends_and_its_alerts_are_resolved() -> None:
    world = World()
    target = long_revert(world, polls=60)
    world.drain(90)
    assert len(world.open_alerts(FIREWALL)) == 1, "the revert takes long, and that is told"
    world.azure.snapshots.clear()
    world.event(target)
    world.drain(RECOVERY)
    change = only_change(world, FIREWALL)
    assert (change.outcome, change.detail) == (Outcome.FAILED, "the resource was deleted")
    assert {alert.status for alert in world.store.alerts()} == {AlertStatus.RESOLVED}
    assert list(world.store.known_targets(SUBSCRIPTION)) == []


# --- a rollback whose worker died ------------------------------------------------------------------


def claimed_rollback(world: World) -> ChangeRecord:
    """A rollback whose worker died right after the claim."""
    original = reverted_rule(world)
    real = world.store.project

    def project(record: ChangeRecord) -> None:
        if record.rollback_of is not None:
            world.store.project = real  # type: ignore[method-assign]
            raise WorkerDied
        real(record)

    world.store.project = project  # type: ignore[method-assign]
    dies(world, lambda: roll_back(request_for(original), world.deps()))
    change = flying(world)
    assert change is not None
    assert (change.phase, len(world.azure.writes)) == (Phase.CLAIMED, 1)
    return original


@pytest.mark.field(
    "steady",
    "a rollback whose worker died after the claim is proved again and made, or ends with its exemption",
    source="docs/adr/0017-a-change-is-one-value.md",
    date="2026-11-29",
)
def test_a_rollback_that_was_claimed_and_not_sent_is_proved_again_and_made() -> None:
    world = World()
    original = claimed_rollback(world)
    world.drain(RECOVERY)
    assert there(world) == DRIFTED
    newest = world.store.changes()[0]
    assert newest.outcome is Outcome.ROLLED_BACK
    undone = world.store.change(original.id)
    assert undone is not None
    assert undone.rolled_back_by == newest.id
    assert told(world) == [NotificationType.CHANGE_APPLIED, NotificationType.CHANGE_ROLLED_BACK]


def test_a_rollback_that_was_claimed_and_is_not_right_any_more_exempts_nothing() -> None:
    world = World()
    original = claimed_rollback(world)
    world.azure.put(public_server(firewall_rules=(OFFICE, rule("partner", "203.0.113.9"))))
    world.drain(RECOVERY)
    record = world.store.recall(DRIFTED.target, world.clock.now())
    assert (record.exemptions, record.change) == ((), None)
    undone = world.store.change(original.id)
    assert undone is not None
    assert undone.rolled_back_by is None
    assert world.store.changes()[0].outcome is Outcome.CONFLICTED


def test_a_rollback_that_died_while_it_was_sent_is_sent_where_a_reading_shows_it_was_not() -> None:
    world = World()
    original = reverted_rule(world)
    world.azure.refusals = [WorkerDied()]
    dies(world, lambda: roll_back(request_for(original), world.deps()))
    world.drain(RECOVERY)
    assert there(world) == DRIFTED
    assert [change.outcome for change in world.store.changes()] == [Outcome.ROLLED_BACK, Outcome.REVERTED]


# --- an attempt is not a fix -----------------------------------------------------------------------


@pytest.mark.field(
    "steady",
    "an operation that ends as Failed has ended, whatever its code: its drift is told at once",
    source="docs/adr/0017-a-change-is-one-value.md",
    date="2026-11-29",
)
@pytest.mark.parametrize(
    "end",
    [
        Transient("it broke", code=FAILED_INSIDE, status=200),
        Permanent("it broke", code="SomethingNew", status=200),
        Denied("policy", code="RequestDisallowedByPolicy", status=200),
    ],
    ids=lambda end: end.code,
)
def test_the_end_of_an_operation_is_no_trouble_of_asking(end: Transient | Permanent | Denied) -> None:
    world = World()
    long_revert(world, polls=9)
    world.azure.refusals = [ended(end)]
    world.drain(30)
    assert world.azure.polls == 1
    change = only_change(world, FIREWALL)
    assert (change.outcome, change.code) == (Outcome.FAILED, end.code)
    (alert,) = world.open_alerts(FIREWALL)
    assert alert.decision.reason is Reason.FAILED
    assert end.code in alert.decision.detail
    end.is_end = False


def test_what_hinders_the_asking_is_asked_again_in_one_chain() -> None:
    world = World()
    long_revert(world, polls=2)
    world.azure.refusals = [Transient("502", status=502)] * 3
    world.drain(RECOVERY)
    assert world.azure.polls == 5
    assert only_change(world, FIREWALL).outcome is Outcome.REVERTED


@pytest.mark.field(
    "steady",
    "what a change in flight does not concern is judged meanwhile, and an exposure is told by the same clock",
    source="docs/adr/0017-a-change-is-one-value.md",
    date="2026-11-29",
)
def test_a_hole_that_is_opened_while_a_change_is_in_flight_is_told_at_first_sight() -> None:
    world = World()
    long_revert(world, polls=600)
    world.azure.put(public_server(firewall_rules=(*(DRIFTED.firewall_rules or ()), EVERYBODY)))
    world.event(DRIFTED.target)
    world.drain(5)
    (alert,) = world.open_alerts(WHOLE)
    assert alert.severity is Severity.CRITICAL
    assert alert.decision.reason is Reason.TARGET_BUSY
    assert len(world.azure.writes) == 1


def test_an_event_of_our_own_write_costs_no_reading_while_the_change_is_in_flight() -> None:
    world = World()
    target = long_revert(world, polls=3)
    world.event(target, actor=US)
    world.drain()
    assert world.azure.reads == 1


# --- half applied ----------------------------------------------------------------------------------


class RefusesTheSecond(list[Edit]):
    """Azure takes the first edit of a change and refuses the second."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world

    def append(self, edit: Edit) -> None:
        super().append(edit)
        self.world.azure.refusals = [NO_ROLE] if len(self) == 1 else []


TWICE = (ALL_AZURE, replace(ALL_AZURE, name="again"))


def half_applied(world: World) -> ChangeRecord:
    """A change of two edits of which Azure has refused the second."""
    seen_compliant(world, public_server())
    world.azure.writes = RefusesTheSecond(world)
    drift(world, public_server(firewall_rules=(OFFICE, *TWICE)), seconds=10)
    assert len(world.azure.writes) == 1
    return only_change(world, FIREWALL)


@pytest.mark.field(
    "steady",
    "a change of which a part was made says so, and exactly that part can be rolled back",
    source="docs/adr/0017-a-change-is-one-value.md",
    date="2026-11-29",
)
def test_what_was_applied_of_a_change_is_said_and_exactly_that_is_rolled_back() -> None:
    world = World()
    change = half_applied(world)
    assert (change.outcome, change.made, change.is_partly_made) == (Outcome.FAILED, 1, True)
    (alert,) = world.open_alerts(FIREWALL)
    assert "partly applied: 1 of 2 edits" in alert.decision.detail
    left = there(world)
    assert left == DRIFTED, "one of the two is gone"
    rollback = roll_back(request_for(change), world.deps())
    assert rollback is not None
    world.drain(1)
    assert list(rollback.change.edits) == world.azure.writes[1:2]
    restored = there(world)
    assert isinstance(restored, ServerSnapshot)
    assert TWICE[1] in (restored.firewall_rules or ())
    made = world.store.change(rollback.id)
    assert made is not None
    assert made.outcome is Outcome.ROLLED_BACK


def test_what_was_partly_applied_is_not_rolled_back_over_somebody_elses_write() -> None:
    world = World()
    change = half_applied(world)
    world.azure.put(public_server())
    with pytest.raises(RollbackRefused) as refusal:
        roll_back(request_for(change), world.deps())
    assert refusal.value.reason == "changed-since"


# --- written again ---------------------------------------------------------------------------------


def rewritten(world: World) -> None:
    """Somebody writes the same again while our change is on its way; the event has arrived and waits."""
    long_revert(world)
    world.clock.advance(1)
    world.azure.ignores_writes = True
    now = world.clock.now()
    again = Cause(kind=CauseKind.EVENT, time=now, actor=SOMEBODY, event_id="again")
    world.store.arm(Message(kind=MessageKind.LOOK, target=DRIFTED.target, cause=again), now, 30)
    world.drain(1)
    world.azure.ignores_writes = False


@pytest.mark.field(
    "steady",
    "a drift that is written again before our revert is verified is the first round of a fight, not a revert"
    " that Azure ignored",
    source="docs/adr/0017-a-change-is-one-value.md",
    date="2026-11-29",
)
def test_what_somebody_writes_again_during_the_verification_is_reverted_again() -> None:
    world = World()
    rewritten(world)
    first = world.store.changes()[-1]
    assert first.outcome is Outcome.CONFLICTED
    assert first.detail.startswith("made, and written again by Jane Doe")
    world.drain(120)
    assert there(world) == public_server()
    assert world.store.changes()[0].outcome is Outcome.REVERTED
    assert world.open_alerts(FIREWALL) == []


@pytest.mark.field(
    "steady",
    "A re-write whose event comes after the verdict stops no reverts: the revert was undone, not ignored",
    source="docs/adr/0017-a-change-is-one-value.md",
    date="2026-11-30",
)
def test_what_somebody_wrote_again_is_reverted_though_its_event_comes_after_the_verdict() -> None:
    world = World()
    long_revert(world)
    world.clock.advance(1)
    world.azure.ignores_writes = True
    again = Cause(kind=CauseKind.EVENT, time=world.clock.now(), actor=SOMEBODY, event_id="again")
    world.drain(5)
    world.azure.ignores_writes = False
    assert world.store.changes()[0].outcome is Outcome.INEFFECTIVE
    (alert,) = world.open_alerts(FIREWALL)
    assert alert.decision.reason is Reason.INEFFECTIVE
    look = Message(kind=MessageKind.LOOK, target=DRIFTED.target, cause=again)
    world.store.arm(look, world.clock.now(), 0)
    world.drain(30)
    assert there(world) == public_server()
    assert world.open_alerts(FIREWALL) == []


def test_a_write_after_the_verdict_or_before_ours_was_sent_excuses_no_revert_without_effect() -> None:
    world = World()
    before = world.clock.now()
    world.clock.advance(60)
    world.azure.ignores_writes = True
    long_revert(world)
    world.drain(10)
    assert world.store.changes()[0].outcome is Outcome.INEFFECTIVE
    for time in (before, world.clock.now()):
        again = Cause(kind=CauseKind.EVENT, time=time, actor=SOMEBODY, event_id=str(time))
        world.store.arm(Message(kind=MessageKind.LOOK, target=DRIFTED.target, cause=again), time, 0)
        world.drain(10)
    assert len(world.azure.writes) == 1
