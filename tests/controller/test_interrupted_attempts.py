"""A revert that a worker's death interrupted is no round of a fight; one that somebody undid is."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.controller.change_ends import with_end
from shared.controller.remembering import with_foreign_write
from shared.model import Cause, CauseKind, Outcome
from shared.model.change_records import ChangeRecord
from shared.model.memory import Attempt, TargetRecord
from tests.adapters.storage.examples import NOW, POLICY, change, server
from tests.fakes import SOMEBODY, World

SENT, SEEN = NOW + timedelta(seconds=5), NOW + timedelta(seconds=50)
NOT_MADE = replace(change(outcome=Outcome.CONFLICTED), next_edit=0, sent_at=SENT, finished_at=SEEN)
MADE = replace(NOT_MADE, next_edit=1)


def remembered() -> TargetRecord:
    attempt = Attempt(policy=POLICY, fingerprint="drift-1", at=NOW)
    return TargetRecord(target=server(), first_seen=NOW, attempts=(attempt,))


def written(seconds: float) -> Cause:
    return Cause(kind=CauseKind.EVENT, time=NOW + timedelta(seconds=seconds), actor=SOMEBODY)


def noted(record: TargetRecord, ended: ChangeRecord) -> Outcome | None:
    return with_end(record, ended).attempts[-1].outcome


@pytest.mark.parametrize("seconds", [None, -60, 5])
def test_what_was_not_made_is_interrupted_where_nobody_wrote_since(seconds: float | None) -> None:
    heard = written(seconds) if seconds is not None else None
    assert noted(replace(remembered(), last_foreign=heard), NOT_MADE) is Outcome.CONFLICTED


def test_what_somebody_may_have_undone_counts_as_any_other() -> None:
    assert noted(replace(remembered(), last_foreign=written(20)), NOT_MADE) is None
    assert noted(replace(remembered(), last_foreign=written(20)), MADE) is None


def test_an_event_that_comes_late_makes_it_a_round_after_all() -> None:
    world, record = World(), with_end(remembered(), NOT_MADE)
    world.clock.set(SEEN + timedelta(minutes=5))
    later = with_foreign_write(record, written(60), world.deps())
    assert later.attempts[-1].outcome is Outcome.CONFLICTED
    assert with_foreign_write(record, written(20), world.deps()).attempts[-1].outcome is None
