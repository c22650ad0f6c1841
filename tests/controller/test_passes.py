"""A pass over a subscription: what it looks at for what is remembered, and what becomes of its messages."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from shared.controller.choosing_looks import TURN, has_turn
from shared.controller.dispatch import dispatch
from shared.controller.poison import poisoned
from shared.controller.reviving import PAUSES
from shared.controller.spreading import AT_ONCE, MOST_IN_ONE
from shared.controller.sweep import sweep
from shared.guardrails.attention import ALWAYS, look_at
from shared.model import (
    Cause,
    CauseKind,
    ComplianceState,
    Locator,
    LocatorKind,
    ServerSnapshot,
    Target,
    TargetKind,
    codec,
)
from shared.model.errors import Permanent, Throttled
from shared.model.exposure import Exposure, Opening
from shared.model.interfaces import Relation, Replace
from shared.model.memory import Exemption, PolicyMemory, TargetRecord
from shared.model.messages import Message, MessageKind, look
from shared.model.resource_id import ResourceId
from shared.model.sweeping import Touched
from shared.state.table_layout import target_place
from tests.builders import NSG, SERVER, SUBNET, server
from tests.controller.test_reconcile import seen_compliant
from tests.fakes import START, SUBSCRIPTION, World

HALF_AN_HOUR = 1800.0
EVERYTHING = Locator(kind=LocatorKind.SCOPE, id=ResourceId(f"/subscriptions/{SUBSCRIPTION}"))
RECORD = TargetRecord(target=server().target, first_seen=START)
MEMORY = PolicyMemory(state=ComplianceState.NON_COMPLIANT, since=START)
OPEN = Exposure(openings=(Opening(seen_at=START, fingerprint="f"),))


def many(count: int) -> list[ServerSnapshot]:
    parent = str(SERVER).rsplit("/", 1)[0]
    return [server(id=ResourceId(f"{parent}/server-{number:03d}")) for number in range(count)]


def swept(world: World, seconds: float = 0) -> int:
    """How many targets were looked at by the next pass, half an hour later."""
    world.clock.advance(HALF_AN_HOUR)
    sweep(world.deps())
    return len({result.target for result in world.drain(seconds)})


def quiet() -> World:
    """A world in which everything was seen, and in which nothing has its turn in the next pass."""
    world = World()
    seen_compliant(world, server())
    swept(world)
    return world


def with_a_part(servers: list[ServerSnapshot]) -> World:
    """A world whose first pass has asked for the parts of its looks, which wait in the queue."""
    world = World()
    for one in servers:
        world.azure.put(one)
    sweep(world.deps())
    received = world.queue.receive()
    assert received is not None
    dispatch(world.store.read_message(received.body), world.deps())
    world.queue.delete(received)
    return world


def messages(world: World) -> list[Message]:
    return [world.store.read_message(body) for body in world.queue.bodies()]


@contextmanager
def graph_throttled(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Resource Graph answers nothing but that it is asked too often."""
    with monkeypatch.context() as patched:

        def refuse(*_: object) -> Iterator[object]:
            raise Throttled("slow down", code="RateLimiting", status=429, retry_after=5)

        patched.setattr("tests.fakes.FakeGateway.enumerate", refuse)
        yield


def test_a_target_that_nothing_tells_of_is_left_alone_until_its_turn() -> None:
    world = quiet()
    assert [swept(world) for _ in range(10)].count(1) == 1


def test_what_azures_own_records_tell_of_is_looked_at_by_the_next_pass() -> None:
    world = quiet()
    rule = f"{SERVER}/firewallRules/office"
    world.azure.touched = [
        Touched(resource=rule, operation="Microsoft.DBforPostgreSQL/flexibleServers/firewallRules/write"),
        Touched(resource="nonsense", operation="Microsoft.DBforPostgreSQL/flexibleServers/write"),
        Touched(resource=rule, operation="Microsoft.Compute/disks/write"),
    ]
    assert swept(world) == 1


@pytest.mark.parametrize(
    ("record", "due"),
    [
        (RECORD, None),
        (replace(RECORD, not_judged=True), ALWAYS),
        (replace(RECORD, active_change="c"), ALWAYS),
        (replace(RECORD, recheck_at=START), START),
        (replace(RECORD, memories={"p": MEMORY}), None),
        (replace(RECORD, memories={"p": replace(MEMORY, unknown_since=START, unknown_runs=3)}), ALWAYS),
        (replace(RECORD, memories={"p": replace(MEMORY, unknown_since=START, unknown_runs=4)}), None),
        (replace(RECORD, memories={"p": replace(MEMORY, exposure=OPEN)}), None),
        (replace(RECORD, memories={"p": replace(MEMORY, exposure=OPEN, last_compliant_at=START)}), ALWAYS),
        (
            replace(
                RECORD,
                exemptions=(Exemption(policy="p", reason="r", approver="a", expires_at=START),),
            ),
            START,
        ),
    ],
    ids=[
        "nothing",
        "not judged",
        "a change on its way",
        "asked again",
        "an alert that stands",
        "unknown and not told yet",
        "unknown and told",
        "open since ever",
        "opened",
        "exempt",
    ],
)
def test_what_every_pass_attends_to(record: TargetRecord, due: object) -> None:
    assert look_at(record) == due


def test_a_record_from_before_the_upgrade_is_looked_at_until_it_is_written_again() -> None:
    world = quiet()
    place = target_place(server().target)
    entity = world.tables.get(place.table, place.partition, place.row)
    assert entity is not None
    older = {name: text for name, text in entity.properties.items() if name != "lookAt"}
    world.tables.write(
        place.table,
        Replace(partition=place.partition, row=place.row, properties=older, etag=entity.etag),
    )
    assert swept(world) == 1


def test_a_target_whose_message_to_look_again_was_lost_is_looked_at_by_the_next_pass() -> None:
    world = quiet()
    record = world.store.recall(server().target, START)
    world.store.save(replace(record, recheck_at=world.clock.now() + timedelta(seconds=60)))
    assert swept(world) == 1
    assert look_at(world.store.recall(server().target, START)) is None


def test_an_entry_of_the_file_that_has_ended_is_looked_at_by_the_next_pass() -> None:
    world = quiet()
    ends = world.clock.now() + timedelta(minutes=40)
    world.policies_file = f"""version: 1
exemptions:
  - policy: postgres-public-access-enabled
    scope: {SERVER}
    reason: a move
    approver: jane
    expires: {ends.isoformat()}
"""
    assert swept(world) == 0
    assert swept(world) == 1


def test_resource_graph_that_stays_throttled_keeps_nothing_from_being_looked_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = quiet()
    with graph_throttled(world, monkeypatch):
        world.clock.advance(HALF_AN_HOUR)
        sweep(world.deps())
        results = []
        with pytest.raises(Permanent, match="slow down"):
            results += world.drain(60)
        results += world.drain(20)
    assert world.store.passes.last(SUBSCRIPTION) is not None
    assert [message for message in messages(world) if message.kind is MessageKind.SWEEP]
    assert server().target in {result.target for result in results}


def test_looks_are_spread_and_an_event_does_not_wait_behind_them() -> None:
    world = World()
    for one in many(MOST_IN_ONE + AT_ONCE + 5):
        world.azure.put(one)
    sweep(world.deps())
    world.drain()
    waiting = [message for message in messages(world) if message.kind is MessageKind.RECHECK]
    assert waiting
    late = waiting[-1].target
    assert late is not None
    world.event(late)
    assert [result.target for result in world.drain()] == [late]


def test_looks_at_everything_that_are_still_due_are_not_asked_for_twice_and_owed_once() -> None:
    world = World()
    for one in many(MOST_IN_ONE):
        world.azure.put(one)
    sweep(world.deps())
    world.drain()
    queued = len(world.queue)
    world.clock.advance(1)
    with pytest.MonkeyPatch.context() as patched:

        def refuse(*_: object) -> Iterator[Touched]:
            raise Permanent("no log", code="Malformed")

        patched.setattr("tests.fakes.FakeGateway.touched", refuse)
        sweep(world.deps())
        world.drain()
    last = world.store.passes.last(SUBSCRIPTION)
    assert last is not None
    assert last.owes_whole
    assert len(world.queue) <= queued


def test_a_pass_that_is_delivered_again_asks_for_nothing_twice() -> None:
    world = World()
    world.azure.put(server())
    sweep(world.deps())
    (body,) = world.queue.bodies()
    world.drain()
    world.queue.send(body)
    assert world.drain() == []


@pytest.mark.field(
    "steady",
    "No message, whatever time it names, ends the sweep of a subscription or what counts as inherited there",
    source="docs/threat-model.md",
    date="2026-11-29",
)
@pytest.mark.parametrize("year", [1, 1970, 2200])
def test_a_forged_pass_of_any_time_ends_neither_the_sweep_nor_what_is_inherited(year: int) -> None:
    world = World()
    world.azure.put(server())
    forged = Cause(kind=CauseKind.SWEEP, time=datetime(year, 1, 1, tzinfo=UTC))
    world.store.send(Message(kind=MessageKind.SWEEP, locator=EVERYTHING, cause=forged))
    world.drain()
    assert world.store.first_passes.find(SUBSCRIPTION) == world.clock.now()
    assert sum(swept(world) for _ in range(11)) >= 1
    last = world.store.passes.last(SUBSCRIPTION)
    assert last is not None
    assert last.began == world.clock.now()


@pytest.mark.parametrize("off", [timedelta(days=-3650), timedelta(hours=1), timedelta(days=3650)])
def test_a_pass_that_a_wrong_clock_dated_is_followed_by_one_over_everything(off: timedelta) -> None:
    world = quiet()
    last = world.store.passes.last(SUBSCRIPTION)
    assert last is not None
    wrong = world.clock.now() + HALF_AN_HOUR * timedelta(seconds=1) + off
    world.store.passes.keep(SUBSCRIPTION, replace(last, began=wrong, spread_until=wrong))
    assert swept(world) == 1
    last = world.store.passes.last(SUBSCRIPTION)
    assert last is not None
    assert last.began == last.whole_began == world.clock.now()


def test_a_body_whose_times_cannot_be_compared_is_no_message() -> None:
    world = World()
    naive = Cause(kind=CauseKind.EVENT, time=START.replace(tzinfo=None))
    for cause in (naive, Cause(kind=CauseKind.EVENT, time=START, earlier=(naive,))):
        poisoned(codec.dump(look(server().target, cause)).encode(), world.deps())
    assert len(world.queue) == 0
    world.event(server().target)


@pytest.mark.field(
    "steady",
    "A part of a pass that the host gave up is asked for again, and told only when nobody asks any more",
    source="docs/adr/0021-what-may-have-changed.md",
    date="2026-11-29",
)
def test_a_part_of_a_pass_that_was_given_up_is_asked_for_again_and_loses_no_look() -> None:
    world = with_a_part(many(60))
    given_up = [body for body in world.queue.bodies() if world.store.read_message(body).spread]
    world.lose_messages()
    for body in given_up:
        poisoned(body.encode(), world.deps())
    looked_at = {result.target for result in world.drain(PAUSES[0] + 120)}
    assert looked_at == {one.target for one in many(60)}
    assert world.store.alerts() == []


def test_a_part_of_a_pass_that_nobody_asks_for_any_more_is_told_on_every_target_that_it_names() -> None:
    world = with_a_part(many(3))
    subnet = Target(kind=TargetKind.SUBNET, id=SUBNET)
    nsg = Locator(kind=LocatorKind.NSG, id=NSG)
    world.store.relate([Relation(source=nsg, target=subnet)], world.clock.now())
    (part,) = [message for message in messages(world) if message.spread]
    assert part.spread is not None
    world.lose_messages()
    last = replace(part, revived=len(PAUSES), spread=replace(part.spread, locators=(nsg,)))
    poisoned(codec.dump(last).encode(), world.deps())
    told = {alert.target for alert in world.store.alerts(policy="poisoned-message")}
    assert told == {one.target for one in many(3)} | {subnet}
    assert not [message for message in messages(world) if message.spread]


def test_every_target_has_one_turn_in_each_cycle_and_turns_are_spread() -> None:
    step = timedelta(minutes=30)
    counts = []
    for hour in range(int(TURN / step)):
        since = START + hour * step
        counts.append(sum(has_turn(f"target-{n}", since, since + step) for n in range(500)))
    assert sum(counts) == 500
    assert max(counts) < 100


@pytest.mark.field(
    "steady",
    "A pass of the sweep that the platform gave up is told for its subscription, with request and error",
    source="docs/runbook.md",
    date="2026-11-30",
)
def test_a_pass_that_was_given_up_is_told_until_one_is_whole() -> None:
    world = quiet()
    world.azure.closed_scopes = set(world.scopes)
    world.clock.advance(HALF_AN_HOUR)
    sweep(world.deps())
    (given_up,) = (message for message in messages(world) if message.kind is MessageKind.SWEEP)
    with pytest.raises(Permanent):
        world.drain(10)
    for _ in range(2):
        poisoned(codec.dump(given_up).encode(), world.deps())
    (alert,) = world.open_alerts("poisoned-message")
    assert str(alert.resource_id) == f"/subscriptions/{SUBSCRIPTION}"
    assert "at last Denied AuthorizationFailed: no role" in alert.reason
    assert "no role" in str(alert.evidence["error"])
    assert SUBSCRIPTION not in {one.target.id.name for one in world.store.known_targets(SUBSCRIPTION)}
    world.azure.closed_scopes.clear()
    world.lose_messages()
    world.clock.advance(HALF_AN_HOUR)
    sweep(world.deps())
    world.drain()
    assert world.open_alerts("poisoned-message") == []
