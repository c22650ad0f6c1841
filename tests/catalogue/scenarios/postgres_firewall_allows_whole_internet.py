"""Somebody opens the server to every address."""

from local.simulator import seeds
from local.simulator.values import JsonObject
from shared.model import Outcome, TargetKind
from tests.catalogue.scenario import Scenario, put

SERVER = seeds.flexible_server_id(name="everybody")

WIDENED = seeds.flexible_server_id(name="widened")
EVERY_ADDRESS: JsonObject = {"properties": {"startIpAddress": "0.0.0.0", "endIpAddress": "255.255.255.255"}}

SCENARIO = Scenario(
    policy="postgres-firewall-allows-whole-internet",
    kind=TargetKind.FLEXIBLE_SERVER,
    resource=SERVER,
    seed=(
        seeds.flexible_server(name="everybody"),
        seeds.firewall_rule(server=SERVER, name="office", start="198.51.100.7"),
    ),
    drift=(put(f"{SERVER}/firewallRules/mine", EVERY_ADDRESS),),
    outcome=Outcome.REVERTED,
)

ALSO = (
    Scenario(
        name="widened",
        policy="postgres-firewall-allows-whole-internet",
        kind=TargetKind.FLEXIBLE_SERVER,
        resource=WIDENED,
        seed=(
            seeds.flexible_server(name="widened"),
            seeds.firewall_rule(server=WIDENED, name="office", start="198.51.100.7"),
        ),
        drift=(
            put(f"{WIDENED}/firewallRules/office", EVERY_ADDRESS),
            put(f"{WIDENED}/firewallRules/mine", EVERY_ADDRESS),
        ),
        outcome=Outcome.REVERTED,
    ),
)
