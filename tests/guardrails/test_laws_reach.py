"""Whether the readings that the laws are asked about reach what the laws are about.

A law holds of nothing where no reading has a plan. Counted for each policy and kind of target, over the same
samples that the laws get; what it costs is why `make unit` leaves this file out.
"""

from __future__ import annotations

from collections import Counter, defaultdict

import pytest
from hypothesis import Phase, given, settings

from shared.guardrails.prove import prove
from shared.model import ComplianceState, Safety, TargetKind
from tests.guardrails.test_laws import (
    NON_COMPLIANT,
    POLICIES,
    RESTORERS,
    Planned,
    every_kind,
    every_restored_kind,
    generously,
    planned,
    restored_from,
)
from tests.strategies import Sample, samples, seen_by

pytestmark = pytest.mark.long

counted = settings(
    generously, max_examples=100, phases=[Phase.generate], derandomize=True, database=None, deadline=None
)


@every_kind
def test_a_fair_share_of_the_examples_has_a_plan_and_a_fair_share_has_none(kind: TargetKind) -> None:
    """And most plans can be proved though every policy of the catalogue is on."""
    seen: dict[str, Counter[str]] = defaultdict(Counter)
    policies = {policy.id: policy for policy in POLICIES if kind in policy.targets}

    @counted
    @given(samples(kind))
    def count(sample: Sample) -> None:
        for policy in policies.values():
            snapshot = seen_by(policy, sample)
            finding = policy.evaluate(snapshot)
            found = planned(policy, snapshot, finding)
            seen[policy.id]["planned" if found else "not planned"] += 1
            seen[policy.id]["proved"] += found is not None and is_proved(found)
            seen[policy.id][finding.state] += 1

    count()

    for policy_id, found in seen.items():
        assert found["planned"] >= 15 or policies[policy_id].safety is Safety.MANUAL, (policy_id, found)
        assert found["not planned"] >= 15, (policy_id, found)
        assert found["proved"] >= found["planned"] / 2, (policy_id, found)
        for state in (ComplianceState.COMPLIANT, NON_COMPLIANT, ComplianceState.UNKNOWN):
            assert found[state] >= 5, (policy_id, found)


def is_proved(found: Planned) -> bool:
    return prove(found.change, found.before, found.policy, POLICIES).holds


@every_restored_kind
def test_a_fair_share_of_the_drifts_is_restored_and_a_fair_share_is_not(kind: TargetKind) -> None:
    seen: dict[str, Counter[bool]] = defaultdict(Counter)

    @counted
    @given(samples(kind))
    def count(sample: Sample) -> None:
        for policy in RESTORERS:
            if kind in policy.targets:
                seen[policy.id][restored_from(policy, sample) is not None] += 1

    count()

    for policy_id, found in seen.items():
        assert min(found[True], found[False]) >= 15, (policy_id, found)
