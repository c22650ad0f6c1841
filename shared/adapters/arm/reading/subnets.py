"""Reading a subnet: its GET, then whatever of its surroundings an enabled policy asks for.

The subnet's own body says which parts there can be: its NSG and route table by their ids, its private
endpoints, its delegation. So a subnet that is none of PostgreSQL's costs one request, and a delegated one
never a request for endpoints. A part that is refused is unread (``optional_parts``); which servers stand in
the subnet is told in ``subnet_servers``.

What must not live here: writes, decisions, the reading of JSON (``wire``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Final

from shared.adapters.arm.reading import extensions, graph, network_resources, subnet_servers
from shared.adapters.arm.reading.optional_parts import Reader, each, tried, with_parts
from shared.adapters.arm.session.session import Session
from shared.adapters.arm.wire import admin_rules, fields, networks, subnets
from shared.model import Aspect, Json, SubnetSnapshot
from shared.model.errors import Gone, Transient
from shared.model.networks import SubnetEndpoint
from shared.model.resource_id import ResourceId

_SOON: Final = 5.0
"""Seconds after which a subnet that changed while it was read is read again."""
MOST_ENDPOINTS: Final = 10
"""Where a subnet names more endpoints than these, Resource Graph is asked first which lead elsewhere."""


def read(session: Session, subnet: ResourceId, aspects: frozenset[Aspect]) -> SubnetSnapshot:
    """The subnet as ARM has it now. Raises ``Gone`` when it does not exist."""
    read_at = session.clock.now()
    body = network_resources.subnet(session, subnet)
    snapshot = _without_odd_parts(subnets.subnet(body, read_at), aspects)
    held: Mapping[Aspect, Reader[SubnetSnapshot]] = {
        Aspect.SUBNET_ENDPOINTS: partial(
            _with_endpoints, networks.endpoint_ids(body), networks.odd_endpoints(body)
        ),
        Aspect.SUBNET_SERVERS: partial(subnet_servers.with_servers, body),
    }
    snapshot = with_parts(session, snapshot, held, aspects)
    ours = subnets.is_postgres_subnet(body) or bool(snapshot.private_endpoints)
    if not ours and Aspect.ANY_SUBNET not in aspects:
        return snapshot
    return with_parts(session, snapshot, _around(snapshot, body), aspects)


def place(session: Session, subnet: ResourceId, *, delegated: bool) -> SubnetSnapshot:
    """A subnet in which a server is reached, with what decides there who gets in; without its network.

    At a private endpoint the NSG decides nothing where network policies surely leave it out, and the route
    table of the endpoint's own subnet never does. Raises ``Gone`` when the subnet does not exist.
    """
    read_at = session.clock.now()
    body = network_resources.subnet(session, subnet)
    snapshot = subnets.subnet(body, read_at)
    aspects = _DELEGATED if delegated else _at_endpoints(snapshot)
    snapshot = _without_odd_parts(snapshot, aspects)
    return with_parts(session, snapshot, _around(snapshot, body), aspects)


_DELEGATED: Final = frozenset({Aspect.SECURITY_GROUP, Aspect.ROUTES})
_WITHOUT_GROUPS: Final = frozenset({"", "disabled", "routetableenabled"})
"""Values of ``privateEndpointNetworkPolicies`` with which no NSG reaches private endpoints."""


def _at_endpoints(subnet: SubnetSnapshot) -> frozenset[Aspect]:
    left_out = subnet.endpoint_network_policies.lower() in _WITHOUT_GROUPS
    return frozenset() if left_out else frozenset({Aspect.SECURITY_GROUP})


def more(session: Session, snapshot: SubnetSnapshot, aspects: frozenset[Aspect]) -> SubnetSnapshot:
    """The snapshot with parts of its surroundings that it names itself; see ``Gateway.more``."""
    return with_parts(session, snapshot, _named(snapshot), aspects)


_NAMED_BY: Final = {"networkSecurityGroup": Aspect.SECURITY_GROUP, "routeTable": Aspect.ROUTES}


def _without_odd_parts(subnet: SubnetSnapshot, aspects: frozenset[Aspect]) -> SubnetSnapshot:
    """What the subnet names by something that is no id is there, and cannot be read."""
    odd = {part: subnet.odd_fields[name] for name, part in _NAMED_BY.items() if name in subnet.odd_fields}
    return replace(subnet, unread={part: said for part, said in odd.items() if part in aspects})


def _around(snapshot: SubnetSnapshot, body: Json) -> Mapping[Aspect, Reader[SubnetSnapshot]]:
    """The readers of what only matters for a subnet that is PostgreSQL's, or a client's of it."""
    readers: dict[Aspect, Reader[SubnetSnapshot]] = {
        Aspect.SUBNET_REPLICAS: subnet_servers.with_partners,
        Aspect.NETWORK_LOCKS: extensions.network_locks,
    }
    if (group := subnets.security_group_id(body)) is not None:
        readers[Aspect.SECURITY_GROUP] = partial(_with_group, group)
    return {**readers, **_named(snapshot)}


def _named(snapshot: SubnetSnapshot) -> Mapping[Aspect, Reader[SubnetSnapshot]]:
    """Those of them that need nothing but what the snapshot itself names."""
    readers: dict[Aspect, Reader[SubnetSnapshot]] = {
        Aspect.VIRTUAL_NETWORK: _with_virtual_network,
        Aspect.ADMIN_RULES: _with_admin_rules,
    }
    if snapshot.route_table_id is not None:
        readers[Aspect.ROUTES] = partial(_with_routes, snapshot.route_table_id)
    return readers


# --- the network around it -------------------------------------------------------------------------


def _with_group(group: ResourceId, session: Session, subnet: SubnetSnapshot) -> SubnetSnapshot:
    """With the NSG that the subnet named a moment ago: that it is gone does not mean that it has none."""
    try:
        found = network_resources.security_group(session, group)
    except Gone as error:
        raise session.trouble(_changed_meanwhile(error)) from error
    return replace(
        subnet,
        security_group=found.group,
        location=found.location,
        updating=subnet.updating or found.group.updating,
    )


def _with_routes(table: ResourceId, session: Session, subnet: SubnetSnapshot) -> SubnetSnapshot:
    try:
        body = network_resources.route_table(session, table)
    except Gone as error:
        raise session.trouble(_changed_meanwhile(error)) from error
    return replace(subnet, route_table=networks.route_table(body))


def _changed_meanwhile(error: Gone) -> Transient:
    why = f"the subnet changed while it was read: {error}"
    return Transient(why, status=error.status, retry_after=_SOON)


def _with_virtual_network(session: Session, subnet: SubnetSnapshot) -> SubnetSnapshot:
    network = subnet.id.parent
    if network is None:
        return subnet
    found = network_resources.virtual_network(session, network)
    return replace(
        subnet,
        virtual_network=networks.virtual_network(found),
        location=subnet.location or fields.text(found, "location"),
    )


def _with_admin_rules(session: Session, subnet: SubnetSnapshot) -> SubnetSnapshot:
    """With the rules that go before the NSG; they are kept, or why there are none, on the network."""
    network = subnet.virtual_network
    if network is None:
        why = subnet.unread.get(Aspect.VIRTUAL_NETWORK, "the virtual network was not read")
        return replace(subnet, unread={**subnet.unread, Aspect.ADMIN_RULES: why})
    where = network.id
    rules, refused = tried(lambda: admin_rules.admin_rules(network_resources.admin_rules(session, where)))
    told = {Aspect.ADMIN_RULES: refused} if refused else {}
    known = replace(network, admin_rules=rules, admin_unread=refused)
    return replace(subnet, virtual_network=known, unread={**subnet.unread, **told})


# --- private endpoints -----------------------------------------------------------------------------


def _with_endpoints(
    named: tuple[ResourceId, ...], odd: Mapping[ResourceId, str], session: Session, subnet: SubnetSnapshot
) -> SubnetSnapshot:
    """With the endpoints that lead to PostgreSQL; what Resource Graph does not know yet is asked for too."""
    if len(named) > MOST_ENDPOINTS:
        elsewhere = graph.endpoints_elsewhere(session, subnet.id)
        named = tuple(one for one in named if one not in elsewhere)
    found = each(named, partial(_endpoint, session), _refused)
    return replace(subnet, private_endpoints=(*found, *(_refused(*one) for one in odd.items())))


def _refused(endpoint: ResourceId, reason: str) -> SubnetEndpoint:
    """An endpoint of which only the id is known: it may lead to PostgreSQL."""
    return SubnetEndpoint(id=endpoint, unread=reason)


def _endpoint(session: Session, endpoint: ResourceId) -> SubnetEndpoint | None:
    """None for an endpoint that leads elsewhere, or that was deleted a moment ago."""
    try:
        body = network_resources.private_endpoint(session, endpoint)
    except Gone:
        return None
    found = networks.subnet_endpoint(body)
    interface = networks.interface_id(body)
    if found is None or found.addresses or interface is None:
        return found
    addresses, odd = networks.interface_addresses(network_resources.interface(session, interface))
    return replace(found, addresses=addresses, unread=found.unread or odd)
