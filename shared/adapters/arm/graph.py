"""Resource Graph: which targets exist in a scope, and which servers live in a subnet.

Resource Graph is a copy that lags behind ARM, so it says where to look and what to show as evidence,
never whether something is compliant. Pages hold 1,000 rows and follow each other by ``$skipToken``, which
needs a stable order: by id, ascending (article on large result sets). The token alone tells whether there
is more; ``resultTruncated``, a string, must not be ``"true"`` where there is none.

Virtual networks are filtered here and not by ``mv-expand``, which silently stops at its row limit.
What must not live here: decisions, reads of ARM itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Final

from shared.adapters.arm import wire
from shared.adapters.arm.session import Hooks, Session, body_of
from shared.errors import Permanent
from shared.interfaces import Enumerated, Relation
from shared.model import Json, Locator, LocatorKind, SubnetServer, Target, TargetKind
from shared.resource_id import ResourceId

PAGE_ROWS: Final = 1000

_KINDS: Final = {
    "microsoft.dbforpostgresql/flexibleservers": TargetKind.FLEXIBLE_SERVER,
    "microsoft.dbforpostgresql/servers": TargetKind.SINGLE_SERVER,
}
_SERVERS: Final = (
    "resources | where type in~ ('microsoft.dbforpostgresql/flexibleservers',"
    " 'microsoft.dbforpostgresql/servers')"
)
_NETWORKS: Final = "resources | where type =~ 'microsoft.network/virtualnetworks'"
_FLEXIBLE: Final = "resources | where type =~ 'microsoft.dbforpostgresql/flexibleservers'"


def enumerate_scope(session: Session, scope: ResourceId) -> Iterator[Enumerated]:
    """Every server and every PostgreSQL subnet of a subscription or resource group, page by page."""
    group = f" | where resourceGroup =~ {_quoted(scope.resource_group)}" if scope.resource_group else ""
    for rows in _pages(session, scope, f"{_SERVERS}{group} | project id, type | order by id asc"):
        yield Enumerated(targets=tuple(_server_target(row) for row in rows))
    for rows in _pages(session, scope, f"{_NETWORKS}{group} | project id, properties | order by id asc"):
        yield network_targets(rows)


def servers_in_subnet(session: Session, subnet: ResourceId) -> tuple[SubnetServer, ...]:
    """The flexible servers that name ``subnet`` as their delegated subnet, as far as Resource Graph knows."""
    query = (
        f"{_FLEXIBLE} | where properties.network.delegatedSubnetResourceId =~ {_quoted(str(subnet))}"
        " | project id, properties | order by id asc"
    )
    answer = session.ask(partial(_page, session, subnet, query, None))
    return tuple(wire.subnet_server(row) for row in answer.get("data") or [])


def network_targets(networks: list[Json]) -> Enumerated:
    """The PostgreSQL subnets of virtual networks, with what they depend on: the network and the NSG."""
    targets: list[Target] = []
    relations: list[Relation] = []
    for network in networks:
        parent = Locator(kind=LocatorKind.VIRTUAL_NETWORK, id=wire.required_id(network))
        for subnet in filter(wire.is_postgres_subnet, wire.subnet_bodies(network)):
            target = Target(kind=TargetKind.SUBNET, id=wire.required_id(subnet))
            targets.append(target)
            relations.append(Relation(source=parent, target=target))
            group = wire.security_group_id(subnet)
            if group is not None:
                locator = Locator(kind=LocatorKind.NSG, id=group)
                relations.append(Relation(source=locator, target=target))
    return Enumerated(targets=tuple(targets), relations=tuple(relations))


def _server_target(row: Json) -> Target:
    """The type comes in lower case from Resource Graph; it is compared without case all the same."""
    kind = _KINDS.get(wire.text(row, "type").lower())
    if kind is None:
        raise Permanent(f"a row of an unexpected type: {wire.text(row, 'type')!r}", code="MalformedAnswer")
    return Target(kind=kind, id=wire.required_id(row))


def _pages(session: Session, scope: ResourceId, query: str) -> Iterator[list[Json]]:
    token: str | None = None
    while True:
        answer = session.ask(partial(_page, session, scope, query, token))
        yield list(answer.get("data") or [])
        token = answer.get("$skipToken")
        if not token:
            _require_whole(answer)
            return


def _require_whole(last: Json) -> None:
    """Rows that were cut off without a way to go on would be targets that nobody ever looks at."""
    if wire.text(last, "resultTruncated").lower() == "true":
        raise Permanent("Resource Graph cut the result short", code="ResultTruncated")


def _page(session: Session, scope: ResourceId, query: str, token: str | None, hooks: Hooks) -> Json:
    from azure.mgmt.resourcegraph.models import QueryRequest, QueryRequestOptions

    options = QueryRequestOptions(top=PAGE_ROWS, skip_token=token, result_format="objectArray")
    request = QueryRequest(subscriptions=[scope.subscription], query=query, options=options)
    return session.clients.graph().resources(request, cls=body_of, **hooks)


def _quoted(text: str) -> str:
    """A KQL string: backslash and quote are the only characters that need escaping."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
