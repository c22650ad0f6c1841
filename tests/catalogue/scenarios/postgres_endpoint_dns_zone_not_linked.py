"""Somebody takes away the link between the zone and the network that needs it."""

import json

from local.simulator import seeds
from shared.model import Outcome, Reason, TargetKind
from tests.catalogue import network_team
from tests.catalogue.scenario import Scenario, delete

SERVER = seeds.flexible_server_id(name="linked")
ENDPOINT = network_team.endpoint_id("linked-pe")
ZONE = network_team.zone_id()
HUB = network_team.vnet_id("hub")
PARAMETERS = {"zone": ZONE, "linkedNetworks": [HUB]}

_STANDING = (
    seeds.flexible_server(name="linked", public_access="Disabled"),
    network_team.endpoint("linked-pe", server=SERVER),
    network_team.zone(),
    seeds.zone_group(endpoint=ENDPOINT, zones=[ZONE]),
)

SCENARIO = Scenario(
    policy="postgres-endpoint-dns-zone-not-linked",
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
        policy="postgres-endpoint-dns-zone-not-linked",
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
        settings=json.dumps(
            {"policies": {"postgres-endpoint-dns-zone-not-linked": {"parameters": PARAMETERS}}}
        ),
    ),
)
