"""Somebody denies everything inbound; a rule for the subnet's own traffic is put before it."""

from local.simulator import seeds
from shared.model import Outcome, TargetKind
from tests.catalogue.scenario import Scenario, put

NSG = seeds.nsg_id(name="nsg-blocked")
SUBNET = seeds.subnet_id(vnet="vnet-blocked", name="db")
DENY_ALL = seeds.security_rule(name="deny-all", priority=4096)

SCENARIO = Scenario(
    policy="nsg-blocks-postgres-in-subnet",
    kind=TargetKind.SUBNET,
    resource=SUBNET,
    seed=(
        seeds.nsg(name="nsg-blocked"),
        seeds.vnet(name="vnet-blocked", subnets=[seeds.subnet(name="db", nsg=NSG)]),
    ),
    drift=(put(f"{NSG}/securityRules/deny-all", DENY_ALL),),
    outcome=Outcome.REVERTED,
    leaves=(NSG,),
)
