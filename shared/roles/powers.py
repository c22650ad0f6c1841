"""Roles that may more than their grants say: attributes that no grant limits, and memberships that give what
whole groups may.

Of PostgreSQL's own roles and the service's nothing is asked, and of an administrator's none of what makes an
administrator: the service gives CREATEROLE, BYPASSRLS and azure_pg_admin to the server's administrators.
A member of one of those has the same, and is no administrator: that is asked.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Final

from shared.model import Severity
from shared.posture.controls import MCSB
from shared.posture.findings import Judged, unknown
from shared.posture.policy import AnyPolicy
from shared.roles.names import identifier
from shared.roles.reading import Inside, Membership, Role
from shared.roles.telling import AZURE_ADMIN, Case, check, told

_GRANTED_BY: Final = 160000
"""From here on a membership is one of its grantor's, and taken away in that one's name (PostgreSQL 16)."""
_CONTROLS: Final = (MCSB.PA_1, MCSB.PA_7)
_POWERFUL: Final[Mapping[str, str]] = {
    "pg_execute_server_program": "runs programs on the server",
    "pg_read_server_files": "reads every file that the server can read",
    "pg_write_server_files": "writes every file that the server can write",
    "pg_read_all_data": "reads every table",
    "pg_write_all_data": "writes every table",
}
"""PostgreSQL manual, predefined roles: those whose members need no grant on what they touch."""
_ON_DATA: Final = frozenset({"pg_read_all_data", "pg_write_all_data"})


def _with(
    holds: Callable[[Role], bool], attribute: str, wrong: str, right: str, *, of_administrators: bool
) -> Callable[[Inside], Judged]:
    """Judges one attribute of a role; ``of_administrators`` says whether they may not have it either."""

    def judge(inside: Inside) -> Judged:
        asked = _asked(inside, of_administrators=of_administrators)
        held = frozenset(one.name for one in inside.roles if holds(one))
        direct = (_without(name, attribute) for name in held & asked)
        lent = (_lent(one, inside) for one in _passed_on(held, asked, inside))
        judged = told((*direct, *lent), wrong, right)
        return judged if of_administrators else _if_known(judged, inside)

    return judge


def _if_known(judged: Judged, inside: Inside) -> Judged:
    """An administrator that nobody named would be accused, with SQL that locks them out."""
    if inside.knows_administrators or not judged.is_drift:
        return judged
    return unknown(f"{judged.reason}; who administers the server is not known (--administrator)")


def _asked(inside: Inside, *, of_administrators: bool) -> frozenset[str]:
    ours = (one.name for one in inside.roles if one.ours)
    return frozenset(name for name in ours if of_administrators or not inside.is_administrator(name))


def _without(name: str, attribute: str) -> Case:
    return Case(name=name, sql=(f"ALTER ROLE {identifier(name)} NO{attribute};",))


def _lent(one: Membership, inside: Inside) -> Case:
    """Attributes are not inherited, but ``SET ROLE`` brings them."""
    return Case(name=one.member, detail=_through(one.role), sql=(_revoked(one, inside),))


def _through(role: str) -> str:
    return f"as a member of {identifier(role)}"


def _passed_on(held: frozenset[str], asked: frozenset[str], inside: Inside) -> Iterator[Membership]:
    """Memberships by which one of ``asked`` gets what ``held`` have, from somebody who is not told of it:
    the group itself, the service or an administrator. Who has it from one that is told loses it with them."""
    having = _reached(held, inside.memberships)
    return (one for one in inside.memberships if one.role in having - asked and one.member in asked)


def _reached(held: frozenset[str], memberships: Iterable[Membership]) -> frozenset[str]:
    """These, their members, the members of those and so on."""
    members: defaultdict[str, list[str]] = defaultdict(list)
    for one in memberships:
        members[one.role].append(one.member)
    found, left = set(held), [*held]
    while left:
        more = {name for name in members[left.pop()] if name not in found}
        found |= more
        left += more
    return frozenset(found)


def _members(groups: Iterable[str], wrong: str, right: str, inside: Inside) -> Judged:
    cases = (case for group in groups for case in _cases(group, inside))
    return _if_known(told(cases, wrong, right), inside)


def _cases(group: str, inside: Inside) -> Iterator[Case]:
    asked = _asked(inside, of_administrators=False)
    for one in _passed_on(frozenset({group}), asked, inside):
        yield Case(
            name=one.member,
            detail=_detail(group, one.role),
            sql=(_revoked(one, inside),),
            severity=Severity.MEDIUM if group in _ON_DATA else None,
        )


def _detail(group: str, role: str) -> str:
    means = _POWERFUL.get(group)
    said = f"{group}: {means}" if means else group
    return said if role == group else f"{said}, {_through(role)}"


def _revoked(one: Membership, inside: Inside) -> str:
    by = one.grantor if inside.version >= _GRANTED_BY else ""
    granted = f" GRANTED BY {identifier(by)}" if by else ""
    return f"REVOKE {identifier(one.role)} FROM {identifier(one.member)}{granted};"


CHECKS: Final[tuple[AnyPolicy, ...]] = (
    check(
        "postgres-role-superuser",
        "A role inside a PostgreSQL server is a superuser",
        Severity.CRITICAL,
        _with(
            lambda role: role.superuser,
            "SUPERUSER",
            "superusers beside the service's own: {}",
            "nobody but the service is a superuser",
            of_administrators=True,
        ),
        "A superuser passes every check of permissions, runs programs on the server and hides its traces.",
        _CONTROLS,
    ),
    check(
        "postgres-role-creates-roles",
        "A role inside a PostgreSQL server may create roles and is no administrator",
        Severity.HIGH,
        _with(
            lambda role: role.creates_roles,
            "CREATEROLE",
            "create roles and are no administrators: {}",
            "administrators alone create roles",
            of_administrators=False,
        ),
        "Whoever creates roles makes a login that stays when their own is taken away.",
        _CONTROLS,
    ),
    check(
        "postgres-role-bypasses-row-security",
        "A role inside a PostgreSQL server bypasses row security and is no administrator",
        Severity.HIGH,
        _with(
            lambda role: role.bypasses_row_security,
            "BYPASSRLS",
            "bypass row security and are no administrators: {}",
            "administrators alone bypass row security",
            of_administrators=False,
        ),
        "Rows that a policy keeps from others are all there for such a role.",
        _CONTROLS,
    ),
    check(
        "postgres-role-replicates",
        "A role inside a PostgreSQL server may replicate and is no administrator",
        Severity.HIGH,
        _with(
            lambda role: role.replicates,
            "REPLICATION",
            "may replicate and are no administrators: {}",
            "administrators alone may replicate",
            of_administrators=False,
        ),
        "Whoever may replicate can have every change of every database sent to them.",
        _CONTROLS,
    ),
    check(
        "postgres-role-in-azure-pg-admin",
        "A role inside a PostgreSQL server is a member of azure_pg_admin and no administrator",
        Severity.HIGH,
        partial(
            _members,
            (AZURE_ADMIN,),
            f"members of {AZURE_ADMIN} that are no administrators: {{}}",
            f"{AZURE_ADMIN} has no members but administrators",
        ),
        "Members of azure_pg_admin may what the server's administrator may, and Azure lists none of them.",
        _CONTROLS,
    ),
    check(
        "postgres-role-in-powerful-role",
        "A role inside a PostgreSQL server reads, writes or runs everything by a membership",
        Severity.HIGH,
        partial(
            _members,
            tuple(_POWERFUL),
            "members of roles that need no grant on what they touch: {}",
            "nobody reads, writes or runs everything by a membership",
        ),
        "Grants on tables say nothing of what such a role may read.",
        _CONTROLS,
    ),
)
