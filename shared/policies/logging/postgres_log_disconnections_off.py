"""PostgreSQL server that does not log the end of sessions.

*What it finds.* A server whose parameter ``log_disconnections`` is not ``on``, or whose ``log_min_messages``
is ``fatal`` or ``panic``: then no such entry is written.

*Why it matters.* The entry at the end of a session holds its length. With it an investigation can say for
how long a stolen password was in use; without it only when it was tried.

*What the change does.* Sets ``log_disconnections`` to ``on``; sessions that begin from then on are logged.
Where ``log_min_messages`` keeps the entries out, that is set to ``warning``, its default.
Where Azure says that it cannot be written, or only with a restart, nothing is changed and the alert says
so.

*What it may break.* Nothing; the log grows by one entry a session, which is much where clients use no pool.

*References.* PostgreSQL's documentation of ``log_disconnections``; the controls that are cited.
"""

from __future__ import annotations

from functools import partial
from typing import Final

from shared.model import Kind, Safety, ServerSnapshot, SetParameter, Severity
from shared.posture.controls import AZURE_POLICY, CIS_1_3, CIS_2_1, CIS_3_0, CIS_DATABASES_2_0, MCSB
from shared.posture.policy import ALL_SERVERS, Policy
from shared.posture.server_log import LEAST_WRITTEN, WRITTEN, met_by_value
from shared.posture.server_parameters import (
    READS,
    About,
    cuts_nobody_off,
    is_on,
    parameter_change,
    parameter_finding,
    parameter_suggestion,
)

ABOUT: Final = About(
    policy="postgres-log-disconnections-off",
    severity=Severity.LOW,
    parameter="log_disconnections",
    wanted="on",
    companions=(WRITTEN,),
)
OF_THE_VALUE: Final = (
    *(CIS_1_3.P_4_3_5, CIS_2_1.P_4_3_4, CIS_3_0.P_5_2_7, CIS_DATABASES_2_0.P_6_8),
    *(AZURE_POLICY.LOG_DISCONNECTIONS_FLEXIBLE, AZURE_POLICY.LOG_DISCONNECTIONS_SINGLE),
)


POLICY: Policy[ServerSnapshot] = Policy(
    id=ABOUT.policy,
    title="Ends of sessions on a PostgreSQL server are not logged",
    kind=Kind.SETTING,
    targets=ALL_SERVERS,
    severity=ABOUT.severity,
    safety=Safety.AUTO,
    reads=READS,
    edits=frozenset({SetParameter}),
    controls=(*OF_THE_VALUE, MCSB.LT_3),
    met=partial(met_by_value, OF_THE_VALUE, is_on),
    evaluate=partial(parameter_finding, ABOUT, holds=is_on),
    plan=partial(parameter_change, ABOUT, wanted="on", holds=is_on),
    assess=cuts_nobody_off,
    suggest=partial(parameter_suggestion, ABOUT, wanted="on", holds=is_on),
    settings=frozenset({ABOUT.parameter, LEAST_WRITTEN}),
    order=50,
    why="An investigation cannot tell for how long an intruder's session lasted.",
)
