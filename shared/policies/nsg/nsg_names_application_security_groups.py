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

from shared.model import Aspect, Finding, Kind, SecurityGroup, SecurityRule, Severity, SubnetSnapshot
from shared.model.resource_id import ResourceId
from shared.nsg import tolerated
from shared.posture.findings import Judged, compliant, drifted, unknown
from shared.posture.policy import SUBNETS, Policy
from shared.posture.subnet_questions import About, settled_without_group, sharing
from shared.posture.subnet_verdicts import group_finding

ABOUT: Final = About(policy="nsg-names-application-security-groups", severity=Severity.MEDIUM)

_ELSEWHERE: Final = frozenset(
    {"name", "direction", "access", "priority", "protocol"}
    | {f"{end}PortRange{several}" for end in ("source", "destination") for several in ("", "s")}
)
"""Fields of a rule that say nothing of groups."""
_TO_DO: Final = "put the addresses of the groups' members into these rules instead of the groups"


def evaluate(subnet: SubnetSnapshot) -> Finding:
    if found := settled_without_group(subnet):
        return group_finding(ABOUT, subnet, found)
    group = tolerated(subnet.security_group)
    naming = _naming(group)
    if not naming:
        return group_finding(ABOUT, subnet, _without_groups(group))
    rules = " and ".join(f"rule {rule.name!r} ({rule.direction.lower()})" for rule in naming)
    reason = f"{rules} names application security groups, which flexible servers do not support"
    listed = [
        {
            "name": rule.name,
            "priority": rule.priority,
            "sourceGroups": list(map(str, rule.source_groups)),
            "destinationGroups": list(map(str, rule.destination_groups)),
        }
        for rule in naming
    ]
    told_apart = "; ".join(sorted({f"{r.direction}:{g.key}" for r in naming for g in _groups(r)}))
    facts = {"rules": listed, "sharedWith": sharing(subnet)}
    return group_finding(ABOUT, subnet, drifted(reason, told_apart, what_to_do=_TO_DO, evidence=facts))


def _naming(group: SecurityGroup | None) -> list[SecurityRule]:
    """The rules that name groups; one that cannot be read whole does, where all that it may be does."""
    odd = (
        [one.may_be[0] for one in group.odd_rules if one.may_be and all(map(_groups, one.may_be))]
        if group
        else []
    )
    rules = (*group.rules, *odd) if group else ()
    return sorted(filter(_groups, rules), key=lambda rule: (rule.direction, rule.priority))


def _without_groups(group: SecurityGroup | None) -> Judged:
    """A rule whose addresses cannot be read may name groups instead."""
    hidden = [one.why for one in group.odd_rules if one.field not in _ELSEWHERE] if group else []
    if hidden:
        return unknown(f"whether a rule names application security groups is unknown: {'; '.join(hidden)}")
    return compliant("no rule names an application security group")


def _groups(rule: SecurityRule) -> tuple[ResourceId, ...]:
    return (*rule.source_groups, *rule.destination_groups)


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
