"""PostgreSQL server that accepts connections without TLS.

*What it finds.* A flexible server whose parameter ``require_secure_transport`` is not ``on``, or whose
``ssl`` is off, or a single server whose ``sslEnforcement`` is not Enabled.

*Why it matters.* A client that does not ask for TLS sends its password's proof and every row in the clear,
for whoever sits between it and the server to read or to change.

*What the change does.* Turns enforcement on. It is in force at once for new connections; open sessions go
on. It waits for an approval, because nobody here can see whether a client still comes without TLS.

*What it may break.* Clients that connect without TLS, above all old drivers and strings with
``sslmode=disable``.

*References.* PostgreSQL's documentation of ``require_secure_transport``; the controls that are cited.
"""

from __future__ import annotations

from typing import Final

from shared.model import (
    Change,
    Edit,
    Finding,
    Kind,
    Safety,
    ServerSnapshot,
    SetParameter,
    SetServerTls,
    Severity,
)
from shared.posture.controls import AZURE_POLICY, CIS_1_3, CIS_2_1, CIS_3_0, CIS_DATABASES_2_0, MCSB
from shared.posture.findings import compliant, drifted, finding, is_drift, unknown
from shared.posture.policy import ALL_SERVERS, Assessment, Policy
from shared.posture.server_parameters import (
    READS,
    SWITCH,
    About,
    Companion,
    is_on,
    parameter_change,
    parameter_finding,
    parameter_suggestion,
)
from shared.posture.unread import field_missing

SPEAKS_TLS: Final = Companion(
    parameter="ssl",
    leaves=lambda switch: SWITCH.get(switch.strip().lower()),
    wanted="on",
    otherwise="the server speaks no TLS",
)
ABOUT: Final = About(
    policy="postgres-tls-not-required",
    severity=Severity.HIGH,
    parameter="require_secure_transport",
    wanted="on",
    companions=(SPEAKS_TLS,),
)
ON: Final = "on"


def evaluate(server: ServerSnapshot) -> Finding:
    if server.tls is not None:
        return _single(server, server.tls.enforced)
    return parameter_finding(ABOUT, server, is_on)


def plan(found: Finding, server: ServerSnapshot) -> Change | None:
    if server.tls is None:
        return parameter_change(ABOUT, found, server, ON, is_on)
    if not is_drift(found):
        return None
    return Change(
        policy=ABOUT.policy,
        target=server.target,
        edits=(SetServerTls(server=server.id, enforced=True),),
        inverse=(SetServerTls(server=server.id, enforced=False),),
    )


def suggest(found: Finding, server: ServerSnapshot) -> tuple[Edit, ...]:
    if server.tls is None:
        return parameter_suggestion(ABOUT, found, server, ON, is_on)
    change = plan(found, server)
    return change.edits if change else ()


def assess(_server: ServerSnapshot, _baseline: ServerSnapshot | None) -> Assessment:
    return Assessment(notes=("clients that do not use TLS can no longer connect",))


def _single(server: ServerSnapshot, enforced: bool | None) -> Finding:
    judged = {
        True: compliant("sslEnforcement is Enabled"),
        False: drifted("sslEnforcement is Disabled", "sslEnforcement=Disabled"),
        None: unknown(field_missing(server, "sslEnforcement")),
    }[enforced]
    return finding(ABOUT.policy, ABOUT.severity, server, judged, {"sslEnforcement": enforced})


POLICY: Policy[ServerSnapshot] = Policy(
    id=ABOUT.policy,
    title="A PostgreSQL server accepts connections without TLS",
    kind=Kind.SETTING,
    targets=ALL_SERVERS,
    severity=ABOUT.severity,
    safety=Safety.APPROVAL,
    reads=READS,
    edits=frozenset({SetParameter, SetServerTls}),
    controls=(
        *(CIS_1_3.P_4_3_1, CIS_2_1.P_4_3_1, CIS_3_0.P_5_2_1, CIS_DATABASES_2_0.P_6_10),
        *(AZURE_POLICY.TLS_REQUIRED_FLEXIBLE, AZURE_POLICY.TLS_REQUIRED_SINGLE, MCSB.DP_3),
    ),
    evaluate=evaluate,
    plan=plan,
    assess=assess,
    suggest=suggest,
    settings=frozenset({ABOUT.parameter, SPEAKS_TLS.parameter, "tls"}),
    order=40,
    why="Whoever sits between a client and the server can read its password's proof and its data.",
)
