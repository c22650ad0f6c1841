"""A single server loses its second layer. Azure lets that happen only with a new server of the same name."""

from local.simulator import seeds
from shared.model import Outcome, Reason, TargetKind
from tests.catalogue.scenario import Scenario, patch

SINGLE = seeds.single_server_id(name="layers")

SCENARIO = Scenario(
    policy="postgres-infrastructure-encryption-off",
    kind=TargetKind.SINGLE_SERVER,
    resource=SINGLE,
    seed=(seeds.single_server(name="layers", properties={"infrastructureEncryption": "Enabled"}),),
    drift=(patch(SINGLE, {"properties": {"infrastructureEncryption": "Disabled"}}),),
    outcome=Outcome.ALERTED,
    reason=Reason.NO_PLAN,
)
