"""Roles that nobody would miss, as far as the catalogues tell.

PostgreSQL does not keep when a role last signed in. What it keeps is what a role owns or may do by a grant of
its own, in any database (``pg_shdepend``), and who is a member of whom: a role without any of these, and
without a session now, only has what PUBLIC has.
"""

from __future__ import annotations

from typing import Final

from shared.model import Severity
from shared.posture.controls import MCSB
from shared.posture.findings import Judged
from shared.posture.policy import AnyPolicy
from shared.roles.names import identifier
from shared.roles.reading import Inside, Role
from shared.roles.telling import Case, check, told


def unused(inside: Inside) -> Judged:
    tied = {name for one in inside.memberships for name in (one.role, one.member)}
    busy = {one.role for one in inside.sessions or ()} | {one.role for one in inside.overrides}
    kept = tied | busy | {inside.reader}
    found = (one.name for one in inside.roles if _is_idle(one) and one.name not in kept)
    cases = (
        Case(name=name, sql=(f"DROP ROLE {identifier(name)};",))
        for name in found
        if not inside.is_administrator(name)
    )
    return told(
        cases,
        "roles that own nothing, were granted nothing and belong to nobody: {}",
        "every role owns something, was granted something or belongs to another",
    )


def _is_idle(role: Role) -> bool:
    powers = (role.superuser, role.creates_roles, role.replicates, role.bypasses_row_security)
    return role.ours and not role.holds and not any(powers)


CHECKS: Final[tuple[AnyPolicy, ...]] = (
    check(
        "postgres-role-unused",
        "A role inside a PostgreSQL server owns nothing and may nothing",
        Severity.LOW,
        unused,
        "A login that nobody misses is one whose use nobody notices.",
        (MCSB.PA_7,),
    ),
)
