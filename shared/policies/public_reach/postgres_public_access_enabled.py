"""PostgreSQL server with public network access enabled.

*What it finds.* A flexible server with ``network.publicNetworkAccess`` Enabled, or a single server
with ``publicNetworkAccess`` Enabled. A server with ``delegatedSubnetResourceId`` set is VNet-integrated
and has no public endpoint: it is compliant whatever the field says. A missing value is unknown.

*Why it matters.* The server's name resolves to a public address, and every firewall rule, present or
added later by anybody who may write one, is a way in from outside the virtual network.

*What the change does.* Sets public network access to Disabled. It is automatic only when nobody can
be cut off: an approved private endpoint exists that the last compliant reading already had, and there
are no firewall rules, and on a single server no virtual network rules, but those added since. In a scope
that is adopted the present endpoints stand for the last compliant ones, and there must be no rules at
all. Where no private way surely stands for the clients that matter (name, route, NSGs, endpoint) it is never
made: it would take the last way in, and an endpoint that is gone is its owner's to make again.

*What it may break.* Clients that come in through firewall rules, and on a single server those in subnets
that a virtual network rule admits: their service endpoint leads to the public path. The rules stay and
are enforced again with the next enabling, so the alert lists them.

*References.* Private Link for Azure Database for PostgreSQL (deny public access).
"""

from __future__ import annotations

from dataclasses import replace

from shared.model import (
    Aspect,
    Change,
    ConnectionStatus,
    Finding,
    FirewallRule,
    Kind,
    PublicAccess,
    Safety,
    ServerSnapshot,
    SetPublicAccess,
    Severity,
)
from shared.posture.controls import AZURE_POLICY, CIS_DATABASES_2_0, MCSB
from shared.posture.findings import Facts, Judged, compliant, drifted, finding, is_drift, unknown
from shared.posture.firewall import shown
from shared.posture.odd_rules import odd_evidence
from shared.posture.policy import ALL_SERVERS, Assessment, Policy
from shared.posture.traffic import (
    ServerTraffic,
    network_rules_missing,
    odd_texts,
    public_sources,
    server_traffic,
)
from shared.posture.unread import public_access_said, unread_reason
from shared.posture.ways.reach import reach

ID = "postgres-public-access-enabled"
SEVERITY = Severity.HIGH


def evaluate(server: ServerSnapshot) -> Finding:
    return finding(ID, SEVERITY, server, _judge(server), _facts(server))


def plan(found: Finding, server: ServerSnapshot) -> Change | None:
    if not is_drift(found):
        return None
    return Change(
        policy=ID,
        target=server.target,
        edits=(SetPublicAccess(server=server.id, access=PublicAccess.DISABLED),),
        inverse=(SetPublicAccess(server=server.id, access=PublicAccess.ENABLED),),
    )


def assess(server: ServerSnapshot, baseline: ServerSnapshot | None) -> Assessment:
    """Who could be cut off, judged against ``baseline``, the last compliant reading."""
    notes = tuple(_cautions(server, baseline))
    return Assessment(safety=Safety.APPROVAL if notes else Safety.AUTO, notes=notes)


def forbidden(server: ServerSnapshot) -> ServerTraffic:
    """The whole public path, as far as it is open now."""
    return replace(server_traffic(server), endpoints=frozenset())


def _judge(server: ServerSnapshot) -> Judged:
    if server.vnet_integrated:
        return compliant("the server is VNet-integrated and has no public endpoint")
    match server.public_access:
        case PublicAccess.DISABLED:
            return compliant("public network access is disabled")
        case PublicAccess.ENABLED:
            reason = f"public network access is enabled: {reach(server)}"
            return drifted(reason, "publicNetworkAccess=Enabled")
        case PublicAccess.UNKNOWN:
            return unknown(public_access_said(server))


def _cautions(server: ServerSnapshot, baseline: ServerSnapshot | None) -> list[str]:
    """Why a person should look first; empty when disabling cannot cut anybody off."""
    cautions, approved = [], server_traffic(server).endpoints
    if baseline is not None and not approved & server_traffic(baseline).endpoints:
        cautions.append("no approved private endpoint was already there at the last compliant reading")
    if server.firewall_rules is None:
        cautions.append(unread_reason(server, Aspect.FIREWALL_RULES))
    elif older := _rules_not_added_since(server.firewall_rules, baseline):
        cautions.append(f"firewall rules that were not added since the drift: {', '.join(older)}")
    cautions += odd_texts(server)
    if network_rules_missing(server):
        cautions.append(unread_reason(server, Aspect.VIRTUAL_NETWORK_RULES))
    elif older := _subnets_not_added_since(server, baseline):
        cautions.append(f"virtual network rules that were not added since the drift: {', '.join(older)}")
    return cautions


def _rules_not_added_since(rules: tuple[FirewallRule, ...], baseline: ServerSnapshot | None) -> list[str]:
    """Names of the rules that ``baseline`` already had, or may have had.

    Compared by range and by name: a rule that was renamed or given another range was not added.
    """
    if baseline is None or baseline.firewall_rules is None:
        return [rule.name for rule in rules]
    ranges = {(rule.start, rule.end) for rule in baseline.firewall_rules}
    names = {rule.name.lower() for rule in baseline.firewall_rules}
    return [rule.name for rule in rules if (rule.start, rule.end) in ranges or rule.name.lower() in names]


def _subnets_not_added_since(server: ServerSnapshot, baseline: ServerSnapshot | None) -> list[str]:
    """Names of the virtual network rules whose subnet or name ``baseline`` already had, or may have had."""
    rules = server.virtual_network_rules or ()
    if baseline is None or baseline.virtual_network_rules is None:
        return [rule.name for rule in rules]
    subnets = {rule.subnet for rule in baseline.virtual_network_rules}
    names = {rule.name.lower() for rule in baseline.virtual_network_rules}
    return [rule.name for rule in rules if rule.subnet in subnets or rule.name.lower() in names]


def _facts(server: ServerSnapshot) -> Facts:
    public = public_sources(server)
    return {
        "delegatedSubnetResourceId": str(server.delegated_subnet) if server.delegated_subnet else None,
        "losesAccess": {
            "firewallRules": [shown(rule) for rule in server.firewall_rules or ()],
            **odd_evidence(server),
            "virtualNetworkRules": [
                {"name": rule.name, "virtualNetworkSubnetId": str(rule.subnet)}
                for rule in server.virtual_network_rules or ()
            ],
            "sources": public.sources.describe(),
            "allAzure": public.all_azure,
        },
        "keepsAccess": {
            "privateEndpoints": [
                str(connection.endpoint or connection.id)
                for connection in server.private_endpoints or ()
                if connection.status is ConnectionStatus.APPROVED
            ]
        },
    }


POLICY: Policy[ServerSnapshot] = Policy(
    id=ID,
    title="Public network access is enabled on a PostgreSQL server",
    kind=Kind.TIGHTENING,
    targets=ALL_SERVERS,
    severity=SEVERITY,
    safety=Safety.AUTO,
    reads=frozenset({Aspect.SERVER, Aspect.FIREWALL_RULES, Aspect.VIRTUAL_NETWORK_RULES}),
    edits=frozenset({SetPublicAccess}),
    controls=(
        *(CIS_DATABASES_2_0.P_6_3, AZURE_POLICY.PUBLIC_ACCESS_FLEXIBLE, AZURE_POLICY.PUBLIC_ACCESS_SINGLE),
        MCSB.NS_2,
    ),
    evaluate=evaluate,
    plan=plan,
    assess=assess,
    forbidden=forbidden,
    order=20,
    why="Anybody who may write one firewall rule, or a rule that already stands, opens this database to "
    "addresses outside your network.",
)
