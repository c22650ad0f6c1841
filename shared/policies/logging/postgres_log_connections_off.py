"""PostgreSQL server that does not log who connects.

*What it finds.* A server whose parameter ``log_connections`` is not ``on``. On version 18 the parameter is
a set of what is logged of a connection: ``receipt``, ``authentication`` and ``authorization`` are asked
for, which is what ``on`` means there; ``all`` is more.

*Why it matters.* Who came in, from which address, as whom: without these entries an intrusion leaves no
trace in the server's log.

*What the change does.* Sets ``log_connections`` to ``on``; on version 18 adds what is missing to the set
and takes nothing away, for ``on`` would be less than a set that also holds ``setup_durations``.

*What it may break.* Nothing; the log grows by an entry or two a connection.

*References.* CIS Microsoft Azure Foundations 1.3.0 4.3.4; Azure Policy 086709ac-11b5-478d-a893-9567a16d2ae3
(flexible) and eb6f77b9-bd53-4e35-a23d-7f65d5f0e442 (single); MCSB LT-3; PostgreSQL 18, ``log_connections``.
"""

from __future__ import annotations

from typing import Final

from shared.model import Change, Edit, Finding, Kind, Safety, ServerSnapshot, Severity
from shared.model.parts import ServerParameter
from shared.posture.policy import Control, Policy
from shared.posture.server_parameters import (
    ALL_SERVERS,
    PERMISSIONS,
    READS,
    About,
    assess,
    is_on,
    members,
    parameter,
    suggestion,
)
from shared.posture.server_parameters import evaluate as evaluated
from shared.posture.server_parameters import plan as planned

ABOUT: Final = About(
    policy="postgres-log-connections-off", severity=Severity.MEDIUM, parameter="log_connections", wanted="on"
)
ON: Final = "on"
ASKED: Final = ("receipt", "authentication", "authorization")
"""What ``on`` stands for where the parameter is a set."""
KNOWN: Final = frozenset({*ASKED, "setup_durations", "all", "on", "off", ""})


def evaluate(server: ServerSnapshot) -> Finding:
    return evaluated(ABOUT, server, _logs)


def plan(found: Finding, server: ServerSnapshot) -> Change | None:
    return planned(ABOUT, found, server, _wanted(server))


def suggest(found: Finding, server: ServerSnapshot) -> tuple[Edit, ...]:
    return suggestion(ABOUT, found, server, _wanted(server))


def _logs(found: ServerParameter) -> bool | None:
    if not _is_set(found):
        return is_on(found)
    logged = members(found.value)
    if not logged <= KNOWN:
        return None
    return bool(logged & {"all", ON}) or logged >= frozenset(ASKED)


def _is_set(found: ServerParameter) -> bool:
    return found.data_type.lower() == "set"


def _wanted(server: ServerSnapshot) -> str:
    """``on``, or the set with what is missing, in the order of PostgreSQL's documentation."""
    found = parameter(server, ABOUT.parameter)
    if found is None or not _is_set(found):
        return ON
    kept = members(found.value) - {"off", "", *ASKED}
    return ",".join([*ASKED, *sorted(kept)])


POLICY: Policy[ServerSnapshot] = Policy(
    id=ABOUT.policy,
    title="Connections to a PostgreSQL server are not logged",
    kind=Kind.SETTING,
    targets=ALL_SERVERS,
    severity=ABOUT.severity,
    safety=Safety.AUTO,
    reads=READS,
    permissions=PERMISSIONS,
    controls=(
        Control(
            framework="CIS Microsoft Azure Foundations",
            version="1.3.0",
            id="4.3.4",
            title="Connections are logged",
        ),
        Control(
            framework="CIS Microsoft Azure Foundations",
            version="2.1.0",
            id="4.3.3",
            title="Connections are logged",
        ),
        Control(
            framework="CIS Microsoft Azure Foundations",
            version="3.0.0",
            id="5.2.6",
            title="Connections are logged",
        ),
        Control(
            framework="CIS Microsoft Azure Database Services",
            version="2.0.0",
            id="6.9",
            title="Connections are logged",
        ),
        Control(
            framework="Azure Policy",
            version="built-in",
            id="086709ac-11b5-478d-a893-9567a16d2ae3",
            title="Log connections should be enabled for PostgreSQL flexible servers",
        ),
        Control(
            framework="Azure Policy",
            version="built-in",
            id="eb6f77b9-bd53-4e35-a23d-7f65d5f0e442",
            title="Log connections should be enabled for PostgreSQL database servers",
        ),
        Control(framework="MCSB", version="v1", id="LT-3", title="Enable logging for security investigation"),
    ),
    evaluate=evaluate,
    plan=plan,
    assess=assess,
    suggest=suggest,
    settings=frozenset({ABOUT.parameter}),
    order=50,
    why="An intruder's sign-in leaves no trace in the server's log.",
)
