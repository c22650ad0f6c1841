"""Subnet of PostgreSQL servers that is not delegated to them.

*What it finds.* A subnet that flexible servers name as their delegated subnet, and that is not delegated to
``Microsoft.DBforPostgreSQL/flexibleServers`` (any more). Which servers those are is what Resource Graph
knows; each of them is then read. A subnet without such servers is none of this policy's.

*Why it matters.* The delegation lets the service place and move the servers' interfaces. Without it
failover, scaling and repairs may fail at the moment when they are needed, other resources may be put among
the databases, and none of the policies about delegated subnets look here.

*What the change does.* Nothing is changed: a write of a subnet replaces the whole of it, and Azure refuses
it while another service holds the subnet. Add the delegation by hand; the alert has the command.

*What it may break.* Adding the delegation keeps other resources from being put into the subnet.

*References.* Private access networking of Azure Database for PostgreSQL (delegated subnet); Subnet
delegation.
"""

from __future__ import annotations

import shlex
from typing import Final

from shared.model import Aspect, Finding, Kind, Severity, SubnetSnapshot
from shared.posture.controls import MCSB
from shared.posture.findings import Judged, beside_the_point, compliant, drifted, finding, unknown
from shared.posture.policy import SUBNETS, Policy
from shared.posture.subnet_facts import delegated
from shared.posture.unread import unread_reason

ID: Final = "postgres-subnet-not-delegated"
SEVERITY: Final = Severity.HIGH
SERVICE: Final = "Microsoft.DBforPostgreSQL/flexibleServers"
_THEN: Final = (
    "then see what the next look finds: from the delegation on, its NSG and routes are judged as those of a "
    "PostgreSQL subnet"
)


def evaluate(subnet: SubnetSnapshot) -> Finding:
    return finding(ID, SEVERITY, subnet, _judged(subnet))


def _judged(subnet: SubnetSnapshot) -> Judged:
    if subnet.updating:
        return unknown("the subnet is being updated: look again")
    if delegated(subnet):
        return compliant("the subnet is delegated to PostgreSQL flexible servers")
    if subnet.servers is None:
        return unknown(f"the subnet is not delegated, and {unread_reason(subnet, Aspect.SUBNET_SERVERS)}")
    if not subnet.servers:
        return beside_the_point("no PostgreSQL server is known to stand in the subnet")
    if odd := subnet.odd_fields.get("delegations"):
        return unknown(f"{odd}, and cannot be judged")
    names = sorted(server.id.name for server in subnet.servers)
    servers = sorted(str(server.id) for server in subnet.servers)
    update = f"az network vnet subnet update --ids {shlex.quote(str(subnet.id))} --delegations {SERVICE}"
    return drifted(
        f"the subnet holds {', '.join(names)} and is not delegated to flexible servers",
        "not delegated",
        what_to_do=(update, _THEN),
        evidence={"servers": servers, "delegations": sorted(subnet.delegations)},
    )


POLICY: Policy[SubnetSnapshot] = Policy(
    id=ID,
    title="A subnet with PostgreSQL servers is not delegated to them",
    kind=Kind.SETTING,
    targets=SUBNETS,
    severity=SEVERITY,
    reads=frozenset({Aspect.SUBNET, Aspect.SUBNET_SERVERS}),
    controls=(MCSB.NS_1,),
    evaluate=evaluate,
    order=67,
    why="Failover and repairs of the servers may fail, and other resources may be put among them.",
)
