"""The story on an Azure in memory: what is reverted, what alerts, what is left alone, and in which order."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.model import (
    Action,
    ComplianceState,
    DeleteFirewallRule,
    EnforcementMode,
    Outcome,
    PublicAccess,
    PutSecurityRule,
    Reason,
    ServerState,
    SetPublicAccess,
    Severity,
    TargetKind,
)
from shared.model.alert_records import AlertStatus, NotificationType
from shared.model.errors import Busy, Conflict, Denied, Locked, SinkError, Throttled
from shared.policies import discover
from tests.builders import (
    ALL_AZURE,
    OFFICE,
    ON_SERVERS,
    SERVER,
    SUBNET,
    public_server,
    rule,
    security_rule,
    server,
    subnet,
)
from tests.fakes import START, US, World

PUBLIC = "postgres-public-access-enabled"
FIREWALL = "postgres-firewall-allows-all-azure"
NSG_POLICY = "nsg-blocks-postgres-in-subnet"
BOTH_MODES = pytest.mark.parametrize("mode", list(EnforcementMode))


def seen_compliant(world: World, snapshot: object) -> None:
    """Put the snapshot in place and let it be read once."""
    target = world.azure.put(snapshot)  # type: ignore[arg-type]
    world.look(target)
    world.drain()
    world.azure.reads = 0
    world.lines.clear()


def drift(world: World, snapshot: object, seconds: float = 60) -> None:
    """Somebody writes; the event arrives; time passes."""
    target = world.azure.put(snapshot)  # type: ignore[arg-type]
    world.event(target)
    world.drain(seconds)


def there(world: World) -> object:
    return world.azure.snapshots[SERVER.key]


# --- reverts ---------------------------------------------------------------------------------------


def test_an_all_azure_rule_added_to_a_compliant_server_is_deleted_and_only_it() -> None:
    world = World()
    seen_compliant(world, public_server())
    drift(world, public_server(firewall_rules=(OFFICE, ALL_AZURE)))
    assert world.azure.writes == [DeleteFirewallRule(server=SERVER, rule=ALL_AZURE)]
    assert there(world) == replace(public_server(), firewall_rules=(OFFICE,))
    change = world.store.changes(policy=FIREWALL)[0]
    assert change.outcome is Outcome.REVERTED
    assert change.decision.reason is Reason.DRIFT
    assert change.cause.actor.name == "Jane Doe"


def test_public_access_opened_beside_an_approved_endpoint_is_closed() -> None:
    world = World()
    seen_compliant(world, server())
    drift(world, server(public_access=PublicAccess.ENABLED))
    assert world.azure.writes == [SetPublicAccess(server=SERVER, access=PublicAccess.DISABLED)]
    assert world.store.changes(policy=PUBLIC)[0].outcome is Outcome.REVERTED


STORAGE_POLICY = "nsg-blocks-storage-outbound"


def test_a_deny_in_front_of_the_database_subnet_is_overruled_in_both_directions() -> None:
    world = World()
    seen_compliant(world, subnet())
    deny = security_rule("deny-all", 200)
    outbound = replace(deny, name="deny-all-out", direction=type(deny.direction)("Outbound"))
    drift(world, subnet(deny, outbound))
    rules = [edit.rule for edit in world.azure.writes if isinstance(edit, PutSecurityRule)]
    assert [(rule.direction, rule.priority) for rule in rules] == [
        ("Inbound", 199),
        ("Outbound", 199),
        ("Outbound", 198),
    ]
    assert rules[-1].destinations == ("Storage",), "the deny cut that off as well"
    assert world.store.changes(policy=NSG_POLICY)[0].outcome is Outcome.REVERTED
    assert world.store.changes(policy=STORAGE_POLICY)[0].outcome is Outcome.REVERTED


def test_both_drifts_at_once_are_reverted_rule_first_each_verified_before_the_next() -> None:
    world = World()
    world.azure.polls_until_done = 2
    seen_compliant(world, server())
    drift(world, server(public_access=PublicAccess.ENABLED, firewall_rules=(ALL_AZURE,)), seconds=120)
    assert [edit.kind for edit in world.azure.writes] == ["deleteFirewallRule", "setPublicAccess"]
    second, first = world.store.changes()
    assert (first.change.policy, first.outcome) == (FIREWALL, Outcome.REVERTED)
    assert (second.change.policy, second.outcome) == (PUBLIC, Outcome.REVERTED)
    assert first.finished_at is not None
    assert second.created_at >= first.finished_at


def test_a_long_operation_is_followed_by_messages_and_verified_by_a_reading() -> None:
    world = World()
    world.azure.polls_until_done = 3
    seen_compliant(world, public_server())
    target = world.azure.put(public_server(firewall_rules=(OFFICE, ALL_AZURE)))
    world.event(target)
    (begun,) = world.drain()
    assert begun.outcomes[FIREWALL] is Outcome.IN_PROGRESS
    assert world.azure.reads == 1
    world.drain(60)
    assert world.azure.polls == 3
    assert world.azure.reads == 2
    assert world.store.changes()[0].outcome is Outcome.REVERTED


def test_a_revert_notifies_because_what_is_fixed_silently_is_not_learned_from() -> None:
    world = World()
    seen_compliant(world, public_server())
    drift(world, public_server(firewall_rules=(OFFICE, ALL_AZURE)))
    (applied,) = [n for n in world.delivered if n.type is NotificationType.CHANGE_APPLIED]
    assert "Jane Doe" in applied.body


def test_our_own_write_is_read_once_and_changes_nothing() -> None:
    world = World()
    seen_compliant(world, public_server())
    drift(world, public_server(firewall_rules=(OFFICE, ALL_AZURE)))
    reads, writes = world.azure.reads, len(world.azure.writes)
    world.event(public_server().target, actor=US)
    world.drain(60)
    assert (world.azure.reads, len(world.azure.writes)) == (reads + 1, writes)


# --- what is not reverted --------------------------------------------------------------------------


def test_what_was_never_compliant_alerts_and_is_left_alone() -> None:
    world = World()
    drift(world, public_server(firewall_rules=(OFFICE, ALL_AZURE)))
    assert world.azure.writes == []
    alerts = world.store.alerts()
    assert {alert.policy: alert.decision.reason for alert in alerts} == {
        FIREWALL: Reason.INHERITED,
        PUBLIC: Reason.INHERITED,
    }


def test_an_operator_who_adopts_has_the_inherited_rule_deleted() -> None:
    world = World()
    target = world.azure.put(public_server(firewall_rules=(OFFICE, ALL_AZURE)))
    world.look(target, adopt=True, policies=(FIREWALL,))
    world.drain(60)
    assert [edit.kind for edit in world.azure.writes] == ["deleteFirewallRule"]
    assert world.store.changes()[0].decision.reason is Reason.ADOPTED


def test_a_scope_that_adopts_has_the_inherited_rule_deleted() -> None:
    world = World(policies_file=f"version: 1\nscopes:\n- scope: {SERVER}\n  adopt: true\n")
    drift(world, public_server(firewall_rules=(OFFICE, ALL_AZURE)))
    assert [edit.kind for edit in world.azure.writes] == ["deleteFirewallRule"]


def test_a_server_made_after_the_first_pass_is_new_and_not_inherited() -> None:
    world = World()
    world.store.first_passes.complete(SERVER.subscription, START - timedelta(days=1))
    drift(world, public_server(firewall_rules=(OFFICE, ALL_AZURE), created_at=START))
    assert world.store.changes()[0].decision.reason is Reason.NEW_RESOURCE


def test_public_access_without_an_approved_endpoint_is_never_closed() -> None:
    world = World()
    seen_compliant(world, server(private_endpoints=()))
    drift(world, server(private_endpoints=(), public_access=PublicAccess.ENABLED, firewall_rules=(OFFICE,)))
    (alert,) = world.store.alerts(policy=PUBLIC)
    assert world.azure.writes == []
    assert alert.decision.reason is Reason.LAST_WAY_IN
    assert alert.evidence["losesAccess"]["firewallRules"][0]["name"] == "office"
    assert any("--public-access Disabled" in command for command in alert.commands)


def test_rules_older_than_the_drift_make_closing_wait_for_an_approval() -> None:
    world = World()
    seen_compliant(world, server(firewall_rules=(OFFICE,)))
    drift(world, server(public_access=PublicAccess.ENABLED, firewall_rules=(OFFICE,)))
    (alert,) = world.store.alerts(policy=PUBLIC)
    assert alert.decision.reason is Reason.APPROVAL_REQUIRED
    assert "office" in alert.decision.detail


def test_rules_added_since_the_last_compliant_reading_do_not_stand_in_the_way() -> None:
    world = World()
    seen_compliant(world, server())
    drift(world, server(public_access=PublicAccess.ENABLED, firewall_rules=(rule("tmp", "203.0.113.9"),)))
    assert [edit.kind for edit in world.azure.writes] == ["setPublicAccess"]


def test_a_dormant_rule_alerts_because_azure_refuses_to_delete_it() -> None:
    world = World()
    seen_compliant(world, server())
    drift(world, server(firewall_rules=(ALL_AZURE,)))
    (alert,) = world.store.alerts(policy=FIREWALL)
    assert alert.decision.reason is Reason.NO_PLAN
    assert "dormant" in alert.reason
    assert alert.evidence["likelyDependants"]["logicalReplication"] is True


def test_an_unknown_value_never_acts_and_alerts_after_three_runs() -> None:
    world = World()
    seen_compliant(world, server())
    unknown = server(public_access=PublicAccess.UNKNOWN)
    for runs in (1, 2):
        drift(world, unknown)
        assert world.store.alerts() == [], runs
    drift(world, unknown)
    (alert,) = world.store.alerts(policy=PUBLIC)
    assert alert.decision.reason is Reason.UNKNOWN
    drift(world, server())
    assert world.store.alerts(policy=PUBLIC)[0].status is AlertStatus.RESOLVED
    assert world.azure.writes == []


def test_an_unknown_that_lasts_an_hour_alerts_on_the_second_run() -> None:
    world = World()
    unknown = server(public_access=PublicAccess.UNKNOWN)
    drift(world, unknown)
    world.clock.advance(3600)
    drift(world, unknown)
    assert [alert.decision.reason for alert in world.store.alerts(policy=PUBLIC)] == [Reason.UNKNOWN]


def test_break_glass_stops_writes_and_says_so() -> None:
    world = World()
    seen_compliant(world, public_server())
    world.store.set_break_glass(True, by="jane", reason="incident", now=START)
    drift(world, public_server(firewall_rules=(OFFICE, ALL_AZURE)))
    assert world.azure.writes == []
    assert Reason.BREAK_GLASS in {alert.decision.reason for alert in world.store.alerts(policy=FIREWALL)}


def test_an_exempt_target_is_skipped_and_shown_as_exempt() -> None:
    text = (
        f"version: 1\nexemptions:\n- scope: {SERVER}\n  policy: {FIREWALL}\n  reason: migration\n"
        "  approver: jane\n  expires: 2027-01-01T00:00:00Z\n"
    )
    world = World(policies_file=text)
    seen_compliant(world, public_server())
    world.azure.put(public_server(firewall_rules=(OFFICE, ALL_AZURE)))
    world.look(public_server().target, policies=(FIREWALL,))
    (result,) = world.drain()
    assert result.findings[0].state is ComplianceState.EXEMPT
    assert (result.decisions[0].action, result.decisions[0].reason) == (Action.SKIP, Reason.EXEMPT)
    assert world.azure.writes == []


# --- audit -----------------------------------------------------------------------------------------


@BOTH_MODES
@pytest.mark.parametrize(
    ("before", "after"),
    [
        (public_server(), public_server(firewall_rules=(OFFICE, ALL_AZURE))),
        (server(), server(public_access=PublicAccess.ENABLED)),
        (server(), server(public_access=PublicAccess.ENABLED, firewall_rules=(ALL_AZURE,))),
        (server(private_endpoints=()), server(private_endpoints=(), public_access=PublicAccess.ENABLED)),
        (server(), server(firewall_rules=(ALL_AZURE,))),
        (server(), server(public_access=PublicAccess.UNKNOWN)),
        (None, public_server(firewall_rules=(ALL_AZURE,))),
        (subnet(), subnet(security_rule("deny-all", 200))),
        (subnet(), subnet(security_rule("deny-all", 100))),
    ],
)
def test_audit_takes_the_decisions_of_enforce_marks_them_and_writes_nothing(
    mode: EnforcementMode, before: object, after: object
) -> None:
    def first_decisions(world: World) -> dict[str, tuple[Action, Reason]]:
        if before is not None:
            seen_compliant(world, before)
        target = world.azure.put(after)  # type: ignore[arg-type]
        world.azure.polls_until_done = 1
        world.event(target)
        (result,) = world.drain()
        assert all(decision.dry_run is (world.mode is EnforcementMode.AUDIT) for decision in result.decisions)
        return {decision.policy: (decision.action, decision.reason) for decision in result.decisions}

    world = World(mode=mode)
    other = World(mode=EnforcementMode.ENFORCE)
    assert first_decisions(world) == first_decisions(other)
    if mode is EnforcementMode.AUDIT:
        world.drain(60)
        assert world.azure.writes == []


def test_what_audit_would_revert_is_alerted_and_resolved_when_somebody_reverts_it() -> None:
    world = World(mode=EnforcementMode.AUDIT)
    seen_compliant(world, public_server())
    target = world.azure.put(public_server(firewall_rules=(OFFICE, ALL_AZURE)))
    world.event(target)
    result = world.drain()[0]
    assert result.outcomes[FIREWALL] is Outcome.WOULD_REVERT
    shown = next(change for change in result.changes if change.policy == FIREWALL)
    assert shown.proof is not None
    assert shown.proof.holds
    (alert,) = world.store.alerts(policy=FIREWALL)
    assert alert.decision.dry_run
    drift(world, public_server())
    assert world.store.alerts(policy=FIREWALL)[0].status is AlertStatus.RESOLVED


def test_the_stricter_of_run_and_app_wins() -> None:
    world = World(mode=EnforcementMode.ENFORCE)
    seen_compliant(world, public_server())
    target = world.azure.put(public_server(firewall_rules=(OFFICE, ALL_AZURE)))
    world.look(target, enforcement=EnforcementMode.AUDIT)
    assert world.drain()[0].outcomes[FIREWALL] is Outcome.WOULD_REVERT
    assert world.azure.writes == []


# --- waiting ---------------------------------------------------------------------------------------


def test_a_revert_waits_until_the_last_foreign_write_has_settled() -> None:
    world = World(settle_seconds=60)
    seen_compliant(world, public_server())
    target = world.azure.put(public_server(firewall_rules=(OFFICE, ALL_AZURE)))
    world.event(target)
    result = world.drain()[0]
    assert result.decisions[0].reason is Reason.SETTLING
    world.drain(30)
    world.azure.put(public_server(firewall_rules=(OFFICE, ALL_AZURE, rule("partner", "203.0.113.9"))))
    world.event(target)
    world.drain(40)
    assert world.azure.writes == []
    world.drain(30)
    assert len(world.azure.writes) == 1


def test_settling_never_delays_an_alert() -> None:
    world = World(settle_seconds=60)
    target = world.azure.put(public_server(firewall_rules=(OFFICE, ALL_AZURE)))
    world.event(target)
    world.drain()
    assert len(world.store.alerts()) == 2


def test_a_server_that_is_updating_is_looked_at_again_and_never_compliant() -> None:
    world = World()
    target = world.azure.put(server(state=ServerState.BUSY, state_text="Updating"))
    world.event(target)
    (result,) = world.drain()
    assert {finding.state for finding in result.findings} == {ComplianceState.UNKNOWN}
    assert {decision.reason for decision in result.decisions} == {Reason.TARGET_BUSY}
    world.azure.put(server())
    assert world.drain(5)[0].outcomes == dict.fromkeys(ON_SERVERS, Outcome.COMPLIANT)


def test_a_stopped_server_alerts_because_it_refuses_writes() -> None:
    world = World()
    seen_compliant(world, public_server())
    stopped = public_server(firewall_rules=(OFFICE, ALL_AZURE), state=ServerState.STOPPED)
    drift(world, stopped)
    assert {a.decision.reason for a in world.store.alerts(policy=FIREWALL)} == {Reason.TARGET_STOPPED}
    assert world.azure.writes == []


# --- when Azure does not play along ----------------------------------------------------------------


def test_a_busy_server_is_tried_again_and_the_refusal_counts_as_no_attempt() -> None:
    world = World()
    seen_compliant(world, public_server())
    world.azure.refusals = [Busy("busy", code="ServerIsBusy", status=409, retry_after=3)]
    drift(world, public_server(firewall_rules=(OFFICE, ALL_AZURE)), seconds=10)
    assert [change.outcome for change in world.store.changes()] == [Outcome.REVERTED, Outcome.CONFLICTED]
    record = world.store.recall(public_server().target, world.clock.now())
    assert len(record.attempts) == 1


def test_a_server_that_refuses_as_busy_again_and_again_is_told_and_spends_no_budget() -> None:
    world = World()
    seen_compliant(world, public_server())
    world.azure.refusals = [Busy("busy", code="ServerIsBusy", status=409)] * 5
    drift(world, public_server(firewall_rules=(OFFICE, ALL_AZURE)), seconds=40)
    (alert,) = world.store.alerts(policy=FIREWALL)
    assert alert.decision.reason is Reason.TARGET_BUSY
    assert world.store.budget(SERVER.subscription, world.clock.now()).used == 0
    world.drain(60)
    assert [edit.kind for edit in world.azure.writes] == ["deleteFirewallRule"]
    assert world.store.alerts(policy=FIREWALL)[0].status is AlertStatus.RESOLVED


def test_a_write_that_azure_ignores_is_found_out_and_not_repeated() -> None:
    world = World()
    seen_compliant(world, server())
    world.azure.ignores_writes = True
    drift(world, server(public_access=PublicAccess.ENABLED))
    assert len(world.azure.writes) == 1
    assert world.store.changes()[0].outcome is Outcome.INEFFECTIVE
    (alert,) = world.store.alerts(policy=PUBLIC)
    assert alert.decision.reason is Reason.INEFFECTIVE
    world.event(server().target)
    world.drain(30)
    assert len(world.azure.writes) == 1


@pytest.mark.parametrize(
    "refusal",
    [
        Denied("no role", code="AuthorizationFailed", status=403),
        Locked("lock", code="ScopeLocked", status=409),
    ],
)
def test_a_refused_write_becomes_an_alert_with_the_refusal(refusal: Denied | Locked) -> None:
    world = World()
    seen_compliant(world, public_server())
    world.azure.refusals = [refusal]
    drift(world, public_server(firewall_rules=(OFFICE, ALL_AZURE)))
    assert world.store.changes()[0].outcome is Outcome.FAILED
    (alert,) = world.store.alerts(policy=FIREWALL)
    assert alert.decision.reason is Reason.FAILED
    assert refusal.code in alert.decision.detail
    assert any("firewall-rule delete" in command for command in alert.commands)


def test_an_operation_that_fails_after_it_was_accepted_becomes_an_alert() -> None:
    world = World()
    world.azure.polls_until_done = 1
    seen_compliant(world, public_server())
    target = world.azure.put(public_server(firewall_rules=(OFFICE, ALL_AZURE)))
    world.event(target)
    world.drain()
    world.azure.refusals = [Denied("policy", code="RequestDisallowedByPolicy", status=403)]
    world.drain(60)
    assert world.store.changes()[0].outcome is Outcome.FAILED
    assert world.store.alerts(policy=FIREWALL)[0].decision.reason is Reason.FAILED


def test_a_lost_race_is_read_and_planned_again() -> None:
    world = World()
    seen_compliant(world, public_server())
    world.azure.refusals = [Conflict("etag", code="PreconditionFailed", status=412)]
    drift(world, public_server(firewall_rules=(OFFICE, ALL_AZURE)))
    assert [change.outcome for change in world.store.changes()] == [Outcome.REVERTED, Outcome.CONFLICTED]


def test_a_throttled_reading_is_repeated_after_the_wait_that_azure_asks_for() -> None:
    world = World()
    seen_compliant(world, public_server())
    world.azure.read_errors = [Throttled("slow down", code="TooManyRequests", status=429, retry_after=20)]
    target = world.azure.put(public_server(firewall_rules=(OFFICE, ALL_AZURE)))
    world.event(target)
    world.drain(10)
    assert world.azure.writes == []
    world.drain(20)
    assert len(world.azure.writes) == 1


def test_a_target_that_may_not_be_read_is_unknown_and_alerts_when_that_lasts() -> None:
    world = World()
    target = world.azure.put(server())
    for _ in range(3):
        world.azure.read_errors = [Denied("no role", code="AuthorizationFailed", status=403)]
        world.event(target)
        world.drain()
    (alert,) = world.store.alerts()
    assert alert.policy == "target-not-judged"
    assert set(alert.evidence["notJudged"]) == ON_SERVERS
    assert "AuthorizationFailed" in alert.reason


def test_an_exposure_reverted_three_times_and_opened_again_is_a_fight_that_goes_on() -> None:
    world = World()
    seen_compliant(world, public_server())
    for number in range(4):
        name = f"AllowAllAzureIps_{number}"
        drift(world, public_server(firewall_rules=(OFFICE, rule(name, "0.0.0.0"))), seconds=30)
    assert len(world.azure.writes) == 3
    (alert,) = world.open_alerts(FIREWALL)
    assert (alert.decision.reason, alert.severity) == (Reason.FIGHTING, Severity.CRITICAL)
    assert "Jane Doe" in alert.decision.detail
    world.drain(90)
    assert len(world.azure.writes) == 4


def test_the_budget_of_a_target_stops_writes() -> None:
    world = World(policies_file="version: 1\nbudgets: {writesPerTarget: 1, flappingReverts: 9}\n")
    seen_compliant(world, public_server())
    for minute in range(2):
        drift(world, public_server(firewall_rules=(OFFICE, rule(f"azure{minute}", "0.0.0.0"))))
    assert len(world.azure.writes) == 1
    assert world.store.alerts(policy=FIREWALL)[0].decision.reason is Reason.BUDGET


def test_a_change_left_behind_by_a_dead_worker_is_ended_by_a_reading() -> None:
    world = World()
    world.azure.polls_until_done = 1
    seen_compliant(world, public_server())
    target = world.azure.put(public_server(firewall_rules=(OFFICE, ALL_AZURE)))
    world.event(target)
    world.drain()
    world.lose_messages()
    world.clock.advance(11 * 60)
    world.event(target)
    world.drain(30)
    assert [change.outcome for change in world.store.changes()] == [Outcome.REVERTED]
    assert len(world.azure.writes) == 1


def test_somebody_elses_event_during_a_change_is_looked_at_and_covered_by_the_verification_too() -> None:
    world = World()
    world.azure.polls_until_done = 3
    seen_compliant(world, public_server())
    target = world.azure.put(public_server(firewall_rules=(OFFICE, ALL_AZURE)))
    world.event(target)
    world.drain()
    world.event(target)
    world.drain()
    assert world.azure.reads == 2
    world.drain(60)
    assert world.azure.reads == 3


def test_a_verification_that_loses_a_race_verifies_again_and_leaves_no_lease() -> None:
    world = World()
    world.azure.polls_until_done = 1
    seen_compliant(world, public_server())
    target = world.azure.put(public_server(firewall_rules=(OFFICE, ALL_AZURE)))

    def somebody_else_saves() -> None:
        record = world.store.recall(target, world.clock.now())
        world.store.save(replace(record, refusals=record.refusals + 1))

    world.event(target)
    world.drain()
    world.azure.meanwhile = [somebody_else_saves]
    world.drain(60)
    assert world.store.changes()[0].outcome is Outcome.REVERTED
    record = world.store.recall(target, world.clock.now())
    assert (record.active_change, record.lease_until) == (None, None)
    applied = [n for n in world.delivered if n.type is NotificationType.CHANGE_APPLIED]
    assert len(applied) == 1


def test_a_decision_that_loses_a_race_is_taken_again_on_a_new_reading() -> None:
    world = World()
    seen_compliant(world, public_server())
    target = world.azure.put(public_server(firewall_rules=(OFFICE, ALL_AZURE)))

    def somebody_repairs_it_and_is_seen() -> None:
        world.azure.put(public_server())
        world.look(target)
        world.drain()

    world.event(target)
    world.azure.meanwhile = [somebody_repairs_it_and_is_seen]
    world.drain(30)
    assert there(world) == public_server()
    assert world.azure.writes == []


# --- alerts ----------------------------------------------------------------------------------------


def test_the_same_drift_is_one_alert_counted_when_it_is_written_again() -> None:
    world = World()
    drifted = public_server(firewall_rules=(OFFICE, ALL_AZURE))
    drift(world, drifted)
    drift(world, drifted)
    (alert,) = world.store.alerts(policy=FIREWALL)
    assert alert.count == 2
    opened = [n for n in world.delivered if n.type is NotificationType.ALERT_OPENED]
    assert len(opened) == 2  # one per policy, not per sighting


def test_an_alert_resolves_when_a_later_reading_is_compliant_and_reopens_when_it_recurs() -> None:
    world = World()
    drift(world, public_server(firewall_rules=(OFFICE, ALL_AZURE)))
    drift(world, public_server())
    assert world.store.alerts(policy=FIREWALL)[0].status is AlertStatus.RESOLVED
    world.mode = EnforcementMode.AUDIT
    drift(world, public_server(firewall_rules=(OFFICE, ALL_AZURE)))
    (alert,) = world.store.alerts(policy=FIREWALL)
    assert (alert.status, alert.count) == (AlertStatus.OPEN, 2)


def test_a_deleted_server_resolves_its_alerts_and_is_forgotten() -> None:
    world = World()
    drift(world, public_server(firewall_rules=(OFFICE, ALL_AZURE)))
    del world.azure.snapshots[SERVER.key]
    world.event(public_server().target)
    world.drain()
    assert {alert.status for alert in world.store.alerts()} == {AlertStatus.RESOLVED}
    assert list(world.store.known_targets(SERVER.subscription)) == []


def test_a_failing_sink_does_not_block_the_remediation_and_is_told_a_little_later() -> None:
    world = World()
    seen_compliant(world, public_server())
    world.sink_errors = [SinkError("webhook down")]
    target = world.azure.put(public_server(firewall_rules=(OFFICE, ALL_AZURE)))
    world.event(target)
    world.drain()
    assert world.store.changes()[0].outcome is Outcome.REVERTED
    world.drain(60)
    assert NotificationType.CHANGE_APPLIED in {n.type for n in world.delivered}


def test_every_run_writes_one_canonical_line() -> None:
    world = World()
    target = world.azure.put(server())
    world.event(target)
    world.drain()
    (line,) = world.lines
    assert line["target"] == str(SERVER)
    assert line["actor"] == "Jane Doe"
    assert line["outcomes"] == dict.fromkeys(ON_SERVERS, Outcome.COMPLIANT)


# --- targets that nobody judges --------------------------------------------------------------------


def all_off(kind: TargetKind) -> str:
    off = [f"  {policy.id}: {{effect: off}}" for policy in discover() if kind in policy.targets]
    return "\n".join(["version: 1", "policies:", *off, ""])


def test_a_target_for_which_every_policy_is_off_is_neither_read_nor_remembered() -> None:
    world = World(policies_file=all_off(TargetKind.SUBNET))
    target = world.azure.put(subnet())
    world.event(target)
    (result,) = world.drain()
    assert world.azure.reads == 0
    assert (result.findings, result.outcomes, result.arm_calls, result.error) == ((), {}, (), "")
    assert list(world.store.known_targets(SUBNET.subscription)) == []
    assert [line["armCalls"] for line in world.lines] == [0]


def test_a_target_is_read_again_when_a_policy_is_switched_on_for_it() -> None:
    world = World(policies_file=all_off(TargetKind.SUBNET))
    target = world.azure.put(subnet(security_rule("deny-all", 200)))
    world.event(target)
    world.drain()
    world.policies_file = "version: 1\n"
    world.event(target)
    world.drain()
    assert world.azure.reads == 1
    assert len(world.open_alerts(NSG_POLICY)) == 1


def test_a_target_of_which_something_is_remembered_is_read_though_every_policy_is_off() -> None:
    world = World()
    drift(world, subnet(security_rule("deny-all", 200)))
    assert len(world.open_alerts(NSG_POLICY)) == 1
    world.policies_file = all_off(TargetKind.SUBNET)
    world.azure.reads = 0
    world.event(subnet().target)
    world.drain()
    assert world.azure.reads == 1
    assert world.open_alerts(NSG_POLICY) == []


def test_an_operator_who_asks_for_a_target_that_nobody_judges_gets_a_reading() -> None:
    world = World(policies_file=all_off(TargetKind.SUBNET))
    world.look(subnet().target)
    (result,) = world.drain()
    assert result.gone


def test_a_change_in_progress_is_read_to_its_end_though_every_policy_was_switched_off_meanwhile() -> None:
    world = World()
    world.azure.polls_until_done = 3
    seen_compliant(world, public_server())
    world.event(world.azure.put(public_server(firewall_rules=(OFFICE, ALL_AZURE))))
    world.drain()
    world.policies_file = all_off(TargetKind.FLEXIBLE_SERVER)
    world.drain(60)
    (change,) = world.store.changes()
    assert (change.outcome, world.azure.polls, world.azure.reads) == (Outcome.FAILED, 3, 2)
    assert change.detail == "the policy is off now: nothing was verified"
