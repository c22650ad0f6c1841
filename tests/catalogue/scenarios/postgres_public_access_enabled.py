"""Somebody enables public access beside an approved private endpoint."""

from local.simulator import seeds
from shared.model import Outcome, Reason, TargetKind
from tests.catalogue.scenario import Scenario, patch

SERVER = seeds.flexible_server_id(name="opened")
SINGLE = seeds.single_server_id(name="opened")
NETWORK = seeds.vnet(name="vnet-opened", subnets=[seeds.subnet(name="endpoints", delegated=False)])
ENDPOINTS = seeds.subnet_id(vnet="vnet-opened", name="endpoints")

SCENARIO = Scenario(
    policy="postgres-public-access-enabled",
    kind=TargetKind.FLEXIBLE_SERVER,
    resource=SERVER,
    seed=(
        seeds.flexible_server(name="opened", public_access="Disabled"),
        NETWORK,
        *seeds.way_in(name="opened", server=SERVER, vnet="vnet-opened", subnet="endpoints"),
    ),
    drift=(patch(SERVER, {"properties": {"network": {"publicNetworkAccess": "Enabled"}}}),),
    outcome=Outcome.REVERTED,
)

ALSO = (
    Scenario(
        name="single-server",
        policy="postgres-public-access-enabled",
        kind=TargetKind.SINGLE_SERVER,
        resource=SINGLE,
        seed=(
            seeds.single_server(name="opened", public_access="Disabled"),
            NETWORK,
            *seeds.way_in(name="opened", server=SINGLE, vnet="vnet-opened", subnet="endpoints"),
        ),
        drift=(patch(SINGLE, {"properties": {"publicNetworkAccess": "Enabled"}}),),
        outcome=Outcome.REVERTED,
    ),
    Scenario(
        name="single-server-with-an-older-subnet",
        policy="postgres-public-access-enabled",
        kind=TargetKind.SINGLE_SERVER,
        resource=SINGLE,
        seed=(
            seeds.single_server(name="opened", public_access="Disabled"),
            NETWORK,
            *seeds.way_in(name="opened", server=SINGLE, vnet="vnet-opened", subnet="endpoints"),
            seeds.virtual_network_rule(server=SINGLE, name="apps", subnet=ENDPOINTS),
        ),
        drift=(patch(SINGLE, {"properties": {"publicNetworkAccess": "Enabled"}}),),
        outcome=Outcome.ALERTED,
        reason=Reason.APPROVAL_REQUIRED,
    ),
    Scenario(
        name="an-endpoint-whose-name-nobody-resolves",
        policy="postgres-public-access-enabled",
        kind=TargetKind.FLEXIBLE_SERVER,
        resource=SERVER,
        seed=(
            seeds.flexible_server(name="opened", public_access="Disabled"),
            NETWORK,
            seeds.private_endpoint(name="opened", server=SERVER, subnet=ENDPOINTS),
        ),
        drift=(patch(SERVER, {"properties": {"network": {"publicNetworkAccess": "Enabled"}}}),),
        outcome=Outcome.ALERTED,
        reason=Reason.LAST_WAY_IN,
    ),
)
