"""The targets that a locator names now: an NSG, a private endpoint, a route table, a network, a scope.

That is one GET each, and Resource Graph for a scope. A network's body shows which subnets are delegated, and
of private endpoints only their ids: whither these lead is asked of Resource Graph, once for the network. A
private DNS zone names no server, so nothing is read for it: the relation index knows whose it is. What must
not live here: the index, and reading what was found.
"""

from __future__ import annotations

from typing import assert_never

from shared.adapters.arm.reading import graph, network_resources
from shared.adapters.arm.session.session import Session, body_of
from shared.adapters.arm.wire import fields, subnets
from shared.model import Json, Locator, LocatorKind, Target, TargetKind
from shared.model.errors import Denied
from shared.model.interfaces import Enumerated, Relation
from shared.model.resource_id import ResourceId, parse_resource_id


def targets_of(session: Session, locator: Locator) -> Enumerated:
    """The targets that a locator names now. Raises ``Gone`` when what it names does not exist."""
    match locator.kind:
        case LocatorKind.NSG:
            group = network_resources.security_group(session, locator.id).group
            targets = tuple(Target(kind=TargetKind.SUBNET, id=subnet) for subnet in group.subnets)
            relations = tuple(Relation(source=locator, target=target) for target in targets)
            return Enumerated(targets=targets, relations=relations)
        case LocatorKind.VIRTUAL_NETWORK:
            return _network_targets(session, locator.id)
        case LocatorKind.SCOPE:
            pages = tuple(graph.enumerate_scope(session, locator.id))
            return Enumerated(
                targets=tuple(target for page in pages for target in page.targets),
                relations=tuple(relation for page in pages for relation in page.relations),
            )
        case LocatorKind.PRIVATE_ENDPOINT:
            return _endpoint_targets(session, locator.id)
        case LocatorKind.ROUTE_TABLE:
            return _route_table_targets(session, locator.id)
        case LocatorKind.PRIVATE_DNS_ZONE:
            return Enumerated(targets=())  # a zone names no server: the relation index knows whose it is
        case _:
            assert_never(locator.kind)


def _endpoint_targets(session: Session, endpoint: ResourceId) -> Enumerated:
    """The servers that an endpoint leads to and its subnet; nothing where it leads to no PostgreSQL.

    Raises ``Gone`` when it does not exist.
    """
    return graph.endpoint_targets([network_resources.private_endpoint(session, endpoint)])


def _route_table_targets(session: Session, table: ResourceId) -> Enumerated:
    """The subnets of a route table that may be PostgreSQL's. Raises ``Gone`` when it does not exist."""
    client = session.clients.network(table.subscription)
    version = session.clients.versions.network
    body = session.ask(
        lambda hooks: client.route_tables.get(
            table.resource_group, table.name, expand="subnets", api_version=version, cls=body_of, **hooks
        )
    )
    return subnets_of_table(body)


def _network_targets(session: Session, network: ResourceId) -> Enumerated:
    """The PostgreSQL subnets of a virtual network: those of servers and those of servers' private endpoints.

    Raises ``Gone`` when it does not exist.
    """
    body = network_resources.virtual_network(session, network)
    others = [one for one in subnets.subnet_bodies(body) if not subnets.delegations(one)]
    return graph.network_targets([body], _held(session, network) if others else ())


def _held(session: Session, network: ResourceId) -> frozenset[ResourceId]:
    """None where that may not be asked: the network's own word and the relation index name the rest."""
    try:
        return graph.held_in_network(session, network)
    except Denied:
        return frozenset()


def subnets_of_table(table: Json) -> Enumerated:
    """The subnets that a route table's body names, unless their own words exclude them.

    A subnet that is expanded, neither delegated to PostgreSQL nor holding a private endpoint, is none of
    ours. Where ``$expand`` was not heeded a subnet is its id alone, which excludes nothing.
    """
    source = Locator(kind=LocatorKind.ROUTE_TABLE, id=fields.required_id(table))
    listed = (subnet for subnet in fields.get(table, "properties", "subnets") or () if _may_be_ours(subnet))
    found = (parse_resource_id(fields.get(subnet, "id")) for subnet in listed)
    targets = tuple(Target(kind=TargetKind.SUBNET, id=subnet) for subnet in found if subnet is not None)
    return Enumerated(
        targets=targets, relations=tuple(Relation(source=source, target=target) for target in targets)
    )


def _may_be_ours(subnet: Json) -> bool:
    shown = fields.get(subnet, "properties")
    return not shown or subnets.is_postgres_subnet(subnet) or bool(fields.get(shown, "privateEndpoints"))
