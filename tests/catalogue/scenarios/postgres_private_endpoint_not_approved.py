"""Somebody asks for an endpoint that waits for approval."""

from local.simulator import seeds
from shared.model import Outcome, Reason, TargetKind
from tests.catalogue import network_team
from tests.catalogue.scenario import Scenario, put

SERVER = seeds.flexible_server_id(name="asked-for")
SINGLE = seeds.single_server_id(name="asked-for")
WAITING = network_team.endpoint_id("waiting-pe")

SCENARIO = Scenario(
    policy="postgres-private-endpoint-not-approved",
    kind=TargetKind.FLEXIBLE_SERVER,
    resource=SERVER,
    seed=(
        seeds.flexible_server(name="asked-for"),
        network_team.vnet(),
        network_team.endpoint("asked-for-pe", server=SERVER),
    ),
    drift=(put(WAITING, network_team.endpoint("waiting-pe", server=SERVER, manual=True)),),
    outcome=Outcome.ALERTED,
    reason=Reason.NO_PLAN,
)
ALSO = (
    Scenario(
        policy="postgres-private-endpoint-not-approved",
        name="single",
        kind=TargetKind.SINGLE_SERVER,
        resource=SINGLE,
        seed=(seeds.single_server(name="asked-for"), network_team.vnet()),
        drift=(put(WAITING, network_team.endpoint("waiting-pe", server=SINGLE, manual=True)),),
        outcome=Outcome.ALERTED,
        reason=Reason.NO_PLAN,
    ),
)
