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
security baseline for Azure Database for PostgreSQL. Azure Policy e71308d3-144b-4262-b144-efdc3cc90517; CIS
Microsoft Azure Foundations 5.0.0 7.11; MCSB v1 NS-1.
"""

from __future__ import annotations

import shlex
from dataclasses import replace
from typing import Final

from shared.model import (
    Aspect,
    ComplianceState,
    Finding,
    Kind,
    Safety,
    Severity,
    SubnetSnapshot,
    TargetKind,
)
from shared.posture.policy import Control, Policy
from shared.posture.subnet_questions import READS, About, finding, settled

ABOUT: Final = About(policy="nsg-missing-on-postgres-subnet", severity=Severity.INFORMATIONAL)


def evaluate(subnet: SubnetSnapshot) -> Finding:
    if found := settled(subnet):
        return finding(ABOUT, subnet, *found)
    if subnet.security_group is not None:
        held = f"the subnet has the NSG {subnet.security_group.id.name!r}"
        return finding(ABOUT, subnet, ComplianceState.COMPLIANT, held)
    drift = finding(ABOUT, subnet, ComplianceState.NON_COMPLIANT, "the subnet has no NSG: everything passes")
    told = {"whatToDo": f"{_update(subnet)} --network-security-group '<id of an NSG of the same region>'"}
    return replace(drift, fingerprint="no NSG", evidence={**drift.evidence, **told})


def _update(subnet: SubnetSnapshot) -> str:
    return f"az network vnet subnet update --ids {shlex.quote(str(subnet.id))}"


POLICY: Policy[SubnetSnapshot] = Policy(
    id=ABOUT.policy,
    title="A PostgreSQL subnet has no NSG",
    kind=Kind.SETTING,
    targets=frozenset({TargetKind.SUBNET}),
    severity=ABOUT.severity,
    safety=Safety.MANUAL,
    reads=frozenset({Aspect.SUBNET, Aspect.SECURITY_GROUP}),
    permissions=READS,
    controls=(
        Control(
            framework="Azure Policy",
            version="built-in",
            id="e71308d3-144b-4262-b144-efdc3cc90517",
            title="Subnets should be associated with a Network Security Group",
        ),
        Control(
            framework="CIS Microsoft Azure Foundations",
            version="5.0.0",
            id="7.11",
            title="Subnets are associated with network security groups",
        ),
        Control(framework="MCSB", version="v1", id="NS-1", title="Establish network segmentation boundaries"),
    ),
    evaluate=evaluate,
    order=60,
    why="Everything that reaches the virtual network reaches the servers, on every port.",
)
