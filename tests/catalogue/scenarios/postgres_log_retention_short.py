"""Somebody has log files kept for a day only."""

from local.simulator import seeds
from shared.model import Outcome, TargetKind
from tests.catalogue.scenario import Scenario, patch, put

SERVER = seeds.flexible_server_id(name="retention")
SINGLE = seeds.single_server_id(name="retention")

SCENARIO = Scenario(
    policy="postgres-log-retention-short",
    kind=TargetKind.FLEXIBLE_SERVER,
    resource=SERVER,
    seed=(
        seeds.flexible_server(name="retention"),
        seeds.parameter(server=SERVER, name="logfiles.download_enable", value="on"),
        seeds.parameter(server=SERVER, name="logfiles.retention_days", value="7"),
    ),
    drift=(patch(f"{SERVER}/configurations/logfiles.retention_days", {"properties": {"value": "1"}}),),
    outcome=Outcome.REVERTED,
    part="Microsoft.DBforPostgreSQL/flexibleServers/configurations/read",
)

ALSO = (
    Scenario(
        name="not-kept-at-all",
        policy="postgres-log-retention-short",
        kind=TargetKind.FLEXIBLE_SERVER,
        resource=SERVER,
        seed=SCENARIO.seed,
        drift=(patch(f"{SERVER}/configurations/logfiles.download_enable", {"properties": {"value": "off"}}),),
        outcome=Outcome.REVERTED,
    ),
    Scenario(
        name="single-server",
        policy="postgres-log-retention-short",
        kind=TargetKind.SINGLE_SERVER,
        resource=SINGLE,
        seed=(
            seeds.single_server(name="retention"),
            seeds.parameter(server=SINGLE, name="log_retention_days", value="7"),
        ),
        drift=(put(f"{SINGLE}/configurations/log_retention_days", {"properties": {"value": "1"}}),),
        outcome=Outcome.REVERTED,
    ),
)
