"""What every policy's file must bring, asked of each one that ``discover`` finds.

Metadata feeds the documentation, the role definition and the alerts, so its form is checked here, and
so is that the stored readings beside the tests say what their names say.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from inspect import getdoc
from pathlib import Path

import pytest

from shared import policies as catalogue
from shared.alerts.commands import fix_commands
from shared.model import (
    Change,
    ComplianceState,
    DeleteFirewallRule,
    DeleteSecurityRule,
    Edit,
    Json,
    Kind,
    Safety,
    Severity,
    Snapshot,
    TargetKind,
    edited_resource,
)
from shared.model.codec import to_json
from shared.model.edits import apply_to, normalised
from shared.policies import discover, find, modules
from shared.posture.permissions import actions_for
from shared.posture.policy import LAST_WAY_ASKS, AnyPolicy, applies_to, bound, examples
from tests.policies.stored import FOLDER, path, states_of, stored
from tests.policies.told import every_command

POLICIES = discover()
HEADINGS = ["What it finds", "Why it matters", "What the change does", "What it may break", "References"]
"""Of a policy that changes nothing, the third may be "What to do"."""
PLACES = [(policy, kind) for policy in POLICIES for kind in sorted(policy.targets)]

STORED = [(policy, kind, state) for policy, kind in PLACES for state in states_of(policy)]
WRITERS = [(policy, kind) for policy, kind in PLACES if "after" in states_of(policy)]

PRINTED_ELSEWHERE = frozenset(
    {"nsg-reachable-beyond-clients", "nsg-without-final-deny", "postgres-high-availability-unhealthy"}
)
"""Their stored drifts lack what the commands need (declared clients), or are another policy's to mend."""

every_policy = pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy.id)
every_place = pytest.mark.parametrize(
    ("policy", "kind"), PLACES, ids=[f"{policy.id}-{kind}" for policy, kind in PLACES]
)

every_stored = pytest.mark.parametrize(
    ("policy", "kind", "state"), STORED, ids=[f"{policy.id}-{kind}-{state}" for policy, kind, state in STORED]
)
RESTORERS = [(policy, kind) for policy, kind in WRITERS if policy.restore is not None]
every_restorer = pytest.mark.parametrize(
    ("policy", "kind"), RESTORERS, ids=[f"{policy.id}-{kind}" for policy, kind in RESTORERS]
)
REPAIRERS = [(policy, kind) for policy, kind in RESTORERS if policy.kind is Kind.CONNECTIVITY]
every_repairer = pytest.mark.parametrize(
    ("policy", "kind"), REPAIRERS, ids=[f"{policy.id}-{kind}" for policy, kind in REPAIRERS]
)
"""Those whose change adds what was taken: the reading after it holds what can be put back."""
every_writer = pytest.mark.parametrize(
    ("policy", "kind"), WRITERS, ids=[f"{policy.id}-{kind}" for policy, kind in WRITERS]
)

GUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
ARM_ACTION = re.compile(r"Microsoft\.[A-Za-z]+(/[A-Za-z]+)+/(read|write|delete|action)")


# --- the catalogue ---------------------------------------------------------------------------------


def test_every_file_of_the_catalogue_is_one_policy_and_none_is_missing() -> None:
    """A folder without ``__init__.py`` is no family to Python: what lies in it would never be asked."""
    folder = Path(catalogue.__path__[0])
    files = [file.stem for file in folder.rglob("*.py") if file.stem != "__init__"]
    assert sorted(files) == sorted(policy.id.replace("-", "_") for policy in POLICIES)
    named = {policy_id: module.__name__.split(".")[-1] for policy_id, module in modules().items()}
    assert named == {policy.id: policy.id.replace("-", "_") for policy in POLICIES}
    assert len({policy.id for policy in POLICIES}) == len(POLICIES) >= 3


def test_policies_come_in_the_order_in_which_their_changes_are_made() -> None:
    assert [(policy.order, policy.id) for policy in POLICIES] == sorted((p.order, p.id) for p in POLICIES)


def test_a_policy_is_found_by_its_id_and_nothing_by_another() -> None:
    assert all(find(policy.id) is policy for policy in POLICIES)
    assert find("no-such-policy") is None


def test_firewall_rules_go_before_public_access_is_closed() -> None:
    """Azure refuses firewall writes while public access is off."""
    ids = [policy.id for policy in POLICIES]
    assert ids.index("postgres-firewall-allows-all-azure") < ids.index("postgres-public-access-enabled")


# --- metadata --------------------------------------------------------------------------------------


@every_policy
def test_an_id_is_lower_case_words_with_dashes(policy: AnyPolicy) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)+", policy.id)


@every_policy
def test_the_docstring_has_a_title_and_the_five_headings_in_order(policy: AnyPolicy) -> None:
    text = getdoc(modules()[policy.id]) or ""
    title, *_ = text.splitlines()
    assert title.endswith(".")
    headings = re.findall(r"^\*([^*]+)\.\*", text, re.MULTILINE)
    if policy.safety is Safety.MANUAL:
        headings = [heading.replace("What to do", "What the change does") for heading in headings]
    assert headings == HEADINGS
    paragraphs = re.split(r"^\*[^*]+\.\*", text, flags=re.MULTILINE)[1:]
    assert all(len(paragraph.split()) >= 5 for paragraph in paragraphs)


@every_policy
def test_a_policy_says_what_somebody_could_do_with_the_drift(policy: AnyPolicy) -> None:
    assert policy.title[0].isupper()
    assert not policy.title.endswith(".")
    assert policy.why.endswith(".")
    assert len(policy.why.split()) >= 5
    assert policy.severity in Severity
    assert policy.safety in Safety
    assert policy.targets
    assert policy.reads


@pytest.mark.field(
    "commands",
    "At most ten policies have no command that closes their alerts, and each says why none exists.",
    source="docs/policies.md, and the commands of every stored drift",
    date="2026-11-29",
)
def test_few_policies_have_no_command_and_each_says_why() -> None:
    silent = [policy for policy in discover() if policy.no_command]
    assert len(silent) <= 10
    for policy in silent:
        assert len(policy.no_command.split()) >= 8, policy.id
        assert not policy.no_command.endswith("."), policy.id
        assert list(_printed(policy)) == [], policy.id


@every_policy
def test_a_policy_prints_a_command_or_says_why_it_has_none(policy: AnyPolicy) -> None:
    said = (
        "what_to_do tells a command of the stored drift, or no_command says why none exists: one of the two"
    )
    assert policy.id in PRINTED_ELSEWHERE or bool(list(_printed(policy))) != bool(policy.no_command), said


def _printed(policy: AnyPolicy) -> Iterator[str]:
    """The commands of the stored drifts."""
    for kind in sorted(policy.targets):
        snapshot, asking = stored(policy.id, kind, "drifted"), bound(policy, examples(policy))
        found = asking.evaluate(snapshot)
        change = asking.plan(found, snapshot)
        edits = change.edits if change else asking.suggest(found, snapshot)
        yield from (*fix_commands(edits), *every_command(found.evidence))


@every_policy
def test_what_ends_on_a_new_server_is_said_in_the_finding_too(policy: AnyPolicy) -> None:
    found = [
        bound(policy, examples(policy)).evaluate(stored(policy.id, kind, "drifted")).evidence
        for kind in sorted(policy.targets)
    ]
    assert any(one.get("endsOnNewServer") for one in found) is policy.ends_on_new_server


@every_policy
def test_permissions_are_arm_actions_without_wildcards_or_repetition(policy: AnyPolicy) -> None:
    assert policy.permissions
    assert all(ARM_ACTION.fullmatch(action) for action in policy.permissions)
    assert len({action.lower() for action in policy.permissions}) == len(policy.permissions)


@every_place
def test_permissions_cover_the_reading_of_the_target(policy: AnyPolicy, kind: TargetKind) -> None:
    resource_type = stored(policy.id, kind, "drifted").id.type
    assert f"{resource_type}/read" in lower(policy.permissions)


@every_writer
def test_permissions_cover_what_the_change_and_its_inverse_write(policy: AnyPolicy, kind: TargetKind) -> None:
    change = change_on(policy, stored(policy.id, kind, "drifted"))
    needed = {action(edit) for edit in (*change.edits, *change.inverse)}
    assert needed <= lower(policy.permissions)


def lower(actions: tuple[str, ...]) -> set[str]:
    return {action.lower() for action in actions}


def action(edit: Edit) -> str:
    """The ARM action that performing the edit needs."""
    verb = "delete" if isinstance(edit, DeleteFirewallRule | DeleteSecurityRule) else "write"
    return f"{edited_resource(edit).type}/{verb}"


@every_writer
def test_a_policy_names_the_edits_that_its_change_and_its_inverse_are_made_of(
    policy: AnyPolicy, kind: TargetKind
) -> None:
    change = change_on(policy, stored(policy.id, kind, "drifted"))
    assert {type(edit) for edit in (*change.edits, *change.inverse)} <= policy.edits


@every_policy
def test_only_a_policy_that_makes_changes_names_edits(policy: AnyPolicy) -> None:
    assert bool(policy.edits) == (policy.safety is not Safety.MANUAL)


@every_policy
def test_what_a_policy_adds_to_its_permissions_does_not_follow_from_the_rest(policy: AnyPolicy) -> None:
    derived = replace(policy, further_permissions=()).permissions
    assert set(policy.further_permissions).isdisjoint(derived)


@every_policy
def test_only_a_policy_that_changes_settings_declares_which_and_it_does(policy: AnyPolicy) -> None:
    """The proof of a setting's change is stated with them; parameters are compared in lower case."""
    changes_settings = policy.kind is Kind.SETTING and policy.safety is not Safety.MANUAL
    assert bool(policy.settings) == changes_settings
    assert all(name == name.lower() for name in policy.settings)


@every_policy
def test_controls_are_named_in_full(policy: AnyPolicy) -> None:
    for control in policy.controls:
        assert all((control.framework, control.version, control.id, control.title)), control
        if control.framework == "Azure Policy":
            assert GUID.fullmatch(control.id), control
    named = [(control.framework, control.version, control.id) for control in policy.controls]
    assert len(set(named)) == len(named)


@every_policy
def test_the_default_and_the_example_of_a_parameter_pass_its_own_check(policy: AnyPolicy) -> None:
    for parameter in policy.parameters:
        assert parameter.check(parameter.default) is None
        assert parameter.example is None or parameter.check(parameter.example) is None
        assert parameter.description.endswith(".")
        assert re.fullmatch(r"[a-z][A-Za-z0-9]*", parameter.name)
    assert len({parameter.name for parameter in policy.parameters}) == len(policy.parameters)


@every_policy
def test_a_parameter_follows_one_of_the_same_name_and_default_that_follows_none(policy: AnyPolicy) -> None:
    for parameter in policy.parameters:
        if parameter.follows:
            other = find(parameter.follows)
            assert other is not None
            (followed,) = [one for one in other.parameters if one.name == parameter.name]
            assert (followed.default, followed.follows) == (parameter.default, "")


# --- the stored readings ---------------------------------------------------------------------------


def test_no_stored_reading_belongs_to_no_policy() -> None:
    expected = {path(policy.id, kind, state) for policy, kind, state in STORED}
    assert set(FOLDER.rglob("*.json")) == expected


@every_stored
def test_a_stored_reading_is_of_its_kind_and_is_stored_whole(
    policy: AnyPolicy, kind: TargetKind, state: str
) -> None:
    snapshot = stored(policy.id, kind, state)
    assert snapshot.kind is kind
    assert applies_to(policy, snapshot)
    assert within(json.loads(path(policy.id, kind, state).read_text()), to_json(snapshot))


def within(told: Json, read: Json) -> bool:
    """Whether everything that a file says was understood; it may leave out what is as by default."""
    match told, read:
        case dict(), dict():
            return all(name in read and within(said, read[name]) for name, said in told.items())
        case list(), list():
            return len(told) == len(read) and all(map(within, told, read))
        case _:
            return bool(told == read)


STATED = {
    "compliant": ComplianceState.COMPLIANT,
    "drifted": ComplianceState.NON_COMPLIANT,
    "unknown": ComplianceState.UNKNOWN,
    "after": ComplianceState.COMPLIANT,
}


@every_stored
def test_a_stored_reading_is_in_the_state_of_its_name(
    policy: AnyPolicy, kind: TargetKind, state: str
) -> None:
    finding = bound(policy, examples(policy)).evaluate(stored(policy.id, kind, state))
    assert finding.state is STATED[state], finding.reason


@every_writer
def test_the_change_makes_of_the_drifted_reading_the_one_after(policy: AnyPolicy, kind: TargetKind) -> None:
    drifted, after = stored(policy.id, kind, "drifted"), stored(policy.id, kind, "after")
    assert normalised(apply_to(drifted, change_on(policy, drifted))) == normalised(after)


@every_writer
def test_a_change_names_its_policy_and_target_and_has_an_inverse(policy: AnyPolicy, kind: TargetKind) -> None:
    drifted = stored(policy.id, kind, "drifted")
    change = change_on(policy, drifted)
    assert (change.policy, change.target) == (policy.id, drifted.target)
    assert len(change.inverse) == len(change.edits) > 0


@every_repairer
def test_what_the_reading_after_held_is_put_back_by_changes_of_the_same_form(
    policy: AnyPolicy, kind: TargetKind
) -> None:
    """The reading after the change is compliant: whoever undoes the change makes a drift from it."""
    drifted, after = stored(policy.id, kind, "drifted"), stored(policy.id, kind, "after")
    *_, last = changes = former_on(policy, drifted, after)
    assert normalised(apply_to(drifted, last)) == normalised(after)
    for change in changes:
        assert (change.policy, change.target) == (policy.id, drifted.target)
        assert len(change.inverse) == len(change.edits) > 0
        assert {action(edit) for edit in (*change.edits, *change.inverse)} <= lower(policy.permissions)
        assert {type(edit) for edit in (*change.edits, *change.inverse)} <= policy.edits


@every_restorer
def test_nothing_is_restored_where_nothing_is_wrong(policy: AnyPolicy, kind: TargetKind) -> None:
    for state in ("compliant", "after", "unknown"):
        assert former_on(policy, stored(policy.id, kind, state), stored(policy.id, kind, "after")) == ()


def former_on(policy: AnyPolicy, snapshot: Snapshot, baseline: Snapshot) -> tuple[Change, ...]:
    ready = bound(policy, examples(policy))
    assert ready.restore is not None
    return ready.restore(ready.evaluate(snapshot), snapshot, baseline)


@every_place
def test_a_policy_judges_every_situation_with_and_without_an_earlier_reading(
    policy: AnyPolicy, kind: TargetKind
) -> None:
    drifted, compliant = stored(policy.id, kind, "drifted"), stored(policy.id, kind, "compliant")
    for baseline in (None, compliant):
        assessment = bound(policy, examples(policy)).assess(drifted, baseline)
        assert assessment.safety in Safety
        assert not assessment.last_way_in, "that is asked of the ways, for every policy alike"


def test_every_change_that_takes_a_way_into_a_server_away_may_ask_for_the_ways_that_are_left() -> None:
    asking = {policy.id for policy in discover() if policy.may_cut_off}
    assert asking == {
        "postgres-firewall-allows-all-azure",
        "postgres-firewall-allows-whole-internet",
        "postgres-public-access-enabled",
    }
    needed = actions_for([TargetKind.FLEXIBLE_SERVER], LAST_WAY_ASKS, [])
    for policy in discover():
        assert not policy.may_cut_off or set(needed) <= set(policy.permissions)


def change_on(policy: AnyPolicy, snapshot: Snapshot) -> Change:
    ready = bound(policy, examples(policy))
    change: Change | None = ready.plan(ready.evaluate(snapshot), snapshot)
    assert change is not None
    return change
