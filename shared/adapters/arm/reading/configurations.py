"""A server's configurations, ARM's word for its parameters: one list call for all of them.

A flexible server lists several hundred in one answer, with what may be written and when it is in force; a
single server lists fewer and says neither. What must not live here: which value is right, and its writing.
"""

from __future__ import annotations

from dataclasses import replace

from shared.adapters.arm.session.session import Hooks, Session, bodies_of, items_of
from shared.adapters.arm.wire import server_parts
from shared.model import Json, ServerSnapshot


def flexible_parameters(session: Session, server: ServerSnapshot) -> ServerSnapshot:
    """The snapshot with every parameter of a flexible server."""
    where = server.id
    client = session.clients.flexible(where.subscription)

    def listed(hooks: Hooks) -> list[Json]:
        return bodies_of(client.configurations.list_by_server(where.resource_group, where.name, **hooks))

    bodies = session.ask(listed, server=server.state)
    return replace(server, parameters=server_parts.server_parameters(bodies))


def single_parameters(session: Session, server: ServerSnapshot) -> ServerSnapshot:
    """The snapshot with every parameter of a single server."""
    where = server.id
    client = session.clients.single(where.subscription)
    version = session.clients.versions.single

    def listed(hooks: Hooks) -> list[Json]:
        pages = client.configurations.list_by_server(
            where.resource_group, where.name, api_version=version, **hooks
        )
        return [_plain(one) for one in items_of(pages)]

    bodies = session.ask(listed, server=server.state)
    return replace(server, parameters=server_parts.server_parameters(bodies))


def _plain(one: Json) -> Json:
    """The older SDK's model as ARM's JSON; null stays null."""
    return one and {
        "name": one.name,
        "properties": {
            "value": one.value,
            "defaultValue": one.default_value,
            "dataType": one.data_type,
            "allowedValues": one.allowed_values,
        },
    }
