"""Messages of the store: what comes together is one, what is too long arrives all the same."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from shared.model import Cause, CauseKind, Severity
from shared.model.alert_records import Notification, NotificationType
from shared.model.errors import StoreError
from shared.model.messages import Message, MessageKind, look
from shared.state.store import Store
from tests.adapters.storage.examples import CAUSE, NOW, nsg, server
from tests.state.store.bench import EVERYWHERE, Bench


@EVERYWHERE
def test_a_burst_on_one_key_is_one_message_with_all_causes(bench: Bench) -> None:
    store = bench.store
    causes = [replace(CAUSE, event_id=f"e{n}", time=NOW + timedelta(seconds=n)) for n in range(5)]
    assert [store.arm(look(server(), cause), NOW, 0) for cause in causes] == [True, *[False] * 4]
    body = bench.probe.take()
    assert body is not None
    assert bench.probe.take() is None
    message = store.read_message(body)
    began = store.start(message, NOW)
    assert began is not None
    assert (began.cause.event_id, began.cause.count) == ("e4", 5)
    store.finish(message, began)
    assert store.start(message, NOW) is None


@EVERYWHERE
def test_events_that_arrive_together_are_all_in_the_causes_of_the_readings(bench: Bench) -> None:
    store = bench.store
    causes = [replace(CAUSE, event_id=f"e{n}") for n in range(12)]
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda cause: store.arm(look(server(), cause), NOW, 0), causes))
    began = [store.start(store.read_message(body), NOW) for body in iter(bench.probe.take, None)]
    assert sum(one.cause.count for one in began if one is not None) == 12


def test_a_target_and_a_locator_are_coalesced_apart(bench: Bench) -> None:
    locator = Message(kind=MessageKind.LOOK, cause=CAUSE, locator=nsg())
    assert bench.store.arm(look(server(), CAUSE), NOW, 0)
    assert bench.store.arm(locator, NOW, 0)
    assert bench.store.arm(look(server("other"), CAUSE), NOW, 0)


def test_ids_that_differ_in_letter_case_are_one_key(bench: Bench) -> None:
    assert bench.store.arm(look(server("PG", "SUB"), CAUSE), NOW, 0)
    assert not bench.store.arm(look(server("pg", "sub"), CAUSE), NOW, 0)


@EVERYWHERE
def test_a_message_too_long_for_the_queue_arrives_all_the_same(bench: Bench) -> None:
    message = notification_message("é" * 200_000)
    bench.store.send(message)
    body = bench.probe.take()
    assert body is not None
    assert len(body) < 48_000
    assert bench.store.read_message(body) == message


def test_a_short_message_travels_as_itself(bench: Bench) -> None:
    message = notification_message("short")
    bench.store.send(message)
    body = bench.probe.take()
    assert body is not None
    assert json.loads(body)["kind"] == "notify"
    assert bench.store.read_message(body) == message


def notification_message(text: str) -> Message:
    notification = Notification(
        id="n1",
        type=NotificationType.ALERT_OPENED,
        subject="s",
        time=NOW,
        title="t",
        body=text,
        severity=Severity.HIGH,
        data={},
    )
    return Message(kind=MessageKind.NOTIFY, cause=CAUSE, notification=notification, sink="topic")


def test_a_delayed_message_waits(bench: Bench) -> None:
    bench.store.send(Message(kind=MessageKind.RECHECK, cause=CAUSE, target=server()), 60)
    bench.probe.wait(59)
    assert bench.probe.take() is None
    bench.probe.wait(1)
    assert bench.probe.take() is not None


@pytest.mark.parametrize("body", ["", "{}", "nonsense", '{"messageBlob":"' + "0" * 64 + '"}'])
def test_a_body_that_is_no_message_is_a_store_error(store: Store, body: str) -> None:
    with pytest.raises(StoreError):
        store.read_message(body)


@EVERYWHERE
def test_a_sweep_that_meets_a_pending_event_keeps_its_actor(bench: Bench) -> None:
    store = bench.store
    store.arm(look(server(), CAUSE), NOW, 0)
    soon = NOW + timedelta(minutes=1)
    store.arm(look(server(), Cause(kind=CauseKind.SWEEP, time=soon)), soon, 0)
    body = bench.probe.take()
    assert body is not None
    began = store.start(store.read_message(body), soon)
    assert began is not None
    assert (began.cause.kind, began.cause.event_id) == (CauseKind.EVENT, "event-1")
