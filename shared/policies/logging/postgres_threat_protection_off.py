"""PostgreSQL server without threat protection.

*What it finds.* A flexible server whose ``advancedThreatProtectionSettings``, or a single server whose
``securityAlertPolicies``, say Disabled. Off unless ``policies.yaml`` names the policy: it costs one request a
server, and the protection itself is paid for.

*Why it matters.* Microsoft Defender for open-source relational databases raises an alert on brute force,
sign-in from unusual places and suspicious applications. Without it nobody hears of the attempt.

*What the change does.* None is made: it costs money by the server and month, and is usually switched on for a
whole subscription. A person turns it on for the server, or the Defender plan for the subscription.

*What it may break.* Nothing: it watches and does not stand in the way.

*References.* Microsoft Defender for open-source relational databases.
"""

from __future__ import annotations

from typing import Final

from shared.model import Aspect, Finding, Kind, ServerSnapshot, Severity, TargetKind
from shared.posture.controls import AZURE_POLICY, CIS_2_1, CIS_3_0, MCSB
from shared.posture.findings import Judged, compliant, drifted, finding
from shared.posture.policy import ALL_SERVERS, Policy
from shared.posture.server_findings import az, unread, unsaid
from shared.posture.server_steps import single_rest

ID: Final = "postgres-threat-protection-off"
SEVERITY: Final = Severity.MEDIUM


def evaluate(server: ServerSnapshot) -> Finding:
    return finding(ID, SEVERITY, server, _judge(server), {"threatProtection": server.threat_protection})


def _judge(server: ServerSnapshot) -> Judged:
    if server.threat_protection is None:
        return unread(server, Aspect.THREAT_PROTECTION)
    match server.threat_protection.lower():
        case "enabled":
            return compliant("threat protection is on")
        case "disabled":
            return drifted(
                "threat protection is off", fingerprint="state=Disabled", what_to_do=_remedy(server)
            )
        case _:
            return unsaid(server, "the state of threat protection", server.threat_protection)


def _remedy(server: ServerSnapshot) -> str:
    if server.kind is TargetKind.SINGLE_SERVER:
        body = {"properties": {"state": "Enabled"}}
        return single_rest(server, "put", "/securityAlertPolicies/Default", body)
    command = "advanced-threat-protection-setting update"
    return az(server, command, "--state Enabled", name="--server-name")


POLICY: Policy[ServerSnapshot] = Policy(
    id=ID,
    title="Threat protection of a PostgreSQL server is off",
    kind=Kind.SETTING,
    targets=ALL_SERVERS,
    severity=SEVERITY,
    reads=frozenset({Aspect.SERVER, Aspect.THREAT_PROTECTION}),
    controls=(
        *(CIS_2_1.P_2_1_5, CIS_3_0.P_3_1_7_2, AZURE_POLICY.DEFENDER_FLEXIBLE),
        *(AZURE_POLICY.THREAT_PROTECTION_SET_FLEXIBLE, AZURE_POLICY.THREAT_PROTECTION_SET_SINGLE),
        *(AZURE_POLICY.DEFENDER_ON, AZURE_POLICY.DEFENDER_SET, MCSB.LT_1, MCSB.LT_2, MCSB.IR_3, MCSB.IR_5),
    ),
    evaluate=evaluate,
    opt_in=True,
    why="Whoever guesses passwords on this server, or signs in from an unusual place, is not noticed.",
)
