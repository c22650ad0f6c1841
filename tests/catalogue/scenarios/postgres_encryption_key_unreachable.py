"""A key is withdrawn in its vault: nobody writes to the server, and no event tells of it."""

from local.simulator import seeds
from local.simulator.values import JsonObject
from shared.model import Outcome, Reason, TargetKind
from tests.catalogue.scenario import Scenario, happening

IDENTITY = f"{seeds.group_id()}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/keys"
KEY = "https://orders-keys.vault.azure.net/keys/postgres/0d4c9b1e"

SERVER = seeds.flexible_server_id(name="lost-key")
SINGLE = seeds.single_server_id(name="lost-key")


def keyed(status: str) -> JsonObject:
    key = seeds.customer_key(key_uri=KEY, identity=IDENTITY, status=status)
    return seeds.flexible_server(name="lost-key", properties={"dataEncryption": key})


def older(state: str) -> JsonObject:
    return seeds.single_server(name="lost-key", state=state, properties={"byokEnforcement": "Enabled"})


SCENARIO = Scenario(
    policy="postgres-encryption-key-unreachable",
    kind=TargetKind.FLEXIBLE_SERVER,
    resource=SERVER,
    seed=(keyed("Valid"),),
    drift=(happening(keyed("Invalid")),),
    outcome=Outcome.ALERTED,
    reason=Reason.NO_PLAN,
)

ALSO = (
    Scenario(
        name="single-server",
        policy="postgres-encryption-key-unreachable",
        kind=TargetKind.SINGLE_SERVER,
        resource=SINGLE,
        seed=(older("Ready"),),
        drift=(happening(older("Inaccessible")),),
        outcome=Outcome.ALERTED,
        reason=Reason.NO_PLAN,
    ),
)
