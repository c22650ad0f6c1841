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

*References.* Azure Policy a43d5475-c569-45ce-a268-28fa79f4e87a; MCSB DP-3; CIS Microsoft Azure Database
Services 2.0.0 6.11; PostgreSQL, ``ssl_min_protocol_version``. Current versions of the service offer nothing
below TLS 1.2.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from shared.model import (
    Aspect,
    Change,
    ComplianceState,
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
from shared.posture.policy import Assessment, Control, Parameter, Policy
from shared.posture.server_parameters import (
    ALL_SERVERS,
    PERMISSIONS,
    READS,
    About,
    allows,
    finding,
    needs_restart,
    parameter,
    shown,
)
from shared.posture.unread import unread_reason

ABOUT: Final = About(
    policy="postgres-tls-version-too-low",
    severity=Severity.MEDIUM,
    parameter="ssl_min_protocol_version",
    wanted="TLS 1.2 or newer",
)
HIGHEST: Final = "ssl_max_protocol_version"
VERSIONS: Final = ("TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3")
"""As PostgreSQL spells them, the lowest first."""
SINGLE_VERSIONS: Final = ("TLS1_0", "TLS1_1", "TLS1_2")
"""As a single server spells them, in the same order."""


def evaluate(server: ServerSnapshot, minimum: str) -> Finding:
    if server.tls is not None:
        state, reason = _judge_single(server.tls, minimum)
    else:
        state, reason = _judge(server, minimum)
    found = finding(ABOUT, server, state, reason)
    drifted = state is ComplianceState.NON_COMPLIANT
    return replace(
        found,
        evidence={**found.evidence, **_shown(server), "wanted": minimum},
        fingerprint=_fingerprint(server) if drifted else "",
    )


def plan(found: Finding, server: ServerSnapshot, minimum: str) -> Change | None:
    """None where Azure would refuse an edit, or it would be in force only after a restart."""
    if found.state is not ComplianceState.NON_COMPLIANT:
        return None
    pairs = _single_edits(server, minimum) if server.tls is not None else _edits(server, minimum)
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


# --- flexible servers ------------------------------------------------------------------------------


def _judge(server: ServerSnapshot, minimum: str) -> tuple[ComplianceState, str]:
    if server.parameters is None:
        return ComplianceState.UNKNOWN, unread_reason(server, Aspect.PARAMETERS)
    lowest, highest = parameter(server, ABOUT.parameter), parameter(server, HIGHEST)
    if lowest is None:
        return ComplianceState.UNKNOWN, f"the server does not list {ABOUT.parameter}"
    from_version, to_version = _rank(lowest.value), _rank(highest.value) if highest else None
    if from_version is None or (highest is not None and highest.value and to_version is None):
        return ComplianceState.UNKNOWN, f"{_said(lowest, highest)}: a version that is not known"
    if to_version is not None and to_version < from_version:
        reason = f"{_said(lowest, highest)}: the highest version is below the lowest, nobody can connect"
        return ComplianceState.NON_COMPLIANT, reason
    if from_version < VERSIONS.index(minimum):
        return ComplianceState.NON_COMPLIANT, f"{_said(lowest)}, wanted is at least {minimum}"
    if pending := [p for p in (lowest, highest) if p is not None and p.pending_restart]:
        return ComplianceState.NON_COMPLIANT, f"{_said(*pending)}, but only after a restart of the server"
    return ComplianceState.COMPLIANT, _said(lowest, highest)


def _rank(version: str) -> int | None:
    """The place of a version among those known; None for an empty or unknown one."""
    lowered = [known.lower() for known in VERSIONS]
    name = version.strip().lower()
    return lowered.index(name) if name in lowered else None


def _said(*parameters: ServerParameter | None) -> str:
    return ", ".join(f"{p.name} is {p.value or 'empty'}" for p in parameters if p is not None)


def _edits(server: ServerSnapshot, minimum: str) -> list[tuple[Edit, Edit]]:
    """Edits with their inverses: the maximum first, so that no moment has a minimum above it."""
    lowest, highest = parameter(server, ABOUT.parameter), parameter(server, HIGHEST)
    lowest_rank = _rank(lowest.value) if lowest else None
    if lowest is None or lowest_rank is None or any(p.pending_restart for p in _both(server)):
        return []
    wanted = VERSIONS[max(lowest_rank, VERSIONS.index(minimum))]
    highest_rank = _rank(highest.value) if highest else None
    changes = [(lowest, wanted)] if wanted.lower() != lowest.value.strip().lower() else []
    if highest is not None and highest_rank is not None and highest_rank < VERSIONS.index(wanted):
        changes.insert(0, (highest, _no_limit(highest, wanted)))
    if any(p.read_only or needs_restart(p) or not allows(p, text) for p, text in changes):
        return []
    return [(_setting(server, p.name, text), _setting(server, p.name, p.value)) for p, text in changes]


def _no_limit(highest: ServerParameter, minimum: str) -> str:
    """No maximum; where the list of allowed values does not have that (the service's documentation lists
    versions only), the highest version that it has from ``minimum`` on."""
    enough = VERSIONS[VERSIONS.index(minimum) :]
    offered = [version for version in enough if allows(highest, version)]
    return "" if allows(highest, "") or not offered else offered[-1]


def _setting(server: ServerSnapshot, name: str, text: str) -> Edit:
    return SetParameter(server=server.id, name=name, value=text)


# --- single servers --------------------------------------------------------------------------------


def _judge_single(tls: ServerTls, minimum: str) -> tuple[ComplianceState, str]:
    said = f"minimalTlsVersion is {tls.minimum_version or 'absent'}"
    if tls.minimum_version.lower() == "tlsenforcementdisabled":
        return ComplianceState.NON_COMPLIANT, f"{said}: any version is accepted"
    known = [version.lower() for version in SINGLE_VERSIONS]
    if tls.minimum_version.lower() not in known:
        return ComplianceState.UNKNOWN, said
    if known.index(tls.minimum_version.lower()) < _single_rank(minimum):
        return (
            ComplianceState.NON_COMPLIANT,
            f"{said}, wanted is at least {SINGLE_VERSIONS[_single_rank(minimum)]}",
        )
    return ComplianceState.COMPLIANT, said


def _single_rank(minimum: str) -> int:
    """A single server knows nothing above TLS 1.2: more cannot be asked of it."""
    return min(VERSIONS.index(minimum), len(SINGLE_VERSIONS) - 1)


def _single_edits(server: ServerSnapshot, minimum: str) -> list[tuple[Edit, Edit]]:
    if server.tls is None:
        return []
    wanted = SINGLE_VERSIONS[_single_rank(minimum)]
    former = SetServerTls(server=server.id, minimum_version=server.tls.minimum_version)
    return [(SetServerTls(server=server.id, minimum_version=wanted), former)]


# --- evidence --------------------------------------------------------------------------------------


def _shown(server: ServerSnapshot) -> dict[str, Json]:
    if server.tls is not None:
        return {"minimalTlsVersion": server.tls.minimum_version or None}
    return {"parameters": [shown(p) for p in _both(server)]}


def _both(server: ServerSnapshot) -> Iterable[ServerParameter]:
    return (p for name in (ABOUT.parameter, HIGHEST) if (p := parameter(server, name)) is not None)


def _fingerprint(server: ServerSnapshot) -> str:
    if server.tls is not None:
        return f"minimalTlsVersion={server.tls.minimum_version.lower()}"
    return "; ".join(f"{p.name.lower()}={p.value.lower()}" for p in _both(server))


POLICY: Policy[ServerSnapshot] = Policy(
    id=ABOUT.policy,
    title="A PostgreSQL server accepts a TLS version that is too low",
    kind=Kind.SETTING,
    targets=ALL_SERVERS,
    severity=ABOUT.severity,
    safety=Safety.APPROVAL,
    reads=READS,
    permissions=(*PERMISSIONS, "Microsoft.DBforPostgreSQL/servers/write"),
    controls=(
        Control(
            framework="CIS Microsoft Azure Database Services",
            version="2.0.0",
            id="6.11",
            title="PostgreSQL servers accept TLS 1.2 or newer only",
        ),
        Control(
            framework="Azure Policy",
            version="built-in",
            id="a43d5475-c569-45ce-a268-28fa79f4e87a",
            title="PostgreSQL flexible servers should be running TLS version 1.2 or newer",
        ),
        Control(framework="MCSB", version="v1", id="DP-3", title="Encrypt sensitive data in transit"),
        Control(
            framework="Checkov",
            version="rules",
            id="CKV_AZURE_147",
            title="A PostgreSQL server uses the latest version of TLS",
        ),
    ),
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
