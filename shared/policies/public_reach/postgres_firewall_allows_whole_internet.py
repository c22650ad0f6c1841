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
compliant reading. When no other way in surely stands, rules that let some people in and are gone since are
put back first; where none may be, it is an alert instead.

*What it may break.* Every client that comes in by no other rule. A rollback puts the rule back. The
alert names the workloads of Azure that the server shows.

*References.* Firewall rules in Azure Database for PostgreSQL; Private Link for Azure Database for PostgreSQL,
combined with firewall rules.
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
from shared.posture.controls import CHECKOV, MCSB
from shared.posture.findings import Judged, compliant, drifted, finding, is_drift
from shared.posture.firewall import (
    admits_whole_internet,
    by_name,
    deleting,
    deletion,
    doubt,
    named,
    not_in_force,
    rules_evidence,
)
from shared.posture.odd_rules import beside_odd, perhaps
from shared.posture.policy import ALL_SERVERS, Policy, without_caution
from shared.posture.traffic import ServerTraffic, server_traffic

ID = "postgres-firewall-allows-whole-internet"
SEVERITY = Severity.CRITICAL


def evaluate(server: ServerSnapshot) -> Finding:
    found = _whole(server)
    return finding(ID, SEVERITY, server, _judge(server, found), rules_evidence(server, found))


def plan(found: Finding, server: ServerSnapshot) -> Change | None:
    in_force = server.public_access is PublicAccess.ENABLED
    if not is_drift(found) or not in_force:
        return None
    return deletion(ID, server, _whole(server))


def suggest(found: Finding, server: ServerSnapshot) -> tuple[Edit, ...]:
    """Deleting the rules, also where it is not known whether they are in force."""
    if not is_drift(found):
        return ()
    return deleting(server, _whole(server))


def restore(found: Finding, server: ServerSnapshot, baseline: ServerSnapshot) -> tuple[Change, ...]:
    """Give a rule that was widened its former range back; what is new is deleted all the same."""
    former = _former(server, baseline)
    if not former or plan(found, server) is None:
        return ()
    edits = tuple(
        PutFirewallRule(server=server.id, rule=former[rule.name.lower()])
        if rule.name.lower() in former
        else DeleteFirewallRule(server=server.id, rule=rule)
        for rule in _whole(server)
    )
    return (replace(deletion(ID, server, _whole(server)), edits=edits),)


def _former(server: ServerSnapshot, baseline: ServerSnapshot) -> dict[str, FirewallRule]:
    """The rules that were widened, as they were at the last compliant reading, by name in lower case."""
    widened = {rule.name.lower() for rule in _whole(server)}
    before = baseline.firewall_rules or ()
    return {
        rule.name.lower(): rule
        for rule in before
        if rule.name.lower() in widened and not (rule.allows_all_azure or admits_whole_internet(rule))
    }


def forbidden(server: ServerSnapshot) -> ServerTraffic:
    """What the rules with such a range admit now."""
    return ServerTraffic(sources=server_traffic(replace(server, firewall_rules=_whole(server))).sources)


def _whole(server: ServerSnapshot) -> tuple[FirewallRule, ...]:
    return by_name(rule for rule in server.firewall_rules or () if admits_whole_internet(rule))


def _judge(server: ServerSnapshot, found: tuple[FirewallRule, ...]) -> Judged:
    if settled := not_in_force(server):
        return settled
    could = perhaps(server, admits_whole_internet)
    return beside_odd(_of_readable(server, found), server, could, "a firewall rule admits the whole Internet")


def _of_readable(server: ServerSnapshot, found: tuple[FirewallRule, ...]) -> Judged:
    if not found:
        return compliant("no single firewall rule admits the whole Internet")
    reason = f"firewall rule {named(found)} admits the whole Internet{doubt(server)}"
    at_fault = server.id.child("firewallRules", found[0].name)
    return replace(drifted(reason, "one rule, whole internet"), resource_id=at_fault)


POLICY: Policy[ServerSnapshot] = Policy(
    id=ID,
    title="A firewall rule admits the whole Internet",
    kind=Kind.TIGHTENING,
    targets=ALL_SERVERS,
    severity=SEVERITY,
    safety=Safety.AUTO,
    reads=frozenset({Aspect.SERVER, Aspect.FIREWALL_RULES, Aspect.VIRTUAL_NETWORK_RULES}),
    edits=frozenset({PutFirewallRule, DeleteFirewallRule}),
    controls=(MCSB.NS_1, MCSB.NS_2, CHECKOV.CKV2_AZURE_26),
    evaluate=evaluate,
    plan=plan,
    assess=without_caution,
    forbidden=forbidden,
    restore=restore,
    suggest=suggest,
    settle_seconds=0,
    order=5,
    shows_dependants=True,
    why="Everybody on the Internet may open a connection to this database and try passwords.",
)
