"""Somebody lets clients connect without TLS."""

from local.simulator import seeds
from shared.model import Outcome, TargetKind
from tests.catalogue.scenario import Scenario, patch

SERVER = seeds.flexible_server_id(name="plaintext")
SINGLE = seeds.single_server_id(name="plaintext")

SCENARIO = Scenario(
    policy="postgres-tls-not-required",
    kind=TargetKind.FLEXIBLE_SERVER,
    resource=SERVER,
    seed=(
        seeds.flexible_server(name="plaintext"),
        seeds.parameter(server=SERVER, name="require_secure_transport", value="on"),
    ),
    drift=(patch(f"{SERVER}/configurations/require_secure_transport", {"properties": {"value": "off"}}),),
    outcome=Outcome.REVERTED,
    part="Microsoft.DBforPostgreSQL/flexibleServers/configurations/read",
)

ALSO = (
    Scenario(
        name="single-server",
        policy="postgres-tls-not-required",
        kind=TargetKind.SINGLE_SERVER,
        resource=SINGLE,
        seed=(seeds.single_server(name="plaintext", properties={"sslEnforcement": "Enabled"}),),
        drift=(patch(SINGLE, {"properties": {"sslEnforcement": "Disabled"}}),),
        outcome=Outcome.REVERTED,
    ),
)
