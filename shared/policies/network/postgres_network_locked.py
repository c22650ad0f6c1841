"""Subnet of PostgreSQL servers or of their private endpoints that is locked.

*What it finds.* A management lock (ReadOnly or CanNotDelete) that holds for a subnet which is delegated to
``Microsoft.DBforPostgreSQL/flexibleServers`` or holds a private endpoint of a PostgreSQL server: on the
subnet itself, on its virtual network, its resource group or its subscription. ReadOnly is Medium;
CanNotDelete, which refuses deletions alone, is Low. A level that is not known is unknown.

*Why it matters.* The service makes, changes and deletes what it needs in the network. Azure's articles ask
for a network without locks when a server is added, for they may interfere with operations on the network and
on DNS: a server, a replica or an endpoint that is to be added may fail, and what was replaced stay behind.

*What the change does.* None is made: a lock is somebody's decision. A person removes it, and may set it again
when what had to be added stands; who may write the network is better limited by roles.

*What it may break.* Whatever else the lock protects, when it stands on the network, a resource group or a
subscription.

*References.* Create and manage virtual networks for Azure Database for PostgreSQL (prerequisites, resource
locks), and the same with Private Link; management locks of Azure Resource Manager. No framework among the
project's controls states it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from shared.model import Aspect, Finding, Kind, Severity, SubnetSnapshot
from shared.posture.findings import Judged, finding, unknown
from shared.posture.management_locks import blocks_changes, holds_for, judge_locks
from shared.posture.policy import SUBNETS, Policy
from shared.posture.subnet_facts import delegated, without_endpoints
from shared.posture.unread import unread_reason

ID: Final = "postgres-network-locked"
SEVERITY: Final = Severity.MEDIUM
DELETIONS_ONLY: Final = Severity.LOW


def evaluate(subnet: SubnetSnapshot) -> Finding:
    return finding(ID, SEVERITY, subnet, _judge(subnet))


def _judge(subnet: SubnetSnapshot) -> Judged:
    if not delegated(subnet) and (settled := without_endpoints(subnet)):
        return settled
    if subnet.network_locks is None:
        return unknown(unread_reason(subnet, Aspect.NETWORK_LOCKS))
    held = [lock for lock in subnet.network_locks if holds_for(lock, subnet.id)]
    changes = blocks_changes(held)
    refused = "changed" if changes else "deleted"
    harm = f"nothing in subnet {subnet.id.name} can be {refused}, and what the service does there may fail"
    judged = judge_locks(held, f"subnet {subnet.id.name}", harm)
    return judged if changes else replace(judged, severity=DELETIONS_ONLY if judged.is_drift else None)


POLICY: Policy[SubnetSnapshot] = Policy(
    id=ID,
    title="The network of PostgreSQL servers or private endpoints is locked",
    kind=Kind.CONNECTIVITY,
    targets=SUBNETS,
    severity=SEVERITY,
    reads=frozenset({Aspect.SUBNET, Aspect.SUBNET_ENDPOINTS, Aspect.NETWORK_LOCKS}),
    evaluate=evaluate,
    opt_in=True,
    why="Adding a server, a replica or an endpoint may fail, and what is replaced may stay behind.",
)
