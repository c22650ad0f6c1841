"""PostgreSQL server that stores new passwords as MD5, or lets roles sign in with one.

*What it finds.* A flexible server whose ``password_encryption`` is not ``scram-sha-256``, or whose
``azure.accepted_password_auth_method`` holds ``md5``: then every role whose password still stands as MD5
signs in with it.

*Why it matters.* An MD5 verifier that leaks can be used to sign in as it is, and is quickly reversed.
SCRAM's cannot be used, and is slow to guess.

*What the change does.* Nothing is changed: passwords that stand as MD5 stay so until they are set again, a
client that does not know SCRAM is locked out with its next password, and without ``md5`` among the accepted
methods every role with an MD5 password is locked out at once. A person sets ``password_encryption``, has the
passwords set again of the roles that ``SELECT rolename FROM azure_roles_authtype() WHERE authtype = 'MD5'``
names, and takes ``md5`` from the accepted methods when it names none.

*What it may break.* Client libraries from before 2018 do not know SCRAM.

*References.* Azure Database for PostgreSQL, SCRAM authentication. Azure Policy has no definition.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Final

from shared.model import Finding, Kind, ServerSnapshot, Severity
from shared.model.parts import ServerParameter
from shared.posture.controls import MCSB
from shared.posture.findings import is_drift
from shared.posture.password_methods import ACCEPTED, CHECK_FIRST, SCRAM
from shared.posture.policy import FLEXIBLE_SERVERS, Policy
from shared.posture.server_parameters import READS, About, parameter_finding, parameter_suggestion

ABOUT: Final = About(
    policy="postgres-password-encryption-not-scram",
    severity=Severity.MEDIUM,
    parameter="password_encryption",
    wanted=SCRAM,
    companions=(ACCEPTED,),
)


def evaluate(server: ServerSnapshot) -> Finding:
    """The check stands before everything that can be pasted."""
    found = parameter_finding(ABOUT, server, _is_scram)
    if not is_drift(found):
        return found
    steps = [CHECK_FIRST, *found.evidence.get("whatToDo", ())]
    return replace(found, evidence={**found.evidence, "whatToDo": steps})


def _is_scram(found: ServerParameter) -> bool:
    return found.value.strip().lower() == SCRAM


POLICY: Policy[ServerSnapshot] = Policy(
    id=ABOUT.policy,
    title="Passwords on a PostgreSQL server are stored or accepted as MD5",
    kind=Kind.SETTING,
    targets=FLEXIBLE_SERVERS,
    severity=ABOUT.severity,
    reads=READS,
    controls=(MCSB.IM_1,),
    evaluate=evaluate,
    suggest=partial(parameter_suggestion, ABOUT, wanted=SCRAM, holds=_is_scram),
    order=60,
    why="A leaked MD5 verifier is as good as the password.",
)
