"""Every brake of a decision: when it stops a change, what it says, and which brake is asked first."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.guardrails.budget import Budget, Limits, Spent
from shared.guardrails.decide import BRAKES, comes_to_last_way_in, decide
from shared.guardrails.question import BreakGlass, Context, Question, Readiness
from shared.guardrails.schedule import Freeze, WhenClosed
from shared.guardrails.waiting import SHORTEST_PAUSE
from shared.model import (
    Action,
    Actor,
    Change,
    ComplianceState,
    Decision,
    Effect,
    Finding,
    Outcome,
    Proof,
    ProofStep,
    PublicAccess,
    Purse,
    Reason,
    Safety,
    SetPublicAccess,
    Severity,
)
from shared.model.alert_records import Approval
from shared.model.exposure import Exposure, Opening
from shared.model.memory import Attempt, Exemption, ExemptTag, TagExemption
from shared.policies import find
from shared.posture.policy import Assessment
from tests.builders import SERVER, server

NOW = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
FOUND = find("postgres-public-access-enabled")
assert FOUND is not None
POLICY = FOUND
DRIFT = "publicNetworkAccess=Enabled"

FINDING = Finding(
    policy=POLICY.id,
    target=server().target,
    resource_id=SERVER,
    state=ComplianceState.NON_COMPLIANT,
    severity=Severity.HIGH,
    reason="public network access is enabled",
    fingerprint=DRIFT,
)
CHANGE = Change(
    policy=POLICY.id,
    target=server().target,
    edits=(SetPublicAccess(server=SERVER, access=PublicAccess.DISABLED),),
    inverse=(SetPublicAccess(server=SERVER, access=PublicAccess.ENABLED),),
)
PROOF = Proof(steps=(ProofStep(claim="it is safe", holds=True),))
DISPROOF = Proof(
    steps=(
        ProofStep(claim="it fits", holds=True, detail="fits"),
        ProofStep(claim="it is safe", holds=False, detail="somebody gains access"),
        ProofStep(claim="it is small", holds=False),
    )
)
EXEMPTION = Exemption(policy=POLICY.id, reason="a partner", approver="jane", expires_at=NOW + SECOND)
TAGGED = TagExemption(
    tag="driftward-exempt",
    seen=ExemptTag(text="*", first_seen=NOW - SECOND, actor=Actor(name="Jane Doe")),
    until=NOW + SECOND,
)
FREEZE = Freeze(starts=NOW - SECOND, ends=NOW + SECOND, reason="end of the year")
APPROVAL = Approval(by="jane", at=NOW, expires_at=NOW + SECOND, fingerprint=DRIFT)
NEEDS_APPROVAL = Assessment(safety=Safety.APPROVAL, notes=("office would lose access",))
CUTS_OFF = Assessment(safety=Safety.APPROVAL, last_way_in=True, notes=("nobody could connect",))
REVERT = Context(now=NOW, dry_run=False, effect=Effect.REVERT, limits=Limits(), was_compliant=True)


def attempt(ago: timedelta = SECOND, **parts: Any) -> Attempt:
    return replace(Attempt(policy=POLICY.id, fingerprint=DRIFT, at=NOW - ago), **parts)


def spent(writes: int) -> Budget:
    return Budget(spent=(Spent(at=NOW - SECOND, writes=writes),))


def opened(ago: timedelta) -> Exposure:
    """Open since then, and never before."""
    return Exposure(openings=(Opening(seen_at=NOW - ago),))


def question(**parts: Any) -> Question:
    """A drift that would be reverted; parts of the question or of its context may be other."""
    own = {field.name for field in fields(Question)}
    named = {name: parts.pop(name) for name in list(parts) if name in own}
    base = Question(
        policy=POLICY,
        finding=FINDING,
        change=CHANGE,
        proof=PROOF,
        assessment=Assessment(),
        context=replace(REVERT, **parts),
    )
    return replace(base, **named)


def decided(**parts: Any) -> tuple[Action, Reason]:
    decision = decide(question(**parts))
    return decision.action, decision.reason


# --- without a brake -------------------------------------------------------------------------------


def test_drift_with_a_proved_change_is_reverted() -> None:
    assert decide(question()) == Decision(policy=POLICY.id, action=Action.REVERT, reason=Reason.DRIFT)


@pytest.mark.parametrize(
    ("parts", "grounds"),
    [
        ({}, Reason.DRIFT),
        ({"was_compliant": False, "created_after_first_pass": True}, Reason.NEW_RESOURCE),
        ({"was_compliant": False, "adopt": True}, Reason.ADOPTED),
        ({"adopt": True, "created_after_first_pass": True}, Reason.DRIFT),
        ({"approval": APPROVAL}, Reason.APPROVED),
        ({"was_compliant": False, "approval": APPROVAL}, Reason.APPROVED),
    ],
)
def test_a_revert_says_on_what_grounds(parts: dict[str, Any], grounds: Reason) -> None:
    assert decided(**parts) == (Action.REVERT, grounds)


# --- the brakes ------------------------------------------------------------------------------------

# In the order of the promise: what makes the brake stop, and what it answers.
STOPS: list[tuple[str, dict[str, Any], tuple[Action, Reason]]] = [
    ("break-glass", {"break_glass": BreakGlass.ON}, (Action.ALERT, Reason.BREAK_GLASS)),
    ("exempt", {"exemption": EXEMPTION}, (Action.SKIP, Reason.EXEMPT)),
    (
        "unknown",
        {"finding": replace(FINDING, state=ComplianceState.UNKNOWN)},
        (Action.SKIP, Reason.UNKNOWN),
    ),
    ("effect", {"effect": Effect.ALERT}, (Action.ALERT, Reason.EFFECT_ALERT)),
    ("no plan", {"change": None}, (Action.ALERT, Reason.NO_PLAN)),
    ("not proved", {"proof": DISPROOF}, (Action.ALERT, Reason.NOT_PROVED)),
    ("outside scopes", {"outside": (SERVER,)}, (Action.ALERT, Reason.OUTSIDE_SCOPES)),
    ("inherited", {"was_compliant": False}, (Action.ALERT, Reason.INHERITED)),
    ("last way in", {"assessment": CUTS_OFF}, (Action.ALERT, Reason.LAST_WAY_IN)),
    ("safety", {"policy": replace(POLICY, safety=Safety.MANUAL)}, (Action.ALERT, Reason.MANUAL)),
    ("exempt by tag", {"tag_exemption": TAGGED}, (Action.ALERT, Reason.EXEMPT_BY_TAG)),
    ("change freeze", {"freeze": FREEZE}, (Action.ALERT, Reason.CHANGE_FREEZE)),
    ("outside window", {"closed_until": NOW + SECOND}, (Action.ALERT, Reason.OUTSIDE_WINDOW)),
    (
        "fighting",
        {"attempts": (attempt(purse=Purse.EXPOSURE),) * 3, "exposure": opened(SECOND)},
        (Action.ALERT, Reason.FIGHTING),
    ),
    ("not ready", {"readiness": Readiness.STOPPED}, (Action.ALERT, Reason.TARGET_STOPPED)),
    ("settling", {"last_foreign_write": NOW}, (Action.SKIP, Reason.SETTLING)),
    (
        "in vain",
        {"attempts": (attempt(outcome=Outcome.INEFFECTIVE),)},
        (Action.ALERT, Reason.INEFFECTIVE),
    ),
    ("coming back", {"attempts": (attempt(), attempt(), attempt())}, (Action.ALERT, Reason.FLAPPING)),
    ("over budget", {"limits": Limits(writes_per_target=0)}, (Action.ALERT, Reason.BUDGET)),
]
ORDER = [name for name, _, _ in STOPS]


@pytest.mark.parametrize(("name", "parts", "answer"), STOPS, ids=ORDER)
def test_each_brake_stops_the_change_alone(
    name: str, parts: dict[str, Any], answer: tuple[Action, Reason]
) -> None:
    assert decided(**parts) == answer


def test_the_brakes_are_asked_in_the_order_of_the_promise() -> None:
    assert [brake.__name__.strip("_").replace("_", " ") for brake in BRAKES] == [
        name.replace("-", " ") for name in ORDER
    ]


PAIRS = [*pairwise(STOPS)][1:]
"""But for the first: break-glass concerns writes, and what is exempt would not be written anyway."""


@pytest.mark.parametrize(("earlier", "later"), PAIRS, ids=[f"{one[0]} before {two[0]}" for one, two in PAIRS])
def test_of_two_brakes_the_earlier_answers(
    earlier: tuple[str, dict[str, Any], tuple[Action, Reason]],
    later: tuple[str, dict[str, Any], tuple[Action, Reason]],
) -> None:
    parts = merged(earlier[1], later[1])
    assert decided(**parts) == earlier[2]


def merged(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Both conditions at once; attempts add up."""
    attempts = (*one.get("attempts", ()), *other.get("attempts", ()))
    return {**other, **one, **({"attempts": attempts} if attempts else {})}


def test_every_brake_at_once_is_answered_by_the_first_that_concerns_the_finding() -> None:
    parts: dict[str, Any] = {}
    for _, more, _ in reversed(STOPS):
        parts = merged(more, parts)
    assert decided(**parts) == (Action.SKIP, Reason.EXEMPT)
    parts.pop("exemption")
    assert decided(**parts) == (Action.SKIP, Reason.UNKNOWN)
    parts.pop("finding")
    for name, condition, answer in [STOPS[0], *STOPS[3:]]:
        assert decided(**parts) == answer, name
        for key in condition.keys() - {"attempts"}:
            parts.pop(key)
        if name == "in vain":
            parts["attempts"] = tuple(replace(a, outcome=None) for a in parts["attempts"])
        if name == "coming back":
            parts.pop("attempts")
    assert decided(**parts) == (Action.REVERT, Reason.DRIFT)


# --- break-glass concerns writes -------------------------------------------------------------------


def test_a_switch_that_cannot_be_read_stops_writes_as_well() -> None:
    decision = decide(question(break_glass=BreakGlass.UNREADABLE))
    assert (decision.action, decision.reason) == (Action.ALERT, Reason.BREAK_GLASS_UNREADABLE)
    assert "could not be read" in decision.detail


@pytest.mark.parametrize("switch", [BreakGlass.ON, BreakGlass.UNREADABLE])
@pytest.mark.parametrize(
    ("parts", "answer"),
    [
        ({"exemption": EXEMPTION}, (Action.SKIP, Reason.EXEMPT)),
        ({"effect": Effect.OFF}, (Action.SKIP, Reason.EFFECT_OFF)),
        (STOPS[2][1], (Action.SKIP, Reason.UNKNOWN)),
    ],
)
def test_what_would_not_be_written_anyway_is_answered_by_its_own_brake(
    switch: BreakGlass, parts: dict[str, Any], answer: tuple[Action, Reason]
) -> None:
    assert decided(break_glass=switch, **parts) == answer


def test_an_approval_does_not_open_the_switch() -> None:
    assert decided(break_glass=BreakGlass.ON, approval=APPROVAL) == (Action.ALERT, Reason.BREAK_GLASS)


def test_what_a_graver_policy_finds_as_advice_is_told_and_not_written() -> None:
    advice = replace(FINDING, severity=Severity.INFORMATIONAL)
    assert decided(finding=advice) == (Action.ALERT, Reason.EFFECT_ALERT)


# --- exempt, unknown, effect -----------------------------------------------------------------------


def test_an_exemption_is_given_with_its_reason_and_its_end() -> None:
    assert decide(question(exemption=EXEMPTION)).detail == "a partner (until 2026-11-02T08:00:01+00:00)"


@pytest.mark.parametrize("state", [state for state in ComplianceState if state != "NonCompliant"])
def test_only_a_certain_finding_leads_to_a_change(state: ComplianceState) -> None:
    decision = decide(question(finding=replace(FINDING, state=state, reason="the field is absent")))
    assert (decision.action, decision.reason) == (Action.SKIP, Reason.UNKNOWN)
    assert decision.detail == "the field is absent"


def test_an_unknown_finding_on_a_busy_target_is_looked_at_again_soon() -> None:
    finding = replace(FINDING, state=ComplianceState.UNKNOWN)
    decision = decide(question(finding=finding, readiness=Readiness.BUSY))
    assert (decision.action, decision.reason) == (Action.SKIP, Reason.TARGET_BUSY)
    assert decision.look_again_seconds == SHORTEST_PAUSE


@pytest.mark.parametrize(
    ("effect", "answer"),
    [
        (Effect.OFF, (Action.SKIP, Reason.EFFECT_OFF)),
        (Effect.ALERT, (Action.ALERT, Reason.EFFECT_ALERT)),
        (Effect.REVERT, (Action.REVERT, Reason.DRIFT)),
    ],
)
def test_the_effect_says_how_far_a_policy_may_go(effect: Effect, answer: tuple[Action, Reason]) -> None:
    assert decided(effect=effect) == answer


# --- plan and proof --------------------------------------------------------------------------------


def test_what_was_not_proved_is_named_claim_by_claim() -> None:
    assert decide(question(proof=DISPROOF)).detail == "somebody gains access; it is small"


@pytest.mark.parametrize("proof", [None, Proof(steps=())])
def test_no_proof_is_not_a_proof(proof: Proof | None) -> None:
    assert decided(proof=proof) == (Action.ALERT, Reason.NOT_PROVED)


# --- inherited, last way in, safety, approval ------------------------------------------------------


@pytest.mark.parametrize("known", ["was_compliant", "created_after_first_pass", "adopt"])
def test_what_was_never_compliant_needs_one_ground_to_be_reverted(known: str) -> None:
    assert decided(was_compliant=False) == (Action.ALERT, Reason.INHERITED)
    assert decided(**{"was_compliant": False, known: True})[0] is Action.REVERT


def test_last_way_in_is_worth_asking_where_no_brake_before_it_holds() -> None:
    before = [stops for _, stops, (_, reason) in STOPS]
    reasons = [reason for *_, (_, reason) in STOPS]
    place = reasons.index(Reason.LAST_WAY_IN)
    assert not any(comes_to_last_way_in(question(**stops)) for stops in before[:place])
    assert all(comes_to_last_way_in(question(**stops)) for stops in before[place:])


@pytest.mark.parametrize("consent", [{"approval": APPROVAL}, {"without_approval": True}, {"adopt": True}])
def test_no_consent_lets_a_change_cut_off_the_last_way_in(consent: dict[str, Any]) -> None:
    decision = decide(question(assessment=CUTS_OFF, **consent))
    assert (decision.action, decision.reason) == (Action.ALERT, Reason.LAST_WAY_IN)
    assert decision.detail == "nobody could connect"


def test_a_change_that_needs_approval_waits_for_it_and_says_why() -> None:
    decision = decide(question(assessment=NEEDS_APPROVAL))
    assert (decision.action, decision.reason) == (Action.ALERT, Reason.APPROVAL_REQUIRED)
    assert decision.detail == "office would lose access"


def test_a_scope_may_do_without_approval() -> None:
    assert decided(assessment=NEEDS_APPROVAL, without_approval=True) == (Action.REVERT, Reason.DRIFT)


def test_an_approval_is_for_this_drift_alone() -> None:
    other = replace(APPROVAL, fingerprint="another drift")
    assert decided(assessment=NEEDS_APPROVAL, approval=other) == (Action.ALERT, Reason.APPROVAL_REQUIRED)
    assert decided(assessment=NEEDS_APPROVAL, approval=APPROVAL) == (Action.REVERT, Reason.APPROVED)
    assert decided(was_compliant=False, approval=other) == (Action.ALERT, Reason.INHERITED)


def test_an_approval_ends_with_its_expiry() -> None:
    over = replace(APPROVAL, expires_at=NOW)
    assert decided(assessment=NEEDS_APPROVAL, approval=over) == (Action.ALERT, Reason.APPROVAL_REQUIRED)
    assert decided(approval=over) == (Action.REVERT, Reason.DRIFT)


@pytest.mark.parametrize("of_policy", Safety)
@pytest.mark.parametrize("of_situation", Safety)
def test_the_situation_only_ever_lowers_the_safety_of_a_policy(
    of_policy: Safety, of_situation: Safety
) -> None:
    levels = [(Action.REVERT, Reason.DRIFT), (Action.ALERT, Reason.APPROVAL_REQUIRED)]
    levels += [(Action.ALERT, Reason.MANUAL)]
    worse = max(list(Safety).index(of_policy), list(Safety).index(of_situation))
    parts = {"policy": replace(POLICY, safety=of_policy), "assessment": Assessment(safety=of_situation)}
    assert decided(**parts) == levels[worse]


@pytest.mark.parametrize("consent", [{"approval": APPROVAL}, {"without_approval": True}])
def test_nothing_makes_a_manual_policy_write(consent: dict[str, Any]) -> None:
    manual = replace(POLICY, safety=Safety.MANUAL)
    assert decided(policy=manual, **consent) == (Action.ALERT, Reason.MANUAL)


# --- tag, freeze, window ---------------------------------------------------------------------------


def test_a_tag_lowers_a_revert_to_an_alert_that_names_its_author_and_its_end() -> None:
    decision = decide(question(tag_exemption=TAGGED))
    assert decision.detail == (
        "tag driftward-exempt: '*', seen since 2026-11-02T07:59:59+00:00, last writer Jane Doe; "
        "until 2026-11-02T08:00:01+00:00"
    )
    assert decision.look_again_seconds == 1.0


def test_a_tag_whose_author_no_event_names_says_so() -> None:
    unknown = replace(TAGGED, seen=replace(TAGGED.seen, actor=None))
    assert "last writer nobody whom an event names" in decide(question(tag_exemption=unknown)).detail


@pytest.mark.parametrize(
    "parts", [{"change": None}, {"effect": Effect.ALERT}, {"was_compliant": False}, {"assessment": CUTS_OFF}]
)
def test_a_tag_hides_no_other_reason(parts: dict[str, Any]) -> None:
    assert decided(tag_exemption=TAGGED, **parts) == decided(**parts)


def test_a_freeze_says_why_and_until_when_and_is_looked_at_again_at_its_end() -> None:
    decision = decide(question(freeze=FREEZE))
    assert decision.detail == "end of the year (until 2026-11-02T08:00:01+00:00)"
    assert decision.look_again_seconds == 1.0


def test_what_waits_for_days_is_asked_again_daily() -> None:
    long = replace(FREEZE, ends=NOW + timedelta(days=30))
    assert decide(question(freeze=long)).look_again_seconds == 86_400


def test_a_policy_may_write_during_a_freeze_and_outside_the_windows() -> None:
    reverted = (Action.REVERT, Reason.DRIFT)
    closed = {"freeze": FREEZE, "closed_until": NOW + SECOND}
    assert decided(freeze=FREEZE, during_freeze=WhenClosed.REVERT) == reverted
    assert decided(closed_until=NOW + SECOND, outside_window=WhenClosed.REVERT) == reverted
    assert decided(**closed, during_freeze=WhenClosed.REVERT) == (Action.ALERT, Reason.OUTSIDE_WINDOW)
    assert decided(**closed, outside_window=WhenClosed.REVERT) == (Action.ALERT, Reason.CHANGE_FREEZE)


def test_an_approval_passes_a_tag_and_a_window_but_no_freeze() -> None:
    approved = (Action.REVERT, Reason.APPROVED)
    assert decided(approval=APPROVAL, tag_exemption=TAGGED) == approved
    assert decided(approval=APPROVAL, closed_until=NOW + SECOND) == approved
    assert decided(approval=APPROVAL, freeze=FREEZE) == (Action.ALERT, Reason.CHANGE_FREEZE)


# --- not ready, settling ---------------------------------------------------------------------------


@pytest.mark.parametrize(("waited", "again"), [(0, 5.0), (60, 30.0), (300, 150.0), (7200, 300.0)])
def test_a_busy_target_is_asked_again_ever_less_often(waited: float, again: float) -> None:
    decision = decide(question(readiness=Readiness.BUSY, waiting_since=NOW - timedelta(seconds=waited)))
    assert (decision.reason, decision.look_again_seconds) == (Reason.TARGET_BUSY, again)


@pytest.mark.parametrize(("minutes", "action"), [(59, Action.SKIP), (60, Action.ALERT)])
def test_a_drift_that_waits_an_hour_for_a_busy_target_is_told(minutes: int, action: Action) -> None:
    decision = decide(question(readiness=Readiness.BUSY, waiting_since=NOW - timedelta(minutes=minutes)))
    assert decision.action is action


@pytest.mark.parametrize(("seconds", "action"), [(599, Action.SKIP), (600, Action.ALERT)])
def test_a_drift_that_never_finds_quiet_is_told_and_still_waits(seconds: int, action: Action) -> None:
    since = NOW - timedelta(seconds=seconds)
    decision = decide(question(last_foreign_write=NOW, settle_seconds=60.0, waiting_since=since))
    assert (decision.action, decision.reason) == (action, Reason.SETTLING)
    assert decision.look_again_seconds == 60.0


def test_a_refused_revert_is_not_repeated_until_a_person_asks() -> None:
    refused = (attempt(outcome=Outcome.FAILED),)
    assert decided(attempts=refused) == (Action.ALERT, Reason.FAILED)
    assert decided(attempts=refused, asked_at=NOW) == (Action.REVERT, Reason.DRIFT)


def test_a_stopped_server_is_an_alert_and_is_not_waited_for() -> None:
    decision = decide(question(readiness=Readiness.STOPPED))
    assert (decision.action, decision.reason) == (Action.ALERT, Reason.TARGET_STOPPED)
    assert decision.look_again_seconds is None


@pytest.mark.parametrize(("ago", "left"), [(0, 60.0), (59, 1.0), (59.5, 0.5)])
def test_a_revert_waits_until_it_has_been_quiet_for_long_enough(ago: float, left: float) -> None:
    decision = decide(question(last_foreign_write=NOW - timedelta(seconds=ago)))
    assert (decision.action, decision.reason) == (Action.SKIP, Reason.SETTLING)
    assert decision.look_again_seconds == left
    assert decision.detail.startswith("quiet until 2026-11-02T08:0")


@pytest.mark.parametrize("parts", [{}, {"last_foreign_write": NOW - 60 * SECOND}])
def test_what_has_been_quiet_is_reverted_at_once(parts: dict[str, Any]) -> None:
    assert decided(**parts) == (Action.REVERT, Reason.DRIFT)


def test_without_settling_a_write_is_reverted_in_the_same_moment() -> None:
    assert decided(last_foreign_write=NOW, settle_seconds=0.0) == (Action.REVERT, Reason.DRIFT)


@pytest.mark.parametrize(
    "parts", [{"change": None}, {"was_compliant": False}, {"effect": Effect.ALERT}, {"assessment": CUTS_OFF}]
)
def test_settling_and_a_busy_target_never_delay_an_alert(parts: dict[str, Any]) -> None:
    noisy = {"last_foreign_write": NOW, "readiness": Readiness.BUSY}
    assert decided(**noisy, **parts) == decided(**parts)
    assert decided(**parts)[0] is Action.ALERT


# --- ineffective, flapping, budget -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("other", "counts"),
    [
        ({}, True),
        ({"fingerprint": "another drift"}, False),
        ({"policy": "another-policy"}, False),
        ({"at": NOW - timedelta(hours=1)}, False),
        ({"at": NOW - timedelta(minutes=59)}, True),
    ],
)
def test_only_recent_reverts_of_this_very_drift_tell_of_its_return(
    other: dict[str, Any], counts: bool
) -> None:
    thrice = tuple(attempt(**other) for _ in range(3))
    useless = (attempt(**{**other, "outcome": Outcome.INEFFECTIVE}),)
    reverted = (Action.REVERT, Reason.DRIFT)
    assert decided(attempts=thrice) == ((Action.ALERT, Reason.FLAPPING) if counts else reverted)
    assert decided(attempts=useless) == ((Action.ALERT, Reason.INEFFECTIVE) if counts else reverted)


def test_flapping_is_the_given_number_within_the_given_window() -> None:
    limits = Limits(flapping_reverts=2, flapping_window=timedelta(minutes=10))
    recent, older = attempt(timedelta(minutes=9)), attempt(timedelta(minutes=10))
    assert decided(limits=limits, attempts=(recent, older))[0] is Action.REVERT
    decision = decide(question(limits=limits, attempts=(recent, recent)))
    assert decision.reason is Reason.FLAPPING
    assert "2 times within 0:10:00" in decision.detail


def test_a_budget_counts_the_writes_of_every_policy_on_the_target_in_the_last_hour() -> None:
    limits = Limits(writes_per_target=3)
    others = (attempt(policy="another-policy", writes=2), attempt(timedelta(hours=1), writes=9))
    assert decided(limits=limits, attempts=others) == (Action.REVERT, Reason.DRIFT)
    decision = decide(question(limits=limits, attempts=(*others, attempt(fingerprint="another drift"))))
    assert (decision.action, decision.reason) == (Action.ALERT, Reason.BUDGET)
    assert decision.detail == "3 of 3 writes to this target in the last hour"


def test_a_change_of_several_edits_must_fit_into_the_budget_whole() -> None:
    two = replace(CHANGE, edits=CHANGE.edits * 2)
    assert decided(limits=Limits(writes_per_target=2), change=two)[0] is Action.REVERT
    assert decided(limits=Limits(writes_per_target=1), change=two) == (Action.ALERT, Reason.BUDGET)


def test_a_subscription_has_a_budget_of_its_own() -> None:
    limits = Limits(writes_per_subscription=5)
    assert decided(limits=limits, budget=spent(4))[0] is Action.REVERT
    decision = decide(question(limits=limits, budget=spent(5)))
    assert (decision.action, decision.reason) == (Action.ALERT, Reason.BUDGET)
    assert decision.detail == "5 of 5 writes in this subscription in the last hour"


# --- total, and audit is no brake ------------------------------------------------------------------

_WRITE = st.integers(0, 7200).map(lambda seconds: NOW - timedelta(seconds=seconds))
_ATTEMPTS = st.lists(
    st.builds(
        Attempt,
        policy=st.sampled_from([POLICY.id, "another-policy"]),
        fingerprint=st.sampled_from([DRIFT, "another drift"]),
        at=_WRITE,
        writes=st.integers(0, 12),
        purse=st.sampled_from(Purse),
        outcome=st.sampled_from([None, Outcome.INEFFECTIVE, Outcome.FAILED]),
    ),
    max_size=4,
).map(tuple)
CONTEXTS = st.builds(
    Context,
    now=st.just(NOW),
    dry_run=st.just(False),
    effect=st.sampled_from(Effect),
    limits=st.builds(
        Limits,
        flapping_reverts=st.integers(1, 4),
        writes_per_target=st.integers(0, 12),
        writes_per_subscription=st.integers(0, 100),
    ),
    break_glass=st.sampled_from(BreakGlass),
    exemption=st.sampled_from([None, None, EXEMPTION]),
    tag_exemption=st.sampled_from([None, None, TAGGED]),
    freeze=st.sampled_from([None, None, FREEZE]),
    closed_until=st.sampled_from([None, None, NOW + SECOND]),
    during_freeze=st.sampled_from(WhenClosed),
    outside_window=st.sampled_from(WhenClosed),
    was_compliant=st.booleans(),
    created_after_first_pass=st.booleans(),
    adopt=st.booleans(),
    without_approval=st.booleans(),
    approval=st.sampled_from([None, APPROVAL, replace(APPROVAL, expires_at=NOW)]),
    readiness=st.sampled_from(Readiness),
    last_foreign_write=st.none() | _WRITE,
    settle_seconds=st.sampled_from([0.0, 60.0]),
    attempts=_ATTEMPTS,
    exposure=st.none() | st.builds(opened, st.integers(0, 600).map(lambda ago: timedelta(seconds=ago))),
    budget=st.builds(spent, st.integers(0, 100)),
)
QUESTIONS = st.builds(
    Question,
    policy=st.sampled_from(Safety).map(lambda safety: replace(POLICY, safety=safety)),
    finding=st.sampled_from(ComplianceState).map(lambda state: replace(FINDING, state=state)),
    change=st.sampled_from([CHANGE, CHANGE, None]),
    proof=st.sampled_from([PROOF, PROOF, DISPROOF, None]),
    assessment=st.sampled_from([Assessment(), NEEDS_APPROVAL, CUTS_OFF]),
    context=CONTEXTS,
)


@given(QUESTIONS)
def test_every_question_has_a_decision_that_fits_its_reason(asked: Question) -> None:
    decision = decide(asked)
    assert decision.policy == POLICY.id
    grounds = {Reason.DRIFT, Reason.NEW_RESOURCE, Reason.ADOPTED, Reason.APPROVED}
    assert (decision.action is Action.REVERT) is (decision.reason in grounds)
    again = decision.look_again_seconds
    waiting = {Reason.EXEMPT_BY_TAG, Reason.CHANGE_FREEZE, Reason.OUTSIDE_WINDOW}
    delayed = {Reason.SETTLING, Reason.TARGET_BUSY, Reason.INEFFECTIVE, Reason.FAILED, Reason.FIGHTING}
    assert decision.reason not in {*waiting, *delayed} or again is not None
    assert again is None or 0 < again <= 3600


@given(QUESTIONS)
def test_a_revert_is_certain_planned_proved_and_allowed(asked: Question) -> None:
    if decide(asked).action is not Action.REVERT:
        return
    context = asked.context
    assert asked.finding.state is ComplianceState.NON_COMPLIANT
    assert asked.change is not None
    assert asked.proof is not None
    assert asked.proof.holds
    assert context.effect is Effect.REVERT
    assert context.break_glass is BreakGlass.OFF
    assert context.exemption is None
    assert context.freeze is None or context.during_freeze is WhenClosed.REVERT
    assert not asked.assessment.last_way_in
    assert asked.policy.safety is not Safety.MANUAL
    assert context.readiness is Readiness.READY


@given(QUESTIONS)
def test_audit_takes_the_same_decision_and_marks_it(asked: Question) -> None:
    audit = replace(asked, context=replace(asked.context, dry_run=True))
    assert decide(asked).dry_run is False
    assert decide(audit) == replace(decide(asked), dry_run=True)


def test_every_reason_of_a_decision_can_be_reached() -> None:
    situations: list[dict[str, Any]] = [
        *(parts for _, parts, _ in STOPS),
        {"break_glass": BreakGlass.UNREADABLE},
        {"effect": Effect.OFF},
        {"assessment": NEEDS_APPROVAL},
        {"readiness": Readiness.BUSY},
        {},
        {"was_compliant": False, "adopt": True},
        {"was_compliant": False, "created_after_first_pass": True},
        {"approval": APPROVAL},
        {"attempts": (attempt(purse=Purse.EXPOSURE),) * 3, "exposure": opened(SECOND)},
    ]
    reached = {decided(**parts)[1] for parts in situations}
    of_no_drift = {
        Reason.FAILED,
        Reason.POISONED,
        Reason.UNDELIVERED,
        Reason.NO_LONGER_PROVED,
        Reason.EXEMPTION_EXPIRED,
        Reason.BUDGET_NEARLY_SPENT,
        Reason.EVENT_PATH_LOST,
        Reason.MASS_DRIFT,
        Reason.EFFECT_LOWERED_BY_TAG,
    }
    assert reached == set(Reason) - of_no_drift


# --- how far an approval reaches -------------------------------------------------------------------


@pytest.mark.parametrize(
    "parts",
    [
        {"was_compliant": False},
        {"assessment": NEEDS_APPROVAL},
        {"tag_exemption": TAGGED},
        {"closed_until": NOW + SECOND},
    ],
)
def test_what_an_approval_would_have_opened_says_what_is_more_than_was_approved(
    parts: dict[str, Any],
) -> None:
    assert decided(approval=APPROVAL, **parts) == (Action.REVERT, Reason.APPROVED)
    decision = decide(question(approval=APPROVAL, beyond_approval="also deletes rule 'b'", **parts))
    assert (decision.action, decision.reason) == (Action.ALERT, Reason.APPROVAL_REQUIRED)
    assert decision.detail.startswith("more than what was approved: also deletes rule 'b'")


def test_an_approval_that_does_not_reach_holds_up_nothing_that_needs_none() -> None:
    assert decided(approval=APPROVAL, beyond_approval="also b") == (Action.REVERT, Reason.DRIFT)
    expired = replace(APPROVAL, expires_at=NOW)
    parts: dict[str, Any] = {"approval": expired, "beyond_approval": "also b", "was_compliant": False}
    assert decided(**parts) == (Action.ALERT, Reason.INHERITED)
    assert decided(approval=APPROVAL, beyond_approval="also b", effect=Effect.ALERT) == (
        Action.ALERT,
        Reason.EFFECT_ALERT,
    )
