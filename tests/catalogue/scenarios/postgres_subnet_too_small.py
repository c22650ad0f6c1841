"""A third server is made in a /28: not all of them could be highly available."""

from local.simulator import seeds
from local.simulator.values import JsonObject
from shared.model import Outcome, Reason, TargetKind
from tests.catalogue.scenario import Scenario, happening

SUBNET = seeds.subnet_id(vnet="vnet-small", name="db")


def server(number: int) -> JsonObject:
    return seeds.flexible_server(name=f"pg-small-{number}", public_access="Disabled", delegated_subnet=SUBNET)


SCENARIO = Scenario(
    policy="postgres-subnet-too-small",
    kind=TargetKind.SUBNET,
    resource=SUBNET,
    seed=(
        seeds.vnet(name="vnet-small", subnets=[seeds.subnet(name="db", prefix="10.20.1.0/28")]),
        server(1),
        server(2),
    ),
    drift=(happening(server(3)),),
    outcome=Outcome.ALERTED,
    reason=Reason.NO_PLAN,
)
