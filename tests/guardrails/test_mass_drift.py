"""From how many targets on it is an incident."""

from __future__ import annotations

import pytest

from shared.guardrails.mass_drift import Threshold

USUAL = Threshold(at_least=10, percent=20, enough=100)


@pytest.mark.parametrize(
    ("known", "threshold"), [(None, 10), (0, 10), (50, 10), (51, 11), (400, 80), (500, 100), (10_000, 100)]
)
def test_a_share_counts_between_the_least_and_what_is_enough(known: int | None, threshold: int) -> None:
    assert USUAL.of(known) == threshold


def test_it_is_over_with_fewer_than_half() -> None:
    assert [USUAL.is_quiet(count, None) for count in (4, 5, 10)] == [True, False, False]
    assert Threshold(at_least=3, percent=0, enough=3).is_quiet(1, 100)
