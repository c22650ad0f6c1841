"""PostgreSQL server that does not log how long statements take (advice).

*What it finds.* A server whose parameter ``log_duration`` is not ``on``, or whose ``log_min_messages`` is
``fatal`` or ``panic``: then no such entry is written.

*Why it matters.* The duration of every completed statement helps to find what slows a server down or
exhausts it. It is advice: the volume can be large, and slow statements alone may be enough
(``log_min_duration_statement``).

*What the change does.* Nothing is changed. Who wants it sets ``log_duration`` to ``on``.

*What it may break.* Set on a busy server it multiplies the log, and what the log costs.

*References.* PostgreSQL's documentation of ``log_duration``; the controls that are cited.
"""

from __future__ import annotations

from functools import partial
from typing import Final

from shared.model import Kind, ServerSnapshot, Severity
from shared.posture.controls import AZURE_POLICY, MCSB
from shared.posture.policy import ALL_SERVERS, Policy
from shared.posture.server_log import WRITTEN
from shared.posture.server_parameters import READS, About, is_on, parameter_finding, parameter_suggestion

ABOUT: Final = About(
    policy="postgres-log-duration-off",
    severity=Severity.INFORMATIONAL,
    parameter="log_duration",
    wanted="on",
    companions=(WRITTEN,),
)


POLICY: Policy[ServerSnapshot] = Policy(
    id=ABOUT.policy,
    title="Durations of statements on a PostgreSQL server are not logged",
    kind=Kind.SETTING,
    targets=ALL_SERVERS,
    severity=ABOUT.severity,
    reads=READS,
    controls=(AZURE_POLICY.LOG_DURATION_SINGLE, MCSB.LT_3),
    evaluate=partial(parameter_finding, ABOUT, holds=is_on),
    suggest=partial(parameter_suggestion, ABOUT, wanted="on", holds=is_on),
    order=60,
    why="What slows the server down, or exhausts it on purpose, is harder to find.",
)
