"""A control is met only where something was judged and nothing speaks against it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from local.pages.coverage_rows import sources
from shared.model import ComplianceState
from shared.model.results import TargetResult
from shared.policies import discover
from shared.report.controls import ControlState, Standing, frameworks_of
from shared.report.manual_controls import MANUAL
from tests.report.estates import PUBLIC, finding, server

CIS = ("CIS Microsoft Azure Database Services", "6.3")


def state(results: list[TargetResult]) -> ControlState:
    found = {
        (one.name, control.control.id): control for one in frameworks_of(results) for control in one.controls
    }
    return found[CIS]


def judged(name: str, said: ComplianceState) -> TargetResult:
    """Every policy is compliant, but the one on public access."""
    target = server(name)
    all_of_them = (
        finding(target, one.id, said if one.id == PUBLIC else ComplianceState.COMPLIANT, "")
        for one in discover()
        if target.kind in one.targets
    )
    return TargetResult(target=target, findings=tuple(all_of_them))


@pytest.mark.parametrize(
    ("said", "standing"),
    [
        (ComplianceState.COMPLIANT, Standing.MET),
        (ComplianceState.NON_COMPLIANT, Standing.UNMET),
        (ComplianceState.UNKNOWN, Standing.UNKNOWN),
        (ComplianceState.ERROR, Standing.UNKNOWN),
        (ComplianceState.EXEMPT, Standing.EXEMPT),
    ],
)
def test_one_target_decides_over_a_control_that_others_meet(
    said: ComplianceState, standing: Standing
) -> None:
    found = state([judged("fine", ComplianceState.COMPLIANT), judged("other", said)])
    assert found.standing is standing


def test_what_is_wrong_counts_targets_once() -> None:
    wrong = [judged(f"s{number}", ComplianceState.NON_COMPLIANT) for number in range(3)]
    assert state(wrong).unmet == 3


def test_a_policy_that_was_not_asked_leaves_its_controls_unknown() -> None:
    whole = judged("fine", ComplianceState.COMPLIANT)
    part = replace(whole, findings=tuple(one for one in whole.findings if one.policy != PUBLIC))
    found = state([part])
    assert found.standing is Standing.UNKNOWN
    assert PUBLIC in found.not_asked


def test_where_nothing_was_looked_at_nothing_is_met() -> None:
    found = {one.standing for each in frameworks_of([]) for one in each.controls}
    assert found == {Standing.SILENT, Standing.MANUAL}


def test_what_is_manual_is_so_in_the_coverage_too() -> None:
    by_hand = {
        (source.controls.framework, source.controls.version, row.id)
        for source in sources()
        if source.controls is not None
        for row in source.rows
        if not row.policies
    }
    named = {(one.framework, one.version, one.id) for one in MANUAL}
    assert named <= by_hand
    told = [one for each in frameworks_of([]) for one in each.controls if one.standing is Standing.MANUAL]
    assert {(one.control.framework, one.control.version, one.control.id) for one in told} <= named
    assert told


def test_newer_versions_come_first_and_numbers_count_as_numbers() -> None:
    found = frameworks_of([])
    versions = [one.version for one in found if one.name == "CIS Microsoft Azure Foundations"]
    assert versions == sorted(versions, reverse=True)
    ids = [one.control.id for one in found[0].controls]
    assert ids == sorted(ids, key=lambda one: [int(part) for part in one.split(".")])
