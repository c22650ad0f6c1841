"""PostgreSQL server on which more extensions may be installed than its scope allows.

*What it finds.* A flexible server whose ``azure.extensions`` names an extension that the scope's list
lacks. Without a list in ``policies.yaml`` nothing is asked.

*Why it matters.* An extension brings code into the server. ``dblink`` and ``postgres_fdw`` open connections
to elsewhere, ``azure_storage`` carries data out, ``plv8`` runs programs: each is a way past the network's
walls for somebody who can sign in.

*What the change does.* Nothing is changed: an extension that is in use breaks what uses it. A person looks
for it in ``pg_extension`` of every database, drops it there, and takes it from ``azure.extensions``.

*What it may break.* Queries and jobs that use the extension, once it is gone.

*References.* Azure Database for PostgreSQL, allow extensions; Azure Policy
a7d3e5b1-8c4f-4a2b-9d6e-1f3c5a8b2e7d (any parameter to a given value).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from shared.model import Edit, Finding, Json, Kind, ServerSnapshot, Severity
from shared.posture.allowed_values import members
from shared.posture.controls import AZURE_POLICY, MCSB
from shared.posture.findings import beside_the_point, is_drift
from shared.posture.policy import FLEXIBLE_SERVERS, Parameter, Policy
from shared.posture.server_parameters import (
    READS,
    About,
    finding_about,
    parameter,
    parameter_finding,
    parameter_suggestion,
)

ABOUT: Final = About(
    policy="postgres-extensions-beyond-allow-list",
    severity=Severity.MEDIUM,
    parameter="azure.extensions",
    wanted="no extension beyond the allow-list",
)


def evaluate(server: ServerSnapshot, allowed: list[str] | None) -> Finding:
    """The extensions beyond the list are in the evidence, and make the drift what it is."""
    if allowed is None:
        unasked = beside_the_point("no allow-list is configured for this scope")
        return finding_about(ABOUT, server, unasked)
    listed = frozenset(name.lower() for name in allowed)
    found = parameter_finding(ABOUT, server, lambda named: not _beyond(named.value, listed))
    current = parameter(server, ABOUT.parameter)
    beyond = _beyond(current.value, listed) if current else []
    drift = is_drift(found)
    return replace(
        found,
        reason=f"not on the allow-list: {', '.join(beyond)}" if drift and beyond else found.reason,
        evidence={"beyondAllowList": beyond, "allowList": sorted(listed), **found.evidence},
        fingerprint=f"{ABOUT.parameter}+{','.join(beyond)}" if drift else "",
    )


def suggest(found: Finding, server: ServerSnapshot) -> tuple[Edit, ...]:
    """The list without what is beyond; whoever runs it has dropped the extensions before."""
    current = parameter(server, ABOUT.parameter)
    beyond = found.evidence.get("beyondAllowList", [])
    if current is None or not beyond:
        return ()
    kept = [name for name in _names(current.value) if name.lower() not in beyond]
    return parameter_suggestion(ABOUT, found, server, ",".join(kept))


def check_allowed(allowed: Json) -> str | None:
    """An empty list is a list: no extension is allowed."""
    named = isinstance(allowed, list) and all(isinstance(name, str) and name.strip() for name in allowed)
    return None if named or allowed is None else "a list of names of extensions"


def _beyond(listed: str, allowed: frozenset[str]) -> list[str]:
    return sorted(name for name in members(listed) if name and name not in allowed)


def _names(listed: str) -> list[str]:
    return [name.strip() for name in listed.split(",") if name.strip()]


POLICY: Policy[ServerSnapshot] = Policy(
    id=ABOUT.policy,
    title="More extensions may be installed on a PostgreSQL server than its scope allows",
    kind=Kind.SETTING,
    targets=FLEXIBLE_SERVERS,
    severity=ABOUT.severity,
    reads=READS,
    controls=(AZURE_POLICY.PARAMETER_SET_FLEXIBLE, MCSB.PV_2),
    evaluate=evaluate,
    suggest=suggest,
    parameters=(
        Parameter(
            name="allowed",
            default=None,
            description="Extensions that may be allowed on a server; null asks for nothing.",
            check=check_allowed,
            example=["pg_stat_statements", "pgaudit", "pgcrypto"],
        ),
    ),
    order=60,
    why="An extension can open connections to elsewhere, or carry data out.",
)
