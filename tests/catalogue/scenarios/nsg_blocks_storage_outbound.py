"""Somebody denies everything outbound; a rule for Storage is put before it."""

from local.simulator import seeds
from shared.model import Outcome, TargetKind
from tests.catalogue.scenario import Scenario, put

NSG = seeds.nsg_id(name="nsg-storage")
SUBNET = seeds.subnet_id(vnet="vnet-storage", name="db")
DENY_ALL = seeds.security_rule(name="deny-all-out", priority=4096, direction="Outbound")

SCENARIO = Scenario(
    policy="nsg-blocks-storage-outbound",
    kind=TargetKind.SUBNET,
    resource=SUBNET,
    seed=(
        seeds.nsg(name="nsg-storage"),
        seeds.vnet(name="vnet-storage", subnets=[seeds.subnet(name="db", nsg=NSG)]),
    ),
    drift=(put(f"{NSG}/securityRules/deny-all-out", DENY_ALL),),
    outcome=Outcome.REVERTED,
    leaves=(NSG,),
)
