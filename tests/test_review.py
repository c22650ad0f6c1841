"""Bugs that a review of the core found, each with the story that showed it."""

from __future__ import annotations

from shared.errors import Gone
from shared.model import Outcome, PublicAccess, ServerState, Target
from shared.poison import poisoned
from shared.records import AlertRecord, AlertStatus, NotificationType, RunRecord, RunStatus
from tests.builders import ALL_AZURE, OFFICE, SERVER, public_server, server
from tests.fakes import World
from tests.test_reconcile import FIREWALL, PUBLIC, drift, seen_compliant
from tests.test_runs import finished, run_of

DRIFTED = public_server(firewall_rules=(OFFICE, ALL_AZURE))


def long_run(world: World, polls: int = 1) -> RunRecord:
    """An operator's run whose revert takes ``polls`` looks at its operation."""
    seen_compliant(world, public_server())
    world.azure.polls_until_done = polls
    world.azure.put(DRIFTED)
    run = run_of(world, resource=SERVER)
    assert run.status is RunStatus.IN_PROGRESS
    return run


def long_revert(world: World, polls: int = 1) -> Target:
    """A revert that an event began and that takes ``polls`` looks at its operation."""
    seen_compliant(world, public_server())
    world.azure.polls_until_done = polls
    target = world.azure.put(DRIFTED)
    world.event(target)
    world.drain()
    return target


def still_open(world: World, policy: str) -> list[AlertRecord]:
    return [a for a in world.store.alerts(policy=policy) if a.status is not AlertStatus.RESOLVED]


# --- runs that must end ----------------------------------------------------------------------------


def test_a_run_whose_server_is_deleted_during_its_change_ends() -> None:
    world = World()
    run = long_run(world)
    world.azure.snapshots.clear()
    world.drain(600)
    done = finished(world, run)
    assert done.status is RunStatus.DONE
    assert done.results[0].outcomes[FIREWALL] is Outcome.FAILED
    assert "does not exist" in done.results[0].error


def test_a_run_whose_check_failed_too_often_ends() -> None:
    world = World()
    run = long_run(world, polls=5)
    (check,) = world.queue.bodies()
    poisoned(check.encode(), world.deps())
    done = finished(world, run)
    assert done.status is RunStatus.DONE
    assert done.results[0].outcomes[FIREWALL] is Outcome.FAILED


# --- what a reading says of a change ---------------------------------------------------------------


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


def test_an_operation_that_azure_has_forgotten_is_verified_by_a_reading() -> None:
    world = World()
    long_revert(world)
    world.azure.apply(world.azure.writes[0])
    world.azure.refusals = [Gone("no such operation", code="ResourceNotFound", status=404)]
    world.drain(60)
    assert [change.outcome for change in world.store.changes()] == [Outcome.REVERTED]
    assert still_open(world, FIREWALL) == []


# --- alerts of what is unknown ---------------------------------------------------------------------


def test_the_alert_of_a_server_that_was_busy_for_an_hour_resolves_when_it_can_be_read() -> None:
    world = World(settle_seconds=60)
    seen_compliant(world, server())
    drift(world, server(state=ServerState.BUSY, state_text="Updating"), seconds=3700)
    assert len(still_open(world, PUBLIC)) == 1
    drift(world, server())
    assert still_open(world, PUBLIC) == []


def test_what_is_exempt_and_unknown_opens_no_alert() -> None:
    world = World(
        policies_file=(
            f"version: 1\nexemptions:\n- scope: {SERVER}\n  policy: {PUBLIC}\n  reason: migration\n"
            "  approver: jane\n  expires: 2027-01-01T00:00:00Z\n"
        )
    )
    for _ in range(4):
        drift(world, server(public_access=PublicAccess.UNKNOWN))
        world.clock.advance(3600)
    assert world.store.alerts(policy=PUBLIC) == []
