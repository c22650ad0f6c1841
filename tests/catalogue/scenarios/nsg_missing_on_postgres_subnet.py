"""Somebody takes the NSG off the subnet."""

from local.simulator import seeds
from shared.model import Outcome, Reason, TargetKind
from tests.catalogue.scenario import Scenario, put

NSG = seeds.nsg_id(name="nsg-missing")
SUBNET = seeds.subnet_id(vnet="vnet-missing", name="db")

SCENARIO = Scenario(
    policy="nsg-missing-on-postgres-subnet",
    kind=TargetKind.SUBNET,
    resource=SUBNET,
    seed=(
        seeds.nsg(name="nsg-missing"),
        seeds.vnet(name="vnet-missing", subnets=[seeds.subnet(name="db", nsg=NSG)]),
    ),
    drift=(put(SUBNET, seeds.subnet(name="db")),),
    outcome=Outcome.ALERTED,
    reason=Reason.NO_PLAN,
)
