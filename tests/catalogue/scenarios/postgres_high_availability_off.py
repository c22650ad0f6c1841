"""Somebody gives up the standby."""

from local.simulator import seeds
from shared.model import Outcome, Reason, TargetKind
from tests.catalogue.scenario import Scenario, patch

SERVER = seeds.flexible_server_id(name="standby")

SCENARIO = Scenario(
    policy="postgres-high-availability-off",
    kind=TargetKind.FLEXIBLE_SERVER,
    resource=SERVER,
    seed=(seeds.flexible_server(name="standby", properties={"highAvailability": {"mode": "ZoneRedundant"}}),),
    drift=(patch(SERVER, {"properties": {"highAvailability": {"mode": "Disabled"}}}),),
    outcome=Outcome.ALERTED,
    reason=Reason.NO_PLAN,
)
