"""docs/permissions.md says of every write of a role what else it lets its holder do."""

from __future__ import annotations

from local.pages.roles import actions_of, roles
from local.pages.write_powers import POWERS


def test_no_write_of_a_role_is_passed_over() -> None:
    held = {action for role in roles() for action in actions_of(role)}
    assert {one.action for one in POWERS} == {one for one in held if one.endswith(("/write", "/delete"))}


def test_every_power_has_a_source() -> None:
    assert all(one.source.startswith("https://learn.microsoft.com/") for one in POWERS)
