"""What a private endpoint or a route table names now: one GET each.

A private DNS zone names no server, so nothing is read for it: the relation index knows whose it is. What
must not live here: the index, and reading what was found.
"""

from __future__ import annotations

from shared.adapters.arm import graph, wire
from shared.adapters.arm.session import Session, body_of
from shared.interfaces import Enumerated, Relation
from shared.model import Json, Locator, LocatorKind, Target, TargetKind
from shared.resource_id import ResourceId, parse_resource_id


def endpoint_targets(session: Session, endpoint: ResourceId) -> Enumerated:
    """The servers that an endpoint leads to and its subnet; nothing where it leads to no PostgreSQL.

    Raises ``Gone`` when it does not exist.
    """
    client = session.clients.network(endpoint.subscription)
    version = session.clients.versions.network
    body = session.ask(
        lambda hooks: client.private_endpoints.get(
            endpoint.resource_group, endpoint.name, api_version=version, cls=body_of, **hooks
        )
    )
    return graph.endpoint_targets([body])


def route_table_targets(session: Session, table: ResourceId) -> Enumerated:
    """The subnets of a route table that may be PostgreSQL's. Raises ``Gone`` when it does not exist."""
    client = session.clients.network(table.subscription)
    version = session.clients.versions.network
    body = session.ask(
        lambda hooks: client.route_tables.get(
            table.resource_group, table.name, expand="subnets", api_version=version, cls=body_of, **hooks
        )
    )
    named = (_subnet(subnet) for subnet in wire.get(body, "properties", "subnets") or ())
    targets = tuple(target for target in named if target is not None)
    source = Locator(kind=LocatorKind.ROUTE_TABLE, id=table)
    return Enumerated(
        targets=targets, relations=tuple(Relation(source=source, target=target) for target in targets)
    )


def _subnet(body: Json) -> Target | None:
    """A subnet unless its own words exclude it: neither delegated to PostgreSQL nor holding an endpoint.

    Without ``$expand`` a subnet is its id alone, which excludes nothing.
    """
    found = parse_resource_id(wire.get(body, "id"))
    shown = wire.get(body, "properties")
    if found is None or (
        shown and not wire.is_postgres_subnet(body) and not wire.get(shown, "privateEndpoints")
    ):
        return None
    return Target(kind=TargetKind.SUBNET, id=found)
