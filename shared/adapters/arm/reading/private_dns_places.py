"""Where private names may be held, as Resource Graph shows it: one question for all endpoints of a server.

It says where to look: in which network an endpoint is (it cannot move), which zones of the prescribed name
exist, in whatever subscription we may read, a central one among them. It also tells a network's own DNS
servers, which only ever make a judgement ``Unknown``. What must not live here: reads of ARM itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Final

from shared.adapters.arm.reading.graph import PAGE_ROWS, quoted
from shared.adapters.arm.reading.optional_parts import tried
from shared.adapters.arm.session.session import Hooks, Session, body_of
from shared.adapters.arm.wire import dns, fields
from shared.model import Json
from shared.model.resource_id import ResourceId, parse_resource_id
from shared.model.values import value

_NETWORK: Final = "microsoft.network/virtualnetworks"
_ENDPOINT: Final = "microsoft.network/privateendpoints"
_ZONE: Final = "microsoft.network/privatednszones"


@value
class Seen:
    """What Resource Graph shows: the network of each endpoint, the DNS servers of each network, the zones."""

    networks: Mapping[ResourceId, ResourceId]
    dns_servers: Mapping[ResourceId, tuple[str, ...]]
    zones: tuple[ResourceId, ...] | None
    unread: str = ""


def seen(session: Session, endpoints: Sequence[ResourceId], name: str) -> Seen:
    """One question about all of ``endpoints``, their networks and the zones called ``name``."""
    rows, refused = tried(lambda: session.ask(partial(_rows, session, _query(endpoints, name))))
    if rows is None:
        return Seen(networks={}, dns_servers={}, zones=None, unread=refused)
    by_type: dict[str, list[Json]] = {}
    for row in rows:
        by_type.setdefault(fields.text(row, "type").lower(), []).append(row)
    subnets = {
        fields.required_id(row): parse_resource_id(fields.get(row, "subnet"))
        for row in by_type.get(_ENDPOINT, ())
    }
    return Seen(
        networks={e: s.parent for e, s in subnets.items() if s is not None and s.parent is not None},
        dns_servers={
            fields.required_id(row): dns.dns_servers(fields.get(row, "dnsServers"))
            for row in by_type.get(_NETWORK, ())
        },
        zones=tuple(sorted(fields.required_id(row) for row in by_type.get(_ZONE, ()))),
        unread="Resource Graph does not show it to our identity",
    )


def _query(endpoints: Sequence[ResourceId], name: str) -> str:
    """Endpoints, the networks of their subscriptions (Azure keeps both in one) and the zones of a name."""
    subscriptions = _listed(sorted({endpoint.subscription.lower() for endpoint in endpoints}))
    return (
        f"resources | where (type =~ '{_ENDPOINT}' and id in~ ({_listed(map(str, endpoints))}))"
        f" or (type =~ '{_NETWORK}' and subscriptionId in~ ({subscriptions}))"
        f" or (type =~ '{_ZONE}' and name =~ {_listed([name])})"
        " | project id, type, subnet = properties.subnet.id,"
        " dnsServers = properties.dhcpOptions.dnsServers | order by type asc, id asc"
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
    return list(fields.get(answer, "data") or [])
