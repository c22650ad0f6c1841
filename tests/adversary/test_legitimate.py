"""Whoever works honestly does not pay for the brakes: no more writes or messages, no busy answer of ours."""

from __future__ import annotations

from typing import Final

import pytest

from shared.model import EnforcementMode
from tests.adversary.legitimate import QUIET_WEEK, SINGLE, Work, worked

BEFORE: Final = {
    "sixSteps": (1, 1),
    "pipeline": (1, 1),
    "migration": (0, 1),
    "redone": (0, 0),
    "mistake": (1, 1),
}
"""Writes and messages in enforce mode of the very same plays before an exposure had a clock (at 02d9d68)."""
BEFORE_IN_AUDIT: Final = {"sixSteps": 2, "pipeline": 2, "migration": 1, "redone": 0, "mistake": 1}
"""Messages in audit mode, likewise."""
WEEK_BEFORE: Final = (25, 28)
"""Of the quiet week in enforce mode, likewise; 21 steps of others met a write of ours then."""


@pytest.mark.parametrize("work", SINGLE, ids=lambda work: work.name)
def test_honest_work_costs_no_more_writes_and_messages_than_before(work: Work) -> None:
    came = worked(work)
    writes, messages = BEFORE[work.name]
    assert len(came.writes) <= writes
    assert len(came.messages) <= messages
    assert (came.collisions, came.refused) == (0, 0)


@pytest.mark.parametrize("work", SINGLE, ids=lambda work: work.name)
def test_honest_work_costs_no_more_messages_in_audit_either(work: Work) -> None:
    came = worked(work, EnforcementMode.AUDIT)
    assert len(came.messages) <= BEFORE_IN_AUDIT[work.name]
    assert came.writes == ()


@pytest.mark.long
def test_a_quiet_week_costs_no_more_writes_and_messages_than_before() -> None:
    came = worked(QUIET_WEEK)
    writes, messages = WEEK_BEFORE
    assert len(came.writes) <= writes
    assert len(came.messages) <= messages
    assert (came.collisions, came.refused) == (0, 0)
