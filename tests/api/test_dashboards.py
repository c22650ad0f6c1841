"""Figures for dashboards: of lists that are short or long, and of what is remembered."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.api.dashboards import MOST_LATELY, _targets
from shared.api.report import whole_report
from shared.api.standing import SweepView
from shared.controller.sweep import sweep
from shared.model.errors import StoreError
from shared.report.controls import Standing
from shared.report.lately import lately
from shared.state.store import Store
from tests.api.calling import PUBLIC, alerted, call, problem, reverted
from tests.fakes import START, SUBSCRIPTION, World


def figures(world: World) -> dict[str, Any]:
    response = call(world, "summary")
    assert response.status == 200
    body: dict[str, Any] = response.body
    return body


def frameworks(world: World, **query: str) -> list[dict[str, Any]]:
    response = call(world, "compliance", query=query)
    assert response.status == 200, response.body
    found: list[dict[str, Any]] = response.body["frameworks"]
    return found


# --- the summary -----------------------------------------------------------------------------------


def test_an_app_that_knows_nothing_says_so_and_counts_nothing() -> None:
    told = figures(World())
    assert told["targets"] is None
    assert set(told["openAlerts"].values()) == {0}
    assert told["lately"]["medianSeconds"] is None


def test_open_alerts_are_counted_by_severity_and_who_looks_after_them_is_another_count() -> None:
    world, alert = alerted()
    before = figures(world)
    assert before["openAlerts"][alert.severity] >= 1
    assert before["acknowledgedAlerts"][alert.severity] == 0
    call(world, "acknowledge_alert", {"by": "ada"}, id=alert.id)
    after = figures(world)
    assert after["openAlerts"][alert.severity] == before["openAlerts"][alert.severity] - 1
    assert after["acknowledgedAlerts"][alert.severity] == 1


def test_what_was_reverted_and_resolved_lately_is_counted_for_a_month() -> None:
    world, _ = reverted()
    told = figures(world)["lately"]
    assert (told["reverted"], told["whole"]) == (1, True)
    world.clock.advance(timedelta(days=31).total_seconds())
    assert figures(world)["lately"]["reverted"] == 0


def test_how_long_it_took_is_the_median_of_what_is_over() -> None:
    _, alert = alerted()
    ended = [
        replace(alert, first_seen=START, resolved_at=START + timedelta(minutes=minutes))
        for minutes in (1, 3, 60)
    ]
    found = lately(ended, [], START + timedelta(days=1), whole=True)
    assert (found.resolved, found.median_seconds) == (3, 180.0)


@pytest.mark.parametrize(
    ("targets", "count"), [((3, 4), 7), ((3, None), None), ((), None)], ids=["whole", "in part", "none"]
)
def test_targets_are_counted_where_every_list_was_whole(
    targets: tuple[int | None, ...], count: int | None
) -> None:
    views = [
        SweepView(subscription=str(n), began=START, targets=one, failed="", looks_until=None)
        for n, one in enumerate(targets)
    ]
    assert _targets(views) == count


def test_what_cannot_be_read_is_null_and_keeps_nothing_else_from_being_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise StoreError("no key")

    monkeypatch.setattr(Store, "alerts", broken)
    told = figures(World())
    assert told["lately"] is None
    assert told["openAlerts"] is not None
    monkeypatch.setattr(Store, "alert_count", broken)
    assert figures(World())["openAlerts"] is None


def test_a_summary_reads_no_more_alerts_than_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    world, _ = alerted()
    asked: list[object] = []
    whole = Store.alerts

    def noted(store: Store, **given: Any) -> Any:
        asked.append(given["limit"])
        return whole(store, **given)

    monkeypatch.setattr(Store, "alerts", noted)
    figures(world)
    assert asked == [MOST_LATELY]


# --- frameworks ------------------------------------------------------------------------------------


def test_frameworks_are_counted_and_controls_told_of_the_one_that_is_named() -> None:
    world, _ = alerted()
    counted = frameworks(world)
    assert len(counted) > 3
    assert all(one["controls"] is None for one in counted)
    named = frameworks(world, framework="cis")
    assert {one["name"].startswith("CIS") for one in named} == {True}
    for one in named:
        (same,) = [c for c in counted if (c["name"], c["version"]) == (one["name"], one["version"])]
        assert one["counts"] == same["counts"]
        assert sum(one["counts"].values()) == len(one["controls"])


def test_what_a_drift_breaks_is_not_met_and_says_by_which_policy() -> None:
    world, _ = alerted()
    (one,) = [
        control
        for framework in frameworks(world, framework="CIS Microsoft Azure Database")
        for control in framework["controls"]
        if PUBLIC in control["policies"]
    ]
    assert (one["standing"], one["notMet"]) == (Standing.UNMET, 1)


def standings(world: World) -> set[str]:
    return {
        control["standing"]
        for one in frameworks(world)
        for control in frameworks(world, framework=one["name"])[0]["controls"]
    }


def test_what_no_policy_judges_any_more_is_not_met() -> None:
    world, _ = alerted()
    assert Standing.MET in standings(world)
    world.policies_file = "version: 1\ndefaults:\n  effect: off\n"
    assert standings(world) == {Standing.UNKNOWN, Standing.SILENT, Standing.MANUAL}


def test_what_a_policy_has_nothing_to_ask_of_meets_no_control() -> None:
    """As in a scan: what is remembered of such a reading is that it was compliant, and no baseline."""
    world, _ = alerted()
    (record,) = world.store.known_targets(SUBSCRIPTION)
    silent = {name for name, one in record.memories.items() if one.last_compliant_at is None} - {PUBLIC}
    assert silent
    estate = whole_report(world.deps()).estate
    assert {one.policy for one in estate.results[0].findings if not one.applies} == silent


def test_a_framework_that_nobody_cites_is_refused_and_those_there_are_are_told() -> None:
    detail = problem(
        call(World(), "compliance", query={"framework": "PCI"}), 400, "invalid-input", "framework"
    )
    assert "MCSB" in detail
    problem(call(World(), "compliance", query={"framework": " "}), 400, "invalid-input", "framework")
    problem(call(World(), "compliance", query={"frameworks": "CIS"}), 400, "invalid-input", "frameworks")


def test_before_a_pass_of_the_sweep_not_everything_may_be_known() -> None:
    world = World()
    (unlisted,) = call(world, "compliance").body["unlisted"]
    assert unlisted["scope"].endswith(SUBSCRIPTION)
    sweep(world.deps())
    world.drain()
    assert call(world, "compliance").body["unlisted"] == []
