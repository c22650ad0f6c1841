"""PostgreSQL server without threat protection.

*What it finds.* A flexible server whose ``advancedThreatProtectionSettings``, or a single server whose
``securityAlertPolicies``, say Disabled. Off unless ``policies.yaml`` names the policy: it costs one request a
server, and the protection itself is paid for.

*Why it matters.* Microsoft Defender for open-source relational databases raises an alert on brute force,
sign-in from unusual places and suspicious applications. Without it nobody hears of the attempt.

*What the change does.* None is made: it costs money by the server and month, and is usually switched on for a
whole subscription. A person turns it on for the server, or the Defender plan for the subscription.

*What it may break.* Nothing: it watches and does not stand in the way.

*References.* Microsoft Defender for open-source relational databases; CIS Microsoft Azure Foundations 2.1.0
2.1.5; Azure Policy d38668f5-d155-42c7-ab3d-9b57b50f8fbf and 2a6ae02f-7590-40d7-88ba-b18e205a32fd (flexible),
db048e65-913c-49f9-bb5f-1084184671d3 (single); MCSB LT-1.
"""

from __future__ import annotations

from typing import Final

from shared.model import (
    Aspect,
    Finding,
    Kind,
    Safety,
    ServerSnapshot,
    Severity,
    TargetKind,
)
from shared.posture.policy import Control, Policy
from shared.posture.server_findings import (
    ALL_SERVERS,
    Judged,
    az,
    compliant,
    drifted,
    finding,
    unread,
    unsaid,
)

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
        return "in the portal: the server, Microsoft Defender for Cloud, Enable"
    command = "advanced-threat-protection-setting update"
    return az(server, command, "--state Enabled", name="--server-name")


POLICY: Policy[ServerSnapshot] = Policy(
    id=ID,
    title="Threat protection of a PostgreSQL server is off",
    kind=Kind.SETTING,
    targets=ALL_SERVERS,
    severity=SEVERITY,
    safety=Safety.MANUAL,
    reads=frozenset({Aspect.SERVER, Aspect.THREAT_PROTECTION}),
    permissions=(
        "Microsoft.DBforPostgreSQL/flexibleServers/read",
        "Microsoft.DBforPostgreSQL/flexibleServers/advancedThreatProtectionSettings/read",
        "Microsoft.DBforPostgreSQL/servers/read",
        "Microsoft.DBforPostgreSQL/servers/securityAlertPolicies/read",
    ),
    controls=(
        Control(
            framework="CIS Microsoft Azure Foundations",
            version="2.1.0",
            id="2.1.5",
            title="Microsoft Defender for open-source relational databases is on",
        ),
        Control(
            framework="CIS Microsoft Azure Foundations",
            version="3.0.0",
            id="3.1.7.2",
            title="Microsoft Defender for open-source relational databases is on",
        ),
        Control(
            framework="Azure Policy",
            version="built-in",
            id="d38668f5-d155-42c7-ab3d-9b57b50f8fbf",
            title="Azure Defender for SQL should be enabled for unprotected PostgreSQL flexible servers",
        ),
        Control(
            framework="Azure Policy",
            version="built-in",
            id="2a6ae02f-7590-40d7-88ba-b18e205a32fd",
            title=(
                "Configure Advanced Threat Protection to be enabled on Azure database for PostgreSQL "
                "flexible servers"
            ),
        ),
        Control(
            framework="Azure Policy",
            version="built-in",
            id="db048e65-913c-49f9-bb5f-1084184671d3",
            title=(
                "Configure Advanced Threat Protection to be enabled on Azure database for PostgreSQL servers"
            ),
        ),
        Control(
            framework="Azure Policy",
            version="built-in",
            id="0a9fbe0d-c5c4-4da8-87d8-f4fd77338835",
            title="Azure Defender for open-source relational databases should be enabled",
        ),
        Control(
            framework="Azure Policy",
            version="built-in",
            id="44433aa3-7ec2-4002-93ea-65c65ff0310a",
            title="Configure Azure Defender for open-source relational databases to be enabled",
        ),
        Control(framework="MCSB", version="v1", id="LT-1", title="Enable threat detection capabilities"),
        Control(
            framework="MCSB",
            version="v1",
            id="LT-2",
            title="Enable threat detection for identity and access management",
        ),
        Control(
            framework="MCSB",
            version="v1",
            id="IR-3",
            title="Detection and analysis - create incidents based on high-quality alerts",
        ),
        Control(
            framework="MCSB", version="v1", id="IR-5", title="Detection and analysis - prioritize incidents"
        ),
    ),
    evaluate=evaluate,
    opt_in=True,
    why="Whoever guesses passwords on this server, or signs in from an unusual place, is not noticed.",
)
