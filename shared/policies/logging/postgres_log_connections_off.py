"""PostgreSQL server that does not log who connects.

*What it finds.* A server whose parameter ``log_connections`` is not ``on``. From version 18 on its value is
a list of what is logged of a connection: ``receipt``, ``authentication`` and ``authorization`` are asked
for, which is what ``on`` means there; ``all`` is more. Whatever it says, nothing of it is written while
``log_min_messages`` is ``fatal`` or ``panic``: that is found as well.

*Why it matters.* Who came in, from which address, as whom: without these entries an intrusion leaves no
trace in the server's log.

*What the change does.* Sets ``log_connections`` to ``on``; from version 18 on adds what is missing to the
list and takes nothing away, for ``on`` would be less than a list that also holds ``setup_durations``. A
``log_min_messages`` that keeps the entries out is set to ``warning``, its default.

*What it may break.* Nothing; the log grows by an entry or two a connection.

*References.* PostgreSQL 18's documentation of ``log_connections``; the controls that are cited.
"""

from __future__ import annotations

from functools import partial
from typing import Final

from shared.model import Change, Edit, Finding, Kind, Safety, ServerSnapshot, SetParameter, Severity
from shared.model.parts import ServerParameter
from shared.posture.allowed_values import allows, members
from shared.posture.controls import AZURE_POLICY, CIS_1_3, CIS_2_1, CIS_3_0, CIS_DATABASES_2_0, MCSB
from shared.posture.policy import ALL_SERVERS, Policy
from shared.posture.server_log import LEAST_WRITTEN, WRITTEN, met_by_value
from shared.posture.server_parameters import (
    READS,
    SWITCH,
    About,
    cuts_nobody_off,
    parameter,
    parameter_change,
    parameter_finding,
    parameter_suggestion,
)

ABOUT: Final = About(
    policy="postgres-log-connections-off",
    severity=Severity.MEDIUM,
    parameter="log_connections",
    wanted="on",
    companions=(WRITTEN,),
)
OF_THE_VALUE: Final = (
    *(CIS_1_3.P_4_3_4, CIS_2_1.P_4_3_3, CIS_3_0.P_5_2_6, CIS_DATABASES_2_0.P_6_9),
    *(AZURE_POLICY.LOG_CONNECTIONS_FLEXIBLE, AZURE_POLICY.LOG_CONNECTIONS_SINGLE),
)
ON: Final = "on"
ALL: Final = "all"
ASKED: Final = ("receipt", "authentication", "authorization")
"""What ``on`` stands for where the value is a list."""
NAMES: Final = frozenset({*ASKED, "setup_durations", ALL})
LISTS_FROM: Final = 18


def evaluate(server: ServerSnapshot) -> Finding:
    return parameter_finding(ABOUT, server, _logs)


def plan(found: Finding, server: ServerSnapshot) -> Change | None:
    return parameter_change(ABOUT, found, server, _wanted(server), _logs)


def suggest(found: Finding, server: ServerSnapshot) -> tuple[Edit, ...]:
    return parameter_suggestion(ABOUT, found, server, _wanted(server), _logs)


def _logs(found: ServerParameter) -> bool | None:
    """By the value alone: what Azure calls its type differs between versions."""
    logged = members(found.value)
    if not logged <= NAMES | SWITCH.keys() | {""}:
        return None
    on = {ALL} | {name for name, switched_on in SWITCH.items() if switched_on}
    return bool(logged & on) or logged >= frozenset(ASKED)


def _wanted(server: ServerSnapshot) -> str:
    """``on``; where the value is a list, what is missing beside what is there, as the server offers it."""
    found = parameter(server, ABOUT.parameter)
    if found is None or not _is_list(found, server.version):
        return ON
    kept = members(found.value) - {"", *SWITCH, *ASKED}
    ways = (",".join([*ASKED, *sorted(kept)]), ALL if kept else ON)
    return next((way for way in ways if allows(found, way)), ON)


def _is_list(found: ServerParameter, version: int | None) -> bool:
    lists = found.data_type.lower() == "set" or (version is not None and version >= LISTS_FROM)
    return lists or bool(NAMES & (members(found.value) | members(found.allowed)))


POLICY: Policy[ServerSnapshot] = Policy(
    id=ABOUT.policy,
    title="Connections to a PostgreSQL server are not logged",
    kind=Kind.SETTING,
    targets=ALL_SERVERS,
    severity=ABOUT.severity,
    safety=Safety.AUTO,
    reads=READS,
    edits=frozenset({SetParameter}),
    controls=(*OF_THE_VALUE, MCSB.LT_3),
    met=partial(met_by_value, OF_THE_VALUE, _logs),
    evaluate=evaluate,
    plan=plan,
    assess=cuts_nobody_off,
    suggest=suggest,
    settings=frozenset({ABOUT.parameter, LEAST_WRITTEN}),
    order=50,
    why="An intruder's sign-in leaves no trace in the server's log.",
)
