"""NSG that keeps the servers of its subnet from Azure Storage.

*What it finds.* A subnet delegated to ``Microsoft.DBforPostgreSQL/flexibleServers`` whose NSG denies TCP 443
outbound to the service tag ``Storage`` of the subnet's region. A rule for the region's tag, for ``Storage``,
for ``Internet`` or for everything lets it pass, and so do the default rules: Azure documents that
``Internet`` holds its own public ranges. What these rules leave open is unknown: whether ``VirtualNetwork``
holds Storage, as it may where a route for everything is in use; whether listed addresses, another region or
``AzureCloud`` are what this region's Storage uses. Only IPv4 is asked about.

*Why it matters.* A flexible server archives its write-ahead log and its backups to Azure Storage, outbound
through the subnet's NSG. Cut off, log piles up on its disk, and there is nothing to restore from.

*What the change does.* Adds one outbound allow rule from the subnet's own prefixes to the tag ``Storage``,
TCP 443, ahead of every rule that may deny it. No rule is edited, moved or put back.

*What it may break.* Nothing that passes now. The tag holds the accounts of every customer, so whoever
counts on the NSG against copying data out will want to narrow the rule to the region by hand.

*References.* Private access networking of Azure Database for PostgreSQL (destination tag Storage, TCP 443,
may be narrowed to the region); Virtual network service tags. No framework states this requirement.
"""

from __future__ import annotations

from typing import Final

from shared.model import Aspect, Change, Finding, Kind, Safety, Severity, SubnetSnapshot
from shared.posture.findings import is_drift
from shared.posture.policy import SUBNETS, Policy
from shared.posture.service_questions import (
    STORAGE,
    Service,
    in_region,
    service_change,
    service_finding,
    service_traffic,
)
from shared.posture.subnet_questions import About, settled_without_group
from shared.posture.subnet_rules import RULE_EDITS, only_adds
from shared.posture.subnet_verdicts import group_finding

ABOUT: Final = About(
    policy="nsg-blocks-storage-outbound", severity=Severity.HIGH, rule_name="driftward-storage"
)


def evaluate(subnet: SubnetSnapshot) -> Finding:
    if found := settled_without_group(subnet):
        return group_finding(ABOUT, subnet, found)
    return service_finding(_storage(subnet), subnet)


def plan(found: Finding, subnet: SubnetSnapshot) -> Change | None:
    return service_change(_storage(subnet), subnet) if is_drift(found) else None


def _storage(subnet: SubnetSnapshot) -> Service:
    return Service(about=ABOUT, tag=STORAGE, asked=in_region(STORAGE, subnet.location))


POLICY: Policy[SubnetSnapshot] = Policy(
    id=ABOUT.policy,
    title="An NSG blocks Azure Storage outbound from a PostgreSQL subnet",
    kind=Kind.CONNECTIVITY,
    targets=SUBNETS,
    severity=ABOUT.severity,
    safety=Safety.AUTO,
    reads=frozenset({Aspect.SUBNET, Aspect.SECURITY_GROUP, Aspect.VIRTUAL_NETWORK}),
    edits=RULE_EDITS,
    evaluate=evaluate,
    plan=plan,
    assess=only_adds,
    forbidden=service_traffic,
    order=51,
    why="The servers of this subnet cannot archive their write-ahead log and backups: the disk fills up "
    "and a restore to a point in time is lost.",
)
