"""Somebody sends the whole network's space to a firewall, the private endpoint's address with it."""

from local.simulator import seeds
from local.simulator.values import JsonObject
from shared.model import Outcome, Reason, TargetKind
from tests.catalogue.scenario import Scenario, put

TABLE = seeds.network_id(kind="routeTables", name="rt-override")
SUBNET = seeds.subnet_id(vnet="vnet-override", name="endpoints")
SERVER = seeds.flexible_server_id(name="pg-override")
HOLDING: JsonObject = {
    "name": "endpoints",
    "properties": {
        "addressPrefix": "10.20.5.0/24",
        "privateEndpointNetworkPolicies": "Enabled",
        "routeTable": {"id": TABLE},
    },
}

SCENARIO = Scenario(
    policy="postgres-endpoint-route-overridden",
    kind=TargetKind.SUBNET,
    resource=SUBNET,
    seed=(
        seeds.route_table(name="rt-override"),
        seeds.vnet(name="vnet-override", subnets=[HOLDING]),
        seeds.flexible_server(name="pg-override", public_access="Disabled"),
        seeds.private_endpoint(name="pe-override", server=SERVER, subnet=SUBNET),
    ),
    drift=(
        put(
            f"{TABLE}/routes/network",
            {
                "properties": {
                    "addressPrefix": "10.20.0.0/16",
                    "nextHopType": "VirtualAppliance",
                    "nextHopIpAddress": "10.20.0.4",
                }
            },
        ),
    ),
    outcome=Outcome.ALERTED,
    reason=Reason.NO_PLAN,
    part="Microsoft.Network/routeTables/read",
)
