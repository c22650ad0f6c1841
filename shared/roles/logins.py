"""Roles that sign in with a password: whether it ever ends, how it is stored, and whether it need be there.

A role that is mapped to a Microsoft Entra principal signs in with a token and has no password. Where it could
not be read how passwords are stored, a role may have none, and that is said. Sources: Azure Database for
PostgreSQL, "SCRAM authentication" (``azure_roles_authtype()``) and "Manage Microsoft Entra roles".
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from shared.model import Severity
from shared.posture.controls import MCSB
from shared.posture.findings import Judged, compliant
from shared.posture.policy import AnyPolicy
from shared.roles.names import identifier, literal, psql
from shared.roles.reading import Inside, Part, Role
from shared.roles.telling import Case, beside_unread, check, not_read, told

_LASTS: Final = timedelta(days=90)
"""What the SQL proposes."""
_MD5: Final = "MD5"
_KNOWN: Final = frozenset({"SCRAM-256", "SCRAM-SHA-256", "NOLOGIN", ""})
_NO_PASSWORD: Final = frozenset({"NOLOGIN", ""})


def _logins(inside: Inside) -> Iterator[Role]:
    """Roles of the customer's that may sign in and are not Entra's."""
    return (one for one in inside.roles if one.ours and one.logs_in and one.name not in inside.entra_names)


def _with_password(inside: Inside) -> Iterator[Role]:
    """Of these the ones that have a password, or may have one."""
    stored = inside.passwords or {}
    return (one for one in _logins(inside) if stored.get(one.name, "?") not in _NO_PASSWORD)


def without_expiry(inside: Inside) -> Judged:
    found = [one.name for one in _with_password(inside) if not one.expires]
    ends = (inside.read_at + _LASTS).date().isoformat()
    cases = (
        Case(name=name, sql=(f"ALTER ROLE {identifier(name)} VALID UNTIL {literal(ends)};",))
        for name in found
    )
    judged = told(cases, "passwords that never expire: {}", "every password expires")
    return _if_it_has_one(judged, inside)


def _if_it_has_one(judged: Judged, inside: Inside) -> Judged:
    """Where it is not known who has a password at all, nobody is accused."""
    if judged.is_drift and inside.passwords is None:
        return not_read(inside, Part.PASSWORDS)
    return judged


def not_scram(inside: Inside) -> Judged:
    if inside.passwords is None:
        return not_read(inside, Part.PASSWORDS)
    stored = {one.name: inside.passwords.get(one.name, "?") for one in _logins(inside)}
    cases = (_set_again(name) for name, how in stored.items() if how == _MD5)
    odd = [name for name, how in stored.items() if how != _MD5 and how not in _KNOWN]
    judged = told(cases, "passwords that stand as MD5: {}", "no password stands as MD5")
    return beside_unread(judged, [f"how the password of {identifier(name)} is stored" for name in odd])


def _set_again(name: str) -> Case:
    sql = ("SET password_encryption = 'scram-sha-256';", *psql("\\password", name))
    return Case(name=name, sql=sql)


def beside_entra(inside: Inside) -> Judged:
    """Passwords that are refused by the server itself let nobody in."""
    azure = inside.azure
    if azure is not None and azure.sign_in.passwords is False:
        return compliant("the server refuses passwords")
    if inside.entra is None and (azure is None or azure.sign_in.entra is None):
        return not_read(inside, Part.ENTRA)
    if not (inside.entra or (azure is not None and azure.sign_in.entra)):
        return compliant("no role is Microsoft Entra's, and nobody is local beside it")
    cases = (
        Case(name=one.name, sql=(f"ALTER ROLE {identifier(one.name)} PASSWORD NULL;",))
        for one in _with_password(inside)
    )
    judged = told(
        cases,
        "local roles sign in with a password beside Microsoft Entra's: {}",
        "nobody signs in with a password beside Microsoft Entra",
    )
    return _if_it_has_one(judged, inside)


CHECKS: Final[tuple[AnyPolicy, ...]] = (
    check(
        "postgres-login-password-not-scram",
        "A password inside a PostgreSQL server stands as MD5",
        Severity.HIGH,
        not_scram,
        "A leaked MD5 verifier is as good as the password.",
        (MCSB.IM_1,),
    ),
    check(
        "postgres-login-local-beside-entra",
        "A local role of a PostgreSQL server signs in with a password although Microsoft Entra is on",
        Severity.MEDIUM,
        beside_entra,
        "What Entra asks of who signs in (a second factor, an end with the job) nobody asks of them.",
        (MCSB.IM_1,),
    ),
    check(
        "postgres-login-without-expiry",
        "A password inside a PostgreSQL server never expires",
        Severity.LOW,
        without_expiry,
        "A password that was copied years ago still works.",
        (MCSB.IM_1,),
    ),
)
