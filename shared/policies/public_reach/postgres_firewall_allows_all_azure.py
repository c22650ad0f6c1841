"""PostgreSQL firewall rule that admits every Azure address.

*What it finds.* A firewall rule 0.0.0.0–0.0.0.0 on a flexible or single server, whatever its name:
the portal, the CLI and older tools name it differently, and the name is free. While public access is
off the rule is *dormant*: it admits nobody now and is in force again with the next enabling.

*Why it matters.* The range means "any address of Azure", including virtual machines, functions and
notebooks in the subscriptions of other customers; the database's password is all that is left.

*What the change does.* Deletes the rules with that range, and only them. A dormant rule cannot be
deleted, because Azure refuses firewall writes while public access is off: that is an alert. When the
rule is the only way in, it is an alert too.

*What it may break.* Services that come from Azure's own addresses: Fabric mirroring, logical
replication to another server, a running migration, Power BI, App Service without VNet integration.
The alert names those that the server shows.

*References.* Firewall rules in Azure Database for PostgreSQL; CIS Microsoft Azure Foundations 1.3
4.3.8, 1.4–2.1 4.3.7, 3.0 5.2.5; MCSB NS-1, NS-2; Datadog mhu-w8j-px0.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from shared.model import (
    Aspect,
    Change,
    ComplianceState,
    DeleteFirewallRule,
    Edit,
    Finding,
    FirewallRule,
    Json,
    Kind,
    PublicAccess,
    PutFirewallRule,
    Safety,
    ServerSnapshot,
    Severity,
    TargetKind,
)
from shared.posture.firewall import by_name, shown
from shared.posture.policy import Assessment, Control, Policy
from shared.posture.traffic import ServerTraffic, reach_evidence, server_traffic

ID = "postgres-firewall-allows-all-azure"
SEVERITY = Severity.HIGH
DORMANT_SEVERITY = Severity.MEDIUM


def evaluate(server: ServerSnapshot) -> Finding:
    found = _all_azure_rules(server)
    state, severity, reason, fingerprint = _judge(server, found)
    return Finding(
        policy=ID,
        target=server.target,
        resource_id=server.id.child("firewallRules", found[0].name) if found else server.id,
        state=state,
        severity=severity,
        reason=reason,
        evidence=_evidence(server, found),
        fingerprint=fingerprint,
    )


def plan(finding: Finding, server: ServerSnapshot) -> Change | None:
    in_force = server.public_access is PublicAccess.ENABLED
    if finding.state is not ComplianceState.NON_COMPLIANT or not in_force:
        return None
    rules = _all_azure_rules(server)
    return Change(
        policy=ID,
        target=server.target,
        edits=suggest(finding, server),
        inverse=tuple(PutFirewallRule(server=server.id, rule=rule) for rule in reversed(rules)),
    )


def suggest(finding: Finding, server: ServerSnapshot) -> tuple[Edit, ...]:  # noqa: ARG001 - one signature for all policies
    """Deleting the rules: for a dormant rule it works as soon as Azure accepts firewall writes."""
    return tuple(DeleteFirewallRule(server=server.id, rule=rule) for rule in _all_azure_rules(server))


def assess(server: ServerSnapshot, baseline: ServerSnapshot | None) -> Assessment:  # noqa: ARG001 - one signature for all policies
    """Deleting the rule is safe unless it is the only way in."""
    kept = tuple(rule for rule in server.firewall_rules or () if not rule.allows_all_azure)
    if server_traffic(replace(server, firewall_rules=kept)).nobody:
        return Assessment(last_way_in=True, notes=("the rule is the only way in to this server",))
    return Assessment(safety=Safety.AUTO)


def forbidden(server: ServerSnapshot) -> ServerTraffic:
    return ServerTraffic(all_azure=server_traffic(server).all_azure)


def _all_azure_rules(server: ServerSnapshot) -> tuple[FirewallRule, ...]:
    return by_name(rule for rule in server.firewall_rules or () if rule.allows_all_azure)


def _judge(
    server: ServerSnapshot, found: tuple[FirewallRule, ...]
) -> tuple[ComplianceState, Severity, str, str]:
    if server.vnet_integrated:
        reason = "the server is VNet-integrated: firewall rules have no effect"
        return ComplianceState.COMPLIANT, SEVERITY, reason, ""
    if server.firewall_rules is None:
        return ComplianceState.UNKNOWN, SEVERITY, "the firewall rules could not be read", ""
    if not found:
        return ComplianceState.COMPLIANT, SEVERITY, "no firewall rule admits all of Azure", ""
    names = ", ".join(repr(rule.name) for rule in found)
    match server.public_access:
        case PublicAccess.ENABLED:
            reason = f"firewall rule {names} (0.0.0.0–0.0.0.0) admits every Azure address"
            return ComplianceState.NON_COMPLIANT, SEVERITY, reason, "0.0.0.0-0.0.0.0 in force"
        case PublicAccess.DISABLED:
            reason = f"firewall rule {names} (0.0.0.0–0.0.0.0) is dormant: it opens with the next enabling"
            return ComplianceState.NON_COMPLIANT, DORMANT_SEVERITY, reason, "0.0.0.0-0.0.0.0 dormant"
        case PublicAccess.UNKNOWN:
            reason = f"firewall rule {names} (0.0.0.0–0.0.0.0) exists; whether it is in force is unknown"
            return ComplianceState.NON_COMPLIANT, SEVERITY, reason, "0.0.0.0-0.0.0.0 in force"


def _evidence(server: ServerSnapshot, found: tuple[FirewallRule, ...]) -> Mapping[str, Json]:
    others = [rule for rule in server.firewall_rules or () if not rule.allows_all_azure]
    return {
        "rules": [shown(rule) for rule in found],
        "otherRules": [shown(rule) for rule in others],
        **reach_evidence(server),
        "dormant": bool(found) and server.public_access is PublicAccess.DISABLED,
    }


def _cis(version: str, number: str) -> Control:
    return Control(
        framework="CIS Microsoft Azure Foundations",
        version=version,
        id=number,
        title="Access from Azure services to the PostgreSQL server is disabled",
    )


POLICY: Policy[ServerSnapshot] = Policy(
    id=ID,
    title="A firewall rule admits every Azure address",
    kind=Kind.TIGHTENING,
    targets=frozenset({TargetKind.FLEXIBLE_SERVER, TargetKind.SINGLE_SERVER}),
    severity=SEVERITY,
    safety=Safety.AUTO,
    reads=frozenset({Aspect.SERVER, Aspect.FIREWALL_RULES, Aspect.VIRTUAL_NETWORK_RULES}),
    permissions=(
        "Microsoft.DBforPostgreSQL/flexibleServers/read",
        "Microsoft.DBforPostgreSQL/flexibleServers/firewallRules/read",
        "Microsoft.DBforPostgreSQL/flexibleServers/firewallRules/write",
        "Microsoft.DBforPostgreSQL/flexibleServers/firewallRules/delete",
        "Microsoft.DBforPostgreSQL/flexibleServers/configurations/read",
        "Microsoft.DBforPostgreSQL/flexibleServers/migrations/read",
        "Microsoft.DBforPostgreSQL/servers/read",
        "Microsoft.DBforPostgreSQL/servers/firewallRules/read",
        "Microsoft.DBforPostgreSQL/servers/virtualNetworkRules/read",
        "Microsoft.DBforPostgreSQL/servers/firewallRules/write",
        "Microsoft.DBforPostgreSQL/servers/firewallRules/delete",
        "Microsoft.DBforPostgreSQL/locations/azureAsyncOperation/read",
        "Microsoft.DBforPostgreSQL/locations/operationResults/read",
    ),
    controls=(
        _cis("1.3.0", "4.3.8"),
        _cis("2.1.0", "4.3.7"),
        _cis("3.0.0", "5.2.5"),
        Control(framework="MCSB", version="v1", id="NS-1", title="Establish network segmentation boundaries"),
        Control(
            framework="MCSB",
            version="v1",
            id="NS-2",
            title="Secure cloud native services with network controls",
        ),
        Control(
            framework="Datadog",
            version="default rules",
            id="mhu-w8j-px0",
            title="Access to Azure services for PostgreSQL Database Server is disabled",
        ),
    ),
    evaluate=evaluate,
    plan=plan,
    assess=assess,
    forbidden=forbidden,
    suggest=suggest,
    order=10,
    shows_dependants=True,
    why=("Any Azure address, including those of other customers, may open a connection and try passwords."),
)
