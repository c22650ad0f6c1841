"""Somebody deletes the setting that sends the server's log away."""

from local.simulator import seeds
from shared.model import Outcome, Reason, TargetKind
from tests.catalogue.scenario import Scenario, delete

SERVER = seeds.flexible_server_id(name="diagnostics")
SINGLE = seeds.single_server_id(name="diagnostics")
SETTING = "providers/Microsoft.Insights/diagnosticSettings/to-workspace"

SCENARIO = Scenario(
    policy="postgres-diagnostic-settings-missing",
    kind=TargetKind.FLEXIBLE_SERVER,
    resource=SERVER,
    seed=(seeds.flexible_server(name="diagnostics"), seeds.diagnostic_setting(resource=SERVER)),
    drift=(delete(f"{SERVER}/{SETTING}"),),
    outcome=Outcome.ALERTED,
    reason=Reason.NO_PLAN,
    part="Microsoft.Insights/diagnosticSettings/read",
)

ALSO = (
    Scenario(
        name="single-server",
        policy="postgres-diagnostic-settings-missing",
        kind=TargetKind.SINGLE_SERVER,
        resource=SINGLE,
        seed=(seeds.single_server(name="diagnostics"), seeds.diagnostic_setting(resource=SINGLE)),
        drift=(delete(f"{SINGLE}/{SETTING}"),),
        outcome=Outcome.ALERTED,
        reason=Reason.NO_PLAN,
        part="Microsoft.Insights/diagnosticSettings/read",
    ),
)
