"""Subnet of PostgreSQL servers without an NSG.

*What it finds.* A subnet that has no network security group and is delegated to
``Microsoft.DBforPostgreSQL/flexibleServers`` or holds private endpoints of PostgreSQL servers. Without one
everything passes: the default rules do not apply either. It is advice, but High where an NSG was in force at
the last compliant reading: then it was taken off.

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
from typing import Final

from shared.model import Aspect, Finding, Kind, Severity, SubnetSnapshot
from shared.nsg import EVERY_ADDRESS, Side, traffic_boxes
from shared.posture.client_questions import databases, ports_here
from shared.posture.controls import AZURE_POLICY, CIS_5_0, MCSB
from shared.posture.findings import Judged, compliant, drifted, unknown
from shared.posture.former_group import TAKEN_AWAY, enforcing, group_in_force, taken_off
from shared.posture.policy import SUBNETS, Policy
from shared.posture.subnet_facts import PGBOUNCER_PORT, POSTGRES_PORT, delegated, without_endpoints
from shared.posture.subnet_questions import About, into, settled
from shared.posture.subnet_verdicts import group_command, group_finding
from shared.posture.traffic import SubnetTraffic
from shared.posture.unread import unread_reason

ABOUT: Final = About(policy="nsg-missing-on-postgres-subnet", severity=Severity.INFORMATIONAL)


def evaluate(subnet: SubnetSnapshot) -> Finding:
    judged = _judged(subnet)
    return replace(group_finding(ABOUT, subnet, judged), applies=judged.applies)


def _judged(subnet: SubnetSnapshot) -> Judged:
    if found := settled(subnet) if delegated(subnet) else without_endpoints(subnet):
        return found
    if Aspect.SECURITY_GROUP in subnet.unread:
        return unknown(unread_reason(subnet, Aspect.SECURITY_GROUP))
    if subnet.security_group is not None:
        held = compliant(f"the subnet has the NSG {subnet.security_group.id.name!r}")
        return replace(held, applies=group_in_force(subnet))
    bare = "the subnet has no NSG: everything passes"
    return drifted(bare, "no NSG", what_to_do=f"{group_command(subnet)}{enforcing(subnet)}")


def forbidden(subnet: SubnetSnapshot) -> SubnetTraffic:
    """What is asked of here: who reaches the databases, which without an NSG everybody does."""
    ports = ports_here(subnet, [POSTGRES_PORT, PGBOUNCER_PORT])
    questions = into(subnet, Side(EVERY_ADDRESS), ports, databases(subnet))
    return SubnetTraffic(boxes=tuple(box for question in questions for box in traffic_boxes(question)))


POLICY: Policy[SubnetSnapshot] = Policy(
    id=ABOUT.policy,
    title="A PostgreSQL subnet has no NSG",
    kind=Kind.SETTING,
    targets=SUBNETS,
    severity=TAKEN_AWAY,
    reads=frozenset({Aspect.SUBNET, Aspect.SECURITY_GROUP, Aspect.SUBNET_ENDPOINTS}),
    controls=(AZURE_POLICY.SUBNET_HAS_NSG, CIS_5_0.P_7_11, MCSB.NS_1),
    evaluate=evaluate,
    since=taken_off,
    forbidden=forbidden,
    order=60,
    why="Everything that reaches the virtual network reaches the servers, on every port.",
)
