"""Letters in the store: written with their alert, kept in order, taken by one."""

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.model import Severity
from shared.model.alert_records import Notification, NotificationType
from shared.model.errors import EntityChanged
from shared.model.letters import Letter
from shared.state.listings import Wanted
from shared.state.store import Store
from tests.adapters.storage.examples import CAUSE, NOW, alert
from tests.state.store.bench import EVERYWHERE


@EVERYWHERE
def test_an_alert_is_written_with_its_letters_or_not_at_all(store: Store) -> None:
    told = letter_about("a1", 1)
    store.put_alert(alert("a1"), [told])
    with pytest.raises(EntityChanged):
        store.put_alert(alert("a1"), [letter_about("a1", 2)])
    (kept,) = store.letters.about("sink", "a1")
    assert replace(kept, etag=None) == told
    assert [found.id for found in store.alerts()] == ["a1"]
    assert store.alert_page(Wanted(), 10).total == 1


@EVERYWHERE
def test_letters_about_one_thing_are_in_order_and_those_for_a_sink_together(store: Store) -> None:
    for number in (10, 2, 1):
        store.letters.post(letter_about("a1", number))
    store.letters.post(letter_about("a2", 1, sink="other"))
    assert [one.number for one in store.letters.about("sink", "a1")] == [1, 2, 10]
    assert [(one.sink, one.about) for one in store.letters.waiting("other")] == [("other", "a2")]
    assert len(list(store.letters.waiting())) == 4


@EVERYWHERE
def test_of_two_who_take_a_letter_one_has_it(store: Store) -> None:
    store.letters.post(letter_about("a1", 1))
    (seen,) = store.letters.about("sink", "a1")
    taken = store.letters.put(replace(seen, taken_by="one"))
    with pytest.raises(EntityChanged):
        store.letters.put(replace(seen, taken_by="another"))
    store.letters.remove(taken, NOW)
    assert store.letters.about("sink", "a1") == []


@EVERYWHERE
def test_what_is_told_once_is_not_written_again_for_a_week(store: Store) -> None:
    store.letters.post(letter_about("change", 0))
    (taken,) = store.letters.about("sink", "change")
    store.letters.remove(taken, NOW)
    store.letters.post(letter_about("change", 0))
    store.letters.forget_marks(NOW + timedelta(days=6))
    store.letters.post(letter_about("change", 0))
    assert store.letters.about("sink", "change") == []
    store.letters.forget_marks(NOW + timedelta(days=8))
    store.letters.post(letter_about("change", 0))
    assert len(store.letters.about("sink", "change")) == 1


def letter_about(about: str, number: int, sink: str = "sink") -> Letter:
    told = Notification(
        id=f"{about}-{number}",
        type=NotificationType.ALERT_OPENED,
        subject="subject",
        time=NOW,
        title="title",
        body="body",
        severity=Severity.HIGH,
        data={},
    )
    return Letter(
        sink=sink, about=about, number=number, notification=told, cause=CAUSE, written_at=NOW, due_at=NOW
    )
