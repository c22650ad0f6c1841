"""Somebody deletes the only private endpoint of a closed server, or closes one that has none."""

from local.simulator import seeds
from shared.model import Outcome, Reason, TargetKind
from tests.catalogue import network_team
from tests.catalogue.scenario import Scenario, delete, patch

SERVER = seeds.flexible_server_id(name="unreachable")
SINGLE = seeds.single_server_id(name="unreachable")
ENDPOINT = network_team.endpoint_id("unreachable-pe")

SCENARIO = Scenario(
    policy="postgres-no-approved-private-endpoint",
    kind=TargetKind.FLEXIBLE_SERVER,
    resource=SERVER,
    seed=(
        seeds.flexible_server(name="unreachable", public_access="Disabled"),
        network_team.vnet(),
        network_team.endpoint("unreachable-pe", server=SERVER),
    ),
    drift=(delete(ENDPOINT),),
    outcome=Outcome.ALERTED,
    reason=Reason.NO_PLAN,
)
ALSO = (
    Scenario(
        policy="postgres-no-approved-private-endpoint",
        name="closed",
        kind=TargetKind.FLEXIBLE_SERVER,
        resource=SERVER,
        seed=(seeds.flexible_server(name="unreachable"),),
        drift=(patch(SERVER, {"properties": {"network": {"publicNetworkAccess": "Disabled"}}}),),
        outcome=Outcome.ALERTED,
        reason=Reason.NO_PLAN,
    ),
    Scenario(
        policy="postgres-no-approved-private-endpoint",
        name="single",
        kind=TargetKind.SINGLE_SERVER,
        resource=SINGLE,
        seed=(
            seeds.single_server(name="unreachable", public_access="Disabled"),
            network_team.vnet(),
            network_team.endpoint("unreachable-pe", server=SINGLE),
        ),
        drift=(delete(ENDPOINT),),
        outcome=Outcome.ALERTED,
        reason=Reason.NO_PLAN,
    ),
)
