"""Somebody takes the NSG off the subnet."""

from local.simulator import seeds
from local.simulator.values import JsonObject
from shared.model import Outcome, Reason, TargetKind
from tests.catalogue.scenario import Scenario, put
from tests.catalogue.shut import SHUT

NSG = seeds.nsg_id(name="nsg-missing")
SUBNET = seeds.subnet_id(vnet="vnet-missing", name="db")

SCENARIO = Scenario(
    policy="nsg-missing-on-postgres-subnet",
    kind=TargetKind.SUBNET,
    resource=SUBNET,
    seed=(
        seeds.nsg(name="nsg-missing", rules=SHUT),
        seeds.vnet(name="vnet-missing", subnets=[seeds.subnet(name="db", nsg=NSG)]),
    ),
    drift=(put(SUBNET, seeds.subnet(name="db")),),
    outcome=Outcome.ALERTED,
    reason=Reason.NO_PLAN,
)

HOLDING = seeds.subnet_id(vnet="vnet-missing", name="endpoints")
MODE: JsonObject = {"addressPrefix": "10.20.5.0/24", "privateEndpointNetworkPolicies": "Enabled"}

ALSO = (
    Scenario(
        name="endpoints",
        policy="nsg-missing-on-postgres-subnet",
        kind=TargetKind.SUBNET,
        resource=HOLDING,
        seed=(
            seeds.nsg(name="nsg-missing"),
            seeds.vnet(
                name="vnet-missing",
                subnets=[{"name": "endpoints", "properties": {**MODE, "networkSecurityGroup": {"id": NSG}}}],
            ),
            seeds.flexible_server(name="pg-missing", public_access="Disabled"),
            seeds.private_endpoint(
                name="pe-missing", server=seeds.flexible_server_id(name="pg-missing"), subnet=HOLDING
            ),
        ),
        drift=(put(HOLDING, {"properties": MODE}),),
        outcome=Outcome.ALERTED,
        reason=Reason.NO_PLAN,
    ),
)
"""It was in force for the private endpoints in the subnet."""
