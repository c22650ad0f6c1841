"""Somebody closes public access and leaves the rules standing."""

from local.simulator import seeds
from shared.model import Outcome, Reason, TargetKind
from tests.catalogue.scenario import Scenario, patch

SERVER = seeds.flexible_server_id(name="dormant")

SCENARIO = Scenario(
    policy="postgres-firewall-dormant-rules",
    kind=TargetKind.FLEXIBLE_SERVER,
    resource=SERVER,
    seed=(
        seeds.flexible_server(name="dormant"),
        seeds.firewall_rule(server=SERVER, name="office", start="198.51.100.7"),
    ),
    drift=(patch(SERVER, {"properties": {"network": {"publicNetworkAccess": "Disabled"}}}),),
    outcome=Outcome.ALERTED,
    reason=Reason.NO_PLAN,
)
