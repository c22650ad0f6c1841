"""Somebody denies everything outbound where a server takes Entra tokens; a rule for them is put before it."""

from local.simulator import seeds
from shared.model import Outcome, TargetKind
from tests.catalogue.scenario import Scenario, put

NSG = seeds.nsg_id(name="nsg-entra")
SUBNET = seeds.subnet_id(vnet="vnet-entra", name="db")
DENY_ALL = seeds.security_rule(name="deny-all-out", priority=4096, direction="Outbound")

SCENARIO = Scenario(
    policy="nsg-blocks-entra-outbound",
    kind=TargetKind.SUBNET,
    resource=SUBNET,
    seed=(
        seeds.nsg(name="nsg-entra"),
        seeds.vnet(name="vnet-entra", subnets=[seeds.subnet(name="db", nsg=NSG)]),
        seeds.flexible_server(
            name="pg-entra",
            public_access="Disabled",
            delegated_subnet=SUBNET,
            properties={"authConfig": {"activeDirectoryAuth": "Enabled", "passwordAuth": "Disabled"}},
        ),
    ),
    drift=(put(f"{NSG}/securityRules/deny-all-out", DENY_ALL),),
    outcome=Outcome.REVERTED,
    leaves=(NSG,),
)
