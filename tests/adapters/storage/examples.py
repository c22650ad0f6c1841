"""Small complete values for tests of the store."""

from datetime import UTC, datetime
from ipaddress import IPv4Address

from shared.model import (
    Action,
    Cause,
    CauseKind,
    Change,
    Decision,
    DeleteFirewallRule,
    EnforcementMode,
    FirewallRule,
    Json,
    Locator,
    LocatorKind,
    Outcome,
    Proof,
    ProofStep,
    PublicAccess,
    PutFirewallRule,
    Reason,
    ServerSnapshot,
    ServerState,
    Severity,
    Target,
    TargetKind,
)
from shared.model.alert_records import AlertRecord, AlertStatus
from shared.model.change_records import ChangeKind, ChangeRecord
from shared.model.resource_id import ResourceId
from shared.model.results import RunRecord, RunStatus

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
SUBSCRIPTION = "Sub-A"
CAUSE = Cause(kind=CauseKind.EVENT, time=NOW, event_id="event-1")
POLICY = "postgres-firewall-allows-all-azure"
RULE = FirewallRule(name="AllowAllAzureIps", start=IPv4Address(0), end=IPv4Address(0))
PROOF = Proof(steps=(ProofStep(claim="the finding disappears", holds=True),))
DECISION = Decision(policy=POLICY, action=Action.REVERT, reason=Reason.DRIFT)


def resource(path: str, subscription: str) -> ResourceId:
    return ResourceId(f"/subscriptions/{subscription}/resourceGroups/rg/providers/{path}")


def server(name: str = "pg", subscription: str = SUBSCRIPTION) -> Target:
    server_id = resource(f"Microsoft.DBforPostgreSQL/flexibleServers/{name}", subscription)
    return Target(kind=TargetKind.FLEXIBLE_SERVER, id=server_id)


def subnet(name: str = "db", subscription: str = SUBSCRIPTION) -> Target:
    subnet_id = resource(f"Microsoft.Network/virtualNetworks/net/subnets/{name}", subscription)
    return Target(kind=TargetKind.SUBNET, id=subnet_id)


def nsg(name: str = "nsg", subscription: str = SUBSCRIPTION) -> Locator:
    nsg_id = resource(f"Microsoft.Network/networkSecurityGroups/{name}", subscription)
    return Locator(kind=LocatorKind.NSG, id=nsg_id)


def snapshot(target: Target | None = None, read_at: datetime = NOW) -> ServerSnapshot:
    return ServerSnapshot(
        kind=TargetKind.FLEXIBLE_SERVER,
        id=(target or server()).id,
        read_at=read_at,
        location="westeurope",
        state=ServerState.READY,
        state_text="Ready",
        public_access=PublicAccess.ENABLED,
        firewall_rules=(RULE,),
    )


def change(
    change_id: str = "change-1",
    target: Target | None = None,
    created_at: datetime = NOW,
    outcome: Outcome = Outcome.IN_PROGRESS,
    policy: str = POLICY,
) -> ChangeRecord:
    target = target or server()
    return ChangeRecord(
        id=change_id,
        kind=ChangeKind.REMEDIATION,
        change=Change(
            policy=policy,
            target=target,
            edits=(DeleteFirewallRule(server=target.id, rule=RULE),),
            inverse=(PutFirewallRule(server=target.id, rule=RULE),),
        ),
        proof=PROOF,
        decision=DECISION,
        cause=CAUSE,
        outcome=outcome,
        fingerprint="drift-1",
        created_at=created_at,
        before="0" * 64,
    )


def alert(
    alert_id: str = "alert-1",
    target: Target | None = None,
    last_seen: datetime = NOW,
    status: AlertStatus = AlertStatus.OPEN,
    evidence: Json = None,
) -> AlertRecord:
    target = target or server()
    return AlertRecord(
        id=alert_id,
        status=status,
        policy=POLICY,
        title="A firewall rule admits every Azure address",
        severity=Severity.HIGH,
        target=target,
        resource_id=target.id.child("firewallRules", RULE.name),
        portal="https://portal.example",
        cause=CAUSE,
        why="Every customer of Azure can reach the server.",
        controls=({"framework": "CIS", "id": "4.3.7"},),
        reason="0.0.0.0 admits all of Azure",
        evidence={"rule": RULE.name, "more": evidence},
        decision=DECISION,
        commands=("az …",),
        fingerprint="drift-1",
        first_seen=NOW,
        last_seen=last_seen,
    )


def run(run_id: str = "run-1") -> RunRecord:
    return RunRecord(
        id=run_id,
        status=RunStatus.RUNNING,
        cause=CAUSE,
        enforcement=EnforcementMode.AUDIT,
        created_at=NOW,
        target=server(),
    )
