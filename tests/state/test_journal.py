"""The chains in the store, in memory and on the emulator: nothing is overwritten, nobody overtakes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from shared.guardrails.budget import Limits, Purchase
from shared.model import Purse
from shared.model.anchors import Anchor
from shared.model.chain import NOTHING_BEFORE, check_chain
from shared.model.deeds import Deed, DeedKind
from shared.model.errors import EntityChanged
from shared.model.happened import change_claimed, with_deeds
from shared.model.interfaces import Blobs, Tables
from shared.state.journal import SWITCHES
from shared.state.ledger import BudgetExhausted
from shared.state.store import Store
from tests.adapters.storage.examples import NOW, change, server
from tests.adapters.storage.storage import Backend, blobs_on, queue_on, tables_on

EVERYWHERE = pytest.mark.parametrize(
    "backend", ["memory", pytest.param("azurite", marks=pytest.mark.azurite)], indirect=True
)
PURCHASE = Purchase(target=server(), writes=1, purse=Purse.ORDINARY)
NOTHING_LEFT = Limits(writes_per_subscription=0)
LATER = NOW + timedelta(minutes=10)


@pytest.fixture
def backend(request: pytest.FixtureRequest) -> Backend:
    chosen: Backend = getattr(request, "param", "memory")
    return chosen


@pytest.fixture
def tables(backend: Backend, request: pytest.FixtureRequest) -> Tables:
    return tables_on(backend, lambda: request.getfixturevalue("azurite"))


@pytest.fixture
def blobs(backend: Backend, request: pytest.FixtureRequest) -> Blobs:
    return blobs_on(backend, lambda: request.getfixturevalue("azurite"))


@pytest.fixture
def store(tables: Tables, blobs: Blobs) -> Store:
    return Store(tables, blobs, queue_on("memory", lambda: "").queue)


def deed(text: str = "x") -> Deed:
    return Deed(kind=DeedKind.SWITCH_ON, time=NOW, what={"switch": text})


def told(store: Store) -> list[str]:
    return [str(entry.link().what.get("switch")) for entry in store.journal.entries(server())]


@EVERYWHERE
def test_what_happened_is_saved_with_the_record_and_not_in_it(store: Store) -> None:
    saved = store.save(with_deeds(store.recall(server(), NOW), deed("a"), deed("b")))
    assert saved.deeds == ()
    assert told(store) == ["a", "b"]
    assert store.recall(server(), NOW).deeds == ()
    store.save(saved)
    assert told(store) == ["a", "b"]
    assert check_chain(store.journal.entries(server())) == ()


@EVERYWHERE
def test_of_two_who_save_what_happened_the_later_one_enters_nothing(store: Store) -> None:
    record = store.save(store.recall(server(), NOW))
    store.save(with_deeds(record, deed("first")))
    with pytest.raises(EntityChanged):
        store.save(with_deeds(record, deed("second")))
    assert told(store) == ["first"]


@EVERYWHERE
def test_many_who_append_at_once_make_one_chain(store: Store) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: store.journal.append(server(), deed(str(number))), range(8)))
    entries = store.journal.entries(server())
    assert sorted(told(store)) == [str(number) for number in range(8)]
    (head,) = store.journal.heads(server().id.subscription.lower())
    assert check_chain(entries, head) == ()
    assert head.sequence == 8


@EVERYWHERE
def test_a_claim_is_entered_with_its_lease_or_not_at_all(store: Store) -> None:
    claimed = change()
    record = with_deeds(store.recall(server(), NOW), change_claimed(claimed))
    with pytest.raises(BudgetExhausted):
        store.claim(record, claimed, lease_until=LATER, purchase=PURCHASE, limits=NOTHING_LEFT, now=NOW)
    assert store.journal.entries(server()) == []
    store.claim(record, claimed, lease_until=LATER, purchase=PURCHASE, limits=Limits(), now=NOW)
    (entry,) = store.journal.entries(server())
    assert entry.link().what["change"] == claimed.id
    assert entry.link().actor == claimed.cause.actor


def test_a_forgotten_target_goes_on_with_its_chain(store: Store) -> None:
    store.save(with_deeds(store.recall(server(), NOW), deed("before")))
    store.forget(server())
    store.save(with_deeds(store.recall(server(), NOW), deed("after")))
    assert told(store) == ["before", "after"]
    assert check_chain(store.journal.entries(server())) == ()


def test_a_chain_whose_newest_link_is_not_named_goes_on_behind_it(store: Store, tables: Tables) -> None:
    store.journal.append(server(), deed("a"), deed("b"))
    (head,) = tables.query("targets", None, "h-")
    tables.delete("targets", head.partition, head.row)
    store.journal.append(server(), deed("c"))
    assert told(store) == ["a", "b", "c"]
    assert check_chain(store.journal.entries(server())) == ()


def test_a_deed_of_any_length_is_kept(store: Store) -> None:
    long = "x" * 500_000
    store.journal.append(server(), deed(long))
    assert told(store) == [long]
    assert check_chain(store.journal.entries(server())) == ()


def test_of_two_anchors_at_once_one_counts(store: Store) -> None:
    first = Anchor(sequence=1, time=NOW, previous=NOTHING_BEFORE)
    mark = store.journal.put_anchor(first, None)
    with pytest.raises(EntityChanged):
        store.journal.put_anchor(replace(first, time=LATER), None)
    newest = store.journal.newest_anchor()
    assert newest is not None
    assert (newest.name, newest.hash) == (mark.name, mark.hash)
    assert store.journal.anchored(newest) == first


def test_a_switch_is_entered_once_while_it_stands_and_anew_with_another_note(store: Store) -> None:
    for by in ("jane", "jane", "joan"):
        store.set_break_glass(True, "Sub-A", by=by, reason="incident", now=NOW)
        store.journal.note_switches([], NOW)
    links = [entry.link() for entry in store.journal.read("journal", SWITCHES)]
    assert [(link.kind, link.what["switch"]) for link in links] == [("switchOn", "break-glass/sub-a")] * 2


class Counting:
    """Tables that count what is asked of them."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self.asked: list[str] = []

    def __getattr__(self, name: str) -> object:
        self.asked.append(name)
        return getattr(self._tables, name)


def test_a_record_to_which_nothing_happened_costs_what_it_always_did(tables: Tables, blobs: Blobs) -> None:
    counting = Counting(tables)
    store = Store(counting, blobs, queue_on("memory", lambda: "").queue)  # type: ignore[arg-type]
    store.save(store.recall(server(), NOW))
    assert counting.asked == ["get", "write"]
