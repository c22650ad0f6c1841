"""The standby falls behind, and Resource Health blames an NSG: no event tells of it."""

from local.simulator import seeds
from local.simulator.values import JsonObject
from shared.model import Outcome, Reason, TargetKind
from tests.catalogue.scenario import Scenario, happening

SERVER = seeds.flexible_server_id(name="ill-standby")


def standby(state: str) -> JsonObject:
    available: JsonObject = {"mode": "ZoneRedundant", "state": state}
    return seeds.flexible_server(name="ill-standby", properties={"highAvailability": available})


SCENARIO = Scenario(
    policy="postgres-high-availability-unhealthy",
    kind=TargetKind.FLEXIBLE_SERVER,
    resource=SERVER,
    seed=(standby("Healthy"),),
    drift=(happening(standby("ReplicatingData"), seeds.health(resource=SERVER)),),
    outcome=Outcome.ALERTED,
    reason=Reason.NO_PLAN,
)
