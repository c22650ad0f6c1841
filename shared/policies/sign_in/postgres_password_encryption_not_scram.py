"""PostgreSQL server that stores new passwords as MD5.

*What it finds.* A flexible server whose ``password_encryption`` is not ``scram-sha-256``.

*Why it matters.* An MD5 verifier that leaks can be used to sign in as it is, and is quickly reversed.
SCRAM's cannot be used, and is slow to guess.

*What the change does.* Nothing is changed: passwords that stand as MD5 stay so until they are set again,
and a client that does not know SCRAM is locked out with its next password. A person sets the parameter to
``scram-sha-256``, has the passwords set again, and finds those still standing as MD5 with ``SELECT rolname
FROM pg_roles WHERE rolcanlogin`` and a sign-in test of each.

*What it may break.* Client libraries from before 2018 do not know SCRAM.

*References.* Azure Database for PostgreSQL, SCRAM authentication. Azure Policy has no definition.
"""

from __future__ import annotations

from functools import partial
from typing import Final

from shared.model import Finding, Kind, ServerSnapshot, Severity
from shared.posture.controls import MCSB
from shared.posture.policy import FLEXIBLE_SERVERS, Policy
from shared.posture.server_parameters import READS, About, parameter_finding, parameter_suggestion

SCRAM: Final = "scram-sha-256"
ABOUT: Final = About(
    policy="postgres-password-encryption-not-scram",
    severity=Severity.MEDIUM,
    parameter="password_encryption",
    wanted=SCRAM,
)


def evaluate(server: ServerSnapshot) -> Finding:
    return parameter_finding(ABOUT, server, lambda found: found.value.strip().lower() == SCRAM)


POLICY: Policy[ServerSnapshot] = Policy(
    id=ABOUT.policy,
    title="New passwords on a PostgreSQL server are stored as MD5",
    kind=Kind.SETTING,
    targets=FLEXIBLE_SERVERS,
    severity=ABOUT.severity,
    reads=READS,
    controls=(MCSB.IM_1,),
    evaluate=evaluate,
    suggest=partial(parameter_suggestion, ABOUT, wanted=SCRAM),
    order=60,
    why="A leaked MD5 verifier is as good as the password.",
)
