"""Estates for tests of the forms: every state, and names that strangers chose."""

from __future__ import annotations

from datetime import UTC, datetime

from shared.model import Action, ComplianceState, Decision, Finding, Reason, Severity, Target, TargetKind
from shared.model.resource_id import ResourceId
from shared.model.results import TargetResult
from shared.report.estate import Estate, Seen, Unlisted
from shared.report.rows import Report, report_of

NOW = datetime(2026, 11, 30, 12, 0, 0, 123000, tzinfo=UTC)
SUBSCRIPTION = "/subscriptions/8d1f2c3b-0000-4000-8000-000000000001"
HOSTILE = "=cmd|' /C calc'!A0 </script><b>|`@channel` \x1b[31m\n[x](http://evil)"


def server(name: str) -> Target:
    where = f"{SUBSCRIPTION}/resourceGroups/shop (eu)/providers/Microsoft.DBforPostgreSQL/flexibleServers"
    return Target(kind=TargetKind.FLEXIBLE_SERVER, id=ResourceId(f"{where}/{name}"))


def finding(target: Target, policy: str, state: ComplianceState, reason: str) -> Finding:
    return Finding(
        policy=policy,
        target=target,
        resource_id=target.id,
        state=state,
        severity=Severity.HIGH,
        reason=reason,
        evidence={"rule": reason},
        fingerprint=f"{policy} {target.key}",
    )


PUBLIC, ALL_AZURE = "postgres-public-access-enabled", "postgres-firewall-allows-all-azure"


def hostile() -> Estate:
    """A server in every state, one that could not be read, and a scope that could not be listed."""
    told = []
    for number, state in enumerate(ComplianceState):
        target = server(f"s{number}")
        found = (
            finding(target, PUBLIC, state, HOSTILE),
            finding(target, ALL_AZURE, ComplianceState.COMPLIANT, "none"),
        )
        decision = Decision(policy=PUBLIC, action=Action.ALERT, reason=Reason.EXEMPT, detail="until spring")
        told.append(
            TargetResult(target=target, findings=found, decisions=(decision,), location="canadacentral")
        )
    closed = server("closed")
    unknown = finding(closed, PUBLIC, ComplianceState.UNKNOWN, "could not be read: 403")
    told.append(TargetResult(target=closed, findings=(unknown,), error="could not be read: 403"))
    return Estate(
        taken_at=NOW,
        scopes=(SUBSCRIPTION,),
        seen=tuple(Seen(result=one) for one in told),
        unlisted=(Unlisted(scope=SUBSCRIPTION, reason=HOSTILE),),
    )


def report(known: frozenset[str] = frozenset()) -> Report:
    return report_of(hostile(), "1.2.3", known)
