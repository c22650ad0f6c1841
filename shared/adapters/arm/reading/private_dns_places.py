"""Where private names may be held, as Resource Graph shows it: one question for all endpoints of a server.

It says where to look: in which network an endpoint is (it cannot move), which zones of the prescribed name
exist, in whatever subscription we may read, a central one among them. It also tells a network's own DNS
servers, which only ever make a judgement ``Unknown``, and what it is peered with. What must not live here:
reads of ARM itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Final

from shared.adapters.arm.reading.graph import PAGE_ROWS, quoted, rows_of
from shared.adapters.arm.reading.optional_parts import tried
from shared.adapters.arm.session.session import Hooks, Session, body_of
from shared.adapters.arm.wire import dns, fields, networks
from shared.model import Json
from shared.model.parts import NetworkDns
from shared.model.resource_id import ResourceId, parse_resource_id
from shared.model.values import value

_NETWORK: Final = "microsoft.network/virtualnetworks"
_ENDPOINT: Final = "microsoft.network/privateendpoints"
_ZONE: Final = "microsoft.network/privatednszones"
_BRING_ROUTES: Final = sorted(networks.BRINGS_ROUTES)


@value
class Seen:
    """What Resource Graph shows: the subnet of each endpoint, each network, the zones."""

    subnets: Mapping[ResourceId, ResourceId]
    by_id: Mapping[ResourceId, NetworkDns]
    zones: tuple[ResourceId, ...] | None
    unread: str = ""


def seen(session: Session, endpoints: Sequence[ResourceId], name: str) -> Seen:
    """One question about all of ``endpoints``, their networks and the zones called ``name``."""
    rows, refused = tried(lambda: session.ask(partial(_rows, session, _query(endpoints, name))))
    if rows is None:
        return Seen(subnets={}, by_id={}, zones=None, unread=refused)
    by_type: dict[str, list[Json]] = {}
    for row in rows:
        by_type.setdefault(fields.text(row, "type").lower(), []).append(row)
    subnets = {one: parse_resource_id(fields.get(row, "subnet")) for one, row in _named(by_type, _ENDPOINT)}
    return Seen(
        subnets={e: s for e, s in subnets.items() if s is not None and s.parent is not None},
        by_id={one: _network(one, row) for one, row in _named(by_type, _NETWORK)},
        zones=_zones(rows, by_type),
        unread="Resource Graph does not show it to our identity",
    )


def _network(named: ResourceId, row: Json) -> NetworkDns:
    """A network; what it is joined to is not known where its peerings are no list, or one names nothing."""
    servers, listed = dns.dns_servers(fields.get(row, "dnsServers")), fields.get(row, "peerings")
    body: Json = {"properties": {"virtualNetworkPeerings": listed}}
    if not isinstance(listed, list) or networks.odd_peerings(body):
        return NetworkDns(id=named, dns_servers=servers)
    learns = fields.get(row, "gateway") is not False or networks.uses_a_peers_gateway(body)
    return NetworkDns(id=named, dns_servers=servers, peers=networks.peers(body), learns_routes=learns)


def _named(rows: Mapping[str, list[Json]], kind: str) -> Iterator[tuple[ResourceId, Json]]:
    """The rows of a kind by their ids; one that names nothing shows nothing."""
    for row in rows.get(kind, ()):
        if (named := parse_resource_id(fields.get(row, "id"))) is not None:
            yield named, row


def _zones(rows: Iterable[Json], by_type: Mapping[str, list[Json]]) -> tuple[ResourceId, ...] | None:
    """The zones that exist; None where a row may stand for a further one."""
    hidden = any(parse_resource_id(fields.get(row, "id")) is None for row in rows)
    return None if hidden else tuple(sorted(zone for zone, _ in _named(by_type, _ZONE)))


def _query(endpoints: Sequence[ResourceId], name: str) -> str:
    """Endpoints, the networks of their subscriptions (Azure keeps both in one) and the zones of a name."""
    subscriptions = _listed(sorted({endpoint.subscription.lower() for endpoint in endpoints}))
    learns = " or ".join(f"tostring(properties.subnets) contains '{name}'" for name in _BRING_ROUTES)
    return (
        f"resources | where (type =~ '{_ENDPOINT}' and id in~ ({_listed(map(str, endpoints))}))"
        f" or (type =~ '{_NETWORK}' and subscriptionId in~ ({subscriptions}))"
        f" or (type =~ '{_ZONE}' and name =~ {_listed([name])})"
        " | project id, type, subnet = properties.subnet.id,"
        " dnsServers = properties.dhcpOptions.dnsServers, peerings = properties.virtualNetworkPeerings,"
        f" gateway = {learns} | order by type asc, id asc"
    )


def _listed(texts: Iterable[str]) -> str:
    return ", ".join(map(quoted, texts))


def _rows(session: Session, query: str, hooks: Hooks) -> list[Json]:
    """One page, zones and endpoints first: a network beyond it is one whose DNS servers are not known.

    No subscription is named, so that every one is asked that our identity may read.
    """
    from azure.mgmt.resourcegraph.models import QueryRequest, QueryRequestOptions

    options = QueryRequestOptions(top=PAGE_ROWS, result_format="objectArray")
    request = QueryRequest(query=query, options=options)
    answer = session.clients.graph().resources(request, cls=body_of, **hooks)
    return rows_of(answer)
