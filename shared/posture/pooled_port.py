"""Port 6432, where PgBouncer listens: who needs it, and what its being denied comes to where nobody does.

Within a subnet high availability and PgBouncer need it (private access networking, major version upgrades);
a client needs it of a server that runs PgBouncer. Where that was read of every server, and of none is it so,
a denial of 6432 alone breaks nothing: it is advice. Pure.

What must not live here: what is asked of an NSG, and what is done about it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from shared.model import Finding, Severity, SubnetServer
from shared.posture.findings import Facts, is_drift
from shared.posture.subnet_facts import PGBOUNCER_PORT

PORTS_NEEDED: Final = (
    "5432 is always required within the subnet; 6432 is required where high availability or PgBouncer "
    "is on, otherwise recommended"
)
RECOMMENDED: Final = "recommended"


def whether_6432_matters(servers: Sequence[SubnetServer] | None) -> Facts:
    """What traffic within the subnet needs, server by server."""
    if servers is None:
        return {"rule": PORTS_NEEDED, "servers": None, "port6432": "unknown"}
    needs = [_need_of_6432(server) for server in servers]
    worst = next((need for need in ("required", "unknown") if need in needs), RECOMMENDED)
    listed = [
        {
            "id": str(server.id),
            "highAvailability": server.high_availability,
            "pgbouncer": server.pgbouncer,
            "port6432": need,
        }
        for server, need in zip(servers, needs, strict=True)
    ]
    return {"rule": PORTS_NEEDED, "servers": listed, "port6432": worst}


def _need_of_6432(server: SubnetServer) -> str:
    if server.high_availability or server.pgbouncer:
        return "required"
    return "unknown" if None in (server.high_availability, server.pgbouncer) else RECOMMENDED


def nobody_pools(servers: Sequence[SubnetServer] | None) -> bool:
    """Whether PgBouncer was read of every server, and runs on none."""
    return servers is not None and all(server.pgbouncer is False for server in servers)


def as_advice(found: Finding, unneeded: bool) -> Finding:
    """The finding as advice where 6432 is all that is denied, and is needed by nobody."""
    denied = {port for one in found.evidence.get("directions", ()) for port in one.get("portsDenied", ())}
    if not (unneeded and is_drift(found) and denied == {PGBOUNCER_PORT}):
        return found
    return replace(found, severity=Severity.INFORMATIONAL)
