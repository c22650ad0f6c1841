"""PostgreSQL firewall rules on a server that is VNet-integrated.

*What it finds.* Advice: a flexible server with ``delegatedSubnetResourceId`` set that has firewall rules.
Such a server has no public endpoint and its rules have no effect; Azure's documents say that rules
cannot be requested for it, and some were created all the same. A refusal to list them is read as "there are
none".

*Why it matters.* Whoever reads the rules takes them for the truth: an address that is "let in" is not, and
one that is missing is no protection. Access is decided by the subnet's NSG and routes alone. If the
server is later migrated to private endpoints, rules that were kept may come into force.

*What the change does.* None is made: nothing is open. It is listed with the other alerts and sends no
message.

*What it may break.* Nothing: these rules let nobody in.

*References.* Firewall rules, and private access networking, in Azure Database for PostgreSQL;
Azure/azure-rest-api-specs issue 20616. No framework among the project's controls states it.
"""

from __future__ import annotations

from shared.model import Aspect, Finding, Kind, ServerSnapshot, Severity
from shared.posture.findings import Judged, beside_the_point, compliant, drifted, finding, unknown
from shared.posture.firewall import by_name, named, ranges_print, shown
from shared.posture.odd_rules import odd_evidence
from shared.posture.policy import FLEXIBLE_SERVERS, Policy
from shared.posture.unread import unread_reason

ID = "postgres-firewall-rules-on-vnet-integrated"
SEVERITY = Severity.INFORMATIONAL

_TO_DO = (
    "nothing needs to be done; tell whoever wrote the rules that they do nothing, and name in the NSG of the "
    "subnet whom they meant"
)


def evaluate(server: ServerSnapshot) -> Finding:
    rules = by_name(server.firewall_rules or ()) if server.vnet_integrated else ()
    facts = {
        "rules": [shown(rule) for rule in rules],
        **odd_evidence(server),
        "delegatedSubnetResourceId": str(server.delegated_subnet) if server.delegated_subnet else None,
    }
    return finding(ID, SEVERITY, server, _judge(server), facts)


def _judge(server: ServerSnapshot) -> Judged:
    if not server.vnet_integrated:
        return beside_the_point("the server is not VNet-integrated")
    if server.firewall_rules is None:
        return unknown(unread_reason(server, Aspect.FIREWALL_RULES))
    rules = by_name(server.firewall_rules)
    called = [*([named(rules)] if rules else []), *(rule.described for rule in server.odd_rules)]
    if not called:
        return compliant("the server is VNet-integrated and has no firewall rules")
    reason = f"firewall rule {', '.join(called)} has no effect: the server is VNet-integrated"
    return drifted(reason, ranges_print(rules) or "odd rules", what_to_do=_TO_DO)


POLICY: Policy[ServerSnapshot] = Policy(
    id=ID,
    title="Firewall rules without effect on a VNet-integrated server",
    kind=Kind.TIGHTENING,
    targets=FLEXIBLE_SERVERS,
    severity=SEVERITY,
    reads=frozenset({Aspect.SERVER, Aspect.FIREWALL_RULES}),
    evaluate=evaluate,
    no_command="Azure takes no firewall writes for a VNet-integrated server, so these rules stay with it",
    why="Nobody is let in by these rules, and whoever reads them believes in a protection that is not there.",
)
