"""How fast ARM is asked: slower before a bucket is empty, and what a 429 stands for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from shared.adapters.arm.session.pace import RESERVE, SWEEP_RESERVE, Pace, place_of
from shared.model import Aspect, Target, TargetKind
from shared.model.errors import Throttled
from shared.model.resource_id import ResourceId
from tests.adapters.conftest import Bench
from tests.adapters.scripted_arm import Reply

NOW = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
SERVER = "/subscriptions/5ab1/resourceGroups/rg/providers/Microsoft.DBforPostgreSQL/flexibleServers/db"
ZONE = "/subscriptions/5ab1/resourceGroups/rg/providers/Microsoft.Network/privateDnsZones/z"
GRAPH = "/providers/Microsoft.ResourceGraph/resources"
READS = "x-ms-ratelimit-remaining-subscription-reads"


def told(name: str, left: int, path: str = SERVER, method: str = "GET") -> Pace:
    pace = Pace()
    pace.note(method, path, {name: str(left)}, NOW)
    return pace


@pytest.mark.field(
    "steady",
    "What ARM says is left of a bucket slows us down before it is empty, and sweeps before looks at events.",
    source="https://learn.microsoft.com/azure/azure-resource-manager/management/request-limits-and-throttling",
    date="2026-11-29",
)
def test_a_bucket_that_runs_low_is_waited_for_until_it_holds_the_reserve_again() -> None:
    pace = told(READS, 10)
    assert pace.wait("GET", SERVER, NOW) == (RESERVE - 10) / 25
    assert pace.wait("GET", SERVER, NOW, SWEEP_RESERVE) == (SWEEP_RESERVE - 10) / 25
    assert pace.wait("GET", SERVER, NOW + timedelta(seconds=4)) == 0
    assert pace.left("5AB1", NOW + timedelta(seconds=4)) == 110


def test_a_full_bucket_and_one_of_another_subscription_delay_nothing() -> None:
    assert told(READS, 249).wait("GET", SERVER, NOW, SWEEP_RESERVE) == 0
    assert told(READS, 0).wait("GET", SERVER.replace("5ab1", "5ab2"), NOW) == 0
    assert Pace().left("5ab1", NOW) is None


def test_a_proved_write_is_not_held_back_by_what_is_left() -> None:
    pace = told("x-ms-ratelimit-remaining-subscription-writes", 1, method="PUT")
    assert pace.wait("PUT", SERVER, NOW) == 0


@pytest.mark.parametrize(
    ("name", "path", "seconds"),
    [
        ("x-ms-ratelimit-remaining-subscription-global-reads", SERVER, 20 / 375),
        ("x-ms-ratelimit-remaining-subscription-resource-requests", ZONE, 4 / (5 / 3)),
        ("x-ms-ratelimit-remaining-subscription-resource-entities-read", f"{ZONE}/A/db", 4 / (5 / 3)),
    ],
)
def test_every_bucket_that_is_counted_is_heeded(name: str, path: str, seconds: float) -> None:
    assert told(name, 0, path).wait("GET", path, NOW) == pytest.approx(seconds)


def test_a_providers_own_bucket_delays_no_other_provider() -> None:
    pace = told("x-ms-ratelimit-remaining-subscription-resource-requests", 0, ZONE)
    assert pace.wait("GET", SERVER, NOW) == 0


@pytest.mark.parametrize("text", ["", "many", "-1", "1e9", "1.5", "Microsoft.Compute/GetVM3Min;99"])
def test_what_is_no_count_is_not_heeded(text: str) -> None:
    pace = Pace()
    pace.note("GET", SERVER, {READS: text, "x-ms-ratelimit-remaining-resource": text}, NOW)
    assert pace.wait("GET", SERVER, NOW, SWEEP_RESERVE) == 0


def test_the_last_question_to_resource_graph_waits_for_its_quota() -> None:
    pace = Pace()
    headers = {"x-ms-user-quota-remaining": "0", "x-ms-user-quota-resets-after": "00:00:03"}
    pace.note("POST", GRAPH, headers, NOW)
    assert pace.wait("POST", GRAPH, NOW) == 3
    assert pace.wait("GET", SERVER, NOW) == 0


def test_a_429_of_a_provider_is_a_wall_for_that_kind_of_resource_alone() -> None:
    pace = Pace()
    pace.refused(
        "GET", f"{SERVER}/administrators", Throttled("slow", code="TooManyRequests", retry_after=60), NOW
    )
    assert pace.wait("GET", f"{SERVER}2/administrators", NOW) == 60
    assert pace.wait("GET", SERVER, NOW) == 0
    assert pace.wait("GET", f"{SERVER}/administrators", NOW + timedelta(seconds=60)) == 0


def test_a_429_of_arm_itself_is_a_wall_for_the_whole_bucket() -> None:
    pace = Pace()
    error = Throttled("slow", code="SubscriptionRequestsThrottled", retry_after=10)
    pace.refused("GET", f"{SERVER}/administrators", error, NOW)
    assert pace.wait("GET", ZONE, NOW) == 10
    assert pace.wait("PUT", ZONE, NOW) == 0


def test_a_429_that_names_no_time_is_a_wall_for_a_second() -> None:
    pace = Pace()
    pace.refused("GET", SERVER, Throttled("slow"), NOW)
    assert pace.wait("GET", SERVER, NOW) == 1


@pytest.mark.parametrize(
    "path", ["", "/", "/subscriptions", "/subscriptions/5ab1", "/providers", "//providers/"]
)
def test_every_path_has_a_place(path: str) -> None:
    assert place_of("GET", path).kind == "reads"


def test_an_extension_of_a_resource_is_a_kind_of_its_own() -> None:
    place = place_of("GET", f"{SERVER}/providers/Microsoft.Insights/diagnosticSettings")
    assert place.type == "microsoft.insights/diagnosticsettings"


def test_a_read_waits_a_moment_for_its_bucket_and_is_not_sent_where_that_takes_long(bench: Bench) -> None:
    target = Target(kind=TargetKind.FLEXIBLE_SERVER, id=ResourceId(SERVER))
    low = Reply(body={"id": SERVER, "name": "db", "properties": {"state": "Ready"}}, headers={READS: "5"})
    bench.arm.on("GET", SERVER, low, Reply(status=429, body={}, headers={"Retry-After": "30"}))
    bench.gateway.read(target, frozenset({Aspect.SERVER}))
    with pytest.raises(Throttled) as first:
        bench.gateway.read(target, frozenset({Aspect.SERVER}))
    with pytest.raises(Throttled) as second:
        bench.gateway.read(target, frozenset({Aspect.SERVER}))
    assert (bench.slept, bench.statuses) == ([0.6], [("GET", 200), ("GET", 429)])
    assert second.value.code == "Paced"
    assert (first.value.request, second.value.retry_after) == (f"GET {SERVER}", 30)


def test_what_can_wait_leaves_more_of_the_bucket(bench: Bench) -> None:
    target = Target(kind=TargetKind.FLEXIBLE_SERVER, id=ResourceId(SERVER))
    body = {"id": SERVER, "name": "db", "properties": {"state": "Ready"}}
    bench.arm.on("GET", SERVER, Reply(body=body, headers={READS: "50"}))
    for _ in range(2):
        bench.gateway.read(target, frozenset({Aspect.SERVER}))
    bench.gateway.give_way()
    bench.gateway.read(target, frozenset({Aspect.SERVER}))
    assert bench.slept == [2.0]
