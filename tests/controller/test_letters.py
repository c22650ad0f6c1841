"""What people are told reaches every sink: in order, once, and in the end, whatever sinks or workers do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from shared.alerts.lifecycle import sink_alert_id
from shared.controller.delivering import GIVEN_UP_AFTER, PAUSES, TOLD_AFTER, UNDELIVERED, deliver
from shared.controller.lettering import SOON, letter
from shared.controller.notifying import notify
from shared.controller.sweep import sweep
from shared.model import Cause, CauseKind, EnforcementMode, Severity
from shared.model.alert_records import AlertRecord, AlertStatus, Notification, NotificationType
from shared.model.errors import EntityChanged, StoreError
from shared.model.letters import Letter
from shared.model.messages import Message, MessageKind
from shared.state.letters import SOME
from shared.state.table_rows import digest
from tests.builders import ALL_AZURE, OFFICE, SERVER, public_server
from tests.controller.test_reconcile import FIREWALL, seen_compliant
from tests.fakes import START, World, only
from tests.functions.test_resource_events import letters, queued

COMPLIANT = public_server()
DRIFTED = public_server(firewall_rules=(OFFICE, ALL_AZURE))
CAUSE = Cause(kind=CauseKind.EVENT, time=START, event_id="event-1")
HOUR = 3600


def told_world(*sinks: str) -> World:
    world = World(mode=EnforcementMode.AUDIT, policies_file=only(FIREWALL), sinks=sinks or ("sink",))
    seen_compliant(world, COMPLIANT)
    return world


def becomes(world: World, snapshot: object, seconds: float = 0) -> None:
    world.event(world.azure.put(snapshot))  # type: ignore[arg-type]
    world.drain(seconds)


def alert_in(world: World) -> AlertRecord:
    (alert,) = world.store.alerts(policy=FIREWALL)
    return alert


def heard(world: World, sink: str = "sink") -> list[str]:
    return [told for name, told in world.heard if name == sink]


def undelivered(world: World) -> int:
    return len(list(world.store.letters.waiting()))


def news(name: str) -> Notification:
    return Notification(
        id=name,
        type=NotificationType.CHANGE_APPLIED,
        subject=str(SERVER),
        time=START,
        title="title",
        body="body",
        severity=Severity.HIGH,
        data={"target": {"kind": "flexibleServer", "id": str(SERVER)}},
    )


def tell(world: World, name: str) -> None:
    notify(news(name), CAUSE, world.deps())


def call_of(world: World) -> Message:
    """The message that was sent last; the one before is for a writer that dies."""
    _, message = queued(world)
    return message


@pytest.mark.field(
    "steady",
    "A sink that is down for an hour is told everything later, in order and once: an alert, then its end",
    source="docs/adr/0018-notifications-have-an-outbox.md",
    date="2026-11-29",
)
def test_a_sink_that_is_down_for_an_hour_loses_nothing() -> None:
    world = told_world("down", "other")
    world.sinks_down.add("down")
    becomes(world, DRIFTED, HOUR / 2)
    becomes(world, COMPLIANT, HOUR / 2)
    alert = alert_in(world)
    expected = [f"{alert.id}-opened-1", f"{alert.id}-resolved-1"]
    assert (heard(world, "other"), heard(world, "down")) == (expected, [])
    world.sinks_down.clear()
    world.drain(HOUR)
    assert heard(world, "down") == expected
    assert (undelivered(world), len(world.queue)) == (0, 0)


def test_a_sink_that_takes_something_again_is_given_the_rest_at_once() -> None:
    world = World()
    world.sinks_down.add("sink")
    for number in range(7):
        tell(world, f"n-{number}")
    world.drain(2 * HOUR)
    world.sinks_down.clear()
    tell(world, "newest")
    world.drain()
    assert sorted(heard(world)) == [*(f"n-{number}" for number in range(7)), "newest"][-8:]
    assert undelivered(world) == 0


def test_the_pauses_grow_and_an_outage_makes_no_second_chain_of_tries() -> None:
    world = World()
    world.sinks_down.add("sink")
    tell(world, "first")
    tries = []
    for pause in PAUSES:
        tell(world, "first")
        world.drain()
        tries.append(sum(one.attempt > 0 for one in queued(world)))
        world.clock.advance(pause)
    assert tries == [1] * len(PAUSES)
    assert list(PAUSES) == sorted(PAUSES)


def test_whoever_comes_while_a_letter_is_being_delivered_leaves_it_alone() -> None:
    world = World()
    tell(world, "first")
    message = call_of(world)

    def meanwhile(sink: str, told: Notification) -> None:
        deliver(replace(message, token="another"), world.deps())
        world.heard.append((sink, told.id))

    deliver(message, replace(world.deps(), deliver=meanwhile))
    world.drain()
    assert heard(world) == ["first"]


def test_a_worker_that_died_after_it_delivered_delivers_again_under_the_same_id() -> None:
    world = World()
    tell(world, "first")
    message = call_of(world)

    def dies(sink: str, told: Notification) -> None:
        world.heard.append((sink, told.id))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        deliver(message, replace(world.deps(), deliver=dies))
    deliver(replace(message, token="another"), world.deps())
    assert heard(world) == ["first"]
    deliver(message, world.deps())
    assert heard(world) == ["first", "first"]
    assert undelivered(world) == 0


def test_a_letter_that_no_message_comes_for_is_found_by_its_key() -> None:
    world = told_world()
    becomes(world, DRIFTED)
    world.heard.clear()
    world.refuse_next(MessageKind.NOTIFY, after=1)
    with pytest.raises(StoreError):
        becomes(world, COMPLIANT)
    world.lose_messages()
    assert alert_in(world).status is AlertStatus.RESOLVED
    world.clock.advance(SOON.total_seconds())
    sweep(world.deps())
    world.drain()
    assert heard(world) == [f"{alert_in(world).id}-resolved-1"]


@pytest.mark.field(
    "steady",
    "what a worker has written and not called for when it died is told within a minute",
    source="docs/adr/0018-notifications-have-an-outbox.md",
    date="2026-11-30",
)
def test_what_is_written_by_a_worker_that_dies_right_after_it_is_told_within_a_minute() -> None:
    world = told_world()
    becomes(world, DRIFTED)
    world.heard.clear()
    world.event(world.azure.put(COMPLIANT))
    (look,) = (one for one in iter(lambda: world.queue.receive(600), None) if "look" in one.body)
    world.refuse_next(MessageKind.NOTIFY, after=1)
    with pytest.raises(StoreError):
        world.handle(look, world.deps())
    world.drain(60)
    assert heard(world) == [f"{alert_in(world).id}-resolved-1"]


def test_what_was_left_behind_goes_with_the_next_thing_that_the_sink_takes() -> None:
    world = World()
    tell(world, "lost")
    world.lose_messages()
    world.clock.advance(SOON.total_seconds())
    tell(world, "next")
    world.drain()
    assert heard(world) == ["next", "lost"]


@pytest.mark.field(
    "steady",
    "A sink that takes nothing for a day is an alert to the other sinks, which ends when it takes everything",
    source="docs/adr/0018-notifications-have-an-outbox.md",
    date="2026-11-29",
)
def test_a_sink_that_takes_nothing_for_a_day_is_told_through_the_others() -> None:
    world = World(sinks=("down", "other"))
    world.sinks_down.add("down")
    tell(world, "first")
    world.drain(TOLD_AFTER.total_seconds() - HOUR)
    assert world.store.alerts() == []
    world.drain(5 * HOUR)
    (alert,) = world.store.alerts()
    assert (alert.id, alert.severity) == (sink_alert_id("down"), Severity.HIGH)
    assert alert.evidence["sink"] == "down"
    assert heard(world, "other") == ["first", f"{alert.id}-opened-1"]
    world.sinks_down.clear()
    world.drain(5 * HOUR)
    (alert,) = world.store.alerts()
    assert alert.status is AlertStatus.RESOLVED
    assert heard(world, "down") == ["first", f"{alert.id}-resolved-1"]
    assert heard(world, "other")[-1] == f"{alert.id}-resolved-1"


def test_what_nobody_took_for_a_week_is_put_aside() -> None:
    world = World()
    world.sinks_down.add("sink")
    tell(world, "first")
    world.drain()
    world.clock.advance(GIVEN_UP_AFTER.total_seconds())
    world.drain()
    (letter,) = letters(world)
    assert letter["reason"] == UNDELIVERED
    assert (undelivered(world), len(world.queue)) == (0, 0)


def down_for_days(world: World, days: int) -> None:
    world.sinks_down.add("a")
    becomes(world, DRIFTED)
    for _ in range(days * 4):
        world.clock.advance(6 * HOUR)
        sweep(world.deps())
        world.drain()


def alert_of_sink(world: World) -> AlertRecord:
    alert = world.store.alert(sink_alert_id("a"))
    assert alert is not None
    return alert


@pytest.mark.field(
    "steady",
    "A sink that takes something again is no alert any more, even where what it was late with was given up",
    source="docs/adr/0018-notifications-have-an-outbox.md",
    date="2026-11-29",
)
def test_the_alert_of_a_sink_ends_although_what_it_was_late_with_was_given_up() -> None:
    world = told_world("a", "b")
    down_for_days(world, 9)
    assert (undelivered(world), alert_of_sink(world).status) == (0, AlertStatus.OPEN)
    world.sinks_down.clear()
    becomes(world, COMPLIANT, 60)
    assert alert_of_sink(world).status is AlertStatus.RESOLVED
    assert heard(world, "b")[-1] == f"{sink_alert_id('a')}-resolved-1"


def test_the_alert_of_a_sink_that_was_taken_out_of_the_settings_ends_and_stays_so() -> None:
    world = told_world("a", "b")
    down_for_days(world, 3)
    assert alert_of_sink(world).status is AlertStatus.OPEN
    world.sinks = ("b",)
    for _ in range(8):
        world.clock.advance(6 * HOUR)
        sweep(world.deps())
        world.drain()
    ended = alert_of_sink(world)
    assert (ended.status, ended.count) == (AlertStatus.RESOLVED, 1)
    assert ended.resolution == "the settings name no such sink any more"


def test_a_sink_that_takes_nothing_is_told_once_that_is_saved(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(sinks=("down", "other"))
    world.sinks_down.add("down")
    tell(world, "first")
    world.drain(TOLD_AFTER.total_seconds() - HOUR)

    def overtaken(told: Sequence[Letter]) -> list[Letter]:
        if any(one.is_told for one in told):
            raise EntityChanged("somebody else was faster")
        return put(told)

    put = world.store.letters.put_all
    monkeypatch.setattr(world.store.letters, "put_all", overtaken)
    world.drain(5 * HOUR)
    assert world.store.alert(sink_alert_id("down")) is None


def test_a_part_of_the_sweep_that_fails_keeps_no_other_from_its_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    tell(world, "lost")
    world.lose_messages()
    world.clock.advance(SOON.total_seconds())

    def fails(_: object) -> None:
        raise EntityChanged("it is not as it was read")

    monkeypatch.setattr(world.store.names, "forget_old", fails)
    with pytest.raises(EntityChanged):
        sweep(world.deps())
    world.drain()
    assert heard(world) == ["lost"]
    assert any(line["message"] == "journal-anchored" for line in world.lines)
    (failed,) = [line for line in world.lines if line["message"] == "sweep-part-failed"]
    assert failed["reason"] == "EntityChanged: it is not as it was read"


def test_what_an_older_version_had_not_queued_goes_before_the_next_news() -> None:
    world = told_world()
    becomes(world, DRIFTED)
    opened = alert_in(world)
    world.heard.clear()
    world.store.put_alert(replace(opened, unsent=("Driftward.Alert.Opened",), told=0))
    becomes(world, COMPLIANT)
    assert heard(world) == [f"{opened.id}-opened-1", f"{opened.id}-resolved-1"]
    assert alert_in(world).unsent == ()


def test_clocks_that_are_ten_minutes_apart_lose_nothing_and_tell_nothing_twice() -> None:
    world = World()
    world.sinks_down.add("sink")
    tell(world, "first")
    world.drain()
    world.clock.set(world.clock.now() - timedelta(minutes=10))
    tell(world, "first")
    world.drain()
    world.sinks_down.clear()
    world.drain(20 * 60)
    assert heard(world) == ["first"]
    assert undelivered(world) == 0


@pytest.mark.field(
    "steady",
    "What a delivery costs does not grow with the sink's backlog",
    source="docs/adr/0018-notifications-have-an-outbox.md",
    date="2026-11-30",
)
def test_a_delivery_finds_the_next_of_a_long_backlog_by_key() -> None:
    world = World()
    names = sorted((f"change-{number}" for number in range(3 * SOME)), key=digest)
    for name in names:
        world.store.letters.post(letter("sink", name, 0, news(name), CAUSE))
    for place in (0, 40, 3 * SOME - 2):
        found = [one.about for one in world.store.letters.some_waiting("sink", names[place])]
        assert len(found) <= 2 * SOME
        assert found[:1] == names[place + 1 : place + 2]
        assert names[place] not in found
    assert world.store.letters.some_waiting("sink", names[-1])[0].about == names[0]


def test_of_a_short_backlog_all_is_found_what_comes_after_first() -> None:
    world = World()
    names = sorted((f"change-{number}" for number in range(5)), key=digest)
    for name in names:
        world.store.letters.post(letter("sink", name, 0, news(name), CAUSE))
    found = [one.about for one in world.store.letters.some_waiting("sink", names[2])]
    assert found == [*names[3:], *names[:2]]


# --- routes ----------------------------------------------------------------------------------------

ROUTED = only(FIREWALL) + "alerts:\n  routes:\n    - {sinks: [pagerduty], severity: Critical}\n"


def test_a_sink_is_told_what_its_route_lets_through_and_the_end_of_what_it_was_told() -> None:
    sinks = ("1 slack#1", "2 pagerduty#2")
    world = World(mode=EnforcementMode.AUDIT, policies_file=ROUTED, sinks=sinks)
    seen_compliant(world, COMPLIANT)
    becomes(world, DRIFTED, 61)
    assert len(heard(world, sinks[0])) == 1
    assert heard(world, sinks[1]) == []
    world.policies_file = only(FIREWALL)
    becomes(world, COMPLIANT, 61)
    assert [name.split("-")[1] for name in heard(world, sinks[0])] == ["opened", "resolved"]
    assert undelivered(world) == 0


OF_SHOP = {"Team": "shop", "owner": "somebody"}
TAGGED = ("1 a#1", "2 b#2", "3 c#3")
BY_TAG = """alerts:
  routes:
    - {sinks: ["1", "2"], severity: Critical}
    - {sinks: ["1"], tags: {team: shop}}
    - {sinks: ["2"], tags: {team: ads}}
"""


@pytest.mark.parametrize("mode", EnforcementMode)
def test_an_alert_and_a_change_are_told_to_those_whose_tag_the_server_has(mode: EnforcementMode) -> None:
    world = World(mode=mode, policies_file=only(FIREWALL) + BY_TAG, sinks=TAGGED)
    seen_compliant(world, replace(COMPLIANT, tags=OF_SHOP))
    becomes(world, replace(DRIFTED, tags=OF_SHOP))
    assert sorted(sink for sink, _ in world.heard) == [TAGGED[0], TAGGED[2]]
    assert all("tags" not in told.data for told in world.delivered)


def test_an_alert_keeps_the_tags_by_which_it_is_routed_and_no_others() -> None:
    world = World(mode=EnforcementMode.AUDIT, policies_file=only(FIREWALL) + BY_TAG, sinks=TAGGED)
    seen_compliant(world, replace(COMPLIANT, tags=OF_SHOP))
    becomes(world, replace(DRIFTED, tags=OF_SHOP))
    assert alert_in(world).tags == {"team": "shop"}
    becomes(world, COMPLIANT)
    assert sorted(sink for sink, _ in world.heard) == [*(TAGGED[0],) * 2, *(TAGGED[2],) * 2]
