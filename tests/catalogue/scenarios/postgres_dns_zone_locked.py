"""Somebody locks the private DNS zone of a server in a subnet."""

from local.simulator import seeds
from shared.model import Outcome, Reason, TargetKind
from tests.catalogue.scenario import Scenario, put

SERVER = seeds.flexible_server_id(name="locked")
ZONE = seeds.zone_id(name="locked.private.postgres.database.azure.com")

SCENARIO = Scenario(
    policy="postgres-dns-zone-locked",
    kind=TargetKind.FLEXIBLE_SERVER,
    resource=SERVER,
    seed=(
        seeds.vnet(subnets=[seeds.subnet()]),
        seeds.private_dns_zone(name="locked.private.postgres.database.azure.com"),
        seeds.flexible_server(
            name="locked",
            properties={
                "network": {
                    "delegatedSubnetResourceId": seeds.subnet_id(),
                    "privateDnsZoneArmResourceId": ZONE,
                }
            },
        ),
    ),
    drift=(put(f"{ZONE}/providers/Microsoft.Authorization/locks/keep", seeds.lock(scope=ZONE, name="keep")),),
    outcome=Outcome.ALERTED,
    reason=Reason.NO_PLAN,
    part="Microsoft.Authorization/locks/read",
)
