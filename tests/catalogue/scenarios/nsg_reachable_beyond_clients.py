"""Somebody deletes the deny behind the declared clients: the whole network reaches PostgreSQL."""

from local.simulator import seeds
from shared.model import Outcome, Reason, TargetKind
from tests.catalogue.scenario import Scenario, delete

NSG = seeds.nsg_id(name="nsg-beyond")
SUBNET = seeds.subnet_id(vnet="vnet-beyond", name="db")
OWN = seeds.security_rule(
    name="own", priority=100, access="Allow", properties={"sourceAddressPrefix": "10.20.1.0/24"}
)
CLIENTS = seeds.security_rule(
    name="clients", priority=110, access="Allow", properties={"sourceAddressPrefix": "10.20.8.0/24"}
)
REST = seeds.security_rule(name="rest", priority=4096)

SCENARIO = Scenario(
    policy="nsg-reachable-beyond-clients",
    kind=TargetKind.SUBNET,
    resource=SUBNET,
    seed=(
        seeds.nsg(name="nsg-beyond", rules=[OWN, CLIENTS, REST]),
        seeds.vnet(name="vnet-beyond", subnets=[seeds.subnet(name="db", nsg=NSG)]),
    ),
    drift=(delete(f"{NSG}/securityRules/rest"),),
    settings="policies: {nsg-reachable-beyond-clients: {parameters: {clients: [10.20.8.0/24]}}}",
    outcome=Outcome.ALERTED,
    reason=Reason.NO_PLAN,
)
