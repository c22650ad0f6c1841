"""A server in a subnet loses its private DNS zone."""

from local.simulator import seeds
from shared.model import Outcome, Reason, TargetKind
from tests.catalogue.scenario import Scenario, patch

SERVER = seeds.flexible_server_id(name="half")
ZONE = seeds.zone_id(name="half.private.postgres.database.azure.com")

SCENARIO = Scenario(
    policy="postgres-subnet-and-dns-zone-inconsistent",
    kind=TargetKind.FLEXIBLE_SERVER,
    resource=SERVER,
    seed=(
        seeds.vnet(subnets=[seeds.subnet()]),
        seeds.private_dns_zone(name="half.private.postgres.database.azure.com"),
        seeds.flexible_server(
            name="half",
            properties={
                "network": {
                    "delegatedSubnetResourceId": seeds.subnet_id(),
                    "privateDnsZoneArmResourceId": ZONE,
                }
            },
        ),
    ),
    drift=(patch(SERVER, {"properties": {"network": {"privateDnsZoneArmResourceId": None}}}),),
    outcome=Outcome.ALERTED,
    reason=Reason.NO_PLAN,
)
