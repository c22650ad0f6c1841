"""Somebody sends everything to a firewall and forgets Entra ID; a person is told which routes are missing."""

from local.simulator import seeds
from shared.model import Outcome, Reason, TargetKind
from tests.catalogue.scenario import Scenario, put

TABLE = seeds.network_id(kind="routeTables", name="rt-appliance")
SUBNET = seeds.subnet_id(vnet="vnet-appliance", name="db")

SCENARIO = Scenario(
    policy="postgres-subnet-routed-through-appliance",
    kind=TargetKind.SUBNET,
    resource=SUBNET,
    seed=(
        seeds.route_table(name="rt-appliance"),
        seeds.vnet(name="vnet-appliance", subnets=[seeds.subnet(name="db", route_table=TABLE)]),
        seeds.flexible_server(
            name="pg-appliance",
            public_access="Disabled",
            delegated_subnet=SUBNET,
            properties={"authConfig": {"activeDirectoryAuth": "Enabled", "passwordAuth": "Disabled"}},
        ),
    ),
    drift=(
        put(
            f"{TABLE}/routes/everything",
            {
                "properties": {
                    "addressPrefix": "0.0.0.0/0",
                    "nextHopType": "VirtualAppliance",
                    "nextHopIpAddress": "10.20.0.4",
                }
            },
        ),
    ),
    outcome=Outcome.ALERTED,
    reason=Reason.NO_PLAN,
    part="Microsoft.Network/routeTables/read",
)
