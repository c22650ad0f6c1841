"""Somebody writes the subnet and leaves its service endpoint out, which removes it."""

from local.simulator import seeds
from local.simulator.values import JsonObject, as_object
from shared.model import Outcome, Reason, TargetKind
from tests.catalogue.scenario import Scenario, put

SUBNET = seeds.subnet_id(vnet="vnet-storage-way", name="db")
BARE = seeds.subnet(name="db")
WITH_ENDPOINT: JsonObject = {
    "name": "db",
    "properties": {
        **as_object(BARE["properties"]),
        "serviceEndpoints": [{"service": "Microsoft.Storage", "locations": ["*"]}],
    },
}

SCENARIO = Scenario(
    policy="postgres-storage-service-endpoint-missing",
    kind=TargetKind.SUBNET,
    resource=SUBNET,
    seed=(seeds.vnet(name="vnet-storage-way", subnets=[WITH_ENDPOINT]),),
    drift=(put(SUBNET, BARE),),
    outcome=Outcome.ALERTED,
    reason=Reason.NO_PLAN,
)
