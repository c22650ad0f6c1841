"""Somebody opens the server to every address in two halves."""

from local.simulator import seeds
from shared.model import Outcome, Reason, TargetKind
from tests.catalogue.scenario import Scenario, put

SERVER = seeds.flexible_server_id(name="halves")

SCENARIO = Scenario(
    policy="postgres-firewall-covers-whole-internet-in-pieces",
    kind=TargetKind.FLEXIBLE_SERVER,
    resource=SERVER,
    seed=(seeds.flexible_server(name="halves"),),
    drift=(
        put(
            f"{SERVER}/firewallRules/lower",
            {"properties": {"startIpAddress": "0.0.0.0", "endIpAddress": "127.255.255.255"}},
        ),
        put(
            f"{SERVER}/firewallRules/upper",
            {"properties": {"startIpAddress": "128.0.0.0", "endIpAddress": "255.255.255.255"}},
        ),
    ),
    outcome=Outcome.ALERTED,
    reason=Reason.NO_PLAN,
)
