"""Server parameters: one list call for all of them, and the write of one.

A flexible server lists several hundred in one answer, with what may be written and when it is in force; a
single server lists fewer and says neither. What must not live here: which value is right.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from shared.adapters.arm import wire
from shared.adapters.arm.session import Hooks, Session
from shared.model import Json, ServerSnapshot, SetParameter

Write = Callable[[dict[str, str], Hooks], object]


def flexible_parameters(session: Session, server: ServerSnapshot) -> ServerSnapshot:
    """The snapshot with every parameter of a flexible server."""
    where = server.id
    client = session.clients.flexible(where.subscription)

    def listed(hooks: Hooks) -> list[Json]:
        pages = client.configurations.list_by_server(where.resource_group, where.name, **hooks)
        return [one.as_dict() for one in pages]

    bodies = session.ask(listed, server=server.state)
    return replace(server, parameters=wire.server_parameters(bodies))


def single_parameters(session: Session, server: ServerSnapshot) -> ServerSnapshot:
    """The snapshot with every parameter of a single server."""
    where = server.id
    client = session.clients.single(where.subscription)
    version = session.clients.versions.single

    def listed(hooks: Hooks) -> list[Json]:
        pages = client.configurations.list_by_server(
            where.resource_group, where.name, api_version=version, **hooks
        )
        return [_plain(one) for one in pages]

    bodies = session.ask(listed, server=server.state)
    return replace(server, parameters=wire.server_parameters(bodies))


def _plain(one: Json) -> Json:
    """The older SDK's model as ARM's JSON."""
    return {
        "name": one.name,
        "properties": {
            "value": one.value,
            "defaultValue": one.default_value,
            "dataType": one.data_type,
            "allowedValues": one.allowed_values,
        },
    }


def set_flexible_parameter(session: Session, edit: SetParameter) -> Write:
    """A PATCH of one parameter. Without ``source`` the service answers that the value is the system's."""
    from azure.mgmt.postgresqlflexibleservers.models import ConfigurationForUpdate, ConfigurationProperties

    server = edit.server
    client = session.clients.flexible(server.subscription)
    body = ConfigurationForUpdate(
        properties=ConfigurationProperties(value=edit.value, source="user-override")
    )
    return lambda headers, hooks: client.configurations.begin_update(
        server.resource_group, server.name, edit.name, body, polling=False, headers=headers, **hooks
    )


def set_single_parameter(session: Session, edit: SetParameter) -> Write:
    from azure.mgmt.rdbms.postgresql.models import Configuration

    server = edit.server
    client = session.clients.single(server.subscription)
    version = session.clients.versions.single
    body = Configuration(value=edit.value, source="user-override")
    return lambda headers, hooks: client.configurations.begin_create_or_update(
        server.resource_group,
        server.name,
        edit.name,
        body,
        api_version=version,
        polling=False,
        headers=headers,
        **hooks,
    )
