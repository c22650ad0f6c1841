"""PostgreSQL server that keeps its log files for too few days.

*What it finds.* A flexible server whose ``logfiles.retention_days``, or a single server whose
``log_retention_days``, is below the wanted number of days. Seven is the most that either can keep. A
flexible server keeps files only while ``logfiles.download_enable`` is on: where that is off, no file is kept
for a single day, and that is found as well.

*Why it matters.* An intrusion is seldom noticed on the day. What the files no longer hold is lost unless
diagnostic settings carried it elsewhere.

*What the change does.* Sets the parameter to the wanted number of days, and ``logfiles.download_enable`` to
``on`` where it is off. It waits for an approval: log files take storage of the server.

*What it may break.* Nothing; the files take up more of the server's storage.

*References.* CIS Microsoft Azure Foundations 1.3.0 4.3.7 (more than three days); Azure Policy
f5ed3f7a-cf5d-4ee6-9ede-b5d5192ccf81 (at least seven): a finding names only those whose number is not reached.
Configure capture of PostgreSQL server logs (``logfiles.download_enable``).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Final

from shared.model import Change, Edit, Finding, Json, Kind, Safety, ServerSnapshot, SetParameter, Severity
from shared.model.parts import ServerParameter
from shared.posture.allowed_values import number
from shared.posture.controls import AZURE_POLICY, CIS_1_3, CIS_2_1, CIS_3_0, CIS_DATABASES_2_0, MCSB, Control
from shared.posture.policy import ALL_SERVERS, Parameter, Policy
from shared.posture.server_parameters import (
    READS,
    SWITCH,
    About,
    Companion,
    cuts_nobody_off,
    parameter,
    parameter_change,
    parameter_finding,
    parameter_suggestion,
)

KEPT_AT_ALL: Final = Companion(
    parameter="logfiles.download_enable",
    leaves=lambda switch: SWITCH.get(switch.strip().lower()),
    wanted="on",
    otherwise="no log file is kept",
)
ABOUT: Final = About(
    policy="postgres-log-retention-short",
    severity=Severity.LOW,
    parameter="logfiles.retention_days",
    single="log_retention_days",
    wanted="enough days",
    companions=(KEPT_AT_ALL,),
)
MOST: Final = 7
OVER_THREE: Final = (CIS_1_3.P_4_3_7, CIS_2_1.P_4_3_6, CIS_3_0.P_5_2_4, CIS_DATABASES_2_0.P_6_6)
"""They ask for more than three days; Azure Policy asks for seven, and of the number alone."""


def evaluate(server: ServerSnapshot, days: int) -> Finding:
    about = replace(ABOUT, wanted=f"at least {days}")
    found = parameter_finding(about, server, lambda kept: _keeps(kept, days))
    switch = parameter(server, KEPT_AT_ALL.parameter)
    said = switch.value if switch and not switch.odd else None
    kept_at_all = {"logfilesDownloadEnable": said, "wantedDays": days}
    return replace(found, evidence={**found.evidence, **kept_at_all})


def plan(found: Finding, server: ServerSnapshot, days: int) -> Change | None:
    return parameter_change(ABOUT, found, server, str(days), lambda kept: _keeps(kept, days))


def suggest(found: Finding, server: ServerSnapshot) -> tuple[Edit, ...]:
    """The most that can be kept, where what is kept is not enough."""
    days = found.evidence.get("wantedDays", MOST)
    return parameter_suggestion(ABOUT, found, server, str(MOST), lambda kept: _keeps(kept, days))


def met(found: Finding) -> Collection[Control]:
    """The controls whose number of days is reached nevertheless."""
    current = found.evidence.get("parameter") or {"value": ""}
    days = number(current["value"]) or 0
    none_kept = KEPT_AT_ALL.leaves(found.evidence.get("logfilesDownloadEnable") or "on") is False
    by_number = {AZURE_POLICY.LOG_RETENTION_FLEXIBLE} if days >= MOST else set()
    return by_number | set(OVER_THREE if days > 3 and not none_kept else ())


def check_days(days: Json) -> str | None:
    whole = isinstance(days, int) and not isinstance(days, bool)
    return None if whole and 1 <= days <= MOST else f"a whole number of days from 1 to {MOST}"


def _keeps(found: ServerParameter, days: int) -> bool | None:
    """None for a text that is no number of days."""
    kept = number(found.value)
    return None if kept is None else kept >= days


POLICY: Policy[ServerSnapshot] = Policy(
    id=ABOUT.policy,
    title="Log files of a PostgreSQL server are kept for too few days",
    kind=Kind.SETTING,
    targets=ALL_SERVERS,
    severity=ABOUT.severity,
    safety=Safety.APPROVAL,
    reads=READS,
    edits=frozenset({SetParameter}),
    controls=(
        *OVER_THREE,
        *(AZURE_POLICY.LOG_RETENTION_FLEXIBLE, MCSB.LT_6),
    ),
    met=met,
    evaluate=evaluate,
    plan=plan,
    assess=cuts_nobody_off,
    suggest=suggest,
    parameters=(
        Parameter(
            name="days",
            default=MOST,
            description="How many days log files are kept at least.",
            check=check_days,
        ),
    ),
    settings=frozenset({ABOUT.parameter, "log_retention_days", KEPT_AT_ALL.parameter}),
    order=50,
    why="When an intrusion is noticed, the entries about it may be gone.",
)
