"""docs/permissions.md and docs/permissions/<family>.md: which action is needed for what, and ready roles.

A family's page has one line an action and policy, so that a change reads as one line of a difference.
"""

from __future__ import annotations

from collections.abc import Iterable

from local.pages.families import families, family_title, policy_link
from local.pages.markdown import GENERATED, code, fenced, link, page, table
from local.pages.roles import Role, actions_of, all_roles, further_actions, role_definition, roles
from local.pages.write_powers import further_powers
from shared.policies import discover
from shared.posture.policy import AnyPolicy


def permissions_pages() -> dict[str, str]:
    """The roles with every action, and a page for each family, by path. Raises CannotGenerate."""
    pages = {
        f"docs/permissions/{family}.md": _family(family, policies) for family, policies in families().items()
    }
    return {"docs/permissions.md": _index(), **pages}


def _index() -> str:
    beyond = ((one.where, one.role, one.needed_for) for one in all_roles().beyond_azure_resource_manager)
    return page(
        [
            "# Permissions",
            GENERATED,
            "What Driftward's identity needs on the scopes that it watches. The reader role is enough for "
            "audit mode; each remediator role adds the writes of one resource provider, so that what may be "
            "reverted is also decided by role assignments.",
            "## By action",
            "Which policies of a family need it stands on the family's page.",
            table(("action", "role", "for"), map(_line, _all_actions())),
            "## Ready role definitions",
            "`az role definition create --role-definition @docs/roles/<file>` after putting your "
            "subscription into `AssignableScopes`.",
            *[part for role in roles() for part in _role(role)],
            *further_powers(),
            "## Beyond Azure Resource Manager",
            table(("where", "role", "for"), beyond),
        ]
    )


def _role(role: Role) -> list[str]:
    return [
        f"### {role.name}",
        role.description,
        code(f"docs/roles/{role.file}"),
        fenced(role_definition(role)),
    ]


def _all_actions() -> list[str]:
    named = {action for policy in discover() for action in policy.permissions}
    return sorted(named | set(further_actions()), key=str.lower)


def _line(action: str) -> tuple[str, str, str]:
    held = [link(role.name, f"roles/{role.file}") for role in roles() if action in actions_of(role)]
    return code(action), ", ".join(held), "; ".join(_asked_by(action))


def _asked_by(action: str) -> list[str]:
    """The families whose policies need the action, and what else does."""
    asking = [
        link(family_title(family), f"permissions/{family}.md")
        for family, policies in families().items()
        if any(action in policy.permissions for policy in policies)
    ]
    return [text for text in (", ".join(asking), further_actions().get(action, "")) if text]


def _family(family: str, policies: Iterable[AnyPolicy]) -> str:
    rows = sorted((action, policy.id) for policy in policies for action in policy.permissions)
    title = family_title(family)
    return page(
        [
            f"# Permissions: {title}",
            GENERATED,
            f"What each policy of {link(title, f'../policies/{family}.md')} needs, reading and remediating; "
            f"the roles are in {link('permissions', '../permissions.md')}.",
            table(("action", "policy"), ((code(action), policy_link(name, "../")) for action, name in rows)),
        ]
    )
