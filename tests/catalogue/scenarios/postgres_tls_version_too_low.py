"""Somebody lets old versions of TLS in, on servers that still offer them."""

from local.simulator import seeds
from shared.model import Outcome, TargetKind
from tests.catalogue.scenario import Scenario, patch

SERVER = seeds.flexible_server_id(name="old-tls")
SINGLE = seeds.single_server_id(name="old-tls")

SCENARIO = Scenario(
    policy="postgres-tls-version-too-low",
    kind=TargetKind.FLEXIBLE_SERVER,
    resource=SERVER,
    seed=(
        seeds.flexible_server(name="old-tls", properties={"version": "13"}),
        seeds.parameter(server=SERVER, name="ssl_min_protocol_version", value="TLSv1.2"),
    ),
    drift=(patch(f"{SERVER}/configurations/ssl_min_protocol_version", {"properties": {"value": "TLSv1"}}),),
    outcome=Outcome.REVERTED,
    part="Microsoft.DBforPostgreSQL/flexibleServers/configurations/read",
)

ALSO = (
    Scenario(
        name="single-server",
        policy="postgres-tls-version-too-low",
        kind=TargetKind.SINGLE_SERVER,
        resource=SINGLE,
        seed=(seeds.single_server(name="old-tls", properties={"minimalTlsVersion": "TLS1_2"}),),
        drift=(patch(SINGLE, {"properties": {"minimalTlsVersion": "TLS1_0"}}),),
        outcome=Outcome.REVERTED,
    ),
)
