"""Somebody changes the record of an endpoint, or a second endpoint in its network shares it."""

import json

from local.simulator import seeds
from shared.model import Outcome, Reason, TargetKind
from tests.catalogue import network_team
from tests.catalogue.scenario import Scenario, put

SERVER = seeds.flexible_server_id(name="recorded")
ENDPOINT = network_team.endpoint_id("recorded-pe")
SECOND = network_team.endpoint_id("second-pe")
ZONE = network_team.zone_id()
ASTRAY = put(f"{ZONE}/A/recorded", seeds.a_record(zone=ZONE, name="recorded", addresses=["10.30.9.9"]))

_STANDING = (
    seeds.flexible_server(name="recorded", public_access="Disabled"),
    network_team.endpoint("recorded-pe", server=SERVER),
    network_team.zone(),
    seeds.zone_group(endpoint=ENDPOINT, zones=[ZONE]),
)

_LINKED = (
    *_STANDING,
    network_team.vnet(),
    seeds.zone_link(zone=ZONE, vnet=network_team.vnet_id(), name="spoke"),
)

SCENARIO = Scenario(
    policy="postgres-endpoint-dns-record-wrong",
    kind=TargetKind.FLEXIBLE_SERVER,
    resource=SERVER,
    seed=_LINKED,
    drift=(ASTRAY,),
    outcome=Outcome.ALERTED,
    reason=Reason.NO_PLAN,
    part="Microsoft.Network/privateDnsZones/A/read",
)
ALSO = (
    Scenario(
        policy="postgres-endpoint-dns-record-wrong",
        name="two-endpoints",
        kind=TargetKind.FLEXIBLE_SERVER,
        resource=SERVER,
        seed=_LINKED,
        drift=(
            put(SECOND, network_team.endpoint("second-pe", server=SERVER)),
            put(
                f"{SECOND}/privateDnsZoneGroups/default",
                seeds.zone_group(endpoint=SECOND, zones=[ZONE]),
            ),
        ),
        outcome=Outcome.ALERTED,
        reason=Reason.EFFECT_ALERT,  # in one network both serve: advice
    ),
    Scenario(
        policy="postgres-endpoint-dns-record-wrong",
        name="central",
        kind=TargetKind.FLEXIBLE_SERVER,
        resource=SERVER,
        seed=(*_STANDING, network_team.vnet(dns_servers=["10.10.0.4"])),
        drift=(ASTRAY,),
        outcome=Outcome.ALERTED,
        reason=Reason.NO_PLAN,
        settings=json.dumps(
            {"policies": {"postgres-endpoint-dns-record-wrong": {"parameters": {"zone": ZONE}}}}
        ),
    ),
)
