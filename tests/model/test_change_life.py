"""The life of a change: which step follows which happening, whatever order they are said to come in."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as some

from shared.model import (
    Action,
    Cause,
    CauseKind,
    Change,
    Decision,
    DeleteFirewallRule,
    Operation,
    Outcome,
    Proof,
    PutFirewallRule,
    Reason,
)
from shared.model.change_life import (
    IN_FLIGHT,
    Accepted,
    Answered,
    Ended,
    Forgotten,
    Happening,
    NothingThere,
    NotTaken,
    OutOfStep,
    Sending,
    Told,
    step,
    taken_up,
    what_stands,
)
from shared.model.change_records import ChangeKind, ChangeRecord, Phase
from tests.builders import SERVER, rule, server

NOW = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
RUNNING = Operation(url="operation", style="asyncOperation")
REFUSED = Ended(outcome=Outcome.FAILED, detail="refused", code="Refused", at=NOW)
HAPPENINGS: tuple[Happening, ...] = (
    Sending(at=NOW),
    Accepted(operation=RUNNING),
    Answered(),
    NothingThere(),
    Forgotten(),
    NotTaken(),
    REFUSED,
    Ended(outcome=Outcome.REVERTED, detail="gone", at=NOW, after="hash"),
    Told(),
)
FOLLOWS = {
    Phase.CLAIMED: {Phase.SENDING, Phase.SENT, Phase.ENDED},
    Phase.SENDING: {Phase.CLAIMED, Phase.RUNNING, Phase.SENT, Phase.ENDED},
    Phase.RUNNING: {Phase.CLAIMED, Phase.RUNNING, Phase.SENDING, Phase.SENT, Phase.ENDED},
    Phase.SENT: {Phase.ENDED},
    Phase.ENDED: {Phase.TOLD},
    Phase.TOLD: set(),
}


def claimed(edits: int = 2) -> ChangeRecord:
    rules = [rule(f"rule{number}", "0.0.0.0") for number in range(edits)]
    return ChangeRecord(
        id="change",
        kind=ChangeKind.REMEDIATION,
        change=Change(
            policy="policy",
            target=server().target,
            edits=tuple(DeleteFirewallRule(server=SERVER, rule=one) for one in rules),
            inverse=tuple(PutFirewallRule(server=SERVER, rule=one) for one in reversed(rules)),
        ),
        proof=Proof(steps=()),
        decision=Decision(policy="policy", action=Action.REVERT, reason=Reason.DRIFT),
        cause=Cause(kind=CauseKind.EVENT, time=NOW),
        outcome=Outcome.IN_PROGRESS,
        fingerprint="drift",
        created_at=NOW,
        before="hash",
        phase=Phase.CLAIMED,
    )


@given(some.integers(1, 3), some.lists(some.sampled_from(HAPPENINGS), max_size=12))
def test_whatever_is_said_to_happen_the_life_goes_its_way_and_never_back_from_its_end(
    edits: int, said: list[Happening]
) -> None:
    change = claimed(edits)
    for happening in said:
        try:
            after = step(change, happening)
        except OutOfStep:
            continue
        assert after.phase in FOLLOWS[change.phase]
        assert after.revision == change.revision + 1
        assert 0 <= change.next_edit <= after.next_edit <= edits
        assert (after.operation is not None) is (after.phase is Phase.RUNNING)
        assert (after.outcome is Outcome.IN_PROGRESS) is (after.phase in IN_FLIGHT)
        change = after


@pytest.mark.parametrize("phase", list(Phase))
@pytest.mark.parametrize("happening", HAPPENINGS, ids=lambda happening: type(happening).__name__)
def test_only_what_can_follow_is_believed(phase: Phase, happening: Happening) -> None:
    change = replace(claimed(), phase=phase)
    try:
        after = step(change, happening).phase
    except OutOfStep:
        return
    assert after in FOLLOWS[phase]


def test_the_second_edit_is_claimed_and_not_sent_when_the_first_is_done() -> None:
    change = step(step(claimed(), Sending(at=NOW)), Answered())
    assert (change.phase, change.next_edit) == (Phase.CLAIMED, 1)
    change = step(step(step(change, Sending(at=NOW)), Accepted(operation=RUNNING)), Answered())
    assert (change.phase, change.next_edit, change.operation) == (Phase.SENT, 2, None)


@given(some.integers(1, 4), some.integers(-3, 6), some.sampled_from(list(Outcome)))
def test_what_stands_is_what_was_made_and_its_inverse_undoes_exactly_that(
    edits: int, sent: int, outcome: Outcome
) -> None:
    over = replace(claimed(edits), phase=Phase.TOLD, outcome=outcome, next_edit=sent)
    stands = what_stands(over)
    if stands is None:
        assert outcome not in {Outcome.REVERTED, Outcome.ROLLED_BACK}
        return
    undone = [edit.rule for edit in reversed(stands.inverse) if isinstance(edit, PutFirewallRule)]
    assert undone == [edit.rule for edit in stands.edits if isinstance(edit, DeleteFirewallRule)]
    assert over.is_partly_made is (0 < len(stands.edits) < edits)


@pytest.mark.parametrize(
    ("operation", "next_edit", "phase"),
    [(RUNNING, 0, Phase.RUNNING), (None, 0, Phase.SENDING), (None, 1, Phase.SENDING), (None, 2, Phase.SENT)],
)
def test_a_record_without_phases_is_taken_up_where_it_stands(
    operation: Operation | None, next_edit: int, phase: Phase
) -> None:
    old = replace(claimed(), phase=Phase.TOLD, operation=operation, next_edit=next_edit, watch="7-x")
    assert (taken_up(old).phase, taken_up(old).watch) == (phase, "")
