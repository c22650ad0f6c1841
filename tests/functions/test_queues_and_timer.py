"""The queue triggers and the timer: what is done, what is kept, what is told."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import azure.functions as func
import pytest
from azure.functions.timer import TimerRequest

from functions.sweep import schedule
from shared.alerts.lifecycle import alert_id
from shared.controller.poison import PATTERN
from shared.model import Cause, CauseKind, Locator, LocatorKind, Reason, Severity, Target, TargetKind, codec
from shared.model.alert_records import AlertRecord, AlertStatus, Notification, NotificationType
from shared.model.errors import StoreError, Throttled
from shared.model.interfaces import Relation
from shared.model.messages import Message, MessageKind, RunOptions, look
from shared.state.blob_archive import reference
from shared.state.store import Store
from tests.api.calling import BrokenBlobs, call
from tests.builders import NSG, SERVER, SUBNET, public_server, server, subnet
from tests.fakes import START, SUBSCRIPTION, World
from tests.functions.conftest import Function
from tests.functions.test_resource_events import Down, letters, queued
from tests.memory import MemoryBlobs, MemoryTables

CAUSE = Cause(kind=CauseKind.EVENT, time=START, event_id="event-1")
TARGET = Target(kind=TargetKind.FLEXIBLE_SERVER, id=SERVER)
AT_NSG = Locator(kind=LocatorKind.NSG, id=NSG)


def message_of(body: Message | str | bytes) -> func.QueueMessage:
    return func.QueueMessage(id="1", body=codec.dump(body) if isinstance(body, Message) else body)


NEWER = json.dumps({"kind": "audit", "cause": {"kind": "event", "time": "2026-11-02T08:00:00Z"}})
UNINTELLIGIBLE = {
    "a stored text that is gone": (
        json.dumps({"messageBlob": "0" * 64}, separators=(",", ":")),
        "message-text-gone",
    ),
    "a stored text of a newer version": (f"stored:{NEWER}", "not-a-message"),
    "a stored text that is no JSON": ("stored:{", "not-a-message"),
    "a hash in another object": (json.dumps({"somethingElse": "0" * 64}), "not-a-message"),
    "no JSON": ("no message at all", "not-a-message"),
    "a kind that is not known": (NEWER, "not-a-message"),
    "an object with half of a message": ('{"kind":"look"}', "not-a-message"),
    **{
        f"a {kind} about nothing": (codec.dump(Message(kind=kind, cause=CAUSE)), "not-a-message")
        for kind in MessageKind
    },
}
"""A body, or the text that its reference leads to; and the reason in its letter."""


@pytest.fixture
def reconcile(functions: dict[str, Function]) -> Function:
    return functions["reconcile"]


@pytest.fixture
def poison(functions: dict[str, Function]) -> Function:
    return functions["poison"]


# --- reconcile -------------------------------------------------------------------------------------


def test_a_look_reads_the_target_and_remembers_it(reconcile: Function, world: World) -> None:
    world.azure.put(public_server())
    reconcile(message_of(look(TARGET, CAUSE)))
    assert world.azure.reads == 1
    assert world.store.recall(TARGET, START).memories


def test_a_message_that_was_too_long_for_the_queue_is_fetched(reconcile: Function, world: World) -> None:
    world.azure.put(public_server())
    long = look(TARGET, replace(CAUSE, operation_name="x" * 60_000))
    world.store.send(long)
    (body,) = world.queue.bodies()
    assert len(body) < 200
    reconcile(message_of(body))
    assert world.azure.reads == 1


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"{}", b"[]", b"7", b"\xff\xfe", b'{"hello":"world"}', b'{"kind":"dance"}', b"x" * 60_000],
)
def test_a_body_that_is_no_message_is_put_aside_and_done(
    reconcile: Function, world: World, body: bytes
) -> None:
    reconcile(message_of(body))
    (letter,) = letters(world)
    assert letter["reason"] == "not-a-message"
    assert letter.get("body", letter.get("bodyBase64")) is not None


def test_a_message_whose_text_cannot_be_fetched_now_comes_again(reconcile: Function, world: World) -> None:
    with pytest.raises(StoreError):
        reconcile(message_of(json.dumps({"messageBlob": "0" * 64})))
    assert letters(world) == []


def test_an_azure_that_is_broken_for_now_makes_the_message_wait(reconcile: Function, world: World) -> None:
    world.azure.put(public_server())
    world.azure.read_errors.append(Throttled("slow down", retry_after=30))
    reconcile(message_of(look(TARGET, CAUSE)))
    assert [message.attempt for message in queued(world)] == [1]


def test_what_the_platform_should_repeat_is_raised(reconcile: Function, world: World) -> None:
    world.store = Store(Down(), world.blobs, world.queue)
    with pytest.raises(StoreError):
        reconcile(message_of(look(TARGET, CAUSE)))


# --- poison ----------------------------------------------------------------------------------------


def poison_alert(world: World, target: Target = TARGET, sort: str = "look") -> AlertRecord:
    alert = world.store.alert(alert_id(PATTERN, target, sort))
    assert alert is not None
    return alert


def test_a_poisoned_look_is_kept_and_opens_an_alert_on_its_target(poison: Function, world: World) -> None:
    poison(message_of(look(TARGET, CAUSE)))
    (letter,) = letters(world)
    assert letter["reason"] == "poisoned"
    assert codec.load(Message, letter["body"]) == look(TARGET, CAUSE)
    alert = poison_alert(world)
    assert (alert.status, alert.severity, alert.decision.reason) == (
        AlertStatus.OPEN,
        Severity.HIGH,
        Reason.POISONED,
    )
    assert alert.evidence["deadLetter"] in set(world.blobs.names("deadletters"))
    assert [m.kind for m in queued(world)] == [*[MessageKind.NOTIFY] * 2, MessageKind.LOOK]
    shown = call(world, "get_alert", id=alert.id)
    assert (shown.status, shown.body["resourceId"]) == (200, str(SERVER))


def test_a_second_poisoned_message_is_counted_and_not_told_again(poison: Function, world: World) -> None:
    poison(message_of(look(TARGET, CAUSE)))
    poison(message_of(look(TARGET, CAUSE)))
    assert poison_alert(world).count == 2
    assert [m.kind for m in queued(world)] == [*[MessageKind.NOTIFY] * 2, MessageKind.LOOK]


def test_the_alert_is_resolved_when_a_later_look_goes_through(
    poison: Function, reconcile: Function, world: World
) -> None:
    poison(message_of(look(TARGET, CAUSE)))
    world.azure.put(server())
    world.azure.read_errors.append(Throttled("slow down"))
    reconcile(message_of(look(TARGET, CAUSE)))
    assert poison_alert(world).status is AlertStatus.OPEN
    reconcile(message_of(look(TARGET, CAUSE)))
    alert = poison_alert(world)
    assert (alert.status, alert.resolution) == (AlertStatus.RESOLVED, "a later message went through")
    poison(message_of(look(TARGET, CAUSE)))
    assert poison_alert(world).status is AlertStatus.OPEN


def test_the_alert_of_a_resource_that_is_gone_is_resolved(
    poison: Function, reconcile: Function, world: World
) -> None:
    poison(message_of(look(TARGET, CAUSE)))
    reconcile(message_of(look(TARGET, CAUSE)))
    assert poison_alert(world).status is AlertStatus.RESOLVED


def test_a_poisoned_nsg_alerts_on_the_subnets_that_were_known_to_use_it(
    poison: Function, world: World
) -> None:
    target = subnet().target
    world.store.relate([Relation(source=AT_NSG, target=target)], START)
    poison(message_of(Message(kind=MessageKind.LOOK, locator=AT_NSG, cause=CAUSE)))
    assert poison_alert(world, target).resource_id == SUBNET


def test_a_poisoned_message_that_names_no_known_target_is_kept_and_logged(
    poison: Function, world: World
) -> None:
    poison(message_of(Message(kind=MessageKind.LOOK, locator=AT_NSG, cause=CAUSE)))
    poison(message_of(Message(kind=MessageKind.CHECK, change_id="gone", cause=CAUSE)))
    poison(message_of(b"no message at all"))
    assert len(letters(world)) == 3
    assert [line["targets"] for line in world.lines] == [[], [], []]
    assert world.store.alerts() == []


def notify_message(sink: str = "sink") -> Message:
    told = Notification(
        id="n-1",
        type=NotificationType.ALERT_OPENED,
        subject=str(SERVER),
        time=START,
        title="title",
        body="body",
        severity=Severity.HIGH,
        data={"target": {"kind": "flexibleServer", "id": str(SERVER)}},
    )
    return Message(kind=MessageKind.NOTIFY, cause=CAUSE, notification=told, sink=sink)


def test_a_delivery_that_was_given_up_is_tried_again_and_nobody_is_told_of_it(
    functions: dict[str, Function], world: World
) -> None:
    functions["notify_poison"](message_of(notify_message()))
    (again,) = queued(world)
    assert (again.attempt, world.queue.receive()) == (1, None)
    assert (letters(world), world.store.alerts()) == ([], [])
    world.drain(60)
    assert [told.id for told in world.delivered] == ["n-1"]


def test_a_notification_of_an_older_version_is_delivered_whichever_queue_it_is_in(
    functions: dict[str, Function], world: World
) -> None:
    functions["reconcile"](message_of(notify_message("one")))
    functions["reconcile"](message_of(notify_message("one")))
    functions["notify"](message_of(notify_message("two")))
    assert world.heard == [("one", "n-1"), ("two", "n-1")]


@pytest.mark.parametrize("lost", ["blobs", "tables"])
def test_a_poisoned_message_that_cannot_be_kept_or_told_stays_in_the_queue(
    poison: Function, world: World, lost: str
) -> None:
    if lost == "tables":
        world.store = Store(Down(), world.blobs, world.queue)
    else:
        world.store = Store(MemoryTables(), NoBlobs(), world.queue)
    with pytest.raises(StoreError):
        poison(message_of(look(TARGET, CAUSE)))


@pytest.mark.field(
    "odd-items",
    "A message whose stored text is gone, or that nobody knows, is put aside once, with the reason",
    source="https://learn.microsoft.com/en-us/azure/azure-functions/functions-bindings-storage-queue-trigger",
    date="2026-11-29",
)
@pytest.mark.parametrize("what", sorted(UNINTELLIGIBLE))
def test_a_poisoned_message_that_nobody_can_understand_is_put_aside_once(
    poison: Function, world: World, what: str
) -> None:
    body, reason = UNINTELLIGIBLE[what]
    if body.startswith("stored:"):
        world.blobs.put("snapshots", reference(body[7:]), body[7:].encode())
        body = json.dumps({"messageBlob": reference(body[7:])}, separators=(",", ":"))
    poison(message_of(body))
    (letter,) = letters(world)
    assert (letter["reason"], letter["body"]) == (reason, body)
    assert [(line["reason"], line["targets"]) for line in world.lines] == [(reason, [])]
    assert world.store.alerts() == []


def test_a_message_whose_stored_text_is_no_text_is_put_aside_once(poison: Function, world: World) -> None:
    name = hashlib.sha256(b"\xff\xfe").hexdigest()
    world.blobs.put("snapshots", name, b"\xff\xfe")
    poison(message_of(json.dumps({"messageBlob": name}, separators=(",", ":"))))
    assert [letter["reason"] for letter in letters(world)] == ["message-text-gone"]


def test_a_message_whose_stored_text_is_another_now_is_put_aside_once(poison: Function, world: World) -> None:
    world.blobs.put("snapshots", "a" * 64, b"what somebody wrote over it")
    poison(message_of(json.dumps({"messageBlob": "a" * 64}, separators=(",", ":"))))
    assert [letter["reason"] for letter in letters(world)] == ["message-text-gone"]


def test_a_poisoned_message_whose_text_cannot_be_fetched_now_is_not_put_aside_yet(
    poison: Function, world: World
) -> None:
    world.store = Store(MemoryTables(), Unread(), world.queue)
    with pytest.raises(StoreError):
        poison(message_of(json.dumps({"messageBlob": "0" * 64}, separators=(",", ":"))))
    assert letters(world) == []


class Unread(MemoryBlobs):
    def get(self, container: str, name: str) -> bytes | None:
        raise StoreError(f"{container}/{name}: no connection")


class NoBlobs(BrokenBlobs):
    def put(self, container: str, name: str, data: bytes) -> None:
        raise StoreError(f"{container}/{name}: no connection")


def test_a_run_that_waited_for_a_poisoned_target_ends_with_the_reason(poison: Function, world: World) -> None:
    world.azure.put(server())
    run_id = call(world, "start_run", {"scope": f"/subscriptions/{SUBSCRIPTION}"}).body["id"]
    fan_out = world.queue.receive()
    assert fan_out is not None
    poison(message_of(fan_out.body))
    run = call(world, "get_run", id=run_id).body
    assert run["status"] == "Failed"
    assert "dead letters" in run["error"]


def test_a_scopes_target_that_was_poisoned_counts_as_done_and_says_why(
    poison: Function, world: World
) -> None:
    world.azure.put(subnet())
    run_id = call(world, "start_run", {"resourceId": str(NSG)}).body["id"]
    poison(message_of(replace(look(subnet().target, CAUSE), options=RunOptions(run_id=run_id))))
    run = call(world, "get_run", id=run_id).body
    assert (run["status"], run["progress"]) == ("Done", {"done": 1, "total": 1})
    assert "dead letters" in run["targets"][0]["error"]


# --- sweep -----------------------------------------------------------------------------------------


def test_the_timer_asks_for_a_pass_and_the_pass_for_a_look_at_every_target(
    functions: dict[str, Function], world: World
) -> None:
    world.azure.put(server())
    world.azure.put(subnet())
    functions["sweep"](TimerRequest())
    assert [message.kind for message in queued(world)] == [MessageKind.SWEEP]
    looked_at = {result.target for result in world.drain()}
    assert looked_at == {server().target, subnet().target}


def test_a_sweep_that_fails_is_raised(functions: dict[str, Function], world: World) -> None:
    world.store = Store(Down(), world.blobs, world.queue)
    world.azure.put(server())
    with pytest.raises(StoreError):
        functions["sweep"](TimerRequest())


def test_the_schedule_is_the_setting_or_its_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SWEEP_SCHEDULE", raising=False)
    assert schedule() == "0 */30 * * * *"
    monkeypatch.setenv("SWEEP_SCHEDULE", " 0 0 * * * * ")
    assert schedule() == "0 0 * * * *"
    monkeypatch.setenv("SWEEP_SCHEDULE", "00:30:00")
    assert schedule() == "0 */30 * * * *"
