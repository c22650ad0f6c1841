"""Somebody allows PostgreSQL from the Internet; a deny is put before it, once approved."""

from local.simulator import seeds
from shared.model import Outcome, TargetKind
from tests.catalogue.scenario import Scenario, put

NSG = seeds.nsg_id(name="nsg-exposed")
SUBNET = seeds.subnet_id(vnet="vnet-exposed", name="db")
FROM_ANYWHERE = seeds.security_rule(
    name="from-anywhere",
    priority=300,
    access="Allow",
    properties={"protocol": "Tcp", "sourceAddressPrefix": "Internet", "destinationPortRange": "5432"},
)

SCENARIO = Scenario(
    policy="nsg-exposes-postgres-to-internet",
    kind=TargetKind.SUBNET,
    resource=SUBNET,
    seed=(
        seeds.nsg(name="nsg-exposed"),
        seeds.vnet(name="vnet-exposed", subnets=[seeds.subnet(name="db", nsg=NSG)]),
    ),
    drift=(put(f"{NSG}/securityRules/from-anywhere", FROM_ANYWHERE),),
    outcome=Outcome.REVERTED,
    leaves=(NSG,),
)
