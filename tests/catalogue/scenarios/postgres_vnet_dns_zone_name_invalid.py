"""Somebody gives a server in a subnet a zone that is named like the server."""

from local.simulator import seeds
from shared.model import Outcome, Reason, TargetKind
from tests.catalogue.scenario import Scenario, patch

SERVER = seeds.flexible_server_id(name="named")
GOOD = "named.private.postgres.database.azure.com"
BAD = "named.postgres.database.azure.com"

SCENARIO = Scenario(
    policy="postgres-vnet-dns-zone-name-invalid",
    kind=TargetKind.FLEXIBLE_SERVER,
    resource=SERVER,
    seed=(
        seeds.vnet(subnets=[seeds.subnet()]),
        seeds.private_dns_zone(name=GOOD),
        seeds.private_dns_zone(name=BAD),
        seeds.flexible_server(
            name="named",
            properties={
                "network": {
                    "delegatedSubnetResourceId": seeds.subnet_id(),
                    "privateDnsZoneArmResourceId": seeds.zone_id(name=GOOD),
                }
            },
        ),
    ),
    drift=(
        patch(SERVER, {"properties": {"network": {"privateDnsZoneArmResourceId": seeds.zone_id(name=BAD)}}}),
    ),
    outcome=Outcome.ALERTED,
    reason=Reason.NO_PLAN,
)
