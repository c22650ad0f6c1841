"""PostgreSQL server that does not log who connects.

*What it finds.* A server whose parameter ``log_connections`` is not ``on``. On version 18 the parameter is
a set of what is logged of a connection: ``receipt``, ``authentication`` and ``authorization`` are asked
for, which is what ``on`` means there; ``all`` is more.

*Why it matters.* Who came in, from which address, as whom: without these entries an intrusion leaves no
trace in the server's log.

*What the change does.* Sets ``log_connections`` to ``on``; on version 18 adds what is missing to the set
and takes nothing away, for ``on`` would be less than a set that also holds ``setup_durations``.

*What it may break.* Nothing; the log grows by an entry or two a connection.

*References.* PostgreSQL 18's documentation of ``log_connections``; the controls that are cited.
"""

from __future__ import annotations

from typing import Final

from shared.model import Change, Edit, Finding, Kind, Safety, ServerSnapshot, SetParameter, Severity
from shared.model.parts import ServerParameter
from shared.posture.controls import AZURE_POLICY, CIS_1_3, CIS_2_1, CIS_3_0, CIS_DATABASES_2_0, MCSB
from shared.posture.policy import ALL_SERVERS, Policy
from shared.posture.server_parameters import (
    READS,
    About,
    cuts_nobody_off,
    is_on,
    members,
    parameter,
    parameter_change,
    parameter_finding,
    parameter_suggestion,
)

ABOUT: Final = About(
    policy="postgres-log-connections-off", severity=Severity.MEDIUM, parameter="log_connections", wanted="on"
)
ON: Final = "on"
ASKED: Final = ("receipt", "authentication", "authorization")
"""What ``on`` stands for where the parameter is a set."""
KNOWN: Final = frozenset({*ASKED, "setup_durations", "all", "on", "off", ""})


def evaluate(server: ServerSnapshot) -> Finding:
    return parameter_finding(ABOUT, server, _logs)


def plan(found: Finding, server: ServerSnapshot) -> Change | None:
    return parameter_change(ABOUT, found, server, _wanted(server))


def suggest(found: Finding, server: ServerSnapshot) -> tuple[Edit, ...]:
    return parameter_suggestion(ABOUT, found, server, _wanted(server))


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
    edits=frozenset({SetParameter}),
    controls=(
        *(CIS_1_3.P_4_3_4, CIS_2_1.P_4_3_3, CIS_3_0.P_5_2_6, CIS_DATABASES_2_0.P_6_9),
        *(AZURE_POLICY.LOG_CONNECTIONS_FLEXIBLE, AZURE_POLICY.LOG_CONNECTIONS_SINGLE, MCSB.LT_3),
    ),
    evaluate=evaluate,
    plan=plan,
    assess=cuts_nobody_off,
    suggest=suggest,
    settings=frozenset({ABOUT.parameter}),
    order=50,
    why="An intruder's sign-in leaves no trace in the server's log.",
)
