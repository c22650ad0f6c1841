"""No alert outlives its finding: whoever opened it, whoever came in between, and whoever died meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import TypeVar

import pytest

from shared.alerts.lifecycle import alert_id
from shared.alerts.patterns import OF_LOOKS, OF_UNKNOWN, POISONED
from shared.controller.open_alerts import UNSURE, list_alert, may_be_open
from shared.controller.poison import poisoned
from shared.model import Cause, CauseKind, EnforcementMode, Snapshot, Target, codec
from shared.model.alert_records import AlertStatus
from shared.model.messages import look
from shared.state.store import Store
from tests.builders import ALL_AZURE, OFFICE, SERVER, public_server
from tests.controller.test_reconcile import FIREWALL, seen_compliant
from tests.fakes import START, World, only
from tests.memory import MemoryTables, TablesOver

_T = TypeVar("_T")

COMPLIANT = public_server()
DRIFTED = public_server(firewall_rules=(OFFICE, ALL_AZURE))
TARGET = COMPLIANT.target


class Died(BaseException):
    """The worker's process is gone."""


class Interrupted(TablesOver):
    """Tables before one of whose operations something happens, once."""

    def __init__(self, tables: MemoryTables, at: int, happens: Callable[[], None]) -> None:
        super().__init__(tables)
        self._left, self._happens = at, happens

    @property
    def is_over(self) -> bool:
        return self._left <= 0

    def _do(self, operation: Callable[[], _T]) -> _T:
        self._left -= 1
        if self._left == 0:
            self._happens()
        return operation()


def audited(*before: Snapshot) -> World:
    """A world in which drift is told and not reverted, with what was seen before."""
    world = World(mode=EnforcementMode.AUDIT, policies_file=only(FIREWALL))
    for snapshot in before:
        seen_compliant(world, snapshot)
        world.clock.advance(UNSURE.total_seconds())
    return world


def open_now(world: World) -> set[str]:
    alerts = world.store.alerts(limit=None)
    return {alert.policy for alert in alerts if alert.status is not AlertStatus.RESOLVED}


def listed(world: World) -> set[str]:
    return set(may_be_open(world.store.recall(TARGET, START)))


def becomes(world: World, there: Snapshot | None) -> None:
    if there is None:
        world.azure.snapshots.pop(TARGET.key, None)
    else:
        world.azure.put(there)


def met_at(number: int, world: World, first: Snapshot, then: Snapshot | None) -> bool:
    """One worker looks at ``first``; before its operation of this number it becomes ``then``, and another
    worker does all of its look. Whether there was such an operation."""

    def another_looks() -> None:
        becomes(world, then)
        world.store = Store(world.tables, world.blobs, world.queue)
        world.look(TARGET)
        world.drain()

    tables = Interrupted(world.tables, number, another_looks)
    becomes(world, first)
    world.look(TARGET)
    message = world.queue.receive()
    assert message is not None
    slow = replace(world.deps(), store=Store(tables, world.blobs, world.queue))
    world.handle(message, slow)
    world.store = Store(world.tables, world.blobs, world.queue)
    becomes(world, then)
    world.drain(5)
    world.look(TARGET)
    world.drain()
    return tables.is_over


MEETINGS = {
    "mended meanwhile": ((COMPLIANT,), DRIFTED, COMPLIANT, set[str]()),
    "drifted meanwhile": ((COMPLIANT, DRIFTED), COMPLIANT, DRIFTED, {FIREWALL}),
    "deleted meanwhile": ((COMPLIANT,), DRIFTED, None, set[str]()),
}


@pytest.mark.field(
    "steady",
    "Whichever of two workers is slower, and wherever: the next look finds no alert that nobody closes",
    source="docs/adr/0018-notifications-have-an-outbox.md",
    date="2026-11-29",
)
@pytest.mark.parametrize("meeting", sorted(MEETINGS))
def test_two_workers_leave_no_alert_that_the_next_look_does_not_end(meeting: str) -> None:
    before, first, then, expected = MEETINGS[meeting]
    number = 1
    while True:
        world = audited(*before)
        there_was = met_at(number, world, first, then)
        assert open_now(world) == expected, number
        if not there_was:
            return
        number += 1


def dies_at(number: int, world: World) -> bool:
    def dies() -> None:
        raise Died

    tables = Interrupted(world.tables, number, dies)
    world.look(TARGET)
    message = world.queue.receive()
    assert message is not None
    try:
        world.handle(message, replace(world.deps(), store=Store(tables, world.blobs, world.queue)))
    except Died:
        return True
    return False


@pytest.mark.field(
    "steady",
    "A worker that dies anywhere in a look leaves no alert that the next look does not end",
    source="docs/adr/0018-notifications-have-an-outbox.md",
    date="2026-11-29",
)
@pytest.mark.parametrize("then", [COMPLIANT, None], ids=["mended", "deleted"])
def test_whatever_a_worker_has_opened_before_it_died_is_ended_by_the_next(then: Snapshot | None) -> None:
    number, died = 1, True
    while died:
        world = audited(COMPLIANT)
        becomes(world, DRIFTED)
        died = dies_at(number, world)
        becomes(world, then)
        world.clock.advance(60)
        world.drain()
        world.look(TARGET)
        world.drain()
        assert open_now(world) == set(), number
        number += 1


def test_what_is_not_saved_is_told_to_nobody() -> None:
    world = audited(COMPLIANT)
    becomes(world, DRIFTED)
    world.look(TARGET)
    message = world.queue.receive()
    assert message is not None

    def lose() -> None:
        world.store.save(replace(world.store.recall(TARGET, START), refusals=1))

    def mend() -> None:
        lose()
        becomes(world, COMPLIANT)

    world.azure.meanwhile.append(mend)
    world.handle(message, world.deps())
    world.drain()
    assert world.store.alerts() == []
    assert world.delivered == []


def test_an_alert_is_listed_until_no_slower_worker_can_open_it() -> None:
    world = audited(COMPLIANT, DRIFTED)
    (alert,) = world.open_alerts(FIREWALL)
    assert listed(world) == {alert.id}
    becomes(world, COMPLIANT)
    for after, still in ((0, {alert.id}), (UNSURE.total_seconds(), set[str]())):
        world.clock.advance(after)
        world.look(TARGET)
        world.drain()
        assert (open_now(world), listed(world)) == (set(), still)


def test_an_alert_that_was_opened_outside_a_look_ends_with_the_next_one() -> None:
    world = audited(COMPLIANT)
    cause = Cause(kind=CauseKind.EVENT, time=START, event_id="event-1")
    poisoned(codec.dump(look(TARGET, cause)).encode(), world.deps())
    assert listed(world) == {alert_id(POISONED, TARGET, OF_LOOKS)}
    world.look(TARGET)
    world.drain()
    assert open_now(world) == set()


@pytest.mark.parametrize("there", [COMPLIANT, None], ids=["compliant", "deleted"])
def test_an_alert_of_a_policy_that_is_off_now_or_of_a_server_that_is_gone_is_over(
    there: Snapshot | None,
) -> None:
    world = audited(COMPLIANT, DRIFTED)
    assert open_now(world) == {FIREWALL}
    world.policies_file = only()
    becomes(world, there)
    world.look(TARGET)
    world.drain()
    assert open_now(world) == set()


def test_a_look_for_other_policies_ends_no_alert() -> None:
    world = audited(COMPLIANT, DRIFTED)
    becomes(world, COMPLIANT)
    world.look(TARGET, policies=("postgres-public-access-enabled",))
    world.drain()
    assert open_now(world) == {FIREWALL}


def test_a_record_that_is_older_than_its_list_still_tells_what_may_be_open() -> None:
    world = audited(COMPLIANT, DRIFTED)
    (alert,) = world.open_alerts(FIREWALL)
    world.store.save(replace(world.store.recall(TARGET, START), open_alerts=None))
    assert alert.id in listed(world)
    becomes(world, COMPLIANT)
    world.look(TARGET)
    world.drain()
    assert open_now(world) == set()


def test_an_alert_is_listed_whoever_else_writes_meanwhile() -> None:
    world = audited(COMPLIANT)
    list_alert(TARGET, "one", world.deps())
    list_alert(TARGET, "another", world.deps())
    assert listed(world) == {"one", "another"}
    record = world.store.recall(TARGET, START)
    assert record.alerts_unsure_until == world.clock.now() + UNSURE
    assert alert_id(FIREWALL, Target(kind=TARGET.kind, id=SERVER), OF_UNKNOWN) not in listed(world)
    assert timedelta(minutes=10) < UNSURE
