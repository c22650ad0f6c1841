"""Somebody allows PostgreSQL from the Internet; a deny is put before it, once approved."""

from local.simulator import seeds
from local.simulator.values import JsonObject
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

OWN_RANGE = seeds.security_rule(
    name="own-range",
    priority=200,
    access="Allow",
    properties={"protocol": "Tcp", "sourceAddressPrefix": "145.10.2.0/24", "destinationPortRange": "5432"},
)

SCENARIO = Scenario(
    policy="nsg-exposes-postgres-to-internet",
    kind=TargetKind.SUBNET,
    resource=SUBNET,
    seed=(
        seeds.nsg(name="nsg-exposed", rules=[OWN_RANGE]),
        seeds.vnet(
            name="vnet-exposed",
            prefixes=["10.20.0.0/16", "145.10.0.0/16"],
            subnets=[seeds.subnet(name="db", nsg=NSG)],
        ),
    ),
    drift=(put(f"{NSG}/securityRules/from-anywhere", FROM_ANYWHERE),),
    outcome=Outcome.REVERTED,
    leaves=(NSG,),
    part="Microsoft.Network/virtualNetworks/read",
)

AT_ENDPOINT = seeds.nsg_id(name="nsg-endpoint-exposed")
HOLDING = seeds.subnet_id(vnet="vnet-endpoint-exposed", name="endpoints")
IN_FORCE: JsonObject = {
    "name": "endpoints",
    "properties": {
        "addressPrefix": "10.20.5.0/24",
        "privateEndpointNetworkPolicies": "NetworkSecurityGroupEnabled",
        "networkSecurityGroup": {"id": AT_ENDPOINT},
    },
}

ALSO = (
    Scenario(
        name="endpoint",
        policy="nsg-exposes-postgres-to-internet",
        kind=TargetKind.SUBNET,
        resource=HOLDING,
        seed=(
            seeds.nsg(name="nsg-endpoint-exposed"),
            seeds.vnet(name="vnet-endpoint-exposed", subnets=[IN_FORCE]),
            seeds.flexible_server(name="pg-endpoint-exposed", public_access="Disabled"),
            seeds.private_endpoint(
                name="pe-exposed",
                server=seeds.flexible_server_id(name="pg-endpoint-exposed"),
                subnet=HOLDING,
            ),
        ),
        drift=(put(f"{AT_ENDPOINT}/securityRules/from-anywhere", FROM_ANYWHERE),),
        outcome=Outcome.REVERTED,
        leaves=(AT_ENDPOINT,),
        part="Microsoft.Network/privateEndpoints/read",
    ),
)
