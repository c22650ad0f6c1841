"""Somebody lets passwords in again, where only Microsoft Entra is wanted."""

from local.simulator import seeds
from shared.model import Outcome, Reason, TargetKind
from tests.catalogue.scenario import Scenario, patch

SERVER = seeds.flexible_server_id(name="passwords")

SCENARIO = Scenario(
    policy="postgres-password-sign-in-on",
    kind=TargetKind.FLEXIBLE_SERVER,
    resource=SERVER,
    seed=(
        seeds.flexible_server(
            name="passwords",
            properties={"authConfig": {"activeDirectoryAuth": "Enabled", "passwordAuth": "Disabled"}},
        ),
    ),
    drift=(patch(SERVER, {"properties": {"authConfig": {"passwordAuth": "Enabled"}}}),),
    outcome=Outcome.ALERTED,
    reason=Reason.NO_PLAN,
    settings="policies: {postgres-password-sign-in-on: {parameters: {entraOnly: true}}}",
)
