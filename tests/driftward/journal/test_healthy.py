"""A journal that nobody touched is quiet: after any history, any death of a worker, while it is written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftward.journal.asking import Asked, verify
from shared.controller.journaling import ENFORCING, KEYS_WRITE
from shared.controller.rollback import RollbackRefused, roll_back
from shared.controller.runs import EnforcementDisabled
from shared.controller.sweep import sweep
from shared.model import EnforcementMode, Outcome, PublicAccess
from shared.model.errors import Busy, Denied, Gone
from shared.model.interfaces import TableWrite
from shared.model.memory import TargetRecord
from shared.state.store import Store
from tests.builders import ALL_AZURE, DRIFTED, OFFICE, SERVER, public_server, security_rule, server, subnet
from tests.controller.test_reconcile import seen_compliant, there
from tests.controller.test_rollback import request_for
from tests.driftward.journal.worlds import (
    anchored_world,
    checked,
    faults,
    let_all_azure_in,
    reopen,
    world_with_a_change,
)
from tests.fakes import START, World
from tests.memory import MemoryTables
from tests.profiles import examples


class WorkerDied(Exception):
    """The process ended in the middle of a write."""


def test_a_change_with_its_rollback_holds_and_says_how_much_was_checked() -> None:
    world = world_with_a_change()
    roll_back(request_for(world.store.changes()[0], hours=48), world.deps())
    world.drain(60)
    verified = checked(world)
    assert (verified.findings.faults, verified.findings.unknown, verified.findings.notes) == ((), (), ())
    assert (verified.chains, verified.links, verified.changes) == (2, 3 + 5, 2)


def test_a_look_that_writes_nothing_appends_nothing() -> None:
    world = anchored_world()
    seen_compliant(world, public_server())
    before = checked(world).links
    for _ in range(3):
        world.event(public_server().target)
        world.drain(60)
    assert checked(world).links == before


def test_what_is_on_its_way_is_no_fault() -> None:
    world = anchored_world()
    world.azure.polls_until_done = 20
    reopen(world)
    assert verify(world.store.evidence, Asked(), world.clock.now()).findings.faults == ()


def test_a_target_that_is_gone_keeps_its_chain_and_one_of_its_name_goes_on_with_it() -> None:
    world = world_with_a_change()
    held = world.azure.snapshots.pop(SERVER.key)
    world.event(held.target)
    world.drain(60)
    assert faults(world) == set()
    world.azure.put(held)
    reopen(world)
    numbers = [entry.sequence for entry in world.store.journal.entries(held.target)]
    assert numbers == [1, 2, 3, 4]
    assert faults(world) == set()


def test_a_change_whose_target_is_deleted_meanwhile_ends_in_the_chain() -> None:
    world = anchored_world()
    seen_compliant(world, public_server())
    world.azure.polls_until_done = 1
    target = world.azure.put(DRIFTED)
    world.event(target)
    world.drain()
    del world.azure.snapshots[SERVER.key]
    world.drain(60)
    kinds = [entry.link().kind for entry in world.store.journal.entries(target)]
    assert kinds == ["changeClaimed", "changeEnded"]
    assert faults(world) == set()


def test_refused_writes_end_in_the_chain() -> None:
    for error in (Busy("busy", code="ServerIsBusy", status=409), Denied("no", code="No", status=403)):
        world = anchored_world()
        world.azure.refusals = [error]
        reopen(world)
        assert faults(world) == set()


# --- switches --------------------------------------------------------------------------------------


def switches(world: World) -> list[tuple[str, str]]:
    entries = world.store.journal.read("journal", "switches")
    told = [(link.kind, str(link.what.get("switch"))) for link in (entry.link() for entry in entries)]
    return [(kind, name) for kind, name in told if "setting" not in name and kind != "journalBegun"]


def test_a_switch_is_entered_when_a_look_or_the_sweep_first_sees_it_on_and_when_it_is_off_again() -> None:
    world = anchored_world()
    world.store.set_break_glass(True, by="jane", reason="incident 4711", now=START)
    let_all_azure_in(world)
    assert switches(world) == [("switchOn", "break-glass")], "the look that it stopped has seen it"
    let_all_azure_in(world)
    world.store.set_break_glass(False, by="jane", reason="over", now=START)
    sweep(world.deps())
    sweep(world.deps())
    assert switches(world) == [("switchOn", "break-glass"), ("switchOff", "break-glass")]
    link = next(
        entry.link()
        for entry in world.store.journal.read("journal", "switches")
        if entry.link().what.get("switch") == "break-glass"
    )
    assert "incident 4711" in str(world.blobs.get("snapshots", link.blobs["note"]))
    assert faults(world) == set()


def test_that_the_app_enforces_is_a_switch_too() -> None:
    world = World(mode=EnforcementMode.AUDIT)
    sweep(world.deps())
    world.mode = EnforcementMode.ENFORCE
    sweep(world.deps())
    world.mode = EnforcementMode.AUDIT
    sweep(world.deps())
    links = [entry.link() for entry in world.store.journal.read("journal", "switches")]
    assert [link.kind for link in links if link.what.get("switch") == ENFORCING] == ["switchOn", "switchOff"]
    assert KEYS_WRITE in {link.what.get("switch") for link in links}


# --- anchors ---------------------------------------------------------------------------------------


def test_chains_are_anchored_at_most_hourly_and_only_when_one_has_grown() -> None:
    world = world_with_a_change()
    assert len(list(world.blobs.names("journal"))) == 2
    for _ in range(5):
        world.clock.advance(3700)
        sweep(world.deps())
    assert len(list(world.blobs.names("journal"))) == 2
    reopen(world)
    sweep(world.deps())
    sweep(world.deps())
    assert len(list(world.blobs.names("journal"))) == 3


# --- deaths ----------------------------------------------------------------------------------------


@dataclass
class Mortal(MemoryTables):
    """Tables during whose write of this number the worker dies: before it is applied, or just after."""

    dies_at: int
    applied: bool
    written: int = field(default=0)

    def __post_init__(self) -> None:
        super().__init__()

    def write(self, table: str, *writes: TableWrite) -> tuple[str, ...]:
        self.written += 1
        if self.written != self.dies_at:
            return super().write(table, *writes)
        if self.applied:
            super().write(table, *writes)
        raise WorkerDied


def patiently(world: World, do: Callable[[], object]) -> None:
    """Until it is done: a worker that dies leaves its message to the next."""
    for _ in range(3):
        try:
            do()
        except WorkerDied:
            world.clock.advance(60)
        else:
            return


def lived_through(dies_at: int, *, applied: bool) -> tuple[World, int]:
    """A drift, its revert and a rollback, with one death; and how many writes there were."""
    world = anchored_world()
    tables = Mortal(dies_at=0, applied=applied)
    tables.take(world.tables)
    world.tables, world.store = tables, Store(tables, world.blobs, world.queue)
    seen_compliant(world, public_server())
    tables.written, tables.dies_at = 0, dies_at
    world.event(world.azure.put(public_server(firewall_rules=(OFFICE, ALL_AZURE))))
    for wait in (0, 700, 700):
        world.clock.advance(wait)
        patiently(world, lambda: world.drain(70))
    return world, tables.written


@pytest.mark.long
@pytest.mark.parametrize("applied", [False, True])
def test_wherever_a_worker_dies_the_chain_is_healed(applied: bool) -> None:
    _, writes = lived_through(0, applied=applied)
    assert writes > 8
    for number in range(2, writes + 1):
        world, _ = lived_through(number, applied=applied)
        assert there(world) == public_server()
        assert checked(world).findings.faults == (), f"dead at write {number}"


def test_a_claim_whose_worker_died_before_anything_was_sent_is_gone_on_with() -> None:
    """Claim, link and the change itself are one write: nobody has to guess afterwards what was claimed."""
    for number in range(2, 8):
        world, _ = lived_through(number, applied=False)
        findings = checked(world).findings
        assert findings.faults == ()
        assert not any("changeLapsed" in one for one in findings.notes)


def test_an_end_that_its_worker_could_not_enter_is_entered_by_the_next() -> None:
    world = anchored_world()
    seen_compliant(world, public_server())
    world.azure.refusals = [Denied("no", code="No", status=403)]
    died: list[TargetRecord] = []
    save = world.store.save

    def dying(record: TargetRecord) -> TargetRecord:
        if record.deeds and not died:
            died.append(record)
            raise WorkerDied
        return save(record)

    world.store.save = dying  # type: ignore[method-assign]
    world.event(world.azure.put(DRIFTED))
    for _ in range(2):
        patiently(world, lambda: world.drain(90))
    assert died
    verified = checked(world)
    assert verified.findings.faults == ()
    assert Outcome.IN_PROGRESS not in {one.outcome for one in world.store.changes()}


# --- any history -----------------------------------------------------------------------------------


def opened(world: World) -> None:
    world.event(world.azure.put(public_server(firewall_rules=(OFFICE, ALL_AZURE))))


def made_public(world: World) -> None:
    world.event(world.azure.put(server(public_access=PublicAccess.ENABLED)))


def denied(world: World) -> None:
    world.event(world.azure.put(subnet(security_rule("deny-all", 200))))


def refused(world: World) -> None:
    world.azure.refusals.append(Busy("busy", code="ServerIsBusy", status=409))


def slow_or_fast(world: World) -> None:
    world.azure.polls_until_done = 3 - world.azure.polls_until_done


def audited_or_enforced(world: World) -> None:
    audits = world.mode is EnforcementMode.AUDIT
    world.mode = EnforcementMode.ENFORCE if audits else EnforcementMode.AUDIT


def glass_broken_or_mended(world: World) -> None:
    on = world.store.break_glass("any", ())
    world.store.set_break_glass(not on, by="jane", reason="a try", now=world.clock.now())


def deleted(world: World) -> None:
    world.azure.snapshots.pop(SERVER.key, None)


def an_hour_later(world: World) -> None:
    world.clock.advance(4000)


def swept(world: World) -> None:
    sweep(world.deps())


def rolled_back(world: World) -> None:
    for change in world.store.changes(limit=1):
        with suppress(RollbackRefused, EnforcementDisabled, Busy, Gone):
            roll_back(request_for(change, hours=200), world.deps())


STEPS = (
    opened,
    made_public,
    denied,
    refused,
    slow_or_fast,
    rolled_back,
    audited_or_enforced,
    glass_broken_or_mended,
    deleted,
    an_hour_later,
    swept,
)
HISTORIES = st.lists(st.sampled_from(STEPS), min_size=5, max_size=12)


def holds_after(steps: Sequence[Callable[[World], None]]) -> None:
    world = anchored_world()
    seen_compliant(world, public_server())
    seen_compliant(world, subnet())
    for step in steps:
        step(world)
        world.drain(30)
    world.clock.advance(700)
    world.drain(60)
    assert checked(world).findings.faults == ()


@examples(3)
@given(HISTORIES)
def test_after_any_history_a_journal_that_nobody_touched_holds(
    steps: Sequence[Callable[[World], None]],
) -> None:
    holds_after(steps)


@pytest.mark.long
@examples(200)
@given(HISTORIES)
def test_after_any_of_many_histories_a_journal_that_nobody_touched_holds(
    steps: Sequence[Callable[[World], None]],
) -> None:
    holds_after(steps)
