"""The servers that stand in a subnet, and the servers that those replicate with.

Resource Graph only says which servers stand in the subnet; what a verdict rests on (sign-in, keys,
replication) is asked of ARM, for the first ten of them. Beyond these a server is listed with nothing known
of it. Of replicas what was read is kept, and only the partner, or the server whose partners were refused, is
unknown. What must not live here: writes, decisions, the reading of JSON (``wire``).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final, TypeAlias

from shared.adapters.arm.reading import graph, network_resources
from shared.adapters.arm.reading.optional_parts import each, why
from shared.adapters.arm.session.session import Hooks, Session, bodies_of, body_of
from shared.adapters.arm.wire import networks, server_parts, subnets
from shared.model import Aspect, IPNetwork, Json, SubnetServer, SubnetSnapshot
from shared.model.errors import GatewayError, Gone, Permanent
from shared.model.networks import ReplicaPartner
from shared.model.resource_id import ResourceId

MOST_SERVERS: Final = 10
"""Of more servers than these nothing but their ids is read: a /28 holds eleven addresses."""
_Places: TypeAlias = dict[ResourceId, tuple[tuple[IPNetwork, ...], str]]
"""The prefixes of each subnet that was asked for, and why there are none where it could not be read."""


def with_servers(body: Json, session: Session, subnet: SubnetSnapshot) -> SubnetSnapshot:
    """With the servers that stand in the subnet.

    None can where it is delegated to another service or holds private endpoints: a subnet of flexible
    servers holds nothing else (article on private access).
    """
    elsewhere = bool(subnets.delegations(body)) and not subnets.is_postgres_subnet(body)
    if elsewhere or networks.endpoint_ids(body):
        return replace(subnet, servers=())
    named, odd = graph.servers_in_subnet(session, subnet.id)
    if odd and not named:
        raise Permanent(odd, code="MalformedAnswer")
    unread = {**subnet.unread, **({Aspect.SUBNET_SERVERS: odd} if odd else {})}

    def refused(server: ResourceId, reason: str) -> SubnetServer:
        unread.setdefault(Aspect.SUBNET_SERVERS, f"{server.name}: {reason}")
        return SubnetServer(id=server)

    seen = each(named[:MOST_SERVERS], lambda one: _server(session, one, subnet.id), refused)
    rest = (SubnetServer(id=one) for one in named[MOST_SERVERS:])
    return replace(subnet, servers=(*seen, *rest), unread=unread)


def _server(session: Session, server: ResourceId, subnet: ResourceId) -> SubnetServer | None:
    """None for a server that was deleted a moment ago, or that has left the subnet.

    ``migrateNetwork`` takes a server out of its subnet, and Resource Graph may show it there a while longer.
    """
    try:
        body = _server_body(session, server)
    except Gone:
        return None
    if subnets.delegated_subnet(body) != subnet:
        return None
    found = subnets.subnet_server(body)
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
    except GatewayError:
        return None
    return server_parts.setting(body)


# --- replicas --------------------------------------------------------------------------------------


def with_partners(session: Session, subnet: SubnetSnapshot) -> SubnetSnapshot:
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
        except GatewayError as error:
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
        bodies = enumerate(_replica_bodies(session, server), start=1)
        found = [subnets.replica_of(server.id, body, number) for number, body in bodies]
    return replace(server, partners=tuple(_located(session, one, places) for one in found))


def _source(session: Session, source: ResourceId) -> ReplicaPartner:
    """The source of a replica; one that cannot be read is known by its id alone."""
    try:
        return subnets.replica_partner(_server_body(session, source))
    except GatewayError as error:
        return ReplicaPartner(server=source, unread=why(error))


def _replica_bodies(session: Session, server: SubnetServer) -> list[Json]:
    client = session.clients.flexible(server.id.subscription)

    def listed(hooks: Hooks) -> list[Json]:
        return bodies_of(client.replicas.list_by_server(server.id.resource_group, server.id.name, **hooks))

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
        body = network_resources.subnet(session, subnet)
        found = subnets.subnet(body, session.clock.now())
        return found.prefixes, found.odd_fields.get("addressPrefix", "")
    except GatewayError as error:
        return (), why(error)
