"""PostgreSQL server that does not log its checkpoints.

*What it finds.* A server whose parameter ``log_checkpoints`` is not ``on``, or whose ``log_min_messages`` is
``fatal`` or ``panic``: then no such entry is written.

*Why it matters.* A checkpoint that comes too often or takes too long is the first sign of a write storm or
of storage that cannot keep up. Without the entry neither an incident nor its cause can be dated afterwards.

*What the change does.* Sets ``log_checkpoints`` to ``on``, which is in force at once; a
``log_min_messages`` that keeps the entries out is set to ``warning``, its default. Where Azure says that
it cannot be written, or only with a restart, nothing is changed and the alert says so.

*What it may break.* Nothing; the log grows by one entry a checkpoint.

*References.* PostgreSQL's documentation of ``log_checkpoints``; the controls that are cited.
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
    policy="postgres-log-checkpoints-off",
    severity=Severity.LOW,
    parameter="log_checkpoints",
    wanted="on",
    companions=(WRITTEN,),
)
OF_THE_VALUE: Final = (
    *(CIS_1_3.P_4_3_3, CIS_2_1.P_4_3_2, CIS_3_0.P_5_2_2, CIS_DATABASES_2_0.P_6_7),
    *(AZURE_POLICY.LOG_CHECKPOINTS_FLEXIBLE, AZURE_POLICY.LOG_CHECKPOINTS_SINGLE),
)


POLICY: Policy[ServerSnapshot] = Policy(
    id=ABOUT.policy,
    title="Checkpoints of a PostgreSQL server are not logged",
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
    why="Without checkpoint entries a write storm or failing storage cannot be dated afterwards.",
)
