"""Subnet of PostgreSQL servers without an NSG.

*What it finds.* A subnet that has no network security group and is delegated to
``Microsoft.DBforPostgreSQL/flexibleServers``, or holds private endpoints of PostgreSQL servers for which
network policies would put one in force. Without one everything passes: the default rules do not apply either.
It is advice, but High where the last compliant reading had an NSG: then it was taken off.

*Why it matters.* Whatever is peered, routed or connected to the virtual network reaches the servers on
every port, and the servers reach everything; only passwords and certificates stand between.

*What the change does.* Nothing is changed, for it would be a write of the whole subnet, and which NSG it
should have is its owner's decision: it may be guarded elsewhere, by admin rules or a firewall on the way. The
alert has the command; of an NSG that was taken off, the one that puts that very NSG back.

*What it may break.* Nothing by itself. An NSG that is added must let the servers talk to each other inside
the subnet, and to Azure Storage and Microsoft Entra ID outbound.

*References.* Network security groups, how they filter traffic (no NSG: all traffic is allowed); manage
network policies for private endpoints; Azure security baseline for Azure Database for PostgreSQL.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Final

from shared.model import Aspect, Finding, Kind, Severity, SubnetSnapshot
from shared.posture.client_questions import concerns, not_in_force
from shared.posture.controls import AZURE_POLICY, CIS_5_0, MCSB
from shared.posture.findings import Judged, beside_the_point, compliant, drifted, unknown
from shared.posture.former_group import taken_off, with_former_group
from shared.posture.policy import SUBNETS, Policy
from shared.posture.subnet_facts import delegated
from shared.posture.subnet_questions import About, settled
from shared.posture.subnet_verdicts import group_command, group_finding
from shared.posture.unread import unread_reason

ABOUT: Final = About(policy="nsg-missing-on-postgres-subnet", severity=Severity.INFORMATIONAL)
TAKEN_OFF: Final = Severity.HIGH


def evaluate(subnet: SubnetSnapshot) -> Finding:
    return replace(group_finding(ABOUT, subnet, _judged(subnet)), applies=concerns(subnet))


def _judged(subnet: SubnetSnapshot) -> Judged:
    if not concerns(subnet):
        return beside_the_point("an NSG on the subnet would keep nobody from PostgreSQL")
    if found := settled(subnet) if delegated(subnet) else not_in_force(subnet):
        return found
    if Aspect.SECURITY_GROUP in subnet.unread:
        return unknown(unread_reason(subnet, Aspect.SECURITY_GROUP))
    if subnet.security_group is not None:
        return compliant(f"the subnet has the NSG {subnet.security_group.id.name!r}")
    return drifted("the subnet has no NSG: everything passes", "no NSG", what_to_do=group_command(subnet))


def since(found: Finding, subnet: SubnetSnapshot, former: SubnetSnapshot, read_at: datetime) -> Finding:
    """No NSG loosens more than the one that is taken off."""
    told = with_former_group(found, subnet, former, read_at)
    return replace(told, severity=TAKEN_OFF) if taken_off(subnet, former) else told


POLICY: Policy[SubnetSnapshot] = Policy(
    id=ABOUT.policy,
    title="A PostgreSQL subnet has no NSG",
    kind=Kind.SETTING,
    targets=SUBNETS,
    severity=TAKEN_OFF,
    reads=frozenset({Aspect.SUBNET, Aspect.SECURITY_GROUP, Aspect.SUBNET_ENDPOINTS}),
    controls=(AZURE_POLICY.SUBNET_HAS_NSG, CIS_5_0.P_7_11, MCSB.NS_1),
    evaluate=evaluate,
    since=since,
    order=60,
    why="Everything that reaches the virtual network reaches the servers, on every port.",
)
