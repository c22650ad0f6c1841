"""Somebody has new passwords stored as MD5."""

from local.simulator import seeds
from shared.model import Outcome, Reason, TargetKind
from tests.catalogue.scenario import Scenario, patch

SERVER = seeds.flexible_server_id(name="passwords")

SCENARIO = Scenario(
    policy="postgres-password-encryption-not-scram",
    kind=TargetKind.FLEXIBLE_SERVER,
    resource=SERVER,
    seed=(
        seeds.flexible_server(name="passwords"),
        seeds.parameter(server=SERVER, name="azure.accepted_password_auth_method", value="scram-sha-256"),
        seeds.parameter(server=SERVER, name="password_encryption", value="scram-sha-256"),
    ),
    drift=(patch(f"{SERVER}/configurations/password_encryption", {"properties": {"value": "md5"}}),),
    outcome=Outcome.ALERTED,
    reason=Reason.NO_PLAN,
    part="Microsoft.DBforPostgreSQL/flexibleServers/configurations/read",
)

ACCEPTED = f"{SERVER}/configurations/azure.accepted_password_auth_method"

ALSO = (
    Scenario(
        name="accepted-as-md5",
        policy="postgres-password-encryption-not-scram",
        kind=TargetKind.FLEXIBLE_SERVER,
        resource=SERVER,
        seed=SCENARIO.seed,
        drift=(patch(ACCEPTED, {"properties": {"value": "md5,scram-sha-256"}}),),
        outcome=Outcome.ALERTED,
        reason=Reason.NO_PLAN,
    ),
)
