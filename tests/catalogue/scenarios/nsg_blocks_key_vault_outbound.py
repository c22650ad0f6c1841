"""Somebody denies everything outbound where a server's key is the customer's; a person is told."""

from local.simulator import seeds
from shared.model import Outcome, Reason, TargetKind
from tests.catalogue.scenario import Scenario, put

NSG = seeds.nsg_id(name="nsg-vault")
TABLE = seeds.route_table_id(name="rt-vault")
SUBNET = seeds.subnet_id(vnet="vnet-vault", name="db")
IDENTITY = f"{seeds.group_id()}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/pg-key"
KEY = seeds.customer_key(key_uri="https://vault.example/keys/pg/1", identity=IDENTITY)
DENY_ALL = seeds.security_rule(name="deny-all-out", priority=4096, direction="Outbound")

SCENARIO = Scenario(
    policy="nsg-blocks-key-vault-outbound",
    kind=TargetKind.SUBNET,
    resource=SUBNET,
    seed=(
        seeds.nsg(name="nsg-vault"),
        seeds.route_table(name="rt-vault"),
        seeds.vnet(name="vnet-vault", subnets=[seeds.subnet(name="db", nsg=NSG, route_table=TABLE)]),
        seeds.flexible_server(
            name="pg-vault",
            public_access="Disabled",
            delegated_subnet=SUBNET,
            properties={"dataEncryption": KEY},
        ),
    ),
    drift=(put(f"{NSG}/securityRules/deny-all-out", DENY_ALL),),
    outcome=Outcome.ALERTED,
    reason=Reason.NO_PLAN,
    part="Microsoft.Network/routeTables/read",
)
