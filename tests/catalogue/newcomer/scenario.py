"""A server turns out to be of an old version."""

from local.simulator import seeds
from shared.model import Outcome, Reason, TargetKind
from tests.catalogue.scenario import Scenario, happening

SCENARIO = Scenario(
    policy="postgres-version-behind",
    kind=TargetKind.FLEXIBLE_SERVER,
    resource=seeds.flexible_server_id(name="aged"),
    seed=(seeds.flexible_server(name="aged", properties={"version": "16"}),),
    drift=(happening(seeds.flexible_server(name="aged", properties={"version": "11"})),),
    outcome=Outcome.ALERTED,
    reason=Reason.NO_PLAN,
)
