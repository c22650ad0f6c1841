"""PostgreSQL server that does not log its checkpoints.

*What it finds.* A server whose parameter ``log_checkpoints`` is not ``on``.

*Why it matters.* A checkpoint that comes too often or takes too long is the first sign of a write storm or
of storage that cannot keep up. Without the entry neither an incident nor its cause can be dated afterwards.

*What the change does.* Sets ``log_checkpoints`` to ``on``, which is in force at once. Where Azure says that
it cannot be written, or only with a restart, nothing is changed and the alert says so.

*What it may break.* Nothing; the log grows by one entry a checkpoint.

*References.* CIS Microsoft Azure Foundations 1.3.0 4.3.3; Azure Policy 70be9e12-c935-49ac-9bd8-fd64b85c1f87
(flexible) and eb6f77b9-bd53-4e35-a23d-7f65d5f0e43d (single); MCSB LT-3.
"""

from __future__ import annotations

from typing import Final

from shared.model import Change, Edit, Finding, Kind, Safety, ServerSnapshot, Severity
from shared.posture.policy import Control, Policy
from shared.posture.server_parameters import ALL_SERVERS, PERMISSIONS, READS, About, assess, is_on, suggestion
from shared.posture.server_parameters import evaluate as evaluated
from shared.posture.server_parameters import plan as planned

ABOUT: Final = About(
    policy="postgres-log-checkpoints-off", severity=Severity.LOW, parameter="log_checkpoints", wanted="on"
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
    title="Checkpoints of a PostgreSQL server are not logged",
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
            id="4.3.3",
            title="Checkpoints are logged",
        ),
        Control(
            framework="CIS Microsoft Azure Foundations",
            version="2.1.0",
            id="4.3.2",
            title="Checkpoints are logged",
        ),
        Control(
            framework="CIS Microsoft Azure Foundations",
            version="3.0.0",
            id="5.2.2",
            title="Checkpoints are logged",
        ),
        Control(
            framework="CIS Microsoft Azure Database Services",
            version="2.0.0",
            id="6.7",
            title="Checkpoints are logged",
        ),
        Control(
            framework="Azure Policy",
            version="built-in",
            id="70be9e12-c935-49ac-9bd8-fd64b85c1f87",
            title="Log checkpoints should be enabled for PostgreSQL flexible servers",
        ),
        Control(
            framework="Azure Policy",
            version="built-in",
            id="eb6f77b9-bd53-4e35-a23d-7f65d5f0e43d",
            title="Log checkpoints should be enabled for PostgreSQL database servers",
        ),
        Control(framework="MCSB", version="v1", id="LT-3", title="Enable logging for security investigation"),
    ),
    evaluate=evaluate,
    plan=plan,
    assess=assess,
    suggest=suggest,
    settings=frozenset({ABOUT.parameter}),
    order=50,
    why="Without checkpoint entries a write storm or failing storage cannot be dated afterwards.",
)
