"""Somebody locks the network of PostgreSQL servers."""

from local.simulator import seeds
from shared.model import Outcome, Reason, TargetKind
from tests.catalogue.scenario import Scenario, put

NETWORK = seeds.vnet_id(name="vnet-locked")

SCENARIO = Scenario(
    policy="postgres-network-locked",
    kind=TargetKind.SUBNET,
    resource=seeds.subnet_id(vnet="vnet-locked"),
    seed=(seeds.vnet(name="vnet-locked", subnets=[seeds.subnet()]),),
    drift=(
        put(
            f"{NETWORK}/providers/Microsoft.Authorization/locks/freeze",
            seeds.lock(scope=NETWORK, name="freeze", level="ReadOnly"),
        ),
    ),
    outcome=Outcome.ALERTED,
    reason=Reason.NO_PLAN,
    part="Microsoft.Authorization/locks/read",
)
