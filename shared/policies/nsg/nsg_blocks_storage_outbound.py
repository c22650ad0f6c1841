"""NSG or route that keeps the servers of its subnet from Azure Storage.

*What it finds.* A subnet delegated to ``Microsoft.DBforPostgreSQL/flexibleServers`` whose NSG denies TCP
443 outbound to the service tag ``Storage`` of the subnet's region, or whose route table sends all of it
nowhere (``None``) and that has no service endpoint for Storage, whose routes go before. A rule for the
region's tag, for ``Storage``, for ``Internet`` or for everything lets it pass, and so do the default
rules: ``Internet`` holds Azure's public ranges. What rules leave open is unknown: whether
``VirtualNetwork`` holds Storage, whether listed addresses or ``AzureCloud`` are what it uses; and so is
whether an appliance on the way lets it pass. Only IPv4.

*Why it matters.* A flexible server archives its write-ahead log and its backups to Azure Storage, outbound
through the subnet. Cut off, log piles up on its disk, and there is nothing to restore from.

*What the change does.* Adds one outbound allow rule from the subnet's own prefixes to the tag ``Storage``,
TCP 443, ahead of every rule that may deny it. No rule is edited or moved. A route is its owner's: of one
that loses Storage the alert tells what mends it, a route for the tag or the service endpoint, and nothing
is changed.

*What it may break.* Nothing that passes now. It asks for approval where the NSG may not be this subnet's
alone, as ``nsg-blocks-postgres-in-subnet`` does. The tag holds the accounts of every customer, so whoever
counts on the NSG against copying data out will want to narrow the rule to the region by hand.

*References.* Private access networking of Azure Database for PostgreSQL (tag Storage, TCP 443); Virtual
network service tags; Virtual network traffic routing (service endpoints). No framework states this
requirement.
"""

from __future__ import annotations

from typing import Final

from shared.model import Aspect, Change, Edit, Finding, Kind, Safety, Severity, SubnetSnapshot
from shared.posture.need_verdicts import judge, service_plan, service_suggestion
from shared.posture.needs import Need, storage
from shared.posture.policy import SUBNETS, Policy, without_caution
from shared.posture.service_questions import service_traffic
from shared.posture.subnet_questions import About
from shared.posture.subnet_rules import RULE_EDITS

ABOUT: Final = About(
    policy="nsg-blocks-storage-outbound", severity=Severity.HIGH, rule_name="driftward-storage"
)


def evaluate(subnet: SubnetSnapshot) -> Finding:
    return judge(_storage(subnet), subnet)


def plan(found: Finding, subnet: SubnetSnapshot) -> Change | None:
    return service_plan(_storage(subnet), found, subnet)


def suggest(found: Finding, subnet: SubnetSnapshot) -> tuple[Edit, ...]:
    return service_suggestion(_storage(subnet), found, subnet)


def _storage(subnet: SubnetSnapshot) -> Need:
    return storage(ABOUT, subnet, subnet.location)


POLICY: Policy[SubnetSnapshot] = Policy(
    id=ABOUT.policy,
    title="An NSG or a route keeps a PostgreSQL subnet from Azure Storage",
    kind=Kind.CONNECTIVITY,
    targets=SUBNETS,
    severity=ABOUT.severity,
    safety=Safety.AUTO,
    reads=frozenset({Aspect.SUBNET, Aspect.SECURITY_GROUP, Aspect.ROUTES, Aspect.VIRTUAL_NETWORK}),
    edits=RULE_EDITS,
    evaluate=evaluate,
    plan=plan,
    assess=without_caution,
    forbidden=service_traffic,
    suggest=suggest,
    order=51,
    why="The servers of this subnet cannot archive their write-ahead log and backups: the disk fills up "
    "and a restore to a point in time is lost.",
)
