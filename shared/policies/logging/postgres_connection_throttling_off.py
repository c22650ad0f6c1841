"""PostgreSQL server that does not slow down repeated failed sign-ins.

*What it finds.* A flexible server whose ``connection_throttle.enable``, or a single server whose
``connection_throttling``, is not ``on``. Flexible servers from version 16 on do not have the parameter:
nothing is asked of them.

*Why it matters.* Throttling delays an address after too many failed sign-ins: the only brake on guessing
passwords that the server itself offers.

*What the change does.* Sets the parameter to ``on``. It waits for an approval: a client that keeps a wrong
password is slowed down too, and everything behind the same address with it.

*What it may break.* Clients behind one address (a NAT gateway, a pooler) where one of them fails again and
again.

*References.* CIS Microsoft Azure Foundations 1.3.0 4.3.6; Azure Policy 5345bb39-67dc-4960-a1bf-427e16b9a0bd
(single), dacf07fa-0eea-4486-80bc-b93fae88ac40 (flexible, deprecated because version 16 dropped it).
"""

from __future__ import annotations

from typing import Final

from shared.model import (
    Change,
    ComplianceState,
    Edit,
    Finding,
    Kind,
    Safety,
    ServerSnapshot,
    Severity,
    TargetKind,
)
from shared.posture.policy import Control, Policy
from shared.posture.server_parameters import ALL_SERVERS, PERMISSIONS, READS, About, assess, is_on, suggestion
from shared.posture.server_parameters import evaluate as evaluated
from shared.posture.server_parameters import plan as planned

ABOUT: Final = About(
    policy="postgres-connection-throttling-off",
    severity=Severity.LOW,
    parameter="connection_throttle.enable",
    single="connection_throttling",
    wanted="on",
)
ON: Final = "on"
DROPPED_IN: Final = 16


def evaluate(server: ServerSnapshot) -> Finding:
    flexible = server.kind is TargetKind.FLEXIBLE_SERVER
    if flexible and server.version is not None and server.version >= DROPPED_IN:
        reason = f"version {server.version} has no {ABOUT.parameter}"
        return evaluated(ABOUT, server, is_on, absent=(ComplianceState.COMPLIANT, reason))
    return evaluated(ABOUT, server, is_on)


def plan(found: Finding, server: ServerSnapshot) -> Change | None:
    return planned(ABOUT, found, server, ON)


def suggest(found: Finding, server: ServerSnapshot) -> tuple[Edit, ...]:
    return suggestion(ABOUT, found, server, ON)


POLICY: Policy[ServerSnapshot] = Policy(
    id=ABOUT.policy,
    title="Repeated failed sign-ins to a PostgreSQL server are not slowed down",
    kind=Kind.SETTING,
    targets=ALL_SERVERS,
    severity=ABOUT.severity,
    safety=Safety.APPROVAL,
    reads=READS,
    permissions=PERMISSIONS,
    controls=(
        Control(
            framework="CIS Microsoft Azure Foundations",
            version="1.3.0",
            id="4.3.6",
            title="Connection throttling is on",
        ),
        Control(
            framework="CIS Microsoft Azure Foundations",
            version="2.1.0",
            id="4.3.5",
            title="Connection throttling is on",
        ),
        Control(
            framework="CIS Microsoft Azure Foundations",
            version="3.0.0",
            id="5.2.3",
            title="Connection throttling is on",
        ),
        Control(
            framework="CIS Microsoft Azure Database Services",
            version="2.0.0",
            id="6.5",
            title="Connection throttling is on",
        ),
        Control(
            framework="Azure Policy",
            version="built-in",
            id="dacf07fa-0eea-4486-80bc-b93fae88ac40",
            title="[Deprecated]: Connection throttling should be enabled for PostgreSQL flexible servers",
        ),
        Control(
            framework="Azure Policy",
            version="built-in",
            id="5345bb39-67dc-4960-a1bf-427e16b9a0bd",
            title="Connection throttling should be enabled for PostgreSQL database servers",
        ),
    ),
    evaluate=evaluate,
    plan=plan,
    assess=assess,
    suggest=suggest,
    settings=frozenset({ABOUT.parameter, "connection_throttling"}),
    order=50,
    why="Passwords can be guessed at full speed from any address that may connect.",
)
