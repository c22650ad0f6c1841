"""Subnet of PostgreSQL servers without a service endpoint for Azure Storage.

*What it finds.* A subnet delegated to ``Microsoft.DBforPostgreSQL/flexibleServers`` that has no service
endpoint for ``Microsoft.Storage``, of its region or global.

*Why it matters.* Servers archive their write-ahead log to Azure Storage. With the endpoint that traffic
takes the direct way through Azure's network, past user-defined routes and appliances; the service
recommends it for subnets with highly available servers.

*What the change does.* Nothing is changed; it is advice. A write of a subnet replaces the whole of it, so
the alert has the command that adds the endpoint.

*What it may break.* Connections to storage accounts that are open while the endpoint is added are closed
once. Storage accounts with a firewall then see the subnet and no address.

*References.* Private access networking of Azure Database for PostgreSQL (high availability, service
endpoint for Storage); Virtual network service endpoints. No framework among the project's controls states
it.
"""

from __future__ import annotations

from typing import Final

from shared.model import Aspect, Finding, Kind, Severity, SubnetSnapshot
from shared.posture.findings import Judged, beside_the_point, compliant, drifted, finding, unknown
from shared.posture.policy import SUBNETS, Policy
from shared.posture.route_commands import service_endpoint_command
from shared.posture.subnet_facts import delegated

ID: Final = "postgres-storage-service-endpoint-missing"
SEVERITY: Final = Severity.INFORMATIONAL
STORAGE: Final = frozenset({"microsoft.storage", "microsoft.storage.global"})


def evaluate(subnet: SubnetSnapshot) -> Finding:
    return finding(ID, SEVERITY, subnet, _judged(subnet))


def _judged(subnet: SubnetSnapshot) -> Judged:
    if subnet.updating:
        return unknown("the subnet is being updated: look again")
    if not delegated(subnet):
        return beside_the_point("the subnet is not delegated to PostgreSQL flexible servers")
    if subnet.service_endpoints is None:
        return unknown("the subnet's service endpoints could not be read")
    if STORAGE & {service.lower() for service in subnet.service_endpoints}:
        return compliant("the subnet has a service endpoint for Azure Storage")
    return drifted(
        "the subnet has no service endpoint for Azure Storage",
        "no endpoint for Storage",
        what_to_do=service_endpoint_command(subnet, "Microsoft.Storage"),
        evidence={"serviceEndpoints": sorted(subnet.service_endpoints)},
    )


POLICY: Policy[SubnetSnapshot] = Policy(
    id=ID,
    title="A PostgreSQL subnet has no service endpoint for Azure Storage",
    kind=Kind.SETTING,
    targets=SUBNETS,
    severity=SEVERITY,
    reads=frozenset({Aspect.SUBNET}),
    evaluate=evaluate,
    opt_in=True,
    order=70,
    why="Log archiving of highly available servers hangs on whatever stands on the way to Storage.",
)
