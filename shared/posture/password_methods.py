"""Which passwords a flexible server lets roles sign in with, beside how it stores new ones.

``azure.accepted_password_auth_method`` is a set of ``md5`` and ``scram-sha-256``. With ``md5`` in it a role
whose password stands as MD5 signs in with that; without it that role is locked out until its password is set
again (Azure Database for PostgreSQL, SCRAM authentication). Pure.

What must not live here: which of the two is wanted of new passwords, and why.
"""

from __future__ import annotations

from typing import Final

from shared.posture.allowed_values import members
from shared.posture.server_parameters import Companion

SCRAM: Final = "scram-sha-256"
MD5: Final = "md5"
CHECK_FIRST: Final = (
    "before md5 is taken from azure.accepted_password_auth_method, connect to the server and ask "
    "SELECT rolename FROM azure_roles_authtype() WHERE authtype = 'MD5': every role that it names is locked "
    "out until its password is set again with password_encryption at scram-sha-256"
)


def only_scram(accepted: str) -> bool | None:
    """None for methods that are not known, or none at all."""
    methods = members(accepted)
    if MD5 in methods:
        return False
    return True if methods == {SCRAM} else None


ACCEPTED: Final = Companion(
    parameter="azure.accepted_password_auth_method",
    leaves=only_scram,
    wanted=SCRAM,
    otherwise="roles whose password stands as MD5 sign in with it",
)
