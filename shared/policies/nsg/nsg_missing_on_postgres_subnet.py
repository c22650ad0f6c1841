"""Subnet of PostgreSQL servers without an NSG.

*What it finds.* A subnet delegated to ``Microsoft.DBforPostgreSQL/flexibleServers`` that has no network
security group. Without one everything passes: the default rules do not apply either.

*Why it matters.* Whatever is peered, routed or connected to the virtual network reaches the servers on
every port, and the servers reach everything; only passwords and certificates stand between.

*What the change does.* Nothing is changed: which NSG the subnet should have is its owner's decision. It is
advice, for a subnet may be guarded elsewhere, by admin rules or a firewall on the way.

*What it may break.* Nothing by itself. An NSG that is added must let the servers talk to each other inside
the subnet, and to Azure Storage and Microsoft Entra ID outbound.

*References.* Network security groups, how they filter traffic (no NSG: all traffic is allowed); Azure
security baseline for Azure Database for PostgreSQL.
"""

from __future__ import annotations

from typing import Final

from shared.model import Aspect, Finding, Kind, Severity, SubnetSnapshot
from shared.posture.controls import AZURE_POLICY, CIS_5_0, MCSB
from shared.posture.findings import compliant, drifted
from shared.posture.policy import SUBNETS, Policy
from shared.posture.subnet_questions import About, settled
from shared.posture.subnet_verdicts import group_command, group_finding

ABOUT: Final = About(policy="nsg-missing-on-postgres-subnet", severity=Severity.INFORMATIONAL)


def evaluate(subnet: SubnetSnapshot) -> Finding:
    if found := settled(subnet):
        return group_finding(ABOUT, subnet, found)
    if subnet.security_group is not None:
        held = f"the subnet has the NSG {subnet.security_group.id.name!r}"
        return group_finding(ABOUT, subnet, compliant(held))
    told = "the subnet has no NSG: everything passes"
    bare = drifted(told, "no NSG", what_to_do=group_command(subnet))
    return group_finding(ABOUT, subnet, bare)


POLICY: Policy[SubnetSnapshot] = Policy(
    id=ABOUT.policy,
    title="A PostgreSQL subnet has no NSG",
    kind=Kind.SETTING,
    targets=SUBNETS,
    severity=ABOUT.severity,
    reads=frozenset({Aspect.SUBNET, Aspect.SECURITY_GROUP}),
    controls=(AZURE_POLICY.SUBNET_HAS_NSG, CIS_5_0.P_7_11, MCSB.NS_1),
    evaluate=evaluate,
    order=60,
    why="Everything that reaches the virtual network reaches the servers, on every port.",
)
