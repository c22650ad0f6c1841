"""PostgreSQL server that does not log how long statements take (advice).

*What it finds.* A server whose parameter ``log_duration`` is not ``on``.

*Why it matters.* The duration of every completed statement helps to find what slows a server down or
exhausts it. It is advice: the volume can be large, and slow statements alone may be enough
(``log_min_duration_statement``).

*What the change does.* Nothing is changed. Who wants it sets ``log_duration`` to ``on``.

*What it may break.* Set on a busy server it multiplies the log, and what the log costs.

*References.* Azure Policy eb6f77b9-bd53-4e35-a23d-7f65d5f0e8f3 (single); MCSB LT-3.
"""

from __future__ import annotations

from typing import Final

from shared.model import Edit, Finding, Kind, Safety, ServerSnapshot, Severity
from shared.posture.policy import Control, Policy
from shared.posture.server_parameters import ALL_SERVERS, READING, READS, About, is_on, suggestion
from shared.posture.server_parameters import evaluate as evaluated

ABOUT: Final = About(
    policy="postgres-log-duration-off", severity=Severity.INFORMATIONAL, parameter="log_duration", wanted="on"
)
ON: Final = "on"


def evaluate(server: ServerSnapshot) -> Finding:
    return evaluated(ABOUT, server, is_on)


def suggest(found: Finding, server: ServerSnapshot) -> tuple[Edit, ...]:
    return suggestion(ABOUT, found, server, ON)


POLICY: Policy[ServerSnapshot] = Policy(
    id=ABOUT.policy,
    title="Durations of statements on a PostgreSQL server are not logged",
    kind=Kind.SETTING,
    targets=ALL_SERVERS,
    severity=ABOUT.severity,
    safety=Safety.MANUAL,
    reads=READS,
    permissions=READING,
    controls=(
        Control(
            framework="Azure Policy",
            version="built-in",
            id="eb6f77b9-bd53-4e35-a23d-7f65d5f0e8f3",
            title="Log duration should be enabled for PostgreSQL database servers",
        ),
        Control(framework="MCSB", version="v1", id="LT-3", title="Enable logging for security investigation"),
    ),
    evaluate=evaluate,
    suggest=suggest,
    order=60,
    why="What slows the server down, or exhausts it on purpose, is harder to find.",
)
