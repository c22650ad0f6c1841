"""Somebody lets a whole provider's network in."""

from local.simulator import seeds
from shared.model import Outcome, Reason, TargetKind
from tests.catalogue.scenario import Scenario, put

SERVER = seeds.flexible_server_id(name="wide")

SCENARIO = Scenario(
    policy="postgres-firewall-range-too-wide",
    kind=TargetKind.FLEXIBLE_SERVER,
    resource=SERVER,
    seed=(
        seeds.flexible_server(name="wide"),
        seeds.firewall_rule(server=SERVER, name="office", start="198.51.100.7"),
    ),
    drift=(
        put(
            f"{SERVER}/firewallRules/provider",
            {"properties": {"startIpAddress": "198.48.0.0", "endIpAddress": "198.63.255.255"}},
        ),
    ),
    outcome=Outcome.ALERTED,
    reason=Reason.NO_PLAN,
)
