"""The last compliant reading in the story: what is put back, what is planned instead, and what is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import NoReturn

import pytest

from shared.controller.rollback import RollbackRequest, roll_back
from shared.model import (
    Access,
    Direction,
    EnforcementMode,
    Json,
    Outcome,
    PutSecurityRule,
    Reason,
    SecurityRule,
)
from shared.model.alert_records import AlertRecord, NotificationType
from shared.model.change_records import ChangeRecord, TrafficDifference
from shared.model.errors import Denied
from shared.nsg import NsgError
from shared.state.store import Store
from tests.builders import ALL_AZURE, NSG, OFFICE, SUBNET, public_server, security_rule, subnet
from tests.controller.test_reconcile import FIREWALL, NSG_POLICY, drift, seen_compliant
from tests.fakes import SOMEBODY, START, World
from tests.memory import MemoryBlobs

WITHIN = security_rule(
    "within",
    150,
    access=Access.ALLOW,
    protocol="Tcp",
    sources=("10.0.1.0/24",),
    destinations=("10.0.1.0/24",),
    destination_ports=("5432", "6432"),
    description="primary and standby",
)
DENY_ALL = security_rule("deny-all", 4000)
GOOD = subnet(WITHIN, DENY_ALL)
INSIDE = "Inbound 10.0.1.0/24 → 10.0.1.0/24 tcp/5432,6432"


def there(world: World) -> tuple[SecurityRule, ...]:
    snapshot = world.azure.snapshots[SUBNET.key]
    group = getattr(snapshot, "security_group", None)
    assert group is not None
    rules: tuple[SecurityRule, ...] = group.rules
    return rules


def only_change(world: World) -> ChangeRecord:
    (change,) = world.store.changes(policy=NSG_POLICY)
    return change


def only_alert(world: World, policy: str = NSG_POLICY) -> AlertRecord:
    (alert,) = world.store.alerts(policy=policy)
    return alert


# --- what is put back ------------------------------------------------------------------------------


def test_a_deleted_rule_is_put_back_as_it_was_and_the_record_says_from_when() -> None:
    world = World()
    seen_compliant(world, GOOD)
    world.clock.advance(600)
    drift(world, subnet(DENY_ALL))
    assert world.azure.writes == [PutSecurityRule(nsg=NSG, rule=WITHIN)]
    change = only_change(world)
    assert (change.outcome, change.restored_from) == (Outcome.REVERTED, START)
    assert change.decision.detail == "restores rule 'within' as it was on 2026-11-02 08:00:00 UTC"
    assert change.difference == TrafficDifference(newly_allowed=(INSIDE,))
    (told,) = [n for n in world.delivered if n.type is NotificationType.CHANGE_APPLIED]
    assert "(restores rule 'within' as it was on 2026-11-02 08:00:00 UTC)" in told.body
    assert f"**Traffic:** newly allowed: {INSIDE}" in told.body


def test_the_time_is_that_of_the_last_compliant_reading_and_not_of_the_first() -> None:
    world = World()
    seen_compliant(world, GOOD)
    world.clock.advance(3600)
    seen_compliant(world, GOOD)
    drift(world, subnet(DENY_ALL))
    assert only_change(world).restored_from == START + timedelta(hours=1)


def test_a_rule_turned_into_a_deny_is_replaced_and_a_rollback_brings_the_deny_back() -> None:
    world = World()
    turned = replace(WITHIN, access=Access.DENY, description="not any more")
    seen_compliant(world, GOOD)
    drift(world, subnet(turned, DENY_ALL))
    assert there(world) == (WITHIN, DENY_ALL)
    request = RollbackRequest(
        change_id=only_change(world).id,
        actor=SOMEBODY,
        reason="it was meant",
        expires_at=START + timedelta(hours=4),
    )
    roll_back(request, world.deps())
    world.drain(60)
    assert there(world) == (turned, DENY_ALL)
    rollback = world.store.changes()[0]
    assert (rollback.outcome, rollback.restored_from) == (Outcome.ROLLED_BACK, None)
    assert rollback.difference == TrafficDifference(newly_denied=(INSIDE,))


def test_rules_of_both_directions_are_put_back_together_where_one_does_not_do() -> None:
    world = World()
    out = {"direction": Direction.OUTBOUND}
    within_out, deny_out = replace(WITHIN, name="within-out", **out), replace(DENY_ALL, name="out", **out)  # type: ignore[arg-type]  # one field
    seen_compliant(world, subnet(WITHIN, within_out, DENY_ALL, deny_out))
    drift(world, subnet(DENY_ALL, deny_out))
    assert set(there(world)) == {WITHIN, within_out, DENY_ALL, deny_out}
    assert only_change(world).decision.detail == (
        "restores rule 'within' as it was on 2026-11-02 08:00:00 UTC; "
        "restores rule 'within-out' as it was on 2026-11-02 08:00:00 UTC"
    )


# --- what is planned instead -----------------------------------------------------------------------

WIDE = {
    "from the neighbours too": replace(WITHIN, sources=("10.0.0.0/8",)),
    "to every port": replace(WITHIN, destination_ports=("*",)),
    "for every protocol": replace(WITHIN, protocol="*"),
}


@pytest.mark.parametrize("wide", WIDE.values(), ids=WIDE.keys())
def test_a_rule_that_let_more_pass_than_the_question_is_not_put_back(wide: SecurityRule) -> None:
    world = World()
    seen_compliant(world, subnet(wide, DENY_ALL))
    drift(world, subnet(DENY_ALL))
    deny, added = there(world)
    assert (deny, added.sources, added.destination_ports) == (DENY_ALL, ("10.0.1.0/24",), ("5432", "6432"))
    change = only_change(world)
    assert change.restored_from is None
    assert change.decision.detail == f"adds rule {added.name!r}"


@pytest.mark.parametrize(
    "now",
    [
        subnet(WITHIN, security_rule("new-deny", 120), DENY_ALL),
        subnet(security_rule("taken", 150), DENY_ALL),
        subnet(security_rule("earlier", 110, protocol="Tcp", destination_ports=("5432",)), DENY_ALL),
    ],
    ids=["a deny was added", "the priority is taken", "the rule would be shadowed"],
)
def test_where_putting_back_would_not_do_a_rule_is_added_and_nobodys_is_touched(now: object) -> None:
    world = World()
    seen_compliant(world, GOOD)
    drift(world, now)
    change = only_change(world)
    assert (change.outcome, change.restored_from) == (Outcome.REVERTED, None)
    assert change.decision.detail.startswith("adds rule 'driftward-")
    (added,) = world.azure.writes
    assert isinstance(added, PutSecurityRule)
    assert added.rule.name.startswith("driftward-")


def test_what_was_never_seen_compliant_has_nothing_to_put_back() -> None:
    world = World()
    drift(world, subnet(DENY_ALL))
    alert = only_alert(world)
    assert alert.decision.reason is Reason.INHERITED
    assert alert.evidence["plannedChange"].startswith("adds rule 'driftward-")
    assert not {"newlyDenied", "lastCompliantAt"} & alert.evidence.keys()


# --- what is told ----------------------------------------------------------------------------------


def test_audit_says_what_would_be_put_back_and_what_the_write_denied() -> None:
    world = World(mode=EnforcementMode.AUDIT)
    seen_compliant(world, GOOD)
    target = world.azure.put(subnet(DENY_ALL))
    world.event(target)
    (result,) = world.drain()
    (shown,) = result.changes
    assert (shown.restored_from, shown.difference) == (START, TrafficDifference(newly_allowed=(INSIDE,)))
    alert = only_alert(world)
    assert alert.evidence["newlyDenied"] == [INSIDE]
    assert (alert.evidence["newlyAllowed"], alert.evidence["newlyOpen"]) == ([], [])
    assert alert.evidence["plannedChange"].startswith("restores rule 'within' as it was on 2026-11-02")
    told = [n for n in world.delivered if n.type is NotificationType.ALERT_OPENED]
    (opened,) = [n for n in told if n.data["policy"] == NSG_POLICY]
    assert f"This write newly denied: {INSIDE}." in opened.body
    assert "Would be reverted, but audit mode writes nothing" in opened.body
    assert "restores rule 'within'" in opened.body


def test_a_later_sighting_speaks_of_the_time_since_and_accuses_no_single_write() -> None:
    world = World(mode=EnforcementMode.AUDIT)
    seen_compliant(world, GOOD)
    drift(world, subnet(DENY_ALL))
    drift(world, subnet(DENY_ALL))
    evidence = only_alert(world).evidence
    assert (evidence["byThisWrite"], evidence["lastCompliantAt"]) == (False, "2026-11-02T08:00:00Z")


def test_several_writes_between_two_readings_are_not_told_as_one() -> None:
    world = World(mode=EnforcementMode.AUDIT)
    seen_compliant(world, GOOD)
    target = world.azure.put(subnet(DENY_ALL))
    world.event(target)
    world.event(target)
    world.drain()
    assert only_alert(world).evidence["byThisWrite"] is False


def test_a_drift_that_the_sweep_or_an_operator_finds_is_ascribed_to_no_write() -> None:
    world = World(mode=EnforcementMode.AUDIT)
    seen_compliant(world, GOOD)
    world.look(world.azure.put(subnet(DENY_ALL)))
    world.drain()
    assert only_alert(world).evidence["byThisWrite"] is False


def test_a_reading_that_the_policy_did_not_judge_lies_between_all_the_same() -> None:
    world = World(mode=EnforcementMode.AUDIT)
    seen_compliant(world, public_server())
    opened = public_server(firewall_rules=(OFFICE, ALL_AZURE))
    world.look(public_server().target, policies=("postgres-public-access-enabled",))
    world.drain()
    drift(world, opened)
    evidence = only_alert(world, FIREWALL).evidence
    assert (evidence["byThisWrite"], evidence["newlyAllowed"]) == (False, ["every Azure address"])


def test_whom_a_write_let_in_is_told_of_a_server_too() -> None:
    world = World(mode=EnforcementMode.AUDIT)
    seen_compliant(world, public_server())
    drift(world, public_server(firewall_rules=(OFFICE, ALL_AZURE)))
    opened = next(n for n in world.delivered if n.data["policy"] == FIREWALL)
    assert "This write newly allowed: every Azure address." in opened.body


def test_a_change_that_azure_refuses_still_tells_what_is_denied() -> None:
    world = World()
    seen_compliant(world, GOOD)
    world.azure.refusals = [Denied("no role", code="AuthorizationFailed", status=403)]
    drift(world, subnet(DENY_ALL))
    alert = only_alert(world)
    assert alert.decision.reason is Reason.FAILED
    assert alert.evidence["newlyDenied"] == [INSIDE]
    assert alert.evidence["plannedChange"].startswith("restores rule 'within'")


def told_since_a_baseline_with_twins() -> Mapping[str, Json]:
    """What an alert tells since a reading of which two rules share priority 150."""
    world = World(mode=EnforcementMode.AUDIT)
    target = world.azure.put(subnet(DENY_ALL))
    seen_compliant(world, GOOD)
    record = world.store.recall(target, START)
    unreadable = world.store.keep(subnet(WITHIN, replace(DENY_ALL, priority=150, direction=WITHIN.direction)))
    memory = replace(record.memories[NSG_POLICY], baseline=unreadable)
    world.store.save(replace(record, memories={NSG_POLICY: memory}))
    drift(world, subnet(DENY_ALL))
    return only_alert(world).evidence


@pytest.mark.field(
    "odd-items",
    "What passes otherwise than before is told also where a rule of either reading has no one meaning",
    source="https://learn.microsoft.com/en-us/azure/virtual-network/network-security-groups-overview",
    date="2026-11-29",
)
def test_a_baseline_with_rules_of_no_one_meaning_is_compared_as_far_as_it_says_something() -> None:
    evidence = told_since_a_baseline_with_twins()
    assert evidence["newlyDenied"] == [INSIDE]
    assert "differenceError" not in evidence


def test_a_baseline_that_cannot_be_compared_is_told_as_that(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> NoReturn:
        raise NsgError("too many ways", rule="", field="securityRules")

    monkeypatch.setattr("shared.state.baseline.difference_between", refuse)
    evidence = told_since_a_baseline_with_twins()
    assert evidence["differenceError"] == "too many ways"
    assert "newlyDenied" not in evidence


# --- the store -------------------------------------------------------------------------------------


class CountingBlobs(MemoryBlobs):
    """Notes which snapshots are read."""

    def __init__(self) -> None:
        super().__init__()
        self.read: list[str] = []

    def get(self, container: str, name: str) -> bytes | None:
        if container == "snapshots":
            self.read.append(name)
        return super().get(container, name)


def test_the_baseline_is_read_once_and_only_where_something_is_wrong() -> None:
    world = World(mode=EnforcementMode.AUDIT)
    blobs = CountingBlobs()
    world.store = Store(world.tables, blobs, world.queue)
    seen_compliant(world, GOOD)
    seen_compliant(world, GOOD)
    assert blobs.read == []
    drift(world, subnet(DENY_ALL), seconds=0)
    assert len(blobs.read) == 1
