"""Somebody opens the server to every address."""

from local.simulator import seeds
from shared.model import Outcome, TargetKind
from tests.catalogue.scenario import Scenario, put

SERVER = seeds.flexible_server_id(name="everybody")

SCENARIO = Scenario(
    policy="postgres-firewall-allows-whole-internet",
    kind=TargetKind.FLEXIBLE_SERVER,
    resource=SERVER,
    seed=(
        seeds.flexible_server(name="everybody"),
        seeds.firewall_rule(server=SERVER, name="office", start="198.51.100.7"),
    ),
    drift=(
        put(
            f"{SERVER}/firewallRules/mine",
            {"properties": {"startIpAddress": "0.0.0.0", "endIpAddress": "255.255.255.255"}},
        ),
    ),
    outcome=Outcome.REVERTED,
)
