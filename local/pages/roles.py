"""Azure role definitions made from what the policies declare: a reader, and a remediator per provider.

Reading is one role, so audit mode can be granted alone; writing is one role per resource provider, so that
its owners decide what may be reverted. The sweep and the explanation of an NSG need a few actions that belong
to no policy. Nothing here talks to Azure.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from shared.model.values import value
from shared.policies import discover

FURTHER_ACTIONS: Final[Mapping[str, str]] = {
    "Microsoft.Network/locations/serviceTags/read": (
        "the prefixes of service tags when an NSG is explained; the role must be assigned on the "
        "subscription: without one there ARM shows an empty list"
    ),
    "Microsoft.Network/networkSecurityGroups/read": "explaining an NSG by its id",
    "Microsoft.Resources/subscriptions/read": "the sweep",
    "Microsoft.Resources/subscriptions/resourceGroups/read": "the sweep",
    "Microsoft.ResourceGraph/resources/read": "the sweep, and the servers of a subnet",
}
"""What no policy declares, and what it is for.

Resource Graph shows nothing that the caller may not read, so the policies' reads count as well.
"""

_EXAMPLE_SCOPE: Final = "/subscriptions/00000000-0000-0000-0000-000000000000"


@value
class Role:
    """One role definition. `prefix` is the provider whose writes it holds; empty for the reader."""

    name: str
    file: str
    description: str
    prefix: str = ""


READER: Final = Role(
    name="Driftward Reader",
    file="reader.json",
    description="Reads what the policies look at, enumerates for the sweep and follows operations. "
    "Enough for audit mode.",
)
ROLES: Final = (
    READER,
    Role(
        name="Driftward PostgreSQL Remediator",
        file="pg-remediator.json",
        description="Disables public access and deletes or restores firewall rules. Beside Driftward Reader.",
        prefix="Microsoft.DBforPostgreSQL/",
    ),
    Role(
        name="Driftward Network Remediator",
        file="network-remediator.json",
        description="Adds or removes single security rules. Beside Driftward Reader.",
        prefix="Microsoft.Network/",
    ),
)


def role_definition(role: Role) -> dict[str, object]:
    """The role as `az role definition create` takes it."""
    return {
        "Name": role.name,
        "IsCustom": True,
        "Description": role.description,
        "Actions": actions_of(role),
        "NotActions": [],
        "AssignableScopes": [_EXAMPLE_SCOPE],
    }


def actions_of(role: Role) -> list[str]:
    """The actions that the policies declare, as far as this role holds them."""
    named = {action for policy in discover() for action in policy.permissions}
    if not role.prefix:
        return sorted(
            {action for action in named if action.endswith("/read")} | set(FURTHER_ACTIONS), key=str.lower
        )
    writes = {action for action in named if not action.endswith("/read")}
    return sorted((action for action in writes if action.startswith(role.prefix)), key=str.lower)
