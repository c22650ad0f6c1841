"""PostgreSQL server that accepts a TLS version that is too low.

*What it finds.* A flexible server whose ``ssl_min_protocol_version`` is below the wanted version, or whose
``ssl_max_protocol_version`` is below its minimum (an empty maximum is none). A single server whose
``minimalTlsVersion`` is below it, or none (``TLSEnforcementDisabled``). A flexible server of version 11 has
neither parameter: the service itself refuses what is older than TLS 1.2. That connections without any TLS
are accepted is for postgres-tls-not-required to find; here it is told.

*Why it matters.* TLS 1.0 and 1.1 have known weaknesses; a client and somebody in the middle can agree on
the lowest version that the server accepts.

*What the change does.* Sets the minimum to the wanted version, and removes a maximum that lies below it, or
raises it to the highest version where the server offers no empty one. It waits for an approval, because
nobody here can see which version a client speaks.

*What it may break.* Clients whose TLS library ends below the wanted version. A maximum below the minimum
lets nobody in at all until it is changed.

*References.* PostgreSQL, ``ssl_min_protocol_version``; the controls ask for TLS 1.2, and are named where less
is accepted. Secure connectivity with TLS in Azure Database for PostgreSQL. Current versions of the service
offer nothing below TLS 1.2.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
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
from shared.posture.controls import AZURE_POLICY, CHECKOV, CIS_DATABASES_2_0, MCSB, Control
from shared.posture.findings import Facts, Judged, beside_the_point, compliant, drifted, is_drift, unknown
from shared.posture.policy import ALL_SERVERS, Assessment, Parameter, Policy
from shared.posture.server_findings import az, is_replica
from shared.posture.server_parameters import (
    READS,
    About,
    finding_about,
    is_on,
    parameter,
    restart,
    shown,
    value_said,
)
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
FLOOR: Final = VERSIONS[2]
"""What the service of flexible servers itself asks for at least."""
FIRST_WITH: Final = 12
"""The first version of PostgreSQL that has the two parameters."""
REQUIRED: Final = "require_secure_transport"
CONTROLS: Final = (
    *(CIS_DATABASES_2_0.P_6_11, AZURE_POLICY.TLS_VERSION_FLEXIBLE, MCSB.DP_3),
    CHECKOV.CKV_AZURE_147,
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
        return _without_parameter(server, minimum)
    from_version, to_version = rank(lowest.value), rank(highest.value) if highest else None
    said, odd = _said(ends(server)), any(p.odd for p in ends(server))
    if from_version is None:
        return unknown(f"{said}: a version that is not known")
    if to_version is not None and to_version < from_version:
        return drifted(
            f"{said}: the highest version is below the lowest, nobody can connect", _fingerprint(server)
        )
    if from_version < VERSIONS.index(minimum):
        shown_ends = ends(server) if odd else [lowest]
        return drifted(f"{_said(shown_ends)}, wanted is at least {minimum}", _fingerprint(server))
    if odd or (highest is not None and highest.value and to_version is None):
        return unknown(f"{said}: a version that is not known")
    if pending := [p for p in ends(server) if p.pending_restart]:
        waiting = f"{_said(pending)}, but only after a restart of the server"
        return drifted(waiting, _fingerprint(server), what_to_do=(restart(server),))
    return compliant(f"{said}{_without_tls(server)}")


def _without_parameter(server: ServerSnapshot, minimum: str) -> Judged:
    """PostgreSQL has it since version 12; before, the service's own floor holds, which nobody can move."""
    if server.version is None or server.version >= FIRST_WITH:
        return unknown(f"the server does not list {LOWEST}")
    said = f"version {server.version} has no {LOWEST}: the service refuses what is older than {FLOOR}"
    if VERSIONS.index(minimum) <= VERSIONS.index(FLOOR):
        return beside_the_point(said)
    return drifted(
        f"{said}, wanted is at least {minimum}",
        f"{LOWEST} absent",
        what_to_do=_upgrade(server),
    )


def _upgrade(server: ServerSnapshot) -> tuple[str, ...]:
    """azure-cli 2.91.0 refuses to upgrade a replica and a server that has one."""
    newer = f"a newer major version has {LOWEST}; an upgrade takes the server offline and cannot be undone"
    if is_replica(server):
        anew = "a replica cannot be upgraded: delete its primary's replicas, upgrade that, and make them anew"
        return newer, anew
    version = f"--version '<a major version from {FIRST_WITH} on>' --yes"
    return newer, "replicas that it has go before, and are made anew after it", az(server, "upgrade", version)


def _without_tls(server: ServerSnapshot) -> str:
    """Which versions are accepted says nothing of whoever comes without TLS."""
    required = parameter(server, REQUIRED)
    if required is None or is_on(required) is not False:
        return ""
    return f"; connections without TLS are accepted as well ({required.name} is {required.value!r})"


def met(found: Finding) -> Collection[Control]:
    """Every control asks for TLS 1.2; a scope may ask for more."""
    lowest = [one["value"] for one in found.evidence.get("parameters", ()) if one["name"].lower() == LOWEST]
    waits = any(one["isConfigPendingRestart"] for one in found.evidence.get("parameters", ()))
    accepted = lowest or [found.evidence.get("serviceFloor") or ""]
    reached = (rank(accepted[0]) or 0) >= VERSIONS.index(FLOOR) and not waits
    return CONTROLS if reached else ()


def _fingerprint(server: ServerSnapshot) -> str:
    return "; ".join(f"{p.name.lower()}={p.value.lower()}" for p in ends(server))


def _said(parameters: Iterable[ServerParameter]) -> str:
    return ", ".join(value_said(p) if p.odd else f"{p.name} is {p.value or 'empty'}" for p in parameters)


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
    older = server.version is not None and server.version < FIRST_WITH
    floor = {"serviceFloor": FLOOR} if older and parameter(server, LOWEST) is None else {}
    return {"parameters": [shown(p) for p in ends(server)], **floor}


POLICY: Policy[ServerSnapshot] = Policy(
    id=ABOUT.policy,
    title="A PostgreSQL server accepts a TLS version that is too low",
    kind=Kind.SETTING,
    targets=ALL_SERVERS,
    severity=ABOUT.severity,
    safety=Safety.APPROVAL,
    reads=READS,
    edits=frozenset({SetParameter, SetServerTls}),
    controls=CONTROLS,
    met=met,
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
