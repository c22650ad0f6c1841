"""Somebody denies everything before the rules that let declared clients in; once approved they are let in."""

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
BY_DEFAULT = seeds.nsg_id(name="nsg-by-default")

SCENARIO = Scenario(
    policy="nsg-blocks-postgres-clients",
    kind=TargetKind.SUBNET,
    resource=seeds.subnet_id(vnet="vnet-by-default", name="db"),
    seed=(
        seeds.nsg(name="nsg-by-default"),
        seeds.route_table(name="rt-clients"),
        seeds.vnet(
            name="vnet-by-default", subnets=[seeds.subnet(name="db", nsg=BY_DEFAULT, route_table=TABLE)]
        ),
    ),
    drift=(put(f"{BY_DEFAULT}/securityRules/deny-all", DENY_ALL),),
    settings="policies: {nsg-blocks-postgres-clients: {parameters: {clients: [10.20.8.0/24]}}}",
    outcome=Outcome.REVERTED,
    leaves=(BY_DEFAULT,),
    part="Microsoft.Network/routeTables/read",
)

ALSO = (
    Scenario(
        name="by-a-rule",
        policy="nsg-blocks-postgres-clients",
        kind=TargetKind.SUBNET,
        resource=SUBNET,
        seed=(
            seeds.nsg(name="nsg-clients", rules=[CLIENTS]),
            seeds.vnet(name="vnet-clients", subnets=[seeds.subnet(name="db", nsg=NSG)]),
        ),
        drift=(put(f"{NSG}/securityRules/deny-all", DENY_ALL),),
        settings="policies: {nsg-blocks-postgres-clients: {parameters: {clients: [10.20.8.0/24]}}}",
        outcome=Outcome.REVERTED,
        leaves=(NSG,),
    ),
)
