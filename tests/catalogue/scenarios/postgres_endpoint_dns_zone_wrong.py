"""Somebody has an endpoint's zone group name another zone, or takes zone and group away."""

import json

from local.simulator import seeds
from shared.model import Outcome, Reason, TargetKind
from tests.catalogue import network_team
from tests.catalogue.scenario import Scenario, delete, put

SERVER = seeds.flexible_server_id(name="zoned")
ENDPOINT = network_team.endpoint_id("zoned-pe")
GROUP = f"{ENDPOINT}/privateDnsZoneGroups/default"
ZONE = network_team.zone_id()
CENTRAL = network_team.zone_id(group="hub")
OTHER = "private.example.com"

_STANDING = (
    seeds.flexible_server(name="zoned", public_access="Disabled"),
    network_team.endpoint("zoned-pe", server=SERVER),
    network_team.zone(),
)

SCENARIO = Scenario(
    policy="postgres-endpoint-dns-zone-wrong",
    kind=TargetKind.FLEXIBLE_SERVER,
    resource=SERVER,
    seed=(
        *_STANDING,
        network_team.vnet(),
        network_team.zone(OTHER),
        seeds.zone_group(endpoint=ENDPOINT, zones=[ZONE]),
    ),
    drift=(put(GROUP, seeds.zone_group(endpoint=ENDPOINT, zones=[network_team.zone_id(OTHER)])),),
    outcome=Outcome.ALERTED,
    reason=Reason.NO_PLAN,
    part="Microsoft.Network/privateEndpoints/privateDnsZoneGroups/read",
)
ALSO = (
    Scenario(
        policy="postgres-endpoint-dns-zone-wrong",
        name="no-zone",
        kind=TargetKind.FLEXIBLE_SERVER,
        resource=SERVER,
        seed=(*_STANDING, network_team.vnet(), seeds.zone_group(endpoint=ENDPOINT, zones=[ZONE])),
        drift=(delete(GROUP), delete(ZONE)),
        outcome=Outcome.ALERTED,
        reason=Reason.NO_PLAN,
    ),
    Scenario(
        policy="postgres-endpoint-dns-zone-wrong",
        name="central",
        kind=TargetKind.FLEXIBLE_SERVER,
        resource=SERVER,
        seed=(
            *_STANDING,
            network_team.vnet(dns_servers=["10.10.0.4"]),
            network_team.zone(group="hub"),
            seeds.zone_group(endpoint=ENDPOINT, zones=[CENTRAL]),
        ),
        drift=(put(GROUP, seeds.zone_group(endpoint=ENDPOINT, zones=[ZONE])),),
        outcome=Outcome.ALERTED,
        reason=Reason.NO_PLAN,
        settings=json.dumps(
            {"policies": {"postgres-endpoint-dns-zone-wrong": {"parameters": {"zone": CENTRAL}}}}
        ),
    ),
)
