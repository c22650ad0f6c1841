"""PostgreSQL server that accepts connections without TLS.

*What it finds.* A flexible server whose parameter ``require_secure_transport`` is not ``on``, or a single
server whose ``sslEnforcement`` is not Enabled.

*Why it matters.* A client that does not ask for TLS sends its password's proof and every row in the clear,
for whoever sits between it and the server to read or to change.

*What the change does.* Turns enforcement on. It is in force at once for new connections; open sessions go
on. It waits for an approval, because nobody here can see whether a client still comes without TLS.

*What it may break.* Clients that connect without TLS, above all old drivers and strings with
``sslmode=disable``.

*References.* CIS Microsoft Azure Foundations 1.3.0 4.3.1; Azure Policy c29c38cb-74a7-4505-9a06-e588ab86620a
(flexible) and d158790f-bfb0-486c-8631-2dc6b4e8e6af (single); MCSB DP-3.
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
    SetServerTls,
    Severity,
)
from shared.posture.policy import Assessment, Control, Policy
from shared.posture.server_parameters import ALL_SERVERS, PERMISSIONS, READS, About, is_on, suggestion
from shared.posture.server_parameters import evaluate as evaluated
from shared.posture.server_parameters import plan as planned
from shared.posture.traffic import reach_evidence

ABOUT: Final = About(
    policy="postgres-tls-not-required",
    severity=Severity.HIGH,
    parameter="require_secure_transport",
    wanted="on",
)
ON: Final = "on"


def evaluate(server: ServerSnapshot) -> Finding:
    return evaluated(ABOUT, server, is_on) if server.tls is None else _single(server, server.tls.enforced)


def plan(found: Finding, server: ServerSnapshot) -> Change | None:
    if server.tls is None:
        return planned(ABOUT, found, server, ON)
    if found.state is not ComplianceState.NON_COMPLIANT:
        return None
    return Change(
        policy=ABOUT.policy,
        target=server.target,
        edits=(SetServerTls(server=server.id, enforced=True),),
        inverse=(SetServerTls(server=server.id, enforced=False),),
    )


def suggest(found: Finding, server: ServerSnapshot) -> tuple[Edit, ...]:
    if server.tls is None:
        return suggestion(ABOUT, found, server, ON)
    change = plan(found, server)
    return change.edits if change else ()


def assess(_server: ServerSnapshot, _baseline: ServerSnapshot | None) -> Assessment:
    return Assessment(notes=("clients that do not use TLS can no longer connect",))


def _single(server: ServerSnapshot, enforced: bool | None) -> Finding:
    state, reason = {
        True: (ComplianceState.COMPLIANT, "sslEnforcement is Enabled"),
        False: (ComplianceState.NON_COMPLIANT, "sslEnforcement is Disabled"),
        None: (ComplianceState.UNKNOWN, "the server does not show sslEnforcement"),
    }[enforced]
    return Finding(
        policy=ABOUT.policy,
        target=server.target,
        resource_id=server.id,
        state=state,
        severity=ABOUT.severity,
        reason=reason,
        evidence={"sslEnforcement": enforced, **reach_evidence(server)},
        fingerprint="sslEnforcement=Disabled" if enforced is False else "",
    )


POLICY: Policy[ServerSnapshot] = Policy(
    id=ABOUT.policy,
    title="A PostgreSQL server accepts connections without TLS",
    kind=Kind.SETTING,
    targets=ALL_SERVERS,
    severity=ABOUT.severity,
    safety=Safety.APPROVAL,
    reads=READS,
    permissions=(*PERMISSIONS, "Microsoft.DBforPostgreSQL/servers/write"),
    controls=(
        Control(
            framework="CIS Microsoft Azure Foundations",
            version="1.3.0",
            id="4.3.1",
            title="PostgreSQL servers accept encrypted connections only",
        ),
        Control(
            framework="CIS Microsoft Azure Foundations",
            version="2.1.0",
            id="4.3.1",
            title="PostgreSQL servers accept encrypted connections only",
        ),
        Control(
            framework="CIS Microsoft Azure Foundations",
            version="3.0.0",
            id="5.2.1",
            title="PostgreSQL servers accept encrypted connections only",
        ),
        Control(
            framework="CIS Microsoft Azure Database Services",
            version="2.0.0",
            id="6.10",
            title="PostgreSQL servers accept encrypted connections only",
        ),
        Control(
            framework="Azure Policy",
            version="built-in",
            id="c29c38cb-74a7-4505-9a06-e588ab86620a",
            title="Enforce SSL connection should be enabled for PostgreSQL flexible servers",
        ),
        Control(
            framework="Azure Policy",
            version="built-in",
            id="d158790f-bfb0-486c-8631-2dc6b4e8e6af",
            title="Enforce SSL connection should be enabled for PostgreSQL database servers",
        ),
        Control(framework="MCSB", version="v1", id="DP-3", title="Encrypt sensitive data in transit"),
    ),
    evaluate=evaluate,
    plan=plan,
    assess=assess,
    suggest=suggest,
    settings=frozenset({ABOUT.parameter, "tls"}),
    order=40,
    why="Whoever sits between a client and the server can read its password's proof and its data.",
)
