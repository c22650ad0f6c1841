"""PostgreSQL firewall rules that sleep while public access is off.

*What it finds.* Any firewall rule of a flexible or single server whose public network access is
disabled, 0.0.0.0–0.0.0.0 and 0.0.0.0–255.255.255.255 included. Such rules admit nobody now; Azure keeps
them and enforces them again with the next enabling. Where it is not known whether public access is
off, it is not known whether the rules sleep.

*Why it matters.* Whoever enables public access, even for an hour and for one address, reopens every old
hole at the same moment.

*What the change does.* None is made: Azure refuses to write or delete firewall rules while public access
is off, and opening a server in order to tidy it up is for its owner to decide. The alert lists what
would be admitted again. Delete the rules with the next enabling, or before public access is disabled.

*What it may break.* Deleting a dormant rule cuts off nobody now; its clients are missed once public
access is on again.

*References.* Private Link for Azure Database for PostgreSQL, combined with firewall rules; firewall
rules in Azure Database for PostgreSQL. No framework among the project's controls states it.
"""

from __future__ import annotations

from collections.abc import Mapping

from shared.model import (
    Aspect,
    ComplianceState,
    DeleteFirewallRule,
    Edit,
    Finding,
    Json,
    Kind,
    PublicAccess,
    Safety,
    ServerSnapshot,
    Severity,
    TargetKind,
)
from shared.posture.firewall import PUBLIC_ADDRESSES, admitted_by, by_name, named, ranges_print, shown
from shared.posture.policy import Policy
from shared.posture.traffic import public_sources, reach_evidence

ID = "postgres-firewall-dormant-rules"
SEVERITY = Severity.LOW


def evaluate(server: ServerSnapshot) -> Finding:
    state, reason = _judge(server)
    drifted = state is ComplianceState.NON_COMPLIANT
    return Finding(
        policy=ID,
        target=server.target,
        resource_id=server.id,
        state=state,
        severity=SEVERITY,
        reason=reason,
        evidence=_evidence(server),
        fingerprint=ranges_print(server.firewall_rules or ()) if drifted else "",
    )


def suggest(finding: Finding, server: ServerSnapshot) -> tuple[Edit, ...]:
    """Deleting the rules, which works as soon as Azure accepts firewall writes."""
    if finding.state is not ComplianceState.NON_COMPLIANT:
        return ()
    return tuple(
        DeleteFirewallRule(server=server.id, rule=rule) for rule in by_name(server.firewall_rules or ())
    )


def _judge(server: ServerSnapshot) -> tuple[ComplianceState, str]:
    if server.vnet_integrated:
        reason = "the server is VNet-integrated: its public access cannot be enabled"
        return ComplianceState.COMPLIANT, reason
    if server.public_access is PublicAccess.ENABLED:
        return ComplianceState.COMPLIANT, "public network access is enabled: no firewall rule is dormant"
    if server.firewall_rules is None:
        return ComplianceState.UNKNOWN, "the firewall rules could not be read"
    if not server.firewall_rules:
        return ComplianceState.COMPLIANT, "there are no firewall rules"
    rules = by_name(server.firewall_rules)
    if server.public_access is PublicAccess.UNKNOWN:
        reason = f"whether firewall rule {named(rules)} is dormant is unknown, as is publicNetworkAccess"
        return ComplianceState.UNKNOWN, reason
    opens = f"firewall rule {named(rules)} is dormant: it is in force again with the next enabling"
    return ComplianceState.NON_COMPLIANT, opens


def _evidence(server: ServerSnapshot) -> Mapping[str, Json]:
    rules = by_name(server.firewall_rules or ())
    dormant = server.public_access is PublicAccess.DISABLED and not server.vnet_integrated
    return {
        "rules": [shown(rule) for rule in rules],
        "opensAgain": public_sources(server).describe() if dormant else [],
        "opensWholeInternet": dormant and PUBLIC_ADDRESSES.within(admitted_by(rules)),
        **reach_evidence(server),
    }


POLICY: Policy[ServerSnapshot] = Policy(
    id=ID,
    title="Firewall rules are dormant and open again with public access",
    kind=Kind.TIGHTENING,
    targets=frozenset({TargetKind.FLEXIBLE_SERVER, TargetKind.SINGLE_SERVER}),
    severity=SEVERITY,
    safety=Safety.MANUAL,
    reads=frozenset({Aspect.SERVER, Aspect.FIREWALL_RULES, Aspect.VIRTUAL_NETWORK_RULES}),
    permissions=(
        "Microsoft.DBforPostgreSQL/flexibleServers/read",
        "Microsoft.DBforPostgreSQL/flexibleServers/firewallRules/read",
        "Microsoft.DBforPostgreSQL/servers/read",
        "Microsoft.DBforPostgreSQL/servers/firewallRules/read",
        "Microsoft.DBforPostgreSQL/servers/virtualNetworkRules/read",
    ),
    controls=(),
    evaluate=evaluate,
    suggest=suggest,
    why="Whoever enables public access, for whatever reason, reopens every one of these ranges at once.",
)
