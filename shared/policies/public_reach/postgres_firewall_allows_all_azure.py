"""PostgreSQL firewall rule that admits every Azure address.

*What it finds.* A firewall rule 0.0.0.0–0.0.0.0 on a flexible or single server, whatever its name:
the portal, the CLI and older tools name it differently, and the name is free. While public access is
off the rule is *dormant*: it admits nobody now and is in force again with the next enabling.

*Why it matters.* The range means "any address of Azure", including virtual machines, functions and
notebooks in the subscriptions of other customers; the database's password is all that is left.

*What the change does.* Deletes the rules with that range, and only them. A dormant rule cannot be
deleted, because Azure refuses firewall writes while public access is off: that is an alert. When no other
way in surely stands, the rules that let some people in at the last compliant reading (of a week at most) and
are gone or changed since are put back first, but for those that another policy finds; where they were gone at
that reading already, those of the last day. Where none may be put back, it is an alert.

*What it may break.* Services that come from Azure's own addresses: Fabric mirroring, logical
replication to another server, a running migration, Power BI, App Service without VNet integration.
The alert names those that the server shows.

*References.* Firewall rules in Azure Database for PostgreSQL; CIS Microsoft Azure Foundations 1.4–2.1 4.3.7.
"""

from __future__ import annotations

from dataclasses import replace

from shared.model import (
    Aspect,
    Change,
    DeleteFirewallRule,
    Edit,
    Finding,
    FirewallRule,
    Kind,
    PublicAccess,
    PutFirewallRule,
    Safety,
    ServerSnapshot,
    Severity,
)
from shared.posture.controls import CIS_1_3, CIS_2_1, CIS_3_0, DATADOG, MCSB
from shared.posture.findings import Judged, compliant, drifted, finding, is_drift, unknown
from shared.posture.firewall import by_name, deleting, deletion, rules_evidence
from shared.posture.firewall_steps import WITH_THE_NEXT_ENABLING
from shared.posture.odd_rules import beside_odd, may_be_all_azure
from shared.posture.policy import ALL_SERVERS, Policy, without_caution
from shared.posture.traffic import ServerTraffic, server_traffic
from shared.posture.unread import unread_reason

ID = "postgres-firewall-allows-all-azure"
SEVERITY = Severity.HIGH
DORMANT_SEVERITY = Severity.MEDIUM


def evaluate(server: ServerSnapshot) -> Finding:
    found = _all_azure_rules(server)
    at_fault = server.id.child("firewallRules", found[0].name) if found else None
    dormant = bool(found) and server.public_access is PublicAccess.DISABLED
    facts = {**rules_evidence(server, found), "dormant": dormant}
    return finding(ID, SEVERITY, server, replace(_judge(server, found), resource_id=at_fault), facts)


def plan(found: Finding, server: ServerSnapshot) -> Change | None:
    in_force = server.public_access is PublicAccess.ENABLED
    if not is_drift(found) or not in_force:
        return None
    return deletion(ID, server, _all_azure_rules(server))


def suggest(_found: Finding, server: ServerSnapshot) -> tuple[Edit, ...]:
    """Deleting the rules; nothing for dormant ones, which Azure refuses to delete."""
    if server.public_access is PublicAccess.DISABLED:
        return ()
    return deleting(server, _all_azure_rules(server))


def forbidden(server: ServerSnapshot) -> ServerTraffic:
    return ServerTraffic(all_azure=server_traffic(server).all_azure)


def _all_azure_rules(server: ServerSnapshot) -> tuple[FirewallRule, ...]:
    return by_name(rule for rule in server.firewall_rules or () if rule.allows_all_azure)


def _judge(server: ServerSnapshot, found: tuple[FirewallRule, ...]) -> Judged:
    if server.vnet_integrated:
        return compliant("the server is VNet-integrated: firewall rules have no effect")
    if server.firewall_rules is None:
        return unknown(unread_reason(server, Aspect.FIREWALL_RULES))
    could = [rule for rule in server.odd_rules if may_be_all_azure(rule)]
    return beside_odd(_of_readable(server, found), server, could, "a firewall rule admits all of Azure")


def _of_readable(server: ServerSnapshot, found: tuple[FirewallRule, ...]) -> Judged:
    if not found:
        return compliant("no firewall rule admits all of Azure")
    rules = f"firewall rule {', '.join(repr(rule.name) for rule in found)} (0.0.0.0–0.0.0.0)"
    match server.public_access:
        case PublicAccess.ENABLED:
            return drifted(f"{rules} admits every Azure address", "0.0.0.0-0.0.0.0 in force")
        case PublicAccess.DISABLED:
            asleep = f"{rules} is dormant: it opens with the next enabling"
            told = drifted(asleep, "0.0.0.0-0.0.0.0 dormant", what_to_do=WITH_THE_NEXT_ENABLING)
            return replace(told, severity=DORMANT_SEVERITY)
        case PublicAccess.UNKNOWN:
            return drifted(f"{rules} exists; whether it is in force is unknown", "0.0.0.0-0.0.0.0 in force")


POLICY: Policy[ServerSnapshot] = Policy(
    id=ID,
    title="A firewall rule admits every Azure address",
    kind=Kind.TIGHTENING,
    targets=ALL_SERVERS,
    severity=SEVERITY,
    safety=Safety.AUTO,
    reads=frozenset({Aspect.SERVER, Aspect.FIREWALL_RULES, Aspect.VIRTUAL_NETWORK_RULES}),
    edits=frozenset({PutFirewallRule, DeleteFirewallRule}),
    controls=(CIS_1_3.P_4_3_8, CIS_2_1.P_4_3_7, CIS_3_0.P_5_2_5, MCSB.NS_1, MCSB.NS_2, DATADOG.MHU_W8J_PX0),
    evaluate=evaluate,
    plan=plan,
    assess=without_caution,
    forbidden=forbidden,
    suggest=suggest,
    order=10,
    shows_dependants=True,
    why="Any Azure address, including those of other customers, may open a connection and try passwords.",
)
