"""Somebody lets all of Azure in, under a name that says nothing of it."""

from local.simulator import seeds
from local.simulator.values import JsonObject
from shared.model import Outcome, TargetKind
from tests.catalogue.scenario import Scenario, put

SERVER = seeds.flexible_server_id(name="all-azure")
SINGLE = seeds.single_server_id(name="all-azure")
NOBODY_SAID_AZURE: JsonObject = {"properties": {"startIpAddress": "0.0.0.0", "endIpAddress": "0.0.0.0"}}

SCENARIO = Scenario(
    policy="postgres-firewall-allows-all-azure",
    kind=TargetKind.FLEXIBLE_SERVER,
    resource=SERVER,
    seed=(
        seeds.flexible_server(name="all-azure"),
        seeds.firewall_rule(server=SERVER, name="office", start="198.51.100.7"),
    ),
    drift=(put(f"{SERVER}/firewallRules/reporting", NOBODY_SAID_AZURE),),
    outcome=Outcome.REVERTED,
)

ALSO = (
    Scenario(
        name="single-server",
        policy="postgres-firewall-allows-all-azure",
        kind=TargetKind.SINGLE_SERVER,
        resource=SINGLE,
        seed=(
            seeds.single_server(name="all-azure"),
            seeds.firewall_rule(server=SINGLE, name="office", start="198.51.100.7"),
        ),
        drift=(put(f"{SINGLE}/firewallRules/reporting", NOBODY_SAID_AZURE),),
        outcome=Outcome.REVERTED,
    ),
)
