"""Somebody takes away the link between a server's zone and the network of its subnet."""

import json

from local.simulator import seeds
from shared.model import Outcome, Reason, TargetKind
from tests.catalogue import network_team
from tests.catalogue.scenario import Scenario, delete

SERVER = seeds.flexible_server_id(name="inside")
ZONE = seeds.zone_id(name="inside.private.postgres.database.azure.com")
SUBNET = f"{network_team.vnet_id()}/subnets/endpoints"
HUB = network_team.vnet_id("hub")
PARAMETERS = {"linkedNetworks": [HUB]}

_STANDING = (
    seeds.private_dns_zone(name="inside.private.postgres.database.azure.com"),
    seeds.flexible_server(
        name="inside",
        properties={
            "network": {
                "delegatedSubnetResourceId": SUBNET,
                "privateDnsZoneArmResourceId": ZONE,
            }
        },
    ),
)

SCENARIO = Scenario(
    policy="postgres-vnet-dns-zone-not-linked",
    kind=TargetKind.FLEXIBLE_SERVER,
    resource=SERVER,
    seed=(
        *_STANDING,
        network_team.vnet(),
        seeds.zone_link(zone=ZONE, vnet=network_team.vnet_id(), name="spoke"),
    ),
    drift=(delete(f"{ZONE}/virtualNetworkLinks/spoke"),),
    outcome=Outcome.ALERTED,
    reason=Reason.NO_PLAN,
    part="Microsoft.Network/privateDnsZones/virtualNetworkLinks/read",
)
ALSO = (
    Scenario(
        policy="postgres-vnet-dns-zone-not-linked",
        name="central",
        kind=TargetKind.FLEXIBLE_SERVER,
        resource=SERVER,
        seed=(
            *_STANDING,
            network_team.vnet(dns_servers=["10.10.0.4"]),
            network_team.vnet("hub", prefix="10.10.0.0/16"),
            seeds.zone_link(zone=ZONE, vnet=HUB, name="hub"),
        ),
        drift=(delete(f"{ZONE}/virtualNetworkLinks/hub"),),
        outcome=Outcome.ALERTED,
        reason=Reason.NO_PLAN,
        settings=json.dumps({"policies": {"postgres-vnet-dns-zone-not-linked": {"parameters": PARAMETERS}}}),
    ),
)
