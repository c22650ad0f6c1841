"""Somebody denies everything before the rule for the declared clients; once approved they are let in."""

from local.simulator import seeds
from shared.model import Outcome, TargetKind
from tests.catalogue.scenario import Scenario, put

NSG = seeds.nsg_id(name="nsg-clients")
TABLE = seeds.route_table_id(name="rt-clients")
SUBNET = seeds.subnet_id(vnet="vnet-clients", name="db")
CLIENTS = seeds.security_rule(
    name="clients", priority=300, access="Allow", properties={"sourceAddressPrefix": "10.20.8.0/24"}
)
DENY_ALL = seeds.security_rule(name="deny-all", priority=200)

SCENARIO = Scenario(
    policy="nsg-blocks-postgres-clients",
    kind=TargetKind.SUBNET,
    resource=SUBNET,
    seed=(
        seeds.nsg(name="nsg-clients", rules=[CLIENTS]),
        seeds.route_table(name="rt-clients"),
        seeds.vnet(name="vnet-clients", subnets=[seeds.subnet(name="db", nsg=NSG, route_table=TABLE)]),
    ),
    drift=(put(f"{NSG}/securityRules/deny-all", DENY_ALL),),
    settings="policies: {nsg-blocks-postgres-clients: {parameters: {clients: [10.20.8.0/24]}}}",
    outcome=Outcome.REVERTED,
    leaves=(NSG,),
    part="Microsoft.Network/routeTables/read",
)
