"""NSG of a PostgreSQL subnet that names application security groups.

*What it finds.* A subnet delegated to ``Microsoft.DBforPostgreSQL/flexibleServers`` whose NSG has a rule with
an application security group as source or destination.

*Why it matters.* Flexible servers do not support such rules: a server's interface cannot be put into a group,
and who is let in, or kept out, is not what the rule says. Nor can anybody prove what else the NSG does.

*What the change does.* Nothing is changed: which addresses the group stood for is not in the reading. Name
the prefixes in the rule instead.

*What it may break.* Nothing by itself. Replacing a group by prefixes changes who passes; ask ``explain-nsg``
with the new rules first.

*References.* Private access networking of Azure Database for PostgreSQL (application security groups are not
supported); Application security groups. No framework among the project's controls states it.
"""

from __future__ import annotations

from typing import Final

from shared.model import Aspect, Finding, Kind, Severity, SubnetSnapshot
from shared.posture.findings import compliant, drifted, unknown
from shared.posture.named_groups import groups_of, may_name, naming
from shared.posture.policy import SUBNETS, Policy
from shared.posture.subnet_questions import About, settled_without_group, sharing
from shared.posture.subnet_verdicts import group_finding

ABOUT: Final = About(policy="nsg-names-application-security-groups", severity=Severity.MEDIUM)

_TO_DO: Final = "put the addresses of the groups' members into these rules instead of the groups"


def evaluate(subnet: SubnetSnapshot) -> Finding:
    if settled := settled_without_group(subnet):
        return group_finding(ABOUT, subnet, settled)
    found = naming(subnet.security_group)
    if hidden := [] if found else may_name(subnet.security_group):
        unsure = f"whether a rule names application security groups is unknown: {'; '.join(hidden)}"
        return group_finding(ABOUT, subnet, unknown(unsure))
    if not found:
        return group_finding(ABOUT, subnet, compliant("no rule names an application security group"))
    rules = " and ".join(f"rule {rule.name!r} ({rule.direction.lower()})" for rule in found)
    reason = f"{rules} names application security groups, which flexible servers do not support"
    listed = [
        {
            "name": rule.name,
            "priority": rule.priority,
            "sourceGroups": list(map(str, rule.source_groups)),
            "destinationGroups": list(map(str, rule.destination_groups)),
        }
        for rule in found
    ]
    told_apart = "; ".join(sorted({f"{r.direction}:{g.key}" for r in found for g in groups_of(r)}))
    facts = {"rules": listed, "sharedWith": sharing(subnet)}
    return group_finding(ABOUT, subnet, drifted(reason, told_apart, what_to_do=_TO_DO, evidence=facts))


POLICY: Policy[SubnetSnapshot] = Policy(
    id=ABOUT.policy,
    title="An NSG names application security groups on a PostgreSQL subnet",
    kind=Kind.SETTING,
    targets=SUBNETS,
    severity=ABOUT.severity,
    reads=frozenset({Aspect.SUBNET, Aspect.SECURITY_GROUP}),
    evaluate=evaluate,
    order=61,
    no_command="the members of the groups, whose addresses would stand in the rules instead, are not read",
    why="What this NSG lets in is not what its rules say: the service does not support such rules.",
)
