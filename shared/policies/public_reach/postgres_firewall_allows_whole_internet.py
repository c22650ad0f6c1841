"""PostgreSQL firewall rule that admits the whole Internet.

*What it finds.* One firewall rule of a flexible or single server with public access that by itself
admits every public IPv4 address: 0.0.0.0–255.255.255.255, and any range that leaves out nothing but
addresses that cannot come in from the Internet (private, shared, loopback, link-local, multicast,
reserved). It is decided by the range, whatever the rule's name. While public access is off the rule
admits nobody: then it is no finding here but one of ``postgres-firewall-dormant-rules``. Several rules
that only together admit everybody are ``postgres-firewall-covers-whole-internet-in-pieces``.

*Why it matters.* Such servers are found by scanners within hours; the database's password is all that
stands between everybody's programs and the data.

*What the change does.* Deletes the rules with such a range, and only them, without waiting for quiet
first (``settleSeconds`` is 0). A rule that was widened to it gets the range back that it had at the last
compliant reading. When there is no other way in, it is an alert instead.

*What it may break.* Every client that comes in by no other rule. A rollback puts the rule back. The
alert names the workloads of Azure that the server shows.

*References.* Firewall rules in Azure Database for PostgreSQL; Private Link for Azure Database for
PostgreSQL, combined with firewall rules; MCSB NS-1, NS-2; Checkov CKV2_AZURE_26.
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
from shared.posture.firewall import admits_whole_internet, by_name, doubt, named, not_in_force, shown
from shared.posture.policy import Assessment, Control, Policy
from shared.posture.traffic import ServerTraffic, reach_evidence, server_traffic

ID = "postgres-firewall-allows-whole-internet"
SEVERITY = Severity.CRITICAL


def evaluate(server: ServerSnapshot) -> Finding:
    found = _whole(server)
    state, reason = _judge(server, found)
    drifted = state is ComplianceState.NON_COMPLIANT
    return Finding(
        policy=ID,
        target=server.target,
        resource_id=server.id.child("firewallRules", found[0].name) if drifted else server.id,
        state=state,
        severity=SEVERITY,
        reason=reason,
        evidence=_evidence(server, found),
        fingerprint="one rule, whole internet" if drifted else "",
    )


def plan(finding: Finding, server: ServerSnapshot) -> Change | None:
    in_force = server.public_access is PublicAccess.ENABLED
    if finding.state is not ComplianceState.NON_COMPLIANT or not in_force:
        return None
    return Change(
        policy=ID,
        target=server.target,
        edits=suggest(finding, server),
        inverse=tuple(PutFirewallRule(server=server.id, rule=rule) for rule in reversed(_whole(server))),
    )


def suggest(finding: Finding, server: ServerSnapshot) -> tuple[Edit, ...]:
    """Deleting the rules, also where it is not known whether they are in force."""
    if finding.state is not ComplianceState.NON_COMPLIANT:
        return ()
    return tuple(DeleteFirewallRule(server=server.id, rule=rule) for rule in _whole(server))


def restore(finding: Finding, server: ServerSnapshot, baseline: ServerSnapshot) -> tuple[Change, ...]:
    """Give a rule that was widened its former range back; what is new is deleted all the same."""
    former = _former(server, baseline)
    if not former or plan(finding, server) is None:
        return ()
    edits = [
        PutFirewallRule(server=server.id, rule=former[rule.name.lower()])
        if rule.name.lower() in former
        else DeleteFirewallRule(server=server.id, rule=rule)
        for rule in _whole(server)
    ]
    return (
        Change(
            policy=ID,
            target=server.target,
            edits=tuple(edits),
            inverse=tuple(PutFirewallRule(server=server.id, rule=rule) for rule in reversed(_whole(server))),
        ),
    )


def _former(server: ServerSnapshot, baseline: ServerSnapshot) -> dict[str, FirewallRule]:
    """The rules that were widened, as they were at the last compliant reading, by name in lower case."""
    widened = {rule.name.lower() for rule in _whole(server)}
    before = baseline.firewall_rules or ()
    return {
        rule.name.lower(): rule
        for rule in before
        if rule.name.lower() in widened and not (rule.allows_all_azure or admits_whole_internet(rule))
    }


def assess(server: ServerSnapshot, baseline: ServerSnapshot | None) -> Assessment:
    """Deleting the rule is safe unless it is the only way in; one that is narrowed again stays one."""
    kept = tuple(rule for rule in server.firewall_rules or () if not admits_whole_internet(rule))
    kept += tuple(_former(server, baseline).values()) if baseline is not None else ()
    if server_traffic(replace(server, firewall_rules=kept)).nobody:
        return Assessment(last_way_in=True, notes=("the rule is the only way in to this server",))
    return Assessment(safety=Safety.AUTO)


def forbidden(server: ServerSnapshot) -> ServerTraffic:
    """What the rules with such a range admit now."""
    return ServerTraffic(sources=server_traffic(replace(server, firewall_rules=_whole(server))).sources)


def _whole(server: ServerSnapshot) -> tuple[FirewallRule, ...]:
    return by_name(rule for rule in server.firewall_rules or () if admits_whole_internet(rule))


def _judge(server: ServerSnapshot, found: tuple[FirewallRule, ...]) -> tuple[ComplianceState, str]:
    if settled := not_in_force(server):
        return settled
    if not found:
        return ComplianceState.COMPLIANT, "no single firewall rule admits the whole Internet"
    reason = f"firewall rule {named(found)} admits the whole Internet{doubt(server)}"
    return ComplianceState.NON_COMPLIANT, reason


def _evidence(server: ServerSnapshot, found: tuple[FirewallRule, ...]) -> Mapping[str, Json]:
    others = [rule for rule in server.firewall_rules or () if not admits_whole_internet(rule)]
    return {
        "rules": [shown(rule) for rule in found],
        "otherRules": [shown(rule) for rule in others],
        **reach_evidence(server),
    }


POLICY: Policy[ServerSnapshot] = Policy(
    id=ID,
    title="A firewall rule admits the whole Internet",
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
        Control(framework="MCSB", version="v1", id="NS-1", title="Establish network segmentation boundaries"),
        Control(
            framework="MCSB",
            version="v1",
            id="NS-2",
            title="Secure cloud native services with network controls",
        ),
        Control(
            framework="Checkov",
            version="rules",
            id="CKV2_AZURE_26",
            title="A PostgreSQL flexible server's firewall rules are not overly permissive",
        ),
    ),
    evaluate=evaluate,
    plan=plan,
    assess=assess,
    forbidden=forbidden,
    restore=restore,
    suggest=suggest,
    settle_seconds=0,
    order=5,
    shows_dependants=True,
    why="Everybody on the Internet may open a connection to this database and try passwords.",
)
