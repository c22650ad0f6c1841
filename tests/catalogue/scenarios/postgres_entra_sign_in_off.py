"""Somebody turns Microsoft Entra sign-in off."""

from local.simulator import seeds
from shared.model import Outcome, Reason, TargetKind
from tests.catalogue.scenario import Scenario, patch

SERVER = seeds.flexible_server_id(name="entra-off")

SCENARIO = Scenario(
    policy="postgres-entra-sign-in-off",
    kind=TargetKind.FLEXIBLE_SERVER,
    resource=SERVER,
    seed=(
        seeds.flexible_server(
            name="entra-off",
            properties={"authConfig": {"activeDirectoryAuth": "Enabled", "passwordAuth": "Enabled"}},
        ),
    ),
    drift=(patch(SERVER, {"properties": {"authConfig": {"activeDirectoryAuth": "Disabled"}}}),),
    outcome=Outcome.ALERTED,
    reason=Reason.NO_PLAN,
)
