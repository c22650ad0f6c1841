"""Somebody turns network policies off on the subnet of a private endpoint: its NSG becomes decoration."""

from local.simulator import seeds
from local.simulator.values import JsonObject
from shared.model import Outcome, Reason, TargetKind
from tests.catalogue.scenario import Scenario, put

NSG = seeds.nsg_id(name="nsg-decoration")
SUBNET = seeds.subnet_id(vnet="vnet-decoration", name="endpoints")
SERVER = seeds.flexible_server_id(name="pg-decoration")


def holding(mode: str) -> JsonObject:
    return {
        "name": "endpoints",
        "properties": {
            "addressPrefix": "10.20.5.0/24",
            "privateEndpointNetworkPolicies": mode,
            "networkSecurityGroup": {"id": NSG},
        },
    }


SCENARIO = Scenario(
    policy="postgres-endpoint-subnet-ignores-network-policies",
    kind=TargetKind.SUBNET,
    resource=SUBNET,
    seed=(
        seeds.nsg(name="nsg-decoration"),
        seeds.vnet(name="vnet-decoration", subnets=[holding("Enabled")]),
        seeds.flexible_server(name="pg-decoration", public_access="Disabled"),
        seeds.private_endpoint(name="pe-decoration", server=SERVER, subnet=SUBNET),
    ),
    drift=(put(SUBNET, holding("Disabled")),),
    outcome=Outcome.ALERTED,
    reason=Reason.NO_PLAN,
    part="Microsoft.Network/privateEndpoints/read",
)
