"""Azure role definitions made from what the policies declare: a reader, and a remediator per provider.

Reading is one role, so audit mode can be granted alone; writing is one role per resource provider, so that
its owners decide what may be reverted. The sweep and the explanation of an NSG need a few actions that belong
to no policy: they, and the names of the roles, are in `data/roles.yaml`. Nothing here talks to Azure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Final

from pydantic import Field

from local.pages.loading import DATA, Entry, Mistake, Said, load
from shared.policies import discover
from shared.posture.permissions import only_reads

_EXAMPLE_SCOPE: Final = "/subscriptions/00000000-0000-0000-0000-000000000000"


class Role(Entry):
    """One role definition. `prefix` is the provider whose writes it holds; empty for the reader."""

    name: Said
    file: Said
    description: Said
    prefix: str = ""


class DataRole(Entry):
    """A built-in role on something that is not Azure Resource Manager's."""

    where: Said
    role: Said
    needed_for: Said = Field(alias="for")


class Roles(Entry):
    """Ours, what no policy declares with what it is for, and the built-in roles beside them."""

    roles: tuple[Role, ...]
    further_actions: Mapping[str, Said]
    beyond_azure_resource_manager: tuple[DataRole, ...]


@cache
def all_roles() -> Roles:
    """Raises CannotGenerate."""
    return load(DATA / "roles.yaml", Roles, no_single_reader)


def no_single_reader(held: Roles) -> Iterator[Mistake]:
    """One role, and only one, has no prefix: it reads."""
    readers = [role.name for role in held.roles if not role.prefix]
    if len(readers) != 1:
        names = ", ".join(readers) or "none"
        yield Mistake(path=("roles",), reason=f"one role has no prefix, the reader; here: {names}")


def roles() -> tuple[Role, ...]:
    return all_roles().roles


def reader() -> Role:
    """The one that is enough for audit mode."""
    (found,) = (role for role in roles() if not role.prefix)
    return found


def further_actions() -> Mapping[str, str]:
    """What no policy declares, and what it is for."""
    return all_roles().further_actions


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
            {action for action in named if only_reads(action)} | set(further_actions()), key=str.lower
        )
    writes = {action for action in named if not only_reads(action)}
    return sorted((action for action in writes if action.startswith(role.prefix)), key=str.lower)
