"""Every policy's drift, from a person's write in Azure to what Driftward comes to, and back.

The plays are independent of each other: one that fails says nothing about the next. What is compared is what
stands in the simulator, not what Driftward says of it.
"""

from __future__ import annotations

import pytest

from shared.alerts.steps import texts_told
from shared.model import Action, Aspect, ComplianceState, Outcome, Reason, Target
from shared.model.alert_records import AlertRecord
from shared.model.change_records import ChangeRecord
from shared.model.resource_id import ResourceId
from shared.policies import discover
from shared.posture.policy import RaisedBy
from tests.catalogue.scenario import Scenario, catalogue, title, without_scenario
from tests.catalogue.stage import Play, Stage, differing

ALL = catalogue().all
REVERTED = [scenario for scenario in ALL if scenario.outcome is Outcome.REVERTED]
PARTIAL = [scenario for scenario in ALL if scenario.part]

every_scenario = pytest.mark.parametrize("scenario", ALL, ids=title)
every_revert = pytest.mark.parametrize("scenario", REVERTED, ids=title)


# --- the catalogue is whole ------------------------------------------------------------------------


def test_every_policy_has_exactly_one_scenario_in_the_file_of_its_name() -> None:
    assert without_scenario() == set()
    for policy, scenario in catalogue().main.items():
        assert scenario.policy == policy
        assert scenario.name == ""
    for policy, further in catalogue().further.items():
        assert {one.policy for one in further} <= {policy}
        assert all(one.name for one in further)
    assert len({title(scenario) for scenario in ALL}) == len(ALL)


@every_scenario
def test_a_scenario_is_about_a_target_of_its_policy(scenario: Scenario) -> None:
    assert scenario.kind in scenario.judged_by.targets
    assert (scenario.reason is Reason.DRIFT) == (scenario.outcome is Outcome.REVERTED)
    assert scenario.drift


OPTIONAL = frozenset(
    {Aspect.PARAMETERS, Aspect.ADMINISTRATORS, Aspect.THREAT_PROTECTION, Aspect.DIAGNOSTIC_SETTINGS}
    | {Aspect.PRIVATE_DNS, Aspect.DNS_LOCKS, Aspect.NETWORK_LOCKS, Aspect.ROUTES}
)
"""Parts with an action of their own, without which a target is read all the same.

The virtual network is not among them: of many policies it only makes the answer sharper, where its space has
public addresses. For whom it settles the matter is shown by the scenarios that have it for their ``part``.
Resource Health is asked only of a standby that is ill, which no scenario begins with.
"""


@pytest.mark.parametrize("policy", catalogue().main)
def test_the_scenario_of_a_policy_that_reads_an_optional_part_names_the_action(policy: str) -> None:
    scenario = catalogue().main[policy]
    assert bool(scenario.part) or not scenario.judged_by.reads & OPTIONAL
    assert scenario.part in ("", *scenario.judged_by.permissions)


# --- drift -----------------------------------------------------------------------------------------


@every_scenario
def test_drift_made_by_somebody_comes_to_what_is_stated(stage: Stage, scenario: Scenario) -> None:
    play = stage.play(scenario)
    first_look(play, scenario)
    before = play.state()
    play.drift(scenario.drift)
    assert differing(before, play.state()), "the drift changes nothing in Azure"
    notice(play, scenario)
    if scenario.outcome is Outcome.ALERTED:
        alert = alert_of(play, scenario)
        assert alert.decision.reason is scenario.reason, play.lines
        assert alert.commands or texts_told(alert.evidence), "the alert does not say what a person can do"
        assert play.our_writes() == []
        return
    reverted(play, scenario)
    assert is_left(differing(before, play.state()), scenario)
    memory = play.memory(target_of(scenario), scenario.policy)
    assert memory is not None
    assert memory.state is ComplianceState.COMPLIANT, "the verification does not find it compliant"


@every_revert
def test_a_rollback_brings_the_drift_back(stage: Stage, scenario: Scenario) -> None:
    play = stage.play(scenario)
    first_look(play, scenario)
    play.drift(scenario.drift)
    drifted = play.state()
    notice(play, scenario)
    change = reverted(play, scenario)
    play.roll_back(change)
    assert differing(drifted, play.state()) == set()
    assert play.change(scenario.policy, Outcome.ROLLED_BACK) is not None, play.lines


@pytest.mark.long
@every_scenario
def test_what_was_so_before_the_first_look_is_an_alert_and_nothing_is_written(
    stage: Stage, scenario: Scenario
) -> None:
    play = stage.play(scenario)
    play.drift(scenario.drift)
    stage.mailbox.take()
    play.sweep()
    decision = alert_of(play, scenario).decision
    assert decision.action is Action.ALERT
    stated = (
        {Reason.INHERITED} if scenario.outcome is Outcome.REVERTED else {Reason.INHERITED, scenario.reason}
    )
    if scenario.judged_by.since is not None:
        stated |= {Reason.EFFECT_ALERT}  # without a compliant reading before it, it may be mere advice
    assert decision.reason in stated, decision
    assert play.our_writes() == []


@pytest.mark.long
@every_revert
def test_beside_every_other_policy_the_drift_goes_too_and_then_nobody_writes_any_more(
    stage: Stage, scenario: Scenario
) -> None:
    play = stage.play_among_all(scenario)
    play.sweep()
    before = play.state()
    play.drift(scenario.drift)
    notice(play, scenario)
    reverted(play, scenario)
    assert is_left(differing(before, play.state()), scenario)
    written = play.our_writes()
    play.sweep()
    assert play.our_writes() == written, "policies undo each other's changes"


# --- permissions -----------------------------------------------------------------------------------


@pytest.mark.long
@every_scenario
def test_the_permissions_that_the_policy_declares_suffice(stage: Stage, scenario: Scenario) -> None:
    play = stage.play(scenario)
    play.allow(*scenario.judged_by.permissions)
    first_look(play, scenario)
    play.drift(scenario.drift)
    notice(play, scenario)
    if scenario.outcome is Outcome.REVERTED:
        play.roll_back(reverted(play, scenario))
    assert [f"{call['method']} {call['path']}" for call in play.our_calls() if call["status"] == 403] == []


@pytest.mark.long
@pytest.mark.parametrize("scenario", PARTIAL, ids=title)
def test_a_part_that_may_not_be_read_makes_unknown_only_what_needs_it(
    stage: Stage, scenario: Scenario
) -> None:
    play = stage.play_among_all(scenario)
    whole = play.findings()
    everything = {action for policy in discover() for action in policy.permissions}
    play.allow(*everything, but=scenario.part)
    poorer = play.findings()
    finding = poorer[scenario.policy]
    assert finding.state is ComplianceState.UNKNOWN, finding.reason
    assert scenario.part.lower() in finding.reason.lower()
    needing = {policy.id for policy in discover() if scenario.part in policy.permissions}
    for policy in poorer.keys() - needing:
        assert poorer[policy].state is whole[policy].state, poorer[policy].reason


# --- what the plays have in common -----------------------------------------------------------------


def target_of(scenario: Scenario) -> Target:
    return Target(kind=scenario.kind, id=ResourceId(scenario.resource))


def first_look(play: Play, scenario: Scenario) -> None:
    """Driftward sees the state before, and finds nothing wrong with it."""
    play.sweep()
    finding = play.findings()[scenario.policy]
    assert finding.state is ComplianceState.COMPLIANT, finding.reason


def notice(play: Play, scenario: Scenario) -> None:
    """The event arrives. Where Azure raises none that tells, none does, and the sweep looks."""
    events = play.receive_events()
    play.wait()
    if scenario.judged_by.raised_by is RaisedBy.EVENT:
        assert events, "Azure raised no event"
        return
    assert play.alert(target_of(scenario), scenario.policy) is None, "an event told of it: raised_by is wrong"
    play.sweep()


def alert_of(play: Play, scenario: Scenario) -> AlertRecord:
    alert = play.alert(target_of(scenario), scenario.policy)
    assert alert is not None, (play.findings()[scenario.policy], play.lines)
    return alert


def reverted(play: Play, scenario: Scenario) -> ChangeRecord:
    """The change that was made; where the policy asks for an approval, it asks and gets it."""
    if scenario.needs_approval:
        alert = alert_of(play, scenario)
        assert alert.decision.reason is Reason.APPROVAL_REQUIRED, alert.decision
        assert play.changes(scenario.policy) == [], "it wrote before it was told to"
        play.approve(alert)
    change = play.change(scenario.policy, Outcome.REVERTED)
    assert change is not None, (play.findings()[scenario.policy], play.lines)
    expected = Reason.APPROVED if scenario.needs_approval else scenario.reason
    assert change.decision.reason is expected, change.decision
    return change


def is_left(differing_ids: set[str], scenario: Scenario) -> bool:
    """Whether what differs is what the scenario says that the change leaves, all of it."""
    stated = [text.lower() for text in scenario.leaves]
    for one in differing_ids:
        assert any(one == text or one.startswith(f"{text}/") for text in stated), f"{one} is left changed"
    for text in stated:
        assert any(one == text or one.startswith(f"{text}/") for one in differing_ids), f"{text} is as before"
    return True
