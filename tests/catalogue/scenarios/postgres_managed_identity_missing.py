"""Somebody takes the managed identity away."""

from local.simulator import seeds
from shared.model import Outcome, Reason, TargetKind
from tests.catalogue.scenario import Scenario, patch

SERVER = seeds.flexible_server_id(name="identity")

SCENARIO = Scenario(
    policy="postgres-managed-identity-missing",
    kind=TargetKind.FLEXIBLE_SERVER,
    resource=SERVER,
    seed=(seeds.with_identity(seeds.flexible_server(name="identity")),),
    drift=(patch(SERVER, {"identity": {"type": "None"}}),),
    outcome=Outcome.ALERTED,
    reason=Reason.NO_PLAN,
)
