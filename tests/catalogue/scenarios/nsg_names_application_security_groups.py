"""Somebody writes a rule for an application security group, which the service does not support."""

from local.simulator import seeds
from local.simulator.values import JsonObject
from shared.model import Outcome, Reason, TargetKind
from tests.catalogue.scenario import Scenario, put

NSG = seeds.nsg_id(name="nsg-groups")
SUBNET = seeds.subnet_id(vnet="vnet-groups", name="db")
WEB = seeds.network_id(kind="applicationSecurityGroups", name="asg-web")
FROM_WEB: JsonObject = {
    "properties": {
        "priority": 300,
        "direction": "Inbound",
        "access": "Allow",
        "protocol": "Tcp",
        "sourceApplicationSecurityGroups": [{"id": WEB}],
        "sourcePortRange": "*",
        "destinationAddressPrefix": "*",
        "destinationPortRange": "5432",
    }
}

SCENARIO = Scenario(
    policy="nsg-names-application-security-groups",
    kind=TargetKind.SUBNET,
    resource=SUBNET,
    seed=(
        {"id": WEB, "location": seeds.LOCATION, "properties": {}},
        seeds.nsg(name="nsg-groups"),
        seeds.vnet(name="vnet-groups", subnets=[seeds.subnet(name="db", nsg=NSG)]),
    ),
    drift=(put(f"{NSG}/securityRules/from-web", FROM_WEB),),
    outcome=Outcome.ALERTED,
    reason=Reason.NO_PLAN,
)
