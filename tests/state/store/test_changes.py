"""Changes in the store: found by id, updated once, listed newest first."""

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.model import Outcome
from shared.model.change_records import ChangeRecord
from shared.model.errors import EntityChanged
from shared.state.store import Store
from tests.adapters.storage.examples import NOW, POLICY, change, server
from tests.state.store.bench import EVERYWHERE, LATER


@EVERYWHERE
def test_a_change_is_found_by_its_id_and_updated_once(store: Store) -> None:
    assert store.change("change-1") is None
    entered = store.put_change(change())
    assert store.change("change-1") == entered
    done = store.put_change(replace(entered, outcome=Outcome.REVERTED, finished_at=LATER))
    assert store.change("change-1") == done
    with pytest.raises(EntityChanged):
        store.put_change(replace(entered, outcome=Outcome.FAILED))


def test_an_id_is_entered_once(store: Store) -> None:
    store.put_change(change())
    with pytest.raises(EntityChanged):
        store.put_change(change(created_at=LATER))
    assert len(store.changes()) == 1


@EVERYWHERE
def test_changes_are_listed_newest_first_and_as_many_as_wanted(store: Store) -> None:
    for n in (2, 0, 3, 1):
        store.put_change(change(f"change-{n}", created_at=NOW + timedelta(microseconds=n)))
    assert [record.id for record in store.changes(3)] == ["change-3", "change-2", "change-1"]


def test_changes_are_selected_by_target_policy_and_outcome(store: Store) -> None:
    for record in (
        change("a"),
        change("b", target=server("other")),
        change("c", outcome=Outcome.REVERTED),
        change("d", policy="another"),
    ):
        store.put_change(record)

    def ids(found: list[ChangeRecord]) -> str:
        return "".join(sorted(record.id for record in found))

    assert ids(store.changes(target=server("OTHER"))) == "b"
    assert ids(store.changes(policy=POLICY)) == "abc"
    assert ids(store.changes(outcome=Outcome.IN_PROGRESS)) == "abd"
    assert ids(store.changes(target=server(), policy=POLICY, outcome=Outcome.REVERTED)) == "c"
    assert ids(store.changes(limit=0)) == ""
