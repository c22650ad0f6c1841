"""The life of an alert, and whether what a person reads can be acted on."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.alerts.commands import fix_commands
from shared.alerts.decision_words import decision_text
from shared.alerts.edit_words import change_words, describe_edit
from shared.alerts.lifecycle import (
    IllegalTransition,
    Sighting,
    acknowledge,
    alert_id,
    approve,
    change_notification,
    notification,
    open_alert,
    recur,
    resolve,
)
from shared.alerts.phrases import evidence_lines
from shared.alerts.portal import portal_link
from shared.alerts.views import alert_view, change_view
from shared.model import (
    Access,
    Action,
    Actor,
    Cause,
    CauseKind,
    Change,
    ComplianceState,
    Decision,
    DeleteFirewallRule,
    DeleteSecurityRule,
    Direction,
    Edit,
    Finding,
    FirewallRule,
    Json,
    Outcome,
    Proof,
    ProofStep,
    PublicAccess,
    PutFirewallRule,
    PutSecurityRule,
    Reason,
    SecurityRule,
    SetPublicAccess,
    Severity,
    Target,
    TargetKind,
)
from shared.model.alert_records import AlertRecord, AlertStatus, NotificationType
from shared.model.change_records import ChangeKind, ChangeRecord, TrafficDifference
from shared.model.codec import dump
from shared.model.resource_id import ResourceId
from shared.policies import find
from shared.posture.policy import AnyPolicy

POLICY_ID = "postgres-public-access-enabled"
GROUP = "/subscriptions/8d1f2c3b-0001-4a5b-9c6d-7e8f90a1b2c3/resourceGroups/shop-prod"
SERVER = ResourceId(f"{GROUP}/providers/Microsoft.DBforPostgreSQL/flexibleServers/orders")
NSG = ResourceId(f"{GROUP}/providers/Microsoft.Network/networkSecurityGroups/databases-nsg")
SUBNET = ResourceId(f"{GROUP}/providers/Microsoft.Network/virtualNetworks/core/subnets/databases")
TARGET = Target(kind=TargetKind.FLEXIBLE_SERVER, id=SERVER)
NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
OFFICE = FirewallRule(name="office", start=IPv4Address("203.0.113.4"), end=IPv4Address("203.0.113.9"))
ALL_AZURE = FirewallRule(name="all", start=IPv4Address(0), end=IPv4Address(0))
ALLOW = SecurityRule(
    name="allow-postgres",
    direction=Direction.INBOUND,
    access=Access.ALLOW,
    priority=119,
    protocol="Tcp",
    sources=("10.0.1.0/24",),
    destinations=("10.0.1.0/24",),
    destination_ports=("5432", "6432"),
)
CLOSE = SetPublicAccess(server=SERVER, access=PublicAccess.DISABLED)
OPEN = SetPublicAccess(server=SERVER, access=PublicAccess.ENABLED)
ADA = Actor(app_id="04b07795-8ddb-461a-bbee-02f9e1bf7b46", object_id="5b1c2d3e-4f50", name="Ada Lovelace")
CAUSE = Cause(
    kind=CauseKind.EVENT,
    time=NOON,
    actor=ADA,
    correlation_id="c0ffee-1",
    operation_name="Microsoft.DBforPostgreSQL/flexibleServers/write",
    event_id="e-1",
)
FINDING = Finding(
    policy=POLICY_ID,
    target=TARGET,
    state=ComplianceState.NON_COMPLIANT,
    severity=Severity.HIGH,
    reason="public network access is enabled",
    resource_id=SERVER,
    evidence={"publicNetworkAccess": "Enabled"},
    fingerprint="publicNetworkAccess=Enabled",
)
DECISION = Decision(
    policy=POLICY_ID, action=Action.ALERT, reason=Reason.APPROVAL_REQUIRED, detail="old rules"
)
SIGHTING = Sighting(
    finding=FINDING, decision=DECISION, cause=CAUSE, now=NOON, commands=fix_commands((CLOSE,))
)


def policy() -> AnyPolicy:
    found = find(POLICY_ID)
    assert found is not None
    return found


def opened(sighting: Sighting = SIGHTING) -> AlertRecord:
    return open_alert(policy(), sighting, portal_link(SERVER))


def seen_again(**changed: Json) -> Sighting:
    return replace(SIGHTING, now=NOON + HOUR, **changed)


def body_of(alert: AlertRecord) -> str:
    return notification(alert, NotificationType.ALERT_OPENED, NOON).body


# --- identity --------------------------------------------------------------------------------------


def test_an_alert_is_named_by_policy_target_and_fingerprint_alone() -> None:
    shouting = Target(kind=TargetKind.FLEXIBLE_SERVER, id=ResourceId(str(SERVER).upper()))
    assert alert_id(POLICY_ID, shouting, "f") == alert_id(POLICY_ID, TARGET, "f")
    other = Target(kind=TargetKind.FLEXIBLE_SERVER, id=ResourceId(f"{SERVER}2"))
    ids = [
        alert_id(POLICY_ID, TARGET, "f"),
        alert_id(POLICY_ID, TARGET, "g"),
        alert_id("other", TARGET, "f"),
        alert_id(POLICY_ID, other, "f"),
    ]
    assert len(set(ids)) == 4
    assert all(len(one) == 16 and int(one, 16) >= 0 for one in ids)


def test_a_new_alert_holds_what_was_seen() -> None:
    alert = opened()
    assert alert.id == alert_id(POLICY_ID, TARGET, FINDING.fingerprint)
    assert (alert.status, alert.count, alert.severity) == (AlertStatus.OPEN, 1, Severity.HIGH)
    assert (alert.first_seen, alert.last_seen) == (NOON, NOON)
    assert (alert.cause, alert.decision, alert.commands) == (CAUSE, DECISION, SIGHTING.commands)
    assert alert.controls
    assert all({"framework", "version", "id", "title"} <= control.keys() for control in alert.controls)


# --- life ------------------------------------------------------------------------------------------


def test_an_alert_seen_again_counts_and_keeps_the_newest() -> None:
    cause = replace(CAUSE, event_id="e-2", actor=Actor(name="Grace"))
    decision = replace(DECISION, reason=Reason.LAST_WAY_IN)
    finding = replace(FINDING, evidence={"n": 2}, severity=Severity.CRITICAL, reason="still")
    alert = recur(opened(), seen_again(cause=cause, decision=decision, finding=finding, commands=()))
    assert (alert.count, alert.first_seen, alert.last_seen) == (2, NOON, NOON + HOUR)
    assert (alert.cause, alert.decision, alert.commands) == (cause, decision, ())
    assert (alert.evidence, alert.severity, alert.reason) == ({"n": 2}, Severity.CRITICAL, "still")
    assert alert.status is AlertStatus.OPEN


def test_an_acknowledged_alert_stays_acknowledged_when_it_recurs() -> None:
    alert = recur(acknowledge(opened(), "grace"), seen_again())
    assert (alert.status, alert.acknowledged_by) == (AlertStatus.ACKNOWLEDGED, "grace")


def test_a_late_sighting_does_not_turn_time_back() -> None:
    alert = recur(opened(), replace(SIGHTING, now=NOON - HOUR))
    assert alert.last_seen == NOON


def test_a_resolved_alert_that_comes_back_is_open_and_nobodys() -> None:
    alert = approve(acknowledge(opened(), "grace"), "grace", NOON)
    back = recur(resolve(alert, "closed", NOON), seen_again())
    assert (back.status, back.count, back.first_seen) == (AlertStatus.OPEN, 2, NOON)
    assert (back.acknowledged_by, back.approval, back.resolved_at, back.resolution) == (None, None, None, "")


def test_a_sighting_of_another_drift_is_refused() -> None:
    with pytest.raises(ValueError, match="is not alert"):
        recur(opened(), seen_again(finding=replace(FINDING, fingerprint="another")))


def test_resolving_says_when_and_why_and_ends_an_approval() -> None:
    alert = resolve(approve(opened(), "grace", NOON), "public network access is disabled", NOON + HOUR)
    assert (alert.status, alert.resolved_at) == (AlertStatus.RESOLVED, NOON + HOUR)
    assert (alert.resolution, alert.approval) == ("public network access is disabled", None)


def test_an_acknowledged_alert_can_be_resolved() -> None:
    assert resolve(acknowledge(opened(), "grace"), "", NOON).status is AlertStatus.RESOLVED


def test_an_approval_is_for_this_drift_and_one_hour_unless_said_otherwise() -> None:
    approval = approve(opened(), "grace", NOON).approval
    assert approval is not None
    assert (approval.by, approval.at, approval.fingerprint) == ("grace", NOON, FINDING.fingerprint)
    assert approval.expires_at == NOON + HOUR
    shorter = approve(opened(), "grace", NOON, timedelta(minutes=5)).approval
    assert shorter is not None
    assert shorter.expires_at == NOON + timedelta(minutes=5)


def test_a_newer_approval_replaces_an_older_one() -> None:
    alert = approve(approve(acknowledge(opened(), "g"), "grace", NOON), "ada", NOON + HOUR)
    assert alert.approval is not None
    assert (alert.approval.by, alert.status) == ("ada", AlertStatus.ACKNOWLEDGED)


@pytest.mark.parametrize("lasts", [timedelta(0), timedelta(seconds=-1)])
def test_an_approval_for_no_time_is_refused(lasts: timedelta) -> None:
    with pytest.raises(ValueError, match="longer"):
        approve(opened(), "grace", NOON, lasts)


def test_steps_that_the_life_cycle_does_not_know_are_refused() -> None:
    acknowledged, resolved = acknowledge(opened(), "g"), resolve(opened(), "", NOON)
    with pytest.raises(IllegalTransition, match="acknowledged, not open"):
        acknowledge(acknowledged, "h")
    with pytest.raises(IllegalTransition, match="resolved, not open"):
        acknowledge(resolved, "h")
    with pytest.raises(IllegalTransition, match="already resolved"):
        resolve(resolved, "", NOON)
    with pytest.raises(IllegalTransition, match="nothing to approve"):
        approve(resolved, "h", NOON)


# --- notifications of alerts -----------------------------------------------------------------------


def test_a_notification_says_everything_that_a_person_on_call_needs() -> None:
    told = notification(opened(), NotificationType.ALERT_OPENED, NOON)
    assert told.title == "[High] Public network access is enabled on a PostgreSQL server: orders"
    for part in (
        "**What:** Public network access is enabled.",
        "flexible server `orders`, resource group `shop-prod`",
        f"https://portal.azure.com/#@/resource{SERVER}/overview",
        "`Ada Lovelace` (object id `5b1c2d3e-4f50`, application `04b07795-8ddb-461a-bbee-02f9e1bf7b46`)",
        "2026-11-21 12:00:00 UTC",
        "operation `Microsoft.DBforPostgreSQL/flexibleServers/write`",
        "correlation id `c0ffee-1`",
        "**Why it matters:** " + policy().why,
        "MCSB",
        "- public network access: `Enabled`",
        "**Decision:** Not reverted: a person has to approve this change (old rules).",
        f"`POST /api/alerts/{told.data['id']}/approve`",
        f"```\n{SIGHTING.commands[0]}\n```",
        "the data plane follows within minutes, and sessions that are already open may persist",
    ):
        assert part in told.body, part


def test_a_notification_carries_the_alert_of_the_http_api() -> None:
    alert = replace(opened(), etag="W/1", unsent=("Driftward.Alert.Opened",))
    told = notification(alert, NotificationType.ALERT_OPENED, NOON + HOUR)
    assert told.data == alert_view(alert)
    assert (told.subject, told.severity, told.time) == (str(SERVER), Severity.HIGH, NOON + HOUR)
    assert told.data["status"] == "open"
    assert told.data["firstSeen"] == "2026-11-21T12:00:00Z"
    assert told.data["target"] == {"kind": "flexibleServer", "id": str(SERVER)}
    assert told.data["decision"]["reason"] == "approval-required"
    assert not {"etag", "unsent"} & told.data.keys()
    json.dumps(told.data)


def test_a_resolved_alert_says_that_it_is_over_and_offers_no_command() -> None:
    alert = resolve(recur(opened(), seen_again()), "public network access is disabled", NOON + 26 * HOUR)
    told = notification(alert, NotificationType.ALERT_RESOLVED, NOON)
    assert told.title.startswith("[Resolved] ")
    assert told.body.startswith("**Over:** Public network access is disabled.")
    assert "2 times, first at 2026-11-21 12:00:00 UTC, open for 1 d 2 h" in told.body
    assert "```" not in told.body


@pytest.mark.parametrize(
    ("after", "text"), [(0, "0 min"), (59, "59 min"), (61, "1 h 1 min"), (1440, "1 d 0 h")]
)
def test_how_long_it_was_open_is_said_in_words(after: int, text: str) -> None:
    assert f"open for {text}" in body_of(resolve(opened(), "", NOON + timedelta(minutes=after)))


def test_the_state_is_told_with_who_looks_after_it_and_who_approved() -> None:
    alert = approve(acknowledge(opened(), "grace"), "ada", NOON)
    body = body_of(alert)
    assert "acknowledged by `grace`" in body
    assert "**Approved** by `ada`, valid until 2026-11-21 13:00:00 UTC" in body
    assert "/approve`" not in body


@pytest.mark.parametrize(
    ("cause", "words"),
    [
        (replace(CAUSE, count=3), "(the newest of 3 events)"),
        (replace(CAUSE, actor=Actor()), "somebody whom the event does not name, 2026"),
        (replace(CAUSE, actor=Actor(app_id="a", object_id="o")), "object id `o`, application `a`, 2026"),
        (replace(CAUSE, actor=Actor(name="Ada")), "**Who and when:** `Ada`, 2026"),
        (Cause(kind=CauseKind.SWEEP, time=NOON), "found by the sweep at 2026-11-21 12:00:00 UTC"),
        (Cause(kind=CauseKind.OPERATOR, time=NOON, actor=ADA), "found by a run that `Ada Lovelace` (object"),
    ],
)
def test_who_and_when_is_as_honest_as_the_cause(cause: Cause, words: str) -> None:
    assert words in body_of(opened(replace(SIGHTING, cause=cause)))


@pytest.mark.parametrize("action", list(Action))
def test_every_reason_has_words_of_its_own(action: Action) -> None:
    texts = [decision_text(Decision(policy=POLICY_ID, action=action, reason=reason)) for reason in Reason]
    assert len(set(texts)) == len(Reason)
    assert all(text.endswith(".") for text in texts)


def test_a_decision_is_told_as_what_happens_to_the_drift() -> None:
    revert = Decision(policy=POLICY_ID, action=Action.REVERT, reason=Reason.DRIFT)
    assert decision_text(revert).startswith("Being reverted: it was compliant before")
    assert decision_text(revert, done=True).startswith("Reverted: ")
    assert decision_text(replace(revert, dry_run=True)).startswith("Would be reverted, but audit mode")
    assert decision_text(replace(revert, action=Action.SKIP)).startswith("Nothing is done for now")


def test_a_command_that_would_cut_off_the_last_way_in_comes_with_a_warning() -> None:
    decision = replace(DECISION, reason=Reason.LAST_WAY_IN)
    body = body_of(opened(replace(SIGHTING, decision=decision)))
    assert "**To fix it by hand** (first make another way in: after this nobody may get in):" in body


def test_without_a_command_the_alert_says_so() -> None:
    body = body_of(opened(replace(SIGHTING, commands=())))
    assert "no single command is known" in body
    assert "```" not in body


def test_a_step_that_is_no_command_is_told_as_a_sentence_and_not_among_what_was_seen() -> None:
    finding = replace(SIGHTING.finding, evidence={"whatToDo": ["az it", "restart the server in the portal"]})
    body = body_of(opened(replace(SIGHTING, finding=finding, commands=("az it",))))
    assert "**What to do:** Restart the server in the portal." in body
    assert "what to do:" not in body
    bare = body_of(opened(replace(SIGHTING, finding=finding, commands=())))
    assert "no single command is known" not in bare


def test_a_command_with_backticks_stays_inside_its_fence() -> None:
    body = body_of(opened(replace(SIGHTING, commands=("az rest --body '```'",))))
    assert "\n````\naz rest --body '```'\n````" in body


# --- ids of notifications --------------------------------------------------------------------------


def test_the_same_news_has_the_same_id_and_other_news_another() -> None:
    first = opened()
    acknowledged = acknowledge(first, "grace")
    approved = approve(acknowledged, "grace", NOON)
    resolved = resolve(approved, "", NOON)
    again = recur(resolved, seen_again())
    told = [
        (first, NotificationType.ALERT_OPENED),
        (recur(first, seen_again()), NotificationType.ALERT_UPDATED),
        (acknowledged, NotificationType.ALERT_UPDATED),
        (approved, NotificationType.ALERT_UPDATED),
        (approve(approved, "ada", NOON + HOUR), NotificationType.ALERT_UPDATED),
        (resolved, NotificationType.ALERT_RESOLVED),
        (again, NotificationType.ALERT_OPENED),
        (resolve(again, "", NOON), NotificationType.ALERT_RESOLVED),
    ]
    ids = [notification(alert, kind, NOON).id for alert, kind in told]
    assert len(set(ids)) == len(ids)
    assert ids == [notification(alert, kind, NOON + HOUR).id for alert, kind in told]
    assert ids[0] == f"{first.id}-opened-1"


# --- what strangers wrote --------------------------------------------------------------------------


def test_names_cannot_format_a_message_or_forge_a_link() -> None:
    evil = "x`\n\n[approve](https://evil.example) <!here> "
    cause = replace(CAUSE, actor=Actor(name=evil), correlation_id=evil)
    finding = replace(FINDING, reason=evil, evidence={"rules": [{"name": evil, "startIpAddress": evil}]})
    decision = replace(DECISION, detail=evil)
    told = notification(
        opened(replace(SIGHTING, cause=cause, finding=finding, decision=decision)),
        NotificationType.ALERT_OPENED,
        NOON,
    )
    assert "](" not in told.body
    assert "<!" not in told.body
    assert evil not in told.title + told.body
    assert all(line.count("`") % 2 == 0 for line in told.body.splitlines() if "```" not in line)


def test_a_huge_alert_is_still_a_small_letter() -> None:
    rules = [{"name": f"règle-{n}" * 9, "startIpAddress": "203.0.113.4"} for n in range(2000)]
    finding = replace(FINDING, evidence={f"rules{n}": rules for n in range(40)}, reason="é" * 5000)
    alert = opened(replace(SIGHTING, finding=finding, commands=("az rest --body " + "x" * 100_000,) * 3))
    told = notification(alert, NotificationType.ALERT_OPENED, NOON)
    assert len(dump(told)) < 64 * 1024
    assert told.data["omitted"] == ["evidence", "commands"]
    assert told.data["evidence"] is None
    assert "too long for a message" in told.body


def test_an_ordinary_alert_omits_nothing() -> None:
    assert "omitted" not in notification(opened(), NotificationType.ALERT_OPENED, NOON).data


# --- evidence and edits in words -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("evidence", "lines"),
    [
        ({}, []),
        ({"reach": "private only", "absent": None}, ["reach: `private only`"]),
        ({"dormant": False, "allAzure": True, "count": 3}, ["dormant: no", "all azure: yes", "count: 3"]),
        ({"keepsAccess": {"privateEndpoints": []}}, ["keeps access, private endpoints: none"]),
        (
            {"rules": [{"name": "office", "startIpAddress": "1.2.3.4", "endIpAddress": "1.2.3.9"}]},
            ["rules: `office` (1.2.3.4–1.2.3.9)"],
        ),
        ({"rule": [{"name": "r", "priority": 100}]}, ["rule: `r` (priority 100)"]),
        ({"ports": [1, 2, 3, 4, 5, 6, 7, 8]}, ["ports: 1, 2, 3, 4, 5, 6 and 2 more"]),
    ],
)
def test_evidence_is_told_in_short_lines(evidence: dict[str, Json], lines: list[str]) -> None:
    assert evidence_lines(evidence) == lines


def test_much_evidence_is_counted() -> None:
    lines = evidence_lines({f"n{number}": number for number in range(50)})
    assert len(lines) == 21
    assert lines[-1] == "and 30 more, in the alert"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=400),
    lambda inner: st.lists(inner, max_size=8) | st.dictionaries(st.text(max_size=10), inner, max_size=8),
    max_leaves=20,
)


@given(st.dictionaries(st.text(max_size=20), json_values, max_size=30))
def test_any_evidence_becomes_short_lines(evidence: dict[str, Json]) -> None:
    lines = evidence_lines(evidence)
    assert len(lines) <= 21
    assert all(len(line) <= 300 and len(line.splitlines()) <= 1 for line in lines)


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (CLOSE, "public network access set to Disabled"),
        (
            PutFirewallRule(server=SERVER, rule=OFFICE),
            "firewall rule `office` (203.0.113.4–203.0.113.9) written",
        ),
        (
            DeleteFirewallRule(server=SERVER, rule=ALL_AZURE),
            "firewall rule `all` (every Azure address) deleted",
        ),
        (
            PutSecurityRule(nsg=NSG, rule=ALLOW),
            "rule `allow-postgres` (priority 119: allow inbound Tcp from 10.0.1.0/24 to 10.0.1.0/24, "
            "ports 5432, 6432) written to NSG `databases-nsg`",
        ),
        (
            DeleteSecurityRule(nsg=NSG, rule=replace(ALLOW, sources=(), source_groups=(NSG,))),
            "rule `allow-postgres` (priority 119: allow inbound Tcp from databases-nsg to 10.0.1.0/24, "
            "ports 5432, 6432) deleted from NSG `databases-nsg`",
        ),
    ],
)
def test_an_edit_is_told_in_words(edit: Edit, words: str) -> None:
    assert describe_edit(edit) == words


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (CLOSE, "sets public network access to Disabled"),
        (PutFirewallRule(server=SERVER, rule=OFFICE), "adds firewall rule 'office'"),
        (DeleteFirewallRule(server=SERVER, rule=OFFICE), "deletes firewall rule 'office'"),
        (PutSecurityRule(nsg=NSG, rule=ALLOW), "adds rule 'allow-postgres'"),
        (DeleteSecurityRule(nsg=NSG, rule=ALLOW), "deletes rule 'allow-postgres'"),
    ],
)
def test_what_a_change_does_is_told_in_few_words(edit: Edit, words: str) -> None:
    change = Change(policy=POLICY_ID, target=TARGET, edits=(edit, edit), inverse=())
    assert change_words(change) == f"{words}; {words}"


@pytest.mark.parametrize(
    ("edit", "what"),
    [
        (PutFirewallRule(server=SERVER, rule=OFFICE), "firewall rule 'office'"),
        (PutSecurityRule(nsg=NSG, rule=ALLOW), "rule 'allow-postgres'"),
    ],
)
def test_what_a_change_puts_back_is_told_with_the_time_of_the_reading(edit: Edit, what: str) -> None:
    change = Change(policy=POLICY_ID, target=TARGET, edits=(edit,), inverse=())
    assert change_words(change, NOON) == f"restores {what} as it was on 2026-11-21 12:00:00 UTC"


# --- what passes otherwise than before -------------------------------------------------------------

INSIDE = "Inbound 10.0.1.0/24 → 10.0.1.0/24 tcp/5432"
SINCE = {
    "lastCompliantAt": "2026-11-21T11:00:00Z",
    "byThisWrite": False,
    "newlyAllowed": [],
    "newlyDenied": [INSIDE],
    "newlyOpen": [],
}


def body_with(evidence: dict[str, Json]) -> str:
    return body_of(opened(replace(SIGHTING, finding=replace(FINDING, evidence=evidence))))


def test_what_is_denied_since_the_last_compliant_reading_has_a_sentence_and_no_evidence_line() -> None:
    body = body_with({**SINCE, "nsgId": "x"})
    since = "Since the last compliant reading (2026-11-21T11:00:00Z), this is newly denied"
    assert f"**What changed:** {since}: {INSIDE}.\n" in body
    assert body.count(INSIDE) == 1
    assert "- nsg id: `x`" in body
    assert "last compliant at" not in body


def test_a_write_is_named_as_the_one_only_where_it_is() -> None:
    body = body_with({**SINCE, "byThisWrite": True, "newlyAllowed": ["203.0.113.7"]})
    said = f"This write newly denied: {INSIDE}; newly allowed: 203.0.113.7."
    assert f"**What changed:** {said}" in body
    assert "Since the last compliant reading" not in body
    assert "This write" not in body_with({**SINCE, "byThisWrite": "yes"})


@pytest.mark.parametrize("evidence", [{}, {**SINCE, "newlyDenied": []}, {**SINCE, "newlyDenied": None}])
def test_where_nothing_differs_nothing_is_said_of_it(evidence: dict[str, Json]) -> None:
    assert "**What changed:**" not in body_with(evidence)


def test_many_boxes_are_counted_and_strangers_texts_are_cleaned() -> None:
    body = body_with({**SINCE, "newlyDenied": ["[x](http://evil)", *(f"box {n}" for n in range(20))]})
    assert "(x)(http:\u2060//evil), box 0, box 1, box 2, box 3, box 4 and 15 more." in body


def test_a_change_is_told_with_what_it_makes_of_the_traffic() -> None:
    found = TrafficDifference(newly_allowed=(INSIDE,), newly_denied=("203.0.113.7",), newly_open=("box",))
    told = change_notification(changed(difference=found), NotificationType.CHANGE_APPLIED, NOON)
    line = f"**Traffic:** newly denied: 203.0.113.7; newly allowed: {INSIDE}; "
    assert f"{line}newly left to what a tag or group holds: box" in told.body
    view = change_view(changed(difference=found, restored_from=NOON))
    assert view["difference"] == {
        "newlyAllowed": [INSIDE],
        "newlyDenied": ["203.0.113.7"],
        "newlyOpen": ["box"],
    }
    assert view["restoredFrom"] == "2026-11-21T12:00:00Z"


def test_a_long_difference_is_left_out_of_the_message_and_that_is_said() -> None:
    found = TrafficDifference(newly_allowed=tuple(f"{INSIDE}-{n}" for n in range(2000)))
    told = change_notification(changed(difference=found), NotificationType.CHANGE_APPLIED, NOON)
    assert told.data["difference"] is None
    assert "difference" in told.data["omitted"]
    assert told.data["edits"]
    assert "and 1994 more" in told.body


@pytest.mark.parametrize("found", [None, TrafficDifference()])
def test_a_change_without_a_known_difference_says_nothing_of_it(found: TrafficDifference | None) -> None:
    told = change_notification(changed(difference=found), NotificationType.CHANGE_APPLIED, NOON)
    assert "**Traffic:**" not in told.body


# --- notifications of changes ----------------------------------------------------------------------


def changed(*edits: Edit, **fields: Json) -> ChangeRecord:
    made = edits or (CLOSE,)
    record = ChangeRecord(
        id="c-1",
        kind=ChangeKind.REMEDIATION,
        change=Change(policy=POLICY_ID, target=TARGET, edits=made, inverse=(OPEN,)),
        proof=Proof(steps=(ProofStep(claim="the finding disappears", holds=True),)),
        decision=Decision(policy=POLICY_ID, action=Action.REVERT, reason=Reason.DRIFT),
        cause=CAUSE,
        outcome=Outcome.REVERTED,
        fingerprint="f",
        created_at=NOON,
        before="b" * 64,
        etag="W/1",
    )
    return replace(record, **fields)


def test_a_revert_is_told_with_what_it_undid_and_how_to_undo_it() -> None:
    told = change_notification(changed(), NotificationType.CHANGE_APPLIED, NOON)
    assert told.title == "[Reverted] orders: public network access set to Disabled"
    assert (told.id, told.severity, told.subject) == ("c-1-applied", Severity.HIGH, str(SERVER))
    for part in (
        "**Why:** Public network access is enabled on a PostgreSQL server.",
        "`Ada Lovelace`",
        "Reverted: it was compliant before",
        "- The finding disappears.",
        "the data plane follows within minutes, and sessions that are already open may persist",
        "`POST /api/changes/c-1/rollback`",
        f"```\n{fix_commands((OPEN,))[0]}\n```",
        portal_link(SERVER),
    ):
        assert part in told.body, part


@pytest.mark.parametrize(
    ("edit", "closes"),
    [
        (CLOSE, True),
        (OPEN, False),
        (DeleteFirewallRule(server=SERVER, rule=OFFICE), True),
        (PutFirewallRule(server=SERVER, rule=OFFICE), False),
        (DeleteSecurityRule(nsg=NSG, rule=ALLOW), True),
        (PutSecurityRule(nsg=NSG, rule=ALLOW), False),
    ],
)
def test_only_closing_a_path_warns_of_open_sessions(edit: Edit, closes: bool) -> None:
    told = change_notification(changed(edit), NotificationType.CHANGE_APPLIED, NOON)
    assert ("sessions that are already open" in told.body) is closes


def test_a_rollback_is_told_with_its_reason() -> None:
    record = changed(
        OPEN,
        kind=ChangeKind.ROLLBACK,
        outcome=Outcome.ROLLED_BACK,
        rollback_of="c-0",
        reason="partner cut off",
    )
    told = change_notification(record, NotificationType.CHANGE_ROLLED_BACK, NOON)
    assert told.title.startswith("[Rolled back] ")
    assert told.id == "c-1-rolledback"
    assert "**Rollback** of change `c-0`: Partner cut off." in told.body
    assert "/rollback`" not in told.body


def test_another_clouds_links_and_commands_are_taken_as_given() -> None:
    told = change_notification(
        changed(), NotificationType.CHANGE_APPLIED, NOON, "https://portal.azure.us/x", ("az rest",)
    )
    assert "https://portal.azure.us/x" in told.body
    assert "portal.azure.com" not in told.body
    assert "```\naz rest\n```" in told.body


def test_a_change_of_a_policy_that_is_gone_is_still_told() -> None:
    record = changed(change=Change(policy="gone", target=TARGET, edits=(CLOSE,), inverse=(OPEN,)))
    told = change_notification(record, NotificationType.CHANGE_APPLIED, NOON)
    assert told.severity is Severity.INFORMATIONAL
    assert "policy `gone`" in told.body


def test_a_change_is_shown_with_its_edits_as_fields_of_its_own() -> None:
    view = change_view(changed())
    assert view["resourceId"] == str(SERVER)
    assert view["edits"] == [{"kind": "setPublicAccess", "server": str(SERVER), "access": "Disabled"}]
    assert view["inverse"][0]["access"] == "Enabled"
    assert (view["policy"], view["outcome"], view["kind"]) == (POLICY_ID, "Reverted", "remediation")
    assert not {"change", "etag", "operation", "nextEdit"} & view.keys()
    assert change_notification(changed(), NotificationType.CHANGE_APPLIED, NOON).data == view


def test_a_subnet_is_named_with_its_network() -> None:
    target = Target(kind=TargetKind.SUBNET, id=SUBNET)
    edits = (PutSecurityRule(nsg=NSG, rule=ALLOW), PutSecurityRule(nsg=NSG, rule=ALLOW))
    record = changed(change=Change(policy=POLICY_ID, target=target, edits=edits, inverse=(OPEN,)))
    told = change_notification(record, NotificationType.CHANGE_APPLIED, NOON)
    assert told.title.startswith("[Reverted] core/databases: rule 'allow-postgres'")
    assert told.title.endswith("and 1 more")
    assert f"resource `{NSG}/securityRules/allow-postgres`" in told.body
