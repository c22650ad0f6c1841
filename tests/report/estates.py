"""Estates for tests of the forms: every state, and names that strangers chose."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from shared.alerts.lifecycle import alert_id
from shared.model import Action, ComplianceState, Decision, Finding, Reason, Severity, Target, TargetKind
from shared.model.resource_id import ResourceId
from shared.model.results import TargetResult
from shared.report.estate import Estate, Seen, Unlisted
from shared.report.pictures.drawing import picture_of
from shared.report.pictures.values import DrawnRange, Picture
from shared.report.rows import Report, report_of
from tests.builders import public_server, rule, security_rule, subnet

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
        seen=tuple(map(_with_commands, told)),
        unlisted=(Unlisted(scope=SUBSCRIPTION, reason=HOSTILE),),
    )


def _with_commands(result: TargetResult) -> Seen:
    wrong = (one for one in result.findings if one.state is ComplianceState.NON_COMPLIANT)
    name = result.target.id.name
    mends = {alert_id(one.policy, one.target, one.fingerprint): (f"az postgres {name}",) for one in wrong}
    picture = _picture() if mends else None
    return Seen(result=result, commands=mends, exposed=dict.fromkeys(mends), picture=picture)


def _picture() -> Picture:
    """Every kind of picture, with names that strangers chose."""
    ranges = (DrawnRange(name=HOSTILE, first=0, last=0), DrawnRange(name="wide", first=2**30, last=2**31))
    named = subnet(security_rule(HOSTILE, 100, sources=("203.0.113.0/24",)))
    return replace(picture_of(public_server()), ranges=ranges, group=picture_of(named).group, is_public=True)


def report(known: frozenset[str] = frozenset()) -> Report:
    return report_of(hostile(), "1.2.3", known)


# --- many ------------------------------------------------------------------------------------------

_SETTINGS = (
    *(PUBLIC, "postgres-firewall-range-too-wide", "postgres-tls-version-too-low", "postgres-pgaudit-not-set"),
    *("postgres-log-retention-short", "postgres-log-duration-off", "postgres-entra-sign-in-off"),
    *("postgres-high-availability-off", "postgres-diagnostic-settings-missing"),
)


def report_of_many(count: int) -> Report:
    """``count`` servers, each with nine findings that name it, and the commands that mend them."""
    return report_of(
        Estate(taken_at=NOW, scopes=(SUBSCRIPTION,), seen=tuple(map(_seen, range(count)))), "1.2.3"
    )


def _seen(number: int) -> Seen:
    where = f"{SUBSCRIPTION}/resourceGroups/shop-{number // 40:03}/providers"
    target = Target(
        kind=TargetKind.FLEXIBLE_SERVER,
        id=ResourceId(f"{where}/Microsoft.DBforPostgreSQL/flexibleServers/pg-{number:05}"),
    )
    found = tuple(_found(target, policy, number) for policy in _SETTINGS)
    mends = {
        alert_id(one.policy, one.target, one.fingerprint): (
            f"az postgres flexible-server update --resource-group shop-{number // 40:03} --name "
            f"{target.id.name} --set {one.policy}",
        )
        for one in found
    }
    result = TargetResult(target=target, findings=found, location="westeurope")
    return Seen(result=result, commands=mends, exposed=dict.fromkeys(list(mends)[:1]), picture=_ways(number))


def _ways(number: int) -> Picture:
    """Of a server with a range of its own."""
    address = f"198.{number // 250}.{number % 250}"
    rules = (rule(f"office-{number}", f"{address}.0", f"{address}.255"),)
    return picture_of(replace(public_server(), firewall_rules=rules))


def _found(target: Target, policy: str, number: int) -> Finding:
    reason = f"server {target.id.name} admits 203.0.{number % 250}.0–203.0.{number % 250}.255 by {policy}"
    return finding(target, policy, ComplianceState.NON_COMPLIANT, reason)
