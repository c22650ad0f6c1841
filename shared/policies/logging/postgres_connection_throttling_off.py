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

*References.* Azure Policy 5345bb39-67dc-4960-a1bf-427e16b9a0bd (single), dacf07fa-0eea-4486-80bc-b93fae88ac40
(flexible, deprecated because version 16 dropped it).
"""

from __future__ import annotations

from functools import partial
from typing import Final

from shared.model import Finding, Kind, Safety, ServerSnapshot, SetParameter, Severity, TargetKind
from shared.posture.controls import AZURE_POLICY, CIS_1_3, CIS_2_1, CIS_3_0, CIS_DATABASES_2_0
from shared.posture.findings import compliant
from shared.posture.policy import ALL_SERVERS, Policy
from shared.posture.server_parameters import (
    READS,
    About,
    cuts_nobody_off,
    is_on,
    parameter_change,
    parameter_finding,
    parameter_suggestion,
)

ABOUT: Final = About(
    policy="postgres-connection-throttling-off",
    severity=Severity.LOW,
    parameter="connection_throttle.enable",
    single="connection_throttling",
    wanted="on",
)
DROPPED_IN: Final = 16


def evaluate(server: ServerSnapshot) -> Finding:
    flexible = server.kind is TargetKind.FLEXIBLE_SERVER
    dropped = flexible and server.version is not None and server.version >= DROPPED_IN
    without = compliant(f"version {server.version} has no {ABOUT.parameter}")
    return parameter_finding(ABOUT, server, is_on, absent=without if dropped else None)


POLICY: Policy[ServerSnapshot] = Policy(
    id=ABOUT.policy,
    title="Repeated failed sign-ins to a PostgreSQL server are not slowed down",
    kind=Kind.SETTING,
    targets=ALL_SERVERS,
    severity=ABOUT.severity,
    safety=Safety.APPROVAL,
    reads=READS,
    edits=frozenset({SetParameter}),
    controls=(
        *(CIS_1_3.P_4_3_6, CIS_2_1.P_4_3_5, CIS_3_0.P_5_2_3, CIS_DATABASES_2_0.P_6_5),
        *(AZURE_POLICY.CONNECTION_THROTTLING_FLEXIBLE, AZURE_POLICY.CONNECTION_THROTTLING_SINGLE),
    ),
    evaluate=evaluate,
    plan=partial(parameter_change, ABOUT, wanted="on"),
    assess=cuts_nobody_off,
    suggest=partial(parameter_suggestion, ABOUT, wanted="on"),
    settings=frozenset({ABOUT.parameter, "connection_throttling"}),
    order=50,
    why="Passwords can be guessed at full speed from any address that may connect.",
)
