"""Somebody turns the checkpoint entries off."""

from local.simulator import seeds
from shared.model import Outcome, TargetKind
from tests.catalogue.scenario import Scenario, patch, put

SERVER = seeds.flexible_server_id(name="checkpoints")
SINGLE = seeds.single_server_id(name="checkpoints")

SCENARIO = Scenario(
    policy="postgres-log-checkpoints-off",
    kind=TargetKind.FLEXIBLE_SERVER,
    resource=SERVER,
    seed=(
        seeds.flexible_server(name="checkpoints"),
        seeds.parameter(server=SERVER, name="log_checkpoints", value="on"),
    ),
    drift=(patch(f"{SERVER}/configurations/log_checkpoints", {"properties": {"value": "off"}}),),
    outcome=Outcome.REVERTED,
    part="Microsoft.DBforPostgreSQL/flexibleServers/configurations/read",
)

ALSO = (
    Scenario(
        name="kept-out-of-the-log",
        policy="postgres-log-checkpoints-off",
        kind=TargetKind.FLEXIBLE_SERVER,
        resource=SERVER,
        seed=(
            *SCENARIO.seed,
            seeds.parameter(server=SERVER, name="log_min_messages", value="warning"),
        ),
        drift=(patch(f"{SERVER}/configurations/log_min_messages", {"properties": {"value": "panic"}}),),
        outcome=Outcome.REVERTED,
    ),
    Scenario(
        name="single-server",
        policy="postgres-log-checkpoints-off",
        kind=TargetKind.SINGLE_SERVER,
        resource=SINGLE,
        seed=(
            seeds.single_server(name="checkpoints"),
            seeds.parameter(server=SINGLE, name="log_checkpoints", value="on"),
        ),
        drift=(put(f"{SINGLE}/configurations/log_checkpoints", {"properties": {"value": "off"}}),),
        outcome=Outcome.REVERTED,
    ),
)
