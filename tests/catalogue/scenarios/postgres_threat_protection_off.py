"""Somebody turns threat protection off."""

from local.simulator import seeds
from local.simulator.values import JsonObject
from shared.model import Outcome, Reason, TargetKind
from tests.catalogue.scenario import Scenario, put

SERVER = seeds.flexible_server_id(name="threats")
SINGLE = seeds.single_server_id(name="threats")
OFF: JsonObject = {"properties": {"state": "Disabled"}}

SCENARIO = Scenario(
    policy="postgres-threat-protection-off",
    kind=TargetKind.FLEXIBLE_SERVER,
    resource=SERVER,
    seed=(seeds.flexible_server(name="threats"), seeds.threat_protection(server=SERVER)),
    drift=(put(f"{SERVER}/advancedThreatProtectionSettings/Default", OFF),),
    outcome=Outcome.ALERTED,
    reason=Reason.NO_PLAN,
    part="Microsoft.DBforPostgreSQL/flexibleServers/advancedThreatProtectionSettings/read",
)

ALSO = (
    Scenario(
        name="single-server",
        policy="postgres-threat-protection-off",
        kind=TargetKind.SINGLE_SERVER,
        resource=SINGLE,
        seed=(seeds.single_server(name="threats"), seeds.threat_protection(server=SINGLE)),
        drift=(put(f"{SINGLE}/securityAlertPolicies/Default", OFF),),
        outcome=Outcome.ALERTED,
        reason=Reason.NO_PLAN,
        part="Microsoft.DBforPostgreSQL/servers/securityAlertPolicies/read",
    ),
)
