"""Somebody turns the durations of statements off."""

from local.simulator import seeds
from shared.model import Outcome, Reason, TargetKind
from tests.catalogue.scenario import Scenario, patch, put

SERVER = seeds.flexible_server_id(name="durations")
SINGLE = seeds.single_server_id(name="durations")

SCENARIO = Scenario(
    policy="postgres-log-duration-off",
    kind=TargetKind.FLEXIBLE_SERVER,
    resource=SERVER,
    seed=(
        seeds.flexible_server(name="durations"),
        seeds.parameter(server=SERVER, name="log_duration", value="on"),
    ),
    drift=(patch(f"{SERVER}/configurations/log_duration", {"properties": {"value": "off"}}),),
    outcome=Outcome.ALERTED,
    reason=Reason.NO_PLAN,
    part="Microsoft.DBforPostgreSQL/flexibleServers/configurations/read",
)

ALSO = (
    Scenario(
        name="single-server",
        policy="postgres-log-duration-off",
        kind=TargetKind.SINGLE_SERVER,
        resource=SINGLE,
        seed=(
            seeds.single_server(name="durations"),
            seeds.parameter(server=SINGLE, name="log_duration", value="on"),
        ),
        drift=(put(f"{SINGLE}/configurations/log_duration", {"properties": {"value": "off"}}),),
        outcome=Outcome.ALERTED,
        reason=Reason.NO_PLAN,
    ),
)
