"""What a program wrote comes back with its next apply, unless it is changed at its source."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.alerts.words import alert_sections, change_sections
from shared.model import Actor, Cause, CauseKind, Outcome
from shared.model.alert_records import AlertStatus
from shared.model.change_records import ChangeKind
from tests.adapters.storage.examples import NOW, alert, change, server

APP, OBJECT = "6a0ec0f6-2a8f-4c3f-9e2e-0f6a4c1b7d10", "9f1e7a9e-8c39-4f5b-9a65-2f6b8a1c3d20"
PIPELINE = Actor(app_id=APP, object_id=OBJECT)
CASES = {
    "a service principal in an event": (PIPELINE, CauseKind.EVENT, True),
    "a service principal in the Activity Log, which has its id for a name": (
        replace(PIPELINE, name=OBJECT),
        CauseKind.EVENT,
        True,
    ),
    "a user at the portal": (replace(PIPELINE, name="Jane Doe"), CauseKind.EVENT, False),
    "nobody knows who": (Actor(), CauseKind.EVENT, False),
    "an object without an application": (Actor(object_id=OBJECT), CauseKind.EVENT, False),
    "a program that asked for a run": (PIPELINE, CauseKind.OPERATOR, False),
    "found by the sweep": (Actor(), CauseKind.SWEEP, False),
}
each = pytest.mark.parametrize(("actor", "kind", "is_told"), CASES.values(), ids=CASES)


@each
def test_an_alert_says_that_the_next_apply_brings_it_back(
    actor: Actor, kind: CauseKind, is_told: bool
) -> None:
    told = replace(alert("a1"), cause=Cause(kind=kind, time=NOW, actor=actor))
    leads = [section.lead for section in alert_sections(told)]
    assert ("Next time:" in leads) is is_told
    over = [section.lead for section in alert_sections(replace(told, status=AlertStatus.RESOLVED))]
    assert "Next time:" not in over


@each
def test_so_does_a_revert_and_no_rollback(actor: Actor, kind: CauseKind, is_told: bool) -> None:
    reverted = replace(
        change("c1", server(), NOW, Outcome.REVERTED), cause=Cause(kind=kind, time=NOW, actor=actor)
    )
    leads = [section.lead for section in change_sections(reverted, None, "", ())]
    assert ("Next time:" in leads) is is_told
    undone = replace(reverted, kind=ChangeKind.ROLLBACK, outcome=Outcome.ROLLED_BACK)
    assert "Next time:" not in [section.lead for section in change_sections(undone, None, "", ())]
