"""Changes when something goes wrong: refusals, dead workers, lost messages, servers that keep updating.

Whatever happens, a drift ends reverted or told, a change ends in the journal, and no write follows
after writes were switched off.
"""

from __future__ import annotations

from datetime import datetime

import pytest

from shared.controller.rollback import RollbackRefused, roll_back
from shared.controller.sweep import sweep
from shared.model import Direction, Edit, EnforcementMode, Outcome, PublicAccess, Reason, ServerState, Target
from shared.model.alert_records import NotificationType
from shared.model.change_records import ChangeRecord, Phase
from shared.model.errors import Busy, Conflict, Denied, Gone, Permanent, StoreError, Transient
from shared.model.memory import TargetRecord
from shared.model.messages import Message, MessageKind
from shared.state.store import Store
from tests.builders import ALL_AZURE, DRIFTED, OFFICE, public_server, rule, security_rule, server, subnet
from tests.controller.test_reconcile import FIREWALL, PUBLIC, drift, seen_compliant, there
from tests.controller.test_rollback import request_for, reverted_rule
from tests.fakes import START, SUBSCRIPTION, World

OPENED = server(public_access=PublicAccess.ENABLED)
UPDATING = {"state": ServerState.BUSY, "state_text": "Updating"}
BOTH_DRIFTS = server(public_access=PublicAccess.ENABLED, firewall_rules=(ALL_AZURE,))
BLOCKED_BOTH_WAYS = subnet(
    security_rule("deny-all", 200), security_rule("deny-out", 200, direction=Direction.OUTBOUND)
)
NO_ROLE = Denied("no role", code="AuthorizationFailed", status=403)
SERVER_BUSY = Busy("busy", code="ServerIsBusy", status=409)


class WorkerDied(Exception):
    """The process ended in the middle of a write."""


def long_revert(world: World, polls: int = 1) -> Target:
    """A revert that an event began and that takes ``polls`` looks at its operation."""
    seen_compliant(world, public_server())
    world.azure.polls_until_done = polls
    target = world.azure.put(DRIFTED)
    world.event(target)
    world.drain()
    return target


def half_done(world: World) -> None:
    """A change of two edits whose first is on its way."""
    seen_compliant(world, subnet())
    world.azure.polls_until_done = 1
    world.event(world.azure.put(BLOCKED_BOTH_WAYS))
    world.drain()
    assert len(world.azure.writes) == 1


def closing_that_stays_unknown(world: World) -> Target:
    """A revert of public access whose readings no longer say whether access is public."""
    seen_compliant(world, server())
    world.azure.polls_until_done = 1
    target = world.azure.put(OPENED)
    world.event(target)
    world.drain()
    world.azure.ignores_writes = True
    world.azure.put(server(public_access=PublicAccess.UNKNOWN))
    world.azure.reads = 0
    return target


def only_change(world: World, policy: str) -> ChangeRecord:
    (change,) = world.store.changes(policy=policy)
    return change


# --- nothing is written once writes are switched off -----------------------------------------------


def test_break_glass_thrown_between_two_edits_of_a_change_stops_the_second() -> None:
    world = World()
    half_done(world)
    world.store.set_break_glass(True, by="jane", reason="incident", now=START)
    world.drain(600)
    assert len(world.azure.writes) == 1


def test_audit_mode_switched_on_between_two_edits_of_a_change_stops_the_second() -> None:
    world = World()
    half_done(world)
    world.mode = EnforcementMode.AUDIT
    world.drain(600)
    assert len(world.azure.writes) == 1


# --- a drift beside one that cannot be reverted ----------------------------------------------------


def test_a_second_drift_is_reverted_when_the_revert_of_the_first_is_refused() -> None:
    world = World()
    seen_compliant(world, server())
    world.azure.refusals = [NO_ROLE]
    drift(world, BOTH_DRIFTS, seconds=600)
    assert only_change(world, FIREWALL).outcome is Outcome.FAILED
    assert len(world.open_alerts(FIREWALL)) == 1
    assert only_change(world, PUBLIC).outcome is Outcome.REVERTED


def test_a_second_drift_does_not_wait_for_ever_behind_one_whose_revert_is_always_refused() -> None:
    world = World()
    seen_compliant(world, server())
    world.azure.refusals = [NO_ROLE] * 100
    drift(world, BOTH_DRIFTS, seconds=600)
    for _ in range(24):
        world.clock.advance(3600)
        sweep(world.deps())
        world.drain(60)
    assert [alert.decision.reason for alert in world.open_alerts(PUBLIC)] == [Reason.FAILED]


def test_a_rule_that_still_settles_goes_before_public_access_all_the_same() -> None:
    world = World(
        policies_file=(
            f"version: 1\npolicies:\n  {FIREWALL}: {{settleSeconds: 60}}\n  {PUBLIC}: {{settleSeconds: 0}}\n"
        )
    )
    seen_compliant(world, server())
    drift(world, BOTH_DRIFTS, seconds=300)
    assert [edit.kind for edit in world.azure.writes] == ["deleteFirewallRule", "setPublicAccess"]


def test_an_event_that_came_during_a_change_which_then_failed_has_a_reading_of_its_own() -> None:
    world = World()
    target = long_revert(world, polls=3)
    reads = world.azure.reads
    world.event(target)
    world.drain()
    world.azure.refusals = [Denied("policy", code="RequestDisallowedByPolicy", status=403)]
    world.drain(600)
    assert world.azure.reads > reads


# --- dead workers and lost messages ----------------------------------------------------------------


def test_a_worker_that_dies_between_claim_and_write_leaves_the_drift_to_the_next_one() -> None:
    world = World()
    seen_compliant(world, public_server())
    world.azure.refusals = [WorkerDied()]
    world.event(world.azure.put(DRIFTED))
    with pytest.raises(WorkerDied):
        world.drain()
    world.drain(30 * 60)
    assert there(world) == public_server()


def test_a_change_whose_check_could_not_be_queued_is_followed_all_the_same() -> None:
    world = World()
    seen_compliant(world, public_server())
    world.azure.polls_until_done = 1
    world.refuse_next(MessageKind.CHECK)
    world.event(world.azure.put(DRIFTED))
    with pytest.raises(StoreError):
        world.drain()
    world.drain(30 * 60)
    assert only_change(world, FIREWALL).outcome is Outcome.REVERTED


def test_a_change_that_was_given_up_while_the_queue_was_down_is_made_again() -> None:
    world = World()
    long_revert(world)
    world.refuse_next(MessageKind.RECHECK)
    world.azure.refusals = [Conflict("superseded", code="CanceledAndSupersededDueToAnotherOperation")]
    with pytest.raises(StoreError):
        world.drain(30)
    world.drain(30 * 60)
    assert there(world) == public_server()


def test_a_change_whose_worker_died_after_azure_took_it_is_reverted_and_told() -> None:
    world = World()
    target = long_revert(world)
    world.lose_messages()
    world.azure.apply(world.azure.writes[0])
    world.clock.advance(11 * 60)
    world.event(target)
    world.drain(60)
    assert [change.outcome for change in world.store.changes()] == [Outcome.REVERTED]
    assert NotificationType.CHANGE_APPLIED in {n.type for n in world.delivered}


def test_an_operation_longer_than_the_lease_is_not_begun_twice() -> None:
    world = World()
    target = long_revert(world, polls=450)  # two seconds each: a quarter of an hour
    world.drain(11 * 60)
    world.event(target, operation_name="Microsoft.Resources/tags/write")
    world.drain(20 * 60)
    assert len(world.azure.writes) == 1
    assert only_change(world, FIREWALL).outcome is Outcome.REVERTED


# --- what a reading says of a change ---------------------------------------------------------------


def test_an_operation_that_azure_has_forgotten_is_verified_by_a_reading() -> None:
    world = World()
    long_revert(world)
    world.azure.apply(world.azure.writes[0])
    world.azure.refusals = [Gone("no such operation", code="ResourceNotFound", status=404)]
    world.drain(60)
    assert [change.outcome for change in world.store.changes()] == [Outcome.REVERTED]
    assert world.open_alerts(FIREWALL) == []


def test_a_change_whose_verification_cannot_be_read_ends_as_failed() -> None:
    world = World()
    long_revert(world)
    world.azure.read_errors = [Permanent("odd answer", code="MalformedAnswer")]
    world.drain(600)
    assert world.store.changes()[-1].outcome is Outcome.FAILED
    assert there(world) == public_server()


def test_a_revert_read_while_the_server_is_updating_is_not_called_ineffective() -> None:
    world = World()
    seen_compliant(world, server())
    world.azure.ignores_writes = True
    target = world.azure.put(OPENED)
    updating = server(public_access=PublicAccess.ENABLED, **UPDATING)
    world.azure.meanwhile = [lambda: world.azure.put(updating)]
    world.event(target)
    world.drain()
    world.azure.put(server())
    world.drain(120)
    assert only_change(world, PUBLIC).outcome is Outcome.REVERTED


def test_a_revert_read_while_the_server_is_updating_is_not_called_reverted() -> None:
    world = World()
    seen_compliant(world, server())
    target = world.azure.put(OPENED)
    world.azure.ignores_writes = True
    world.azure.meanwhile = [lambda: world.azure.put(server(**UPDATING))]
    world.event(target)
    world.drain()
    assert only_change(world, PUBLIC).outcome is Outcome.IN_PROGRESS


def test_a_verification_that_stays_unknown_is_asked_less_and_less_often() -> None:
    world = World()
    closing_that_stays_unknown(world)
    world.drain(30 * 60)
    assert 5 < world.azure.reads < 100


def test_events_during_an_endless_verification_add_no_second_chain_of_checks() -> None:
    world = World()
    target = closing_that_stays_unknown(world)
    world.drain(11 * 60)
    for _ in range(5):
        world.event(target)
        world.drain(1)
    messages = [world.store.read_message(body) for body in world.queue.bodies()]
    change = world.store.recall(target, world.clock.now()).change
    assert change is not None
    good = [message.kind for message in messages if message.token == change.watch]
    assert good == [MessageKind.CHECK] * 2  # the next one, and the one that stands in for it


def test_the_change_of_a_server_that_was_deleted_meanwhile_ends_in_the_journal() -> None:
    world = World()
    long_revert(world)
    world.azure.snapshots.clear()
    world.drain(600)
    change = only_change(world, FIREWALL)
    assert (change.outcome, change.detail) == (Outcome.FAILED, "the resource was deleted")


# --- rollback --------------------------------------------------------------------------------------


def test_a_rollback_read_while_the_server_is_updating_is_not_called_ineffective() -> None:
    world = World()
    original = reverted_rule(world)
    world.azure.ignores_writes = True
    roll_back(request_for(original), world.deps())
    world.azure.put(public_server(**UPDATING))
    world.drain(1)
    world.azure.put(DRIFTED)
    world.drain(60)
    assert world.store.changes()[0].outcome is Outcome.ROLLED_BACK


def test_a_rollback_that_azure_refused_as_busy_can_be_asked_for_again() -> None:
    world = World()
    original = reverted_rule(world)
    world.azure.refusals = [SERVER_BUSY]
    roll_back(request_for(original), world.deps())
    world.drain(30)
    assert there(world) == public_server()
    roll_back(request_for(original), world.deps())
    world.drain(30)
    assert there(world) == DRIFTED


def test_a_rollback_that_azure_refused_leaves_no_exemption_behind() -> None:
    world = World()
    original = reverted_rule(world)
    world.azure.refusals = [NO_ROLE]
    roll_back(request_for(original), world.deps())
    world.drain(30)
    drift(world, public_server(firewall_rules=(OFFICE, rule("other", "0.0.0.0"))), seconds=300)
    assert there(world) == public_server()


def test_a_rollback_writes_nothing_while_the_server_is_updating() -> None:
    world = World()
    original = reverted_rule(world)
    world.azure.put(public_server(**UPDATING))
    with pytest.raises(RollbackRefused) as refusal:
        roll_back(request_for(original), world.deps())
    assert refusal.value.reason == Reason.TARGET_BUSY
    assert len(world.azure.writes) == 1


class InterferingStore(Store):
    """Somebody else writes the target's memory just before the end of a refused change is saved."""

    interferences = 1

    def save(self, record: TargetRecord) -> TargetRecord:
        self._interfere(record)
        return super().save(record)

    def give_back(self, record: TargetRecord, change: ChangeRecord, now: datetime) -> TargetRecord:
        self._interfere(record)
        return super().give_back(record, change, now)

    def _interfere(self, record: TargetRecord) -> None:
        if record.change is not None and record.change.phase is Phase.ENDED and self.interferences:
            self.interferences -= 1
            super().save(self.recall(record.target, record.first_seen))


@pytest.mark.parametrize(("refusal", "writes"), [(NO_ROLE, 0), (SERVER_BUSY, 1)])
def test_how_a_refused_change_ended_is_noted_though_somebody_else_writes_meanwhile(
    refusal: Exception, writes: int
) -> None:
    world = World()
    seen_compliant(world, public_server())
    world.store = store = InterferingStore(world.tables, world.blobs, world.queue)
    world.azure.refusals = [refusal]
    drift(world, DRIFTED)
    record = world.store.recall(DRIFTED.target, world.clock.now())
    assert store.interferences == 0
    assert len(world.azure.writes) == writes
    assert len(record.attempts) == 1
    assert (record.active_change, record.refusals) == (None, 0)
    assert world.store.budget(SUBSCRIPTION, world.clock.now()).used == 1


# --- writes without an answer ----------------------------------------------------------------------


class TakenWithoutAnswer(list[Edit]):
    """Azure takes the write, and the answer is lost."""

    def __init__(self, world: World, error: Exception) -> None:
        super().__init__()
        self.world = world
        self.error = error

    def append(self, edit: Edit) -> None:
        super().append(edit)
        self.world.azure.apply(edit)
        raise self.error


def test_a_write_whose_answer_was_lost_is_verified_and_told_as_ours() -> None:
    world = World()
    seen_compliant(world, public_server())
    world.azure.writes = TakenWithoutAnswer(world, Transient("timed out", status=0))
    drift(world, DRIFTED)
    (change,) = world.store.changes()
    assert change.outcome is Outcome.REVERTED
    assert NotificationType.CHANGE_APPLIED in {n.type for n in world.delivered}


def test_a_write_after_which_the_worker_died_is_told_as_ours() -> None:
    world = World()
    seen_compliant(world, public_server())
    world.azure.writes = TakenWithoutAnswer(world, WorkerDied())
    world.event(world.azure.put(DRIFTED))
    with pytest.raises(WorkerDied):
        world.drain()
    world.drain(30 * 60)
    assert [change.outcome for change in world.store.changes()] == [Outcome.REVERTED]


def test_a_write_that_never_reached_azure_is_sent_again_on_a_new_reading() -> None:
    world = World()
    seen_compliant(world, public_server())
    world.azure.refusals = [Transient("connection reset", status=0)]
    drift(world, DRIFTED)
    assert there(world) == public_server()
    assert [change.outcome for change in world.store.changes()] == [Outcome.REVERTED, Outcome.CONFLICTED]


def test_a_rule_that_somebody_deleted_first_is_not_claimed_as_our_work() -> None:
    world = World()
    seen_compliant(world, public_server())
    world.azure.refusals = [Gone("no such rule", code="ResourceNotFound", status=404)]
    target = world.azure.put(DRIFTED)
    world.azure.meanwhile = [lambda: world.azure.put(public_server())]
    world.event(target)
    world.drain(60)
    assert [change.outcome for change in world.store.changes()] == [Outcome.ALREADY_COMPLIANT]


def test_a_check_with_a_forged_token_is_dropped_however_long_it_is() -> None:
    world = World()
    target = long_revert(world)
    change = world.store.changes()[0]
    for token in ("9" * 5000, f"{'9' * 5000}-id", f"{2**53}-id"):
        forged = Message(
            kind=MessageKind.CHECK, target=target, cause=change.cause, change_id=change.id, token=token
        )
        world.store.send(forged)
    world.drain(120)
    assert only_change(world, FIREWALL).outcome is Outcome.REVERTED
