"""PostgreSQL server that does not log the end of sessions.

*What it finds.* A server whose parameter ``log_disconnections`` is not ``on``.

*Why it matters.* The entry at the end of a session holds its length. With it an investigation can say for
how long a stolen password was in use; without it only when it was tried.

*What the change does.* Sets ``log_disconnections`` to ``on``; sessions that begin from then on are logged.
Where Azure says that it cannot be written, or only with a restart, nothing is changed and the alert says
so.

*What it may break.* Nothing; the log grows by one entry a session, which is much where clients use no pool.

*References.* CIS Microsoft Azure Foundations 1.3.0 4.3.5; Azure Policy 1d14b021-1bae-4f93-b36b-69695e14984a
(flexible) and eb6f77b9-bd53-4e35-a23d-7f65d5f0e446 (single); MCSB LT-3.
"""

from __future__ import annotations

from typing import Final

from shared.model import Change, Edit, Finding, Kind, Safety, ServerSnapshot, Severity
from shared.posture.policy import Control, Policy
from shared.posture.server_parameters import ALL_SERVERS, PERMISSIONS, READS, About, assess, is_on, suggestion
from shared.posture.server_parameters import evaluate as evaluated
from shared.posture.server_parameters import plan as planned

ABOUT: Final = About(
    policy="postgres-log-disconnections-off",
    severity=Severity.LOW,
    parameter="log_disconnections",
    wanted="on",
)
ON: Final = "on"


def evaluate(server: ServerSnapshot) -> Finding:
    return evaluated(ABOUT, server, is_on)


def plan(found: Finding, server: ServerSnapshot) -> Change | None:
    return planned(ABOUT, found, server, ON)


def suggest(found: Finding, server: ServerSnapshot) -> tuple[Edit, ...]:
    return suggestion(ABOUT, found, server, ON)


POLICY: Policy[ServerSnapshot] = Policy(
    id=ABOUT.policy,
    title="Ends of sessions on a PostgreSQL server are not logged",
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
            id="4.3.5",
            title="Disconnections are logged",
        ),
        Control(
            framework="CIS Microsoft Azure Foundations",
            version="2.1.0",
            id="4.3.4",
            title="Disconnections are logged",
        ),
        Control(
            framework="CIS Microsoft Azure Foundations",
            version="3.0.0",
            id="5.2.7",
            title="Disconnections are logged",
        ),
        Control(
            framework="CIS Microsoft Azure Database Services",
            version="2.0.0",
            id="6.8",
            title="Disconnections are logged",
        ),
        Control(
            framework="Azure Policy",
            version="built-in",
            id="1d14b021-1bae-4f93-b36b-69695e14984a",
            title="Disconnections should be logged for PostgreSQL flexible servers",
        ),
        Control(
            framework="Azure Policy",
            version="built-in",
            id="eb6f77b9-bd53-4e35-a23d-7f65d5f0e446",
            title="Disconnections should be logged for PostgreSQL database servers.",
        ),
        Control(framework="MCSB", version="v1", id="LT-3", title="Enable logging for security investigation"),
    ),
    evaluate=evaluate,
    plan=plan,
    assess=assess,
    suggest=suggest,
    settings=frozenset({ABOUT.parameter}),
    order=50,
    why="An investigation cannot tell for how long an intruder's session lasted.",
)
