"""Roles that nobody would miss, as far as the catalogues tell.

PostgreSQL does not keep when a role last signed in. What it keeps is what a role owns or may do by a grant of
its own, in any database (``pg_shdepend``), and who is a member of whom: a role without any of these, and
without a session now, only has what PUBLIC has.
"""

from __future__ import annotations

from typing import Final

from shared.model import Severity
from shared.posture.controls import MCSB
from shared.posture.findings import Judged, unknown
from shared.posture.policy import AnyPolicy
from shared.roles.names import identifier
from shared.roles.reading import Inside, Role
from shared.roles.telling import Case, check, told

_HIDDEN: Final = "whether one of them has a session now is not shown to the reading role (pg_read_all_stats)"


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
    judged = told(
        cases,
        "roles that own nothing, were granted nothing and belong to nobody: {}",
        "every role owns something, was granted something or belongs to another",
    )
    hidden = inside.sessions is None or not inside.sees_all_sessions
    return unknown(f"{judged.reason}; {_HIDDEN}") if judged.is_drift and hidden else judged


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
