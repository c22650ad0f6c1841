"""PostgreSQL server that accepts a TLS version that is too low.

*What it finds.* A flexible server whose ``ssl_min_protocol_version`` is below the wanted version, or whose
``ssl_max_protocol_version`` is below its minimum (an empty maximum is none). A single server whose
``minimalTlsVersion`` is below it, or none (``TLSEnforcementDisabled``).

*Why it matters.* TLS 1.0 and 1.1 have known weaknesses; a client and somebody in the middle can agree on
the lowest version that the server accepts.

*What the change does.* Sets the minimum to the wanted version, and removes a maximum that lies below it, or
raises it to the highest version where the server offers no empty one. It waits for an approval, because
nobody here can see which version a client speaks.

*What it may break.* Clients whose TLS library ends below the wanted version. A maximum below the minimum
lets nobody in at all until it is changed.

*References.* PostgreSQL, ``ssl_min_protocol_version``. Current versions of the service offer nothing below
TLS 1.2.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from shared.model import (
    Aspect,
    Change,
    Edit,
    Finding,
    Json,
    Kind,
    Safety,
    ServerSnapshot,
    SetParameter,
    SetServerTls,
    Severity,
)
from shared.model.parts import ServerParameter, ServerTls
from shared.posture.controls import AZURE_POLICY, CHECKOV, CIS_DATABASES_2_0, MCSB
from shared.posture.findings import Facts, Judged, compliant, drifted, is_drift, unknown
from shared.posture.policy import ALL_SERVERS, Assessment, Parameter, Policy
from shared.posture.server_parameters import READS, About, finding_about, parameter, shown
from shared.posture.tls_versions import (
    HIGHEST,
    LOWEST,
    SINGLE_VERSIONS,
    VERSIONS,
    edits_to,
    ends,
    rank,
    single_rank,
)
from shared.posture.unread import unread_reason

ABOUT: Final = About(
    policy="postgres-tls-version-too-low",
    severity=Severity.MEDIUM,
    parameter=LOWEST,
    wanted="TLS 1.2 or newer",
)


def evaluate(server: ServerSnapshot, minimum: str) -> Finding:
    judged = _judge(server, minimum) if server.tls is None else _judge_single(server.tls, minimum)
    found = finding_about(ABOUT, server, judged)
    return replace(found, evidence={**found.evidence, **_facts(server), "wanted": minimum})


def plan(found: Finding, server: ServerSnapshot, minimum: str) -> Change | None:
    """None where Azure would refuse an edit, or it would be in force only after a restart."""
    pairs = edits_to(server, minimum) if is_drift(found) else []
    if not pairs:
        return None
    return Change(
        policy=ABOUT.policy,
        target=server.target,
        edits=tuple(edit for edit, _ in pairs),
        inverse=tuple(undo for _, undo in reversed(pairs)),
    )


def suggest(found: Finding, server: ServerSnapshot) -> tuple[Edit, ...]:
    change = plan(found, server, str(found.evidence.get("wanted", VERSIONS[2])))
    return change.edits if change else ()


def assess(_server: ServerSnapshot, _baseline: ServerSnapshot | None) -> Assessment:
    return Assessment(notes=("clients that speak only older versions of TLS can no longer connect",))


def check_minimum(minimum: Json) -> str | None:
    return None if minimum in VERSIONS else f"one of {', '.join(VERSIONS)}"


def _judge(server: ServerSnapshot, minimum: str) -> Judged:
    if server.parameters is None:
        return unknown(unread_reason(server, Aspect.PARAMETERS))
    lowest, highest = parameter(server, LOWEST), parameter(server, HIGHEST)
    if lowest is None:
        return unknown(f"the server does not list {LOWEST}")
    from_version, to_version = rank(lowest.value), rank(highest.value) if highest else None
    said = _said(ends(server))
    if from_version is None or (highest is not None and highest.value and to_version is None):
        return unknown(f"{said}: a version that is not known")
    if to_version is not None and to_version < from_version:
        return drifted(
            f"{said}: the highest version is below the lowest, nobody can connect", _fingerprint(server)
        )
    if from_version < VERSIONS.index(minimum):
        return drifted(f"{_said([lowest])}, wanted is at least {minimum}", _fingerprint(server))
    if pending := [p for p in ends(server) if p.pending_restart]:
        return drifted(f"{_said(pending)}, but only after a restart of the server", _fingerprint(server))
    return compliant(said)


def _fingerprint(server: ServerSnapshot) -> str:
    return "; ".join(f"{p.name.lower()}={p.value.lower()}" for p in ends(server))


def _said(parameters: Iterable[ServerParameter]) -> str:
    return ", ".join(f"{p.name} is {p.value or 'empty'}" for p in parameters)


def _judge_single(tls: ServerTls, minimum: str) -> Judged:
    version = tls.minimum_version.lower()
    said, fingerprint = (
        f"minimalTlsVersion is {tls.minimum_version or 'absent'}",
        f"minimalTlsVersion={version}",
    )
    if version == "tlsenforcementdisabled":
        return drifted(f"{said}: any version is accepted", fingerprint)
    known = [version.lower() for version in SINGLE_VERSIONS]
    if version not in known:
        return unknown(said)
    if known.index(version) < single_rank(minimum):
        return drifted(f"{said}, wanted is at least {SINGLE_VERSIONS[single_rank(minimum)]}", fingerprint)
    return compliant(said)


def _facts(server: ServerSnapshot) -> Facts:
    if server.tls is not None:
        return {"minimalTlsVersion": server.tls.minimum_version or None}
    return {"parameters": [shown(p) for p in ends(server)]}


POLICY: Policy[ServerSnapshot] = Policy(
    id=ABOUT.policy,
    title="A PostgreSQL server accepts a TLS version that is too low",
    kind=Kind.SETTING,
    targets=ALL_SERVERS,
    severity=ABOUT.severity,
    safety=Safety.APPROVAL,
    reads=READS,
    edits=frozenset({SetParameter, SetServerTls}),
    controls=(CIS_DATABASES_2_0.P_6_11, AZURE_POLICY.TLS_VERSION_FLEXIBLE, MCSB.DP_3, CHECKOV.CKV_AZURE_147),
    evaluate=evaluate,
    plan=plan,
    assess=assess,
    suggest=suggest,
    parameters=(
        Parameter(
            name="minimum",
            default=VERSIONS[2],
            description="The lowest version of TLS that a server may accept.",
            check=check_minimum,
        ),
    ),
    settings=frozenset({ABOUT.parameter, HIGHEST, "tls"}),
    order=40,
    why="A session can be forced down to a version of TLS that is known to be weak.",
)
