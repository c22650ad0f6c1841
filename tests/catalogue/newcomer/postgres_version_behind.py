"""PostgreSQL server of a major version that is no longer maintained.

*What it finds.* A flexible server whose major version is below 14.

*Why it matters.* The community mends no further holes in such a version, and neither does Azure.

*What to do.* Upgrade the server in place, after the applications were tested against the new version.

*What it may break.* Nothing is changed here; an upgrade may change query plans and drop extensions.

*References.* PostgreSQL's versioning policy; Azure's list of supported versions.
"""

from __future__ import annotations

from typing import Final

from shared.model import Aspect, ComplianceState, Finding, Kind, Safety, ServerSnapshot, Severity, TargetKind
from shared.posture.policy import Policy, RaisedBy

ID: Final = "postgres-version-behind"
OLDEST: Final = 14


def evaluate(server: ServerSnapshot) -> Finding:
    """Judged by the number alone."""
    state = _state(server.version)
    return Finding(
        policy=ID,
        target=server.target,
        resource_id=server.id,
        state=state,
        severity=Severity.LOW,
        reason=f"the major version is {server.version or 'not told'}; the oldest maintained one is {OLDEST}",
        evidence={"whatToDo": "upgrade the server to a maintained major version"},
        fingerprint=f"version={server.version}" if state is ComplianceState.NON_COMPLIANT else "",
    )


def _state(version: int | None) -> ComplianceState:
    if version is None:
        return ComplianceState.UNKNOWN
    return ComplianceState.COMPLIANT if version >= OLDEST else ComplianceState.NON_COMPLIANT


POLICY: Policy[ServerSnapshot] = Policy(
    id=ID,
    title="PostgreSQL server of a version that is no longer maintained",
    kind=Kind.SETTING,
    targets=frozenset({TargetKind.FLEXIBLE_SERVER}),
    severity=Severity.LOW,
    safety=Safety.MANUAL,
    reads=frozenset({Aspect.SERVER}),
    permissions=(
        "Microsoft.DBforPostgreSQL/flexibleServers/read",
        "Microsoft.DBforPostgreSQL/locations/capabilities/read",
    ),
    controls=(),
    evaluate=evaluate,
    raised_by=RaisedBy.SWEEP,
    why="Holes that are known to everybody stay open on this server.",
)
