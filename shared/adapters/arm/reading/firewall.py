"""A server's firewall rules, and the subnets that a single server admits: one list call each."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from shared.adapters.arm.session.session import Hooks, Session, bodies_of, items_of
from shared.adapters.arm.wire import server_parts
from shared.model import Json, ServerSnapshot
from shared.model.errors import Permanent
from shared.model.resource_id import ResourceId


def flexible_rules(session: Session, server: ServerSnapshot) -> ServerSnapshot:
    """The snapshot with its rules.

    A server in a subnet has no firewall, and Azure may refuse to handle rules of it ("cannot be requested
    for a private access enabled server", firewall article): that refusal says that there are none. Some
    were seen all the same (azure-rest-api-specs 20616), so they are asked for.
    """
    try:
        bodies = session.ask(partial(_flexible_bodies, session, server.id), server=server.state)
    except Permanent:
        if not server.vnet_integrated:
            raise
        bodies = []
    return _with_rules(server, bodies)


def single_rules(session: Session, server: ServerSnapshot) -> ServerSnapshot:
    bodies = session.ask(partial(_single_bodies, session, server.id), server=server.state)
    return _with_rules(server, bodies)


def _with_rules(server: ServerSnapshot, bodies: list[Json]) -> ServerSnapshot:
    return replace(
        server,
        firewall_rules=server_parts.firewall_rules(bodies),
        odd_rules=server_parts.odd_firewall_rules(bodies),
    )


def _flexible_bodies(session: Session, server: ResourceId, hooks: Hooks) -> list[Json]:
    rules = session.clients.flexible(server.subscription).firewall_rules
    return bodies_of(rules.list_by_server(server.resource_group, server.name, **hooks))


def _single_bodies(session: Session, server: ResourceId, hooks: Hooks) -> list[Json]:
    rules = session.clients.single(server.subscription).firewall_rules
    version = session.clients.versions.single
    pages = rules.list_by_server(server.resource_group, server.name, api_version=version, **hooks)
    return [
        rule
        and {
            "id": rule.id,
            "name": rule.name,
            "properties": {
                "startIpAddress": rule.start_ip_address,
                "endIpAddress": rule.end_ip_address,
            },
        }
        for rule in items_of(pages)
    ]


def virtual_network_rules(session: Session, server: ServerSnapshot) -> ServerSnapshot:
    """The snapshot with the subnets that a single server admits through their service endpoint."""
    where = server.id
    client = session.clients.single(where.subscription).virtual_network_rules
    version = session.clients.versions.single

    def listed(hooks: Hooks) -> list[Json]:
        pages = client.list_by_server(where.resource_group, where.name, api_version=version, **hooks)
        return [one and one.serialize(keep_readonly=True) for one in items_of(pages)]

    bodies = session.ask(listed, server=server.state)
    return replace(
        server,
        virtual_network_rules=server_parts.virtual_network_rules(bodies),
        odd_network_rules=server_parts.odd_network_rules(bodies),
    )
