"""Somebody denies everything inbound to a primary with a replica elsewhere; once approved it is let in."""

from local.simulator import seeds
from shared.model import Outcome, TargetKind
from tests.catalogue.scenario import Scenario, put

NSG = seeds.nsg_id(name="nsg-primary")
SUBNET = seeds.subnet_id(vnet="vnet-primary", name="db")
FAR = seeds.subnet_id(vnet="vnet-replica", name="db")
PRIMARY = seeds.flexible_server_id(name="pg-primary")
DENY_ALL = seeds.security_rule(name="deny-all", priority=4096)

SCENARIO = Scenario(
    policy="nsg-blocks-postgres-replicas",
    kind=TargetKind.SUBNET,
    resource=SUBNET,
    seed=(
        seeds.nsg(name="nsg-primary"),
        seeds.vnet(name="vnet-primary", subnets=[seeds.subnet(name="db", nsg=NSG)]),
        seeds.vnet(
            name="vnet-replica",
            prefixes=["10.60.0.0/16"],
            subnets=[seeds.subnet(name="db", prefix="10.60.1.0/24")],
        ),
        seeds.flexible_server(name="pg-primary", public_access="Disabled", delegated_subnet=SUBNET),
        seeds.replica(name="pg-replica", source=PRIMARY, delegated_subnet=FAR),
    ),
    drift=(put(f"{NSG}/securityRules/deny-all", DENY_ALL),),
    outcome=Outcome.REVERTED,
    leaves=(NSG,),
    part="Microsoft.DBforPostgreSQL/flexibleServers/replicas/read",
)
