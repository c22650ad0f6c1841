"""What a run is made of: deeds from a seed, places where nothing is amiss, and what counts as quiet."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from local.chaos.asking import Kept
from local.chaos.faults import LATE, faults
from local.chaos.grid import Grid
from local.chaos.landscape import JUDGED, PUBLIC_ACCESS, PlaceKind, places, policies_yaml, resources
from local.chaos.model import amiss, by_id
from local.chaos.operators import deeds
from local.chaos.plan import FULL, sized
from local.chaos.quiet import unrest
from local.chaos.sink import Sink
from local.simulator.faults import parse_fault
from local.simulator.values import JsonObject
from shared.config.file_reading import parse_policies_file
from shared.model import Effect
from shared.policies import discover

STANDING = places(30, 9)
NOW = datetime(2026, 11, 29, 10, tzinfo=UTC)


def test_nothing_is_amiss_where_nobody_has_written_but_for_servers_that_were_always_public() -> None:
    held = by_id(resources(STANDING))
    for place in STANDING:
        inherited = {PUBLIC_ACCESS} if place.kind is PlaceKind.PUBLIC else set()
        if place.kind is not PlaceKind.SUBNET:
            assert set(amiss(place, held) or ()) == inherited


def test_the_same_seed_is_the_same_deeds_and_another_seed_is_not() -> None:
    assert deeds(STANDING, 200, 7) == deeds(STANDING, 200, 7)
    assert deeds(STANDING, 200, 7) != deeds(STANDING, 200, 8)
    assert len(deeds(STANDING, 200, 7)) == 200


def test_nobody_writes_to_a_server_after_it_was_deleted() -> None:
    planned = deeds(STANDING, 3000, 3)
    gone: set[str] = set()
    for deed in planned:
        assert deed.target not in gone
        if deed.method == "DELETE" and deed.path == deed.target:
            gone.add(deed.target)
    assert gone


def test_every_kind_of_place_is_written_to_in_every_way() -> None:
    ways = Counter((deed.method, deed.path.lower().split("/")[-2]) for deed in deeds(STANDING, 2000, 1))
    assert len(ways) == 7


def test_every_fault_is_one_that_the_simulator_takes_and_every_late_code_is_among_them() -> None:
    listed = [*faults(STANDING, 1)]
    for number, fault in enumerate(listed):
        assert parse_fault({"times": fault.times, "chance": fault.chance, "then": fault.then}, number)
    codes = {str(fault.then["operationFails"]) for fault in listed if "operationFails" in fault.then}
    assert len(codes) == len(LATE)


def test_the_policies_of_a_run_are_those_that_the_model_judges() -> None:
    file = parse_policies_file(policies_yaml(), discover(), name="policies.yaml")
    assert file.defaults.effect is Effect.OFF
    assert set(file.policies) == set(JUDGED)


def test_what_is_chosen_stands_over_the_size() -> None:
    plan = sized("full", seed=9, events=None, hosts=2, kills=None)
    assert (plan.seed, plan.events, plan.hosts, plan.kills) == (9, FULL.events, 2, FULL.kills)


def kept(
    targets: tuple[JsonObject, ...] = (),
    coalesced: tuple[JsonObject, ...] = (),
    messages: Mapping[str, int] | None = None,
    visible: Mapping[str, int] | None = None,
) -> Kept:
    return Kept(targets=targets, coalesced=coalesced, messages=messages or {}, visible=visible or {})


def stirs(found: Kept) -> bool:
    return bool([*unrest(found, NOW.timestamp())])


def test_a_message_that_waits_for_much_later_is_quiet_and_one_that_can_be_taken_is_not() -> None:
    assert not stirs(kept(messages={"reconcile": 5}, visible={"reconcile": 0}))
    assert stirs(kept(messages={"reconcile": 5}, visible={"reconcile": 1}))
    assert stirs(kept(messages={"notify": 1}))
    assert stirs(kept(messages={"reconcile-poison": 1}))


def test_a_change_a_reading_and_a_look_that_is_due_soon_are_no_quiet() -> None:
    target: JsonObject = {"id": "/a"}
    soon, later = ((NOW + timedelta(seconds=seconds)).isoformat() for seconds in (20, 2000))
    assert stirs(kept(targets=({"target": target, "activeChange": "c"},)))
    assert stirs(kept(targets=({"target": target, "change": {"phase": "claimed"}},)))
    assert stirs(kept(coalesced=({"row": "q-1", "running": {}},)))
    assert stirs(kept(targets=({"target": target, "recheckAt": soon},)))
    assert not stirs(kept(targets=({"target": target, "recheckAt": later},)))


def test_a_sink_that_is_down_takes_nothing_and_keeps_what_it_took() -> None:
    sink = Sink()
    assert sink.take({}, b'[{"id": "1"}]')[0] == 200
    sink.is_down = True
    assert sink.take({}, b'[{"id": "2"}]')[0] == 503
    assert ([one["event"] for one in sink.taken], sink.refused) == ([{"id": "1"}], 1)


def test_the_grid_answers_the_validation_and_keeps_an_event_until_a_host_takes_it() -> None:
    grid = Grid(list, seed=1)
    validation = b'[{"data": {"validationCode": "x"}}]'
    assert grid.take({"aeg-event-type": "SubscriptionValidation"}, validation) == (
        200,
        b'{"validationResponse": "x"}',
    )
    grid.start()
    try:
        grid.take({}, b'[{"id": "1"}]')
        patience = time.monotonic() + 60
        while not grid.refused and time.monotonic() < patience:
            time.sleep(0.05)
        assert grid.refused
        assert grid.waiting
        assert grid.raised == [{"id": "1"}]
    finally:
        grid.stop()
