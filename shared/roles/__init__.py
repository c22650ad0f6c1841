"""What lies inside a server and ARM does not show: roles, rights, passwords, sessions, settings in force.

``reading`` is what was read, and each other module holds checks of one subject. A check is a ``Policy`` that
reads an ``Inside`` instead of a snapshot: so its findings are findings like all others, and report and
exports take them. An app cannot sign in to a database, and judges none of them. ``discover`` lists them.
Pure: nothing here asks a server; what mends is printed as SQL and never run.
"""

from __future__ import annotations

from functools import cache
from typing import Final

from shared.posture.policy import AnyPolicy
from shared.roles import in_force, logins, powers, public_rights, sessions, unused

FAMILY: Final = "roles"


@cache
def discover() -> tuple[AnyPolicy, ...]:
    """Every check, the gravest subjects first."""
    rooms = (powers, logins, public_rights, sessions, in_force, unused)
    return tuple(check for room in rooms for check in room.CHECKS)


def find(check_id: str) -> AnyPolicy | None:
    """The check with this id; None when there is none."""
    return next((check for check in discover() if check.id == check_id), None)
