"""Somebody removes the only Microsoft Entra administrator."""

from local.simulator import seeds
from local.simulator.values import JsonObject
from shared.model import Outcome, Reason, TargetKind
from tests.catalogue.scenario import Scenario, delete

SERVER = seeds.flexible_server_id(name="admins")
SINGLE = seeds.single_server_id(name="admins")
ADMIN = "7c1d0a52-3b64-4f0e-8a1c-5d2e9f6b7a80"
ENTRA: JsonObject = {"authConfig": {"activeDirectoryAuth": "Enabled", "passwordAuth": "Disabled"}}
OLDER: JsonObject = {
    "id": f"{SINGLE}/administrators/activeDirectory",
    "properties": {"administratorType": "ActiveDirectory", "login": "dba", "sid": ADMIN, "tenantId": ADMIN},
}

SCENARIO = Scenario(
    policy="postgres-entra-administrator-missing",
    kind=TargetKind.FLEXIBLE_SERVER,
    resource=SERVER,
    seed=(
        seeds.flexible_server(name="admins", properties=ENTRA),
        seeds.administrator(server=SERVER, object_id=ADMIN),
    ),
    drift=(delete(f"{SERVER}/administrators/{ADMIN}"),),
    outcome=Outcome.ALERTED,
    reason=Reason.NO_PLAN,
    part="Microsoft.DBforPostgreSQL/flexibleServers/administrators/read",
)

ALSO = (
    Scenario(
        name="single-server",
        policy="postgres-entra-administrator-missing",
        kind=TargetKind.SINGLE_SERVER,
        resource=SINGLE,
        seed=(seeds.single_server(name="admins"), OLDER),
        drift=(delete(f"{SINGLE}/administrators/activeDirectory"),),
        outcome=Outcome.ALERTED,
        reason=Reason.NO_PLAN,
        part="Microsoft.DBforPostgreSQL/servers/administrators/read",
    ),
)
