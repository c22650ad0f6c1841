"""Somebody writes the subnet without its delegation while a server stands in it.

Azure refuses that as long as the service's association link stands in the subnet; what the policy finds has
lost both.
"""

from local.simulator import seeds
from shared.model import Outcome, Reason, TargetKind
from tests.catalogue.scenario import Scenario, put
from tests.catalogue.shut import SHUT

SUBNET = seeds.subnet_id(vnet="vnet-undelegated", name="db")

NSG = seeds.nsg_id(name="nsg-undelegated")
ENDPOINT = seeds.service_endpoints("Microsoft.Storage")

SCENARIO = Scenario(
    policy="postgres-subnet-not-delegated",
    kind=TargetKind.SUBNET,
    resource=SUBNET,
    seed=(
        seeds.nsg(name="nsg-undelegated", rules=SHUT),
        seeds.vnet(name="vnet-undelegated", subnets=[seeds.subnet(name="db", nsg=NSG, properties=ENDPOINT)]),
        seeds.flexible_server(name="pg-undelegated", public_access="Disabled", delegated_subnet=SUBNET),
    ),
    drift=(put(SUBNET, seeds.subnet(name="db", nsg=NSG, delegated=False, properties=ENDPOINT)),),
    outcome=Outcome.ALERTED,
    reason=Reason.NO_PLAN,
    switches={"delegation_of_used_subnet": "removable"},
)
