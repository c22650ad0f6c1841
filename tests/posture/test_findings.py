"""What a policy says, and the finding that is made of it, on servers and on subnets."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.model import ComplianceState, Severity
from shared.posture.findings import (
    Judged,
    beside_the_point,
    compliant,
    drifted,
    finding,
    is_drift,
    unknown,
    with_evidence,
)
from tests.builders import server, subnet


def test_facts_are_told_before_what_was_judged_and_what_to_do_comes_last() -> None:
    judged = drifted("wrong", "x", what_to_do="az on", evidence={"b": 2})
    assert list(finding("p", Severity.LOW, subnet(), judged, {"a": 1}).evidence) == ["a", "b", "whatToDo"]


@pytest.mark.parametrize(("said", "told"), [("az on", "az on"), (("one", "two"), ["one", "two"]), ((), [])])
def test_what_to_do_is_one_step_or_a_list(said: str | tuple[str, ...], told: str | list[str]) -> None:
    judged = drifted("wrong", "x", what_to_do=said)
    assert finding("p", Severity.LOW, subnet(), judged).evidence["whatToDo"] == told
    assert judged.steps == (tuple(told) if isinstance(told, list) else (told,))


def test_without_a_step_nothing_is_said_of_what_to_do() -> None:
    judged = unknown("it cannot be told")
    assert judged.steps == ()
    assert "whatToDo" not in finding("p", Severity.LOW, subnet(), judged).evidence


def test_what_is_wrong_and_how_grave_it_is_may_differ_from_the_policy_s_own() -> None:
    child = server().id.child("firewallRules", "office")
    judged = replace(drifted("wrong", "x"), resource_id=child, severity=Severity.LOW)
    found = finding("p", Severity.HIGH, server(), judged)
    assert (found.resource_id, found.severity) == (child, Severity.LOW)
    plain = finding("p", Severity.HIGH, server(), drifted("wrong", "x"))
    assert (plain.resource_id, plain.severity) == (server().id, Severity.HIGH)


@pytest.mark.parametrize(
    ("judged", "state", "applies"),
    [
        (compliant("fine"), ComplianceState.COMPLIANT, True),
        (beside_the_point("not asked"), ComplianceState.COMPLIANT, False),
        (unknown("it cannot be told"), ComplianceState.UNKNOWN, True),
        (drifted("wrong", "x"), ComplianceState.NON_COMPLIANT, True),
    ],
)
def test_each_verb_says_one_state(judged: Judged, state: ComplianceState, applies: bool) -> None:
    found = finding("p", Severity.LOW, subnet(), judged)
    assert (found.state, found.applies) == (state, applies)
    assert judged.is_drift is is_drift(found) is (state is ComplianceState.NON_COMPLIANT)


def test_evidence_is_added_to_what_is_there() -> None:
    assert with_evidence(compliant("fine", {"a": 1, "b": 1}), {"b": 2}).evidence == {"a": 1, "b": 2}
