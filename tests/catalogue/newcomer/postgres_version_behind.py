"""PostgreSQL server of a major version that is no longer maintained.

*What it finds.* A flexible server whose major version is below 14.

*Why it matters.* The community mends no further holes in such a version, and neither does Azure.

*What to do.* Upgrade the server in place, after the applications were tested against the new version.

*What it may break.* Nothing is changed here; an upgrade may change query plans and drop extensions.

*References.* PostgreSQL's versioning policy; Azure's list of supported versions.
"""

from __future__ import annotations

from typing import Final

from shared.model import Aspect, Finding, Kind, ServerSnapshot, Severity
from shared.posture.controls import Control
from shared.posture.findings import Judged, compliant, drifted, finding, unknown
from shared.posture.policy import FLEXIBLE_SERVERS, Policy, RaisedBy
from shared.posture.server_findings import az

ID: Final = "postgres-version-behind"
SEVERITY: Final = Severity.LOW
OLDEST: Final = 14
SUPPORTED: Final = Control(
    framework="PostgreSQL",
    version="versioning policy",
    id="supported-major-versions",
    title="A major version is maintained for five years",
    link="https://www.postgresql.org/support/versioning/",
)
"""A control that no other policy cites: it stands here and in no list."""


def evaluate(server: ServerSnapshot) -> Finding:
    """Judged by the number alone."""
    return finding(ID, SEVERITY, server, _judge(server))


def _judge(server: ServerSnapshot) -> Judged:
    version = server.version
    said = f"the major version is {version or 'not told'}; the oldest maintained one is {OLDEST}"
    if version is None:
        return unknown(said)
    if version >= OLDEST:
        return compliant(said)
    remedy = az(server, "upgrade", f"--version {OLDEST} --yes")
    return drifted(said, f"version={version}", what_to_do=remedy)


POLICY: Policy[ServerSnapshot] = Policy(
    id=ID,
    title="PostgreSQL server of a version that is no longer maintained",
    kind=Kind.SETTING,
    targets=FLEXIBLE_SERVERS,
    severity=SEVERITY,
    reads=frozenset({Aspect.SERVER}),
    controls=(SUPPORTED,),
    further_permissions=("Microsoft.DBforPostgreSQL/locations/capabilities/read",),
    evaluate=evaluate,
    raised_by=RaisedBy.SWEEP,
    why="Holes that are known to everybody stay open on this server.",
)
