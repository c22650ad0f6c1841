"""Reading a subnet: its GET, then whatever of its surroundings an enabled policy asks for.

The subnet's own body says which parts there can be: its NSG and route table by their ids, its private
endpoints, its delegation. So a subnet that is none of PostgreSQL's costs one request, and a delegated one
never a request for endpoints. Resource Graph only says which servers stand in the subnet; what a verdict
rests on (sign-in, keys, replication) is asked of ARM, for the first ten of them. Beyond these a server is
listed with nothing known of it. A part that is refused is unread (``parts``); of replicas what was read is
kept, and only the partner, or the server whose partners were refused, is unknown.

What must not live here: writes, decisions, the reading of JSON (``wire``, ``network_wire``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Final, TypeAlias

from shared.adapters.arm import graph, network_wire, wire
from shared.adapters.arm.parts import UNREADABLE, Reader, why, with_parts
from shared.adapters.arm.session import Hooks, Session, body_of
from shared.model import Aspect, IPNetwork, Json, SubnetServer, SubnetSnapshot
from shared.model.errors import Gone, Transient
from shared.model.interfaces import GroupReading
from shared.model.parts import ReplicaPartner, SubnetEndpoint
from shared.model.resource_id import ResourceId

MOST_SERVERS: Final = 10
"""Of more servers than these nothing but their ids is read: a /28 holds eleven addresses."""
MOST_ENDPOINTS: Final = 10
"""Where a subnet names more endpoints than these, Resource Graph is asked first which lead elsewhere."""

_Places: TypeAlias = dict[ResourceId, tuple[tuple[IPNetwork, ...], str]]
"""The prefixes of each subnet that was asked for, and why there are none where it could not be read."""


def read(session: Session, subnet: ResourceId, aspects: frozenset[Aspect]) -> SubnetSnapshot:
    """The subnet as ARM has it now. Raises ``Gone`` when it does not exist."""
    read_at = session.clock.now()
    body = _subnet_body(session, subnet)
    snapshot = wire.subnet(body, read_at)
    held: Mapping[Aspect, Reader[SubnetSnapshot]] = {
        Aspect.SUBNET_ENDPOINTS: partial(_with_endpoints, network_wire.endpoint_ids(body)),
        Aspect.SUBNET_SERVERS: partial(_with_servers, body),
    }
    snapshot = with_parts(session, snapshot, held, aspects)
    ours = wire.is_postgres_subnet(body) or bool(snapshot.private_endpoints)
    if not ours and Aspect.ANY_SUBNET not in aspects:
        return snapshot
    return with_parts(session, snapshot, _around(snapshot, body), aspects)


def _around(snapshot: SubnetSnapshot, body: Json) -> Mapping[Aspect, Reader[SubnetSnapshot]]:
    """The readers of what only matters for a subnet that is PostgreSQL's, or a client's of it."""
    readers: dict[Aspect, Reader[SubnetSnapshot]] = {
        Aspect.SUBNET_REPLICAS: _with_partners,
        Aspect.VIRTUAL_NETWORK: _with_virtual_network,
    }
    if (group := wire.security_group_id(body)) is not None:
        readers[Aspect.SECURITY_GROUP] = partial(_with_group, group)
    if snapshot.route_table_id is not None:
        readers[Aspect.ROUTES] = partial(_with_routes, snapshot.route_table_id)
    return readers


# --- the network around it -------------------------------------------------------------------------


def _with_group(group: ResourceId, session: Session, subnet: SubnetSnapshot) -> SubnetSnapshot:
    """With the NSG that the subnet named a moment ago: that it is gone does not mean that it has none."""
    try:
        found = security_group(session, group)
    except Gone as error:
        raise _changed_meanwhile(error) from error
    return replace(
        subnet,
        security_group=found.group,
        location=found.location,
        updating=subnet.updating or found.group.updating,
    )


def security_group(session: Session, group: ResourceId) -> GroupReading:
    """The NSG as ARM has it now. Raises ``Gone`` when it does not exist."""
    client = session.clients.network(group.subscription)
    version = session.clients.versions.network
    body = session.ask(
        lambda hooks: client.network_security_groups.get(
            group.resource_group, group.name, api_version=version, cls=body_of, **hooks
        )
    )
    return GroupReading(group=wire.security_group(body), location=wire.text(body, "location"))


def _with_routes(table: ResourceId, session: Session, subnet: SubnetSnapshot) -> SubnetSnapshot:
    client = session.clients.network(table.subscription)
    version = session.clients.versions.network
    try:
        body = session.ask(
            lambda hooks: client.route_tables.get(
                table.resource_group, table.name, api_version=version, cls=body_of, **hooks
            )
        )
    except Gone as error:
        raise _changed_meanwhile(error) from error
    return replace(subnet, route_table=network_wire.route_table(body))


def _changed_meanwhile(error: Gone) -> Transient:
    return Transient(f"the subnet changed while it was read: {error}", status=error.status)


def _with_virtual_network(session: Session, subnet: SubnetSnapshot) -> SubnetSnapshot:
    network = subnet.id.parent
    if network is None:
        return subnet
    found = virtual_network(session, network)
    return replace(
        subnet,
        virtual_network=network_wire.virtual_network(found),
        location=subnet.location or wire.text(found, "location"),
    )


def virtual_network(session: Session, network: ResourceId) -> Json:
    """The body of a virtual network. Raises ``Gone`` when it does not exist."""
    client = session.clients.network(network.subscription)
    version = session.clients.versions.network
    return session.ask(
        lambda hooks: client.virtual_networks.get(
            network.resource_group, network.name, api_version=version, cls=body_of, **hooks
        )
    )


def _subnet_body(session: Session, subnet: ResourceId) -> Json:
    network = subnet.parent.name if subnet.parent is not None else ""
    client = session.clients.network(subnet.subscription)
    version = session.clients.versions.network
    return session.ask(
        lambda hooks: client.subnets.get(
            subnet.resource_group, network, subnet.name, api_version=version, cls=body_of, **hooks
        )
    )


# --- private endpoints -----------------------------------------------------------------------------


def _with_endpoints(
    named: tuple[ResourceId, ...], session: Session, subnet: SubnetSnapshot
) -> SubnetSnapshot:
    """With the endpoints that lead to PostgreSQL; what Resource Graph does not know yet is asked for too."""
    if len(named) > MOST_ENDPOINTS:
        elsewhere = graph.endpoints_elsewhere(session, subnet.id)
        named = tuple(one for one in named if one not in elsewhere)
    found = (_endpoint(session, one) for one in named)
    return replace(subnet, private_endpoints=tuple(one for one in found if one is not None))


def _endpoint(session: Session, endpoint: ResourceId) -> SubnetEndpoint | None:
    """None for an endpoint that leads elsewhere, or that was deleted a moment ago."""
    client = session.clients.network(endpoint.subscription)
    version = session.clients.versions.network
    try:
        body = session.ask(
            lambda hooks: client.private_endpoints.get(
                endpoint.resource_group, endpoint.name, api_version=version, cls=body_of, **hooks
            )
        )
    except Gone:
        return None
    found = network_wire.subnet_endpoint(body)
    interface = network_wire.interface_id(body)
    if found is None or found.addresses or interface is None:
        return found
    return replace(found, addresses=network_wire.interface_addresses(_interface(session, interface)))


def _interface(session: Session, interface: ResourceId) -> Json:
    client = session.clients.network(interface.subscription)
    version = session.clients.versions.network
    return session.ask(
        lambda hooks: client.network_interfaces.get(
            interface.resource_group, interface.name, api_version=version, cls=body_of, **hooks
        )
    )


# --- servers ---------------------------------------------------------------------------------------


def _with_servers(body: Json, session: Session, subnet: SubnetSnapshot) -> SubnetSnapshot:
    """With the servers that stand in the subnet.

    None can where it is delegated to another service or holds private endpoints: a subnet of flexible
    servers holds nothing else (article on private access).
    """
    elsewhere = bool(wire.delegations(body)) and not wire.is_postgres_subnet(body)
    if elsewhere or network_wire.endpoint_ids(body):
        return replace(subnet, servers=())
    named = graph.servers_in_subnet(session, subnet.id)
    seen = (_server(session, one, subnet.id) for one in named[:MOST_SERVERS])
    rest = (SubnetServer(id=one) for one in named[MOST_SERVERS:])
    return replace(subnet, servers=(*(one for one in seen if one is not None), *rest))


def _server(session: Session, server: ResourceId, subnet: ResourceId) -> SubnetServer | None:
    """None for a server that was deleted a moment ago, or that has left the subnet.

    ``migrateNetwork`` takes a server out of its subnet, and Resource Graph may show it there a while longer.
    """
    try:
        body = _server_body(session, server)
    except Gone:
        return None
    if network_wire.delegated_subnet(body) != subnet:
        return None
    found = network_wire.subnet_server(body)
    # High availability alone makes port 6432 matter: PgBouncer would say no more.
    known = found.high_availability is True
    return found if known else replace(found, pgbouncer=_pgbouncer(session, server))


def _server_body(session: Session, server: ResourceId) -> Json:
    client = session.clients.flexible(server.subscription)
    return session.ask(
        lambda hooks: client.servers.get(server.resource_group, server.name, cls=body_of, **hooks)
    )


def _pgbouncer(session: Session, server: ResourceId) -> bool | None:
    """Whether PgBouncer, which listens on port 6432, is on; None where the parameter cannot be read."""
    client = session.clients.flexible(server.subscription)
    try:
        body = session.ask(
            lambda hooks: client.configurations.get(
                server.resource_group, server.name, "pgbouncer.enabled", cls=body_of, **hooks
            )
        )
    except UNREADABLE:
        return None
    return wire.setting(body)


# --- replicas --------------------------------------------------------------------------------------


def _with_partners(session: Session, subnet: SubnetSnapshot) -> SubnetSnapshot:
    """With the servers that those of the subnet replicate with.

    What is refused concerns one server or one partner, and what was read of the others is kept: the reason
    why a server's partners are unknown is the part's, that of a partner stands on the partner.
    """
    if subnet.servers is None:
        return subnet
    places: _Places = {subnet.id: (subnet.prefixes, "")}
    servers, unread = list(subnet.servers), dict(subnet.unread)
    for at, server in enumerate(subnet.servers[:MOST_SERVERS]):
        try:
            servers[at] = _with_its_partners(session, server, places)
        except UNREADABLE as error:
            unread.setdefault(Aspect.SUBNET_REPLICAS, why(error))
    return replace(subnet, servers=tuple(servers), unread=unread)


def _with_its_partners(session: Session, server: SubnetServer, places: _Places) -> SubnetServer:
    """The source of a replica; of any other server, its replicas.

    A replica that does not name its source keeps partners that are unknown.
    """
    source = server.replication.source
    if source is not None:
        found = [_source(session, source)]
    elif "replica" in server.replication.role.lower():
        return server
    else:
        found = [network_wire.replica_partner(body) for body in _replica_bodies(session, server)]
    return replace(server, partners=tuple(_located(session, one, places) for one in found))


def _source(session: Session, source: ResourceId) -> ReplicaPartner:
    """The source of a replica; one that cannot be read is known by its id alone."""
    try:
        return network_wire.replica_partner(_server_body(session, source))
    except UNREADABLE as error:
        return ReplicaPartner(server=source, unread=why(error))


def _replica_bodies(session: Session, server: SubnetServer) -> list[Json]:
    client = session.clients.flexible(server.id.subscription)

    def listed(hooks: Hooks) -> list[Json]:
        pages = client.replicas.list_by_server(server.id.resource_group, server.id.name, **hooks)
        return [one.as_dict() for one in pages]

    return session.ask(listed)


def _located(session: Session, partner: ReplicaPartner, places: _Places) -> ReplicaPartner:
    """The partner with the prefixes of its subnet; a subnet is asked for once."""
    if partner.subnet is None:
        return partner
    if partner.subnet not in places:
        places[partner.subnet] = _prefixes(session, partner.subnet)
    prefixes, refused = places[partner.subnet]
    return replace(partner, prefixes=prefixes, unread=refused)


def _prefixes(session: Session, subnet: ResourceId) -> tuple[tuple[IPNetwork, ...], str]:
    try:
        body = _subnet_body(session, subnet)
        return wire.subnet(body, session.clock.now()).prefixes, ""
    except UNREADABLE as error:
        return (), why(error)
