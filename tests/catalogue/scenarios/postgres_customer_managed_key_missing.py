"""A server loses its customer's key. Azure lets that happen only with a new server of the same name."""

from local.simulator import seeds
from shared.model import Outcome, Reason, TargetKind
from tests.catalogue.scenario import Scenario, delete, put

IDENTITY = f"{seeds.group_id()}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/keys"
KEY = "https://orders-keys.vault.azure.net/keys/postgres/0d4c9b1e"

SERVER = seeds.flexible_server_id(name="own-key")
SINGLE = seeds.single_server_id(name="own-key")
SINGLE_KEY = seeds.server_key(server=SINGLE)

SCENARIO = Scenario(
    policy="postgres-customer-managed-key-missing",
    kind=TargetKind.FLEXIBLE_SERVER,
    resource=SERVER,
    seed=(
        seeds.flexible_server(
            name="own-key",
            properties={"dataEncryption": seeds.customer_key(key_uri=KEY, identity=IDENTITY)},
        ),
    ),
    drift=(delete(SERVER), put(SERVER, seeds.flexible_server(name="own-key"))),
    outcome=Outcome.ALERTED,
    reason=Reason.NO_PLAN,
)

ALSO = (
    Scenario(
        name="single-server",
        policy="postgres-customer-managed-key-missing",
        kind=TargetKind.SINGLE_SERVER,
        resource=SINGLE,
        seed=(seeds.single_server(name="own-key"), SINGLE_KEY),
        drift=(delete(str(SINGLE_KEY["id"])),),
        outcome=Outcome.ALERTED,
        reason=Reason.NO_PLAN,
    ),
)
