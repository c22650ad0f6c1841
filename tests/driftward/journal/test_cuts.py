"""What is old goes from the front of chains, with its changes; what is cut off otherwise is found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from shared.controller.retiring import retire_what_is_old
from shared.controller.rollback import roll_back
from shared.model import codec
from shared.model.chain import FaultKind, Head, Link, after, hash_of
from shared.model.change_records import Phase
from shared.model.cuts import Cut
from shared.model.deeds import Deed, DeedKind
from shared.model.happened import chain_cut
from shared.model.interfaces import Entity, Insert
from shared.model.retention import Stage, Terms
from shared.state.store import Store
from tests.controller.test_rollback import request_for
from tests.driftward.journal.test_tampering import approved_change
from tests.driftward.journal.worlds import (
    CHAIN,
    anchor,
    anchored_world,
    checked,
    edit_change,
    edited,
    faults,
    links,
    overwrite,
    remove,
    reopen,
    rows,
    world_with_a_change,
)
from tests.fakes import World
from tests.steady.tape import Breaks, Fault, Killed, Tape

DAY = 86_400.0
KEPT = timedelta(days=400)
_STEPS = 14
"""A pass over so small a store, and some to spare."""


def retire(world: World) -> None:
    for _ in range(_STEPS):
        retire_what_is_old(world.deps())


def aged_world(days: float = 401) -> World:
    world = world_with_a_change()
    world.clock.advance(days * DAY)
    return world


def retired_world() -> World:
    world = aged_world()
    retire(world)
    return world


def told(world: World) -> list[Link]:
    return [entry.link() for entry in world.store.journal.entries(world.azure.snapshots[CHAIN].target)]


def kinds(world: World) -> list[str]:
    return [link.kind for link in told(world)]


@pytest.mark.field(
    "steady",
    "What is older than the retention goes from the journal, and the journal still proves itself.",
    source="docs/adr/0023-what-is-old-goes.md",
    date="2026-11-30",
)
def test_what_is_old_goes_with_its_change_and_the_journal_still_holds() -> None:
    world = retired_world()
    assert kinds(world) == ["chainCut"]
    assert rows(world, "changes", "") == []
    verified = checked(world, kept=KEPT)
    assert (verified.findings.faults, verified.findings.unknown) == ((), ())
    assert verified.cut_off == 2
    reopen(world)
    anchor(world)
    assert kinds(world) == ["chainCut", "changeClaimed", "changeEnded"]
    assert faults(world, kept=KEPT) == set()


def test_a_chain_is_cut_again_and_again_and_one_of_a_cut_alone_is_left() -> None:
    world = retired_world()
    reopen(world)
    anchor(world)
    world.clock.advance(402 * DAY)
    retire(world)
    assert kinds(world) == ["chainCut"]
    world.clock.advance(402 * DAY)
    anchor(world)
    retire(world)
    assert [link.sequence for link in told(world)] == [6]
    assert faults(world, kept=KEPT) == set()


def test_nothing_goes_before_its_time_or_where_everything_is_kept() -> None:
    world = aged_world(days=399)
    retire(world)
    assert kinds(world) == ["changeClaimed", "changeEnded"]
    world.clock.advance(600 * DAY)
    world.policies_file = "version: 1\nretentionDays: 0\n"
    retire(world)
    assert kinds(world) == ["changeClaimed", "changeEnded"]
    assert len(world.store.changes()) == 1


def test_what_no_anchor_of_that_age_has_seen_stays() -> None:
    """Nobody could tell afterwards that it was old enough."""
    world = anchored_world()
    reopen(world)
    world.clock.advance(401 * DAY)
    anchor(world)
    retire(world)
    assert kinds(world) == ["changeClaimed", "changeEnded"]
    world.clock.advance(401 * DAY)
    retire(world)
    assert kinds(world) == ["chainCut"]
    assert faults(world, kept=KEPT) == set()


def test_an_approval_goes_with_the_change_that_it_opened() -> None:
    world = anchored_world()
    approved_change(world)
    anchor(world)
    assert "approvalGiven" in kinds(world)
    world.clock.advance(401 * DAY)
    retire(world)
    assert kinds(world) == ["chainCut"]
    assert faults(world, kept=KEPT) == set()


def test_a_change_whose_rollback_exempts_still_stays_and_goes_when_that_is_over() -> None:
    world = world_with_a_change()
    roll_back(request_for(world.store.changes()[0], hours=24 * 500), world.deps())
    world.drain(60)
    assert len(world.store.changes()) == 2
    anchor(world)
    before = kinds(world)
    world.clock.advance(450 * DAY)
    retire(world)
    assert kinds(world) == before
    assert len(world.store.changes()) == 2
    world.clock.advance(100 * DAY)
    target = world.azure.snapshots[CHAIN].target
    record = world.store.recall(target, world.clock.now())
    world.store.save(replace(record, exemptions=()))
    retire(world)
    assert kinds(world) == ["chainCut"]
    assert world.store.changes() == []
    assert faults(world, kept=KEPT) == set()


@pytest.mark.parametrize(
    "meddled",
    [
        lambda world: remove(world, links(world)[0]),
        lambda world: overwrite(world, "targets", links(world)[0], edited(links(world)[0], "Jane", "Joan")),
        lambda world: edit_change(world, lambda held: replace(held, fingerprint="another drift")),
        lambda world: edit_change(world, lambda held: replace(held, phase=Phase.SENT)),
        lambda world: [
            world.tables.delete("changes", row.partition, row.row) for row in rows(world, "changes", "n-")
        ],
    ],
    ids=["link removed", "link changed", "change changed", "change in flight", "change removed"],
)
def test_what_shows_that_somebody_meddled_is_never_cleared_away(meddled: Callable[[World], object]) -> None:
    world = aged_world()
    meddled(world)
    before = (rows(world, "targets", "j-"), rows(world, "changes", ""), faults(world, kept=KEPT))
    retire(world)
    assert (rows(world, "targets", "j-"), rows(world, "changes", ""), faults(world, kept=KEPT)) == before


def test_what_cannot_be_read_holds_up_no_other_chain() -> None:
    world = aged_world()
    (row,) = rows(world, "changes", "n-")
    overwrite(world, "changes", row, {**row.properties, "json0": "{"})
    retire(world)
    assert kinds(world) == ["changeClaimed", "changeEnded"]
    assert world.store.retention.step(Terms(now=world.clock.now(), kept=KEPT)) == (Stage.OVER, 0)


# --- deaths ----------------------------------------------------------------------------------------


def taped(world: World, tape: Tape) -> None:
    """The world's store over tables and blobs of its own, whose writes are taped."""
    world.tables, world.blobs = world.tables.copy(), world.blobs.copy()
    tape.around("tables", world.tables, ("write", "delete", "remove"))
    tape.around("blobs", world.blobs, ("put", "delete"))
    world.store = Store(world.tables, world.blobs, world.queue)
    tape.on = True


def left(world: World) -> list[tuple[str, str]]:
    tables = ("targets", "changes", "alerts", "runs", "marks")
    return [(table, row.row) for table in tables for row in rows(world, table, "") if "p-" not in row.row]


def test_wherever_a_worker_dies_the_journal_holds_and_the_next_one_ends_the_work() -> None:
    world, clean = aged_world(), Tape()
    tables, blobs = world.tables, world.blobs
    taped(world, clean)
    retire(world)
    whole, count = left(world), len(clean.operations)
    assert count > 8
    for breaks in (Breaks.KILLED, Breaks.LOST):
        for at in range(1, count + 1):
            tape = Tape(fault=Fault(at=at, breaks=breaks))
            world.tables, world.blobs = tables, blobs
            taped(world, tape)
            with pytest.raises((Killed, Exception)):
                retire(world)
            tape.on = False
            assert faults(world, kept=KEPT) == set(), f"{breaks} at {tape.operations[-1].name}"
            retire(world)
            assert left(world) == whole, f"{breaks} at {tape.operations[-1].name}"
            assert faults(world, kept=KEPT) == set()


def test_a_claim_that_came_between_reading_and_cutting_keeps_what_it_is_about(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = aged_world()
    append = world.store.retention._journal.append_behind

    def late(*of: Any) -> None:
        if len(world.store.changes()) == 1:
            roll_back(request_for(world.store.changes()[0], hours=48), world.deps())
        append(*of)

    with monkeypatch.context() as patch:
        patch.setattr(world.store.retention._journal, "append_behind", late)
        retire(world)
    world.drain(60)
    assert "chainCut" not in kinds(world)
    rolled_back = next(one.rollback_of for one in world.store.changes() if one.rollback_of)
    assert world.store.change(rolled_back) is not None
    assert faults(world, kept=KEPT) == set()


# --- forged cuts -----------------------------------------------------------------------------------


def forge(world: World, until: datetime, time: datetime, sequence: int = 2, hash_: str = "") -> None:
    """Somebody who knows how it is done cuts off what shows their change, and removes it."""
    entries = world.store.journal.entries(world.azure.snapshots[CHAIN].target)
    last = entries[-1]
    cut = Cut(sequence=sequence, hash=hash_ or entries[sequence - 1].hash, until=until)
    deed = chain_cut(cut, time, count=sequence, kept_days=400, anchor="0" * 64)
    enter(world, deed, last.sequence, last.hash)
    remove(world, *links(world)[:sequence])
    for row in rows(world, "changes", ""):
        world.tables.delete("changes", row.partition, row.row)


def enter(world: World, deed: Deed, sequence: int, before: str) -> None:
    newest = world.store.journal.newest(links(world)[0].partition, CHAIN)
    assert newest is not None
    assert newest.head == Head(chain=CHAIN, sequence=sequence, hash=before)
    world.store.journal.append_behind(links(world)[0].partition, newest, deed)


def test_a_cut_of_what_is_young_is_found_whatever_times_it_names() -> None:
    for until, time in ((-401, 0), (-50, 0), (0, 401), (-401, -1), (-1000, 0)):
        world = world_with_a_change()
        now = world.clock.now()
        forge(world, now + timedelta(days=until), now + timedelta(days=time))
        found = faults(world, kept=KEPT)
        assert FaultKind.CUT_FORGED in found, f"until {until}, entered {time}"
        assert FaultKind.LINK_MISSING in found


def test_a_cut_that_an_older_anchor_does_not_bear_out_is_found() -> None:
    """The second change is young; the anchor of the first is old enough."""
    world = aged_world()
    world.policies_file = "version: 1\nretentionDays: 0\n"
    reopen(world)
    anchor(world)
    until = world.clock.now() - timedelta(days=400, hours=12)
    forge(world, until, world.clock.now(), sequence=4)
    assert {FaultKind.CUT_FORGED, FaultKind.LINK_MISSING} <= faults(world, kept=KEPT)


def test_a_cut_in_another_history_than_the_anchors_is_found() -> None:
    world = aged_world()
    until = world.clock.now() - timedelta(days=400, hours=12)
    forge(world, until, world.clock.now(), hash_="1" * 64)
    assert FaultKind.CUT_FORGED in faults(world, kept=KEPT)


def test_an_anchor_that_was_made_to_vouch_for_a_cut_is_found() -> None:
    """It is put behind the newest one, and dated long before it."""
    world = world_with_a_change()
    newest = world.store.journal.newest_anchor()
    assert newest is not None
    held = world.store.journal.anchored(newest)
    assert held is not None
    long_ago = world.clock.now() - timedelta(days=500)
    forged = replace(held, sequence=held.sequence + 1, previous=newest.hash, time=long_ago)
    world.store.journal.put_anchor(forged, newest)
    forge(world, long_ago, world.clock.now())
    assert {FaultKind.CUT_FORGED, FaultKind.ANCHOR_CHANGED} <= faults(world, kept=KEPT)


def test_what_is_cut_off_earlier_than_it_is_to_be_kept_is_found_unless_that_was_shorter_then() -> None:
    world = aged_world(days=200)
    forge(world, world.clock.now() - timedelta(days=150), world.clock.now())
    assert faults(world, kept=KEPT) == {FaultKind.CUT_FORGED}
    assert faults(world, kept=timedelta(days=120)) == set()
    (unknown,) = checked(world).findings.unknown
    assert "--retention" in unknown


def test_a_cut_that_dates_itself_ahead_makes_nothing_older() -> None:
    world = aged_world(days=200)
    now = world.clock.now()
    forge(world, now - timedelta(days=150), now + timedelta(days=300))
    assert faults(world, kept=KEPT) == {FaultKind.CUT_FORGED}


def test_after_a_cut_whatever_is_missing_or_changed_is_found_as_ever() -> None:
    world = retired_world()
    reopen(world)
    reopen(world)
    anchor(world)
    assert faults(world, kept=KEPT) == set()
    cut, first, second, *_ = links(world)
    for row in (cut, first, second):
        world.tables.delete("targets", row.partition, row.row)
        assert faults(world, kept=KEPT), row.row
        world.tables.write("targets", put_back(row))
    first = links(world)[1]
    overwrite(world, "targets", first, edited(first, '"kind":"changeClaimed"', '"kind":"changeEnded"'))
    assert FaultKind.LINK_CHANGED in faults(world, kept=KEPT)


def put_back(row: Entity) -> Insert:
    return Insert(partition=row.partition, row=row.row, properties=row.properties)


def test_the_first_link_behind_a_cut_continues_what_was_cut_off() -> None:
    world = aged_world()
    retire(world)
    (cut,) = told(world)
    forged = replace(cut, previous="1" * 64)
    row = links(world)[0]
    text = codec.dump(forged)
    overwrite(world, "targets", row, {**row.properties, "json0": text, "hash": hash_of(text)})
    assert FaultKind.LINK_CHANGED in faults(world, kept=KEPT)


def test_the_chain_of_switches_cannot_be_cut() -> None:
    world = aged_world()
    entries = world.store.journal.read("journal", "switches")
    cut = Cut(sequence=1, hash=entries[0].hash, until=world.clock.now() - timedelta(days=400))
    deed = chain_cut(cut, world.clock.now(), count=1, kept_days=400, anchor="0" * 64)
    newest = world.store.journal.newest("journal", "switches")
    assert newest is not None
    assert after(newest.head, deed).link().kind == DeedKind.CHAIN_CUT
    world.store.journal.append_behind("journal", newest, deed)
    assert faults(world, kept=KEPT) == {FaultKind.CUT_FORGED}
