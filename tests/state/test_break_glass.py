"""The break-glass switch: which blobs throw it, for whom, and that what cannot be read is never off."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from shared.model import Reason
from shared.model.errors import StoreError
from shared.model.resource_id import ResourceId
from shared.state.store import Store
from tests.builders import DRIFTED, public_server
from tests.fakes import SUBSCRIPTION, World
from tests.memory import MemoryBlobs, MemoryQueue, MemoryTables

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
OTHER = "99999999-8888-7777-6666-555555555555"
TICKET = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
SCOPES = (
    ResourceId(f"/subscriptions/{SUBSCRIPTION}"),
    ResourceId(f"/subscriptions/{OTHER.upper()}/resourceGroups/g"),
)
THROWN = (
    "break-glass",
    "Break-Glass.txt",
    "BREAK-GLASS",
    "break-glass-please",
    "break-glass/",
    "BREAK-GLASS/incident 4711.docx",
    " break-glass ",
    "break_glass",
    "Break Glass.md",
    "break\u2011glass",
    "breakglass",
    "break-glass/sub-ab",
    f"break-glass-{OTHER[:-1]}",
    f"break-glass/{SUBSCRIPTION}",
    f"BREAK-GLASS/{SUBSCRIPTION.upper()} .TXT",
    f"break-glass-subscriptions-{SUBSCRIPTION}-{OTHER}",
    f"break-glass/{TICKET}",
    f"Break-Glass {TICKET.upper()}.txt",
    f"break-glass-{OTHER}-{TICKET}",
)


def over(*names: str) -> World:
    world = World()
    for name in names:
        world.blobs.put("control", name, b"")
    return world


@pytest.mark.field(
    "brakes",
    "Whatever blob begins with break-glass stops writes, in any letter case and with any ending",
    source="docs/runbook.md",
    date="2026-11-29",
)
@pytest.mark.parametrize("name", THROWN)
def test_a_person_in_an_incident_need_not_mind_the_spelling(name: str) -> None:
    assert over(name).store.break_glass(SUBSCRIPTION, SCOPES)


@pytest.mark.parametrize(
    "name",
    [
        f"break-glass/{OTHER}",
        f"Break-Glass {OTHER.upper()}.txt",
        f"break-glass-{OTHER}/why.md",
        "glass",
        "other",
        "old/break-glass",
    ],
)
def test_a_switch_that_names_another_subscription_and_other_blobs_stop_nothing_here(name: str) -> None:
    assert not over(name).store.break_glass(SUBSCRIPTION, SCOPES)


@pytest.mark.field(
    "brakes",
    "An id in a switch's name that is no subscription of the scopes, a ticket's, limits it to nothing",
    source="docs/runbook.md",
    date="2026-11-29",
)
def test_a_ticket_in_the_name_of_a_switch_keeps_it_from_nothing() -> None:
    world = over(f"break-glass-{TICKET}")
    assert all(world.store.break_glass(one, SCOPES) for one in (SUBSCRIPTION, OTHER))
    (thrown,) = world.store.break_glass_switches(SCOPES)
    assert thrown.subscriptions == ()
    world.azure.put(public_server())
    world.look(public_server().target)
    world.drain()
    world.event(world.azure.put(DRIFTED))
    world.drain(60)
    assert world.azure.writes == []
    assert Reason.BREAK_GLASS in {alert.decision.reason for alert in world.store.alerts()}


def test_a_subscription_that_is_in_no_scope_is_no_subscription_that_a_switch_could_mean() -> None:
    store = over(f"break-glass/{OTHER}").store
    assert not store.break_glass(SUBSCRIPTION, SCOPES)
    assert store.break_glass(SUBSCRIPTION, SCOPES[:1])


def test_it_stops_one_subscription_or_all() -> None:
    store = over().store
    assert not store.break_glass(SUBSCRIPTION, SCOPES)
    store.set_break_glass(True, SUBSCRIPTION.upper(), by="ann", reason="incident", now=NOW)
    assert store.break_glass(f" {SUBSCRIPTION} ", SCOPES)
    assert not store.break_glass(OTHER, SCOPES)
    store.set_break_glass(True, by="ann", reason="incident", now=NOW)
    assert store.break_glass(OTHER, SCOPES)
    store.set_break_glass(False, by="ann", reason="over", now=NOW)
    assert store.break_glass(SUBSCRIPTION, SCOPES)
    assert not store.break_glass(OTHER, SCOPES)
    store.set_break_glass(False, SUBSCRIPTION, by="ann", reason="over", now=NOW)
    assert not store.break_glass(SUBSCRIPTION, SCOPES)


def test_switching_off_removes_every_spelling_of_the_same_switch() -> None:
    world = over("break-glass", "Break-Glass.txt", "breakglass now", f"break-glass/{OTHER}", "notes")
    world.store.set_break_glass(False, by="ann", reason="over", now=NOW)
    assert list(world.blobs.names("control")) == [f"break-glass/{OTHER}", "notes"]


def test_switching_off_one_subscription_leaves_the_others_of_the_same_blob_stopped() -> None:
    world = over(f"Break-Glass {SUBSCRIPTION} {OTHER}.txt")
    world.store.set_break_glass(False, SUBSCRIPTION, by="ann", reason="over", now=NOW)
    assert not world.store.break_glass(SUBSCRIPTION, SCOPES)
    assert world.store.break_glass(OTHER, SCOPES)


def test_what_is_left_of_a_switch_with_an_end_keeps_that_end() -> None:
    world = over(f"break-glass/{SUBSCRIPTION}/{OTHER}/until-20261102T080500Z")
    world.store.set_break_glass(False, SUBSCRIPTION, by="ann", reason="over", now=NOW)
    assert list(world.blobs.names("control")) == [f"break-glass/{OTHER}/until-20261102T080500Z"]


def test_a_switch_says_who_threw_it_why_and_when() -> None:
    world = over()
    world.store.set_break_glass(True, SUBSCRIPTION, by="ann", reason="incident 7", now=NOW)
    note = world.blobs.get("control", f"break-glass/{SUBSCRIPTION}")
    assert note is not None
    assert json.loads(note) == {"by": "ann", "reason": "incident 7", "time": "2026-01-01T12:00:00Z"}
    (thrown,) = world.store.break_glass_switches(SCOPES)
    assert (thrown.subscriptions, thrown.thrown_at, "incident 7" in thrown.note) == (
        (SUBSCRIPTION,),
        NOW,
        True,
    )


@pytest.mark.parametrize(
    "content",
    [b"incident 4711, jane", b"", b"\xff\xfe", b"[1]", b'{"time": 5}', b'{"time": "2026-01-01"}', b"{}"],
)
def test_what_a_person_wrote_into_a_switch_is_shown_whatever_it_is(content: bytes) -> None:
    world = over()
    world.blobs.put("control", "Break-Glass.txt", content)
    (thrown,) = world.store.break_glass_switches(SCOPES)
    assert (thrown.name, thrown.subscriptions, thrown.thrown_at) == ("Break-Glass.txt", (), None)
    assert thrown.note == content.decode(errors="replace")


def test_a_switch_in_any_spelling_keeps_a_drift_from_being_reverted() -> None:
    world = over("Break-Glass.txt")
    world.azure.put(public_server())
    world.look(public_server().target)
    world.drain()
    world.event(world.azure.put(DRIFTED))
    world.drain(60)
    assert world.azure.writes == []
    world.store.set_break_glass(False, by="ann", reason="over", now=NOW)
    world.clock.advance(timedelta(minutes=1).total_seconds())
    world.event(DRIFTED.target)
    world.drain(60)
    assert len(world.azure.writes) == 1


class UnreachableBlobs(MemoryBlobs):
    def names(self, container: str, prefix: str = "") -> Iterator[str]:
        raise StoreError("storage cannot be reached")


class EndlessBlobs(MemoryBlobs):
    def names(self, container: str, prefix: str = "") -> Iterator[str]:
        number = 0
        while True:
            number += 1
            yield f"{number}"


@pytest.mark.parametrize("blobs", [UnreachableBlobs(), EndlessBlobs()], ids=["unreachable", "endless"])
def test_a_switch_that_cannot_be_read_is_an_error_and_never_off(blobs: MemoryBlobs) -> None:
    clock = World().clock
    with pytest.raises(StoreError):
        Store(MemoryTables(), blobs, MemoryQueue(clock)).break_glass(SUBSCRIPTION, SCOPES)
