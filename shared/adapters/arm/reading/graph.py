"""Resource Graph: which targets exist in a scope, and which servers live in a subnet.

Resource Graph is a copy that lags behind ARM, so it says where to look and what to show as evidence,
never whether something is compliant. Pages hold 1,000 rows and follow each other by ``$skipToken``, which
needs a stable order: by id, ascending (article on large result sets). The token alone tells whether there
is more; ``resultTruncated``, a string, must not be ``"true"`` where there is none.

Virtual networks are filtered here and not by ``mv-expand``, which silently stops at its row limit. Private
endpoints are asked for in the whole subscription, because an endpoint may live in another group than
its subnet; Azure keeps both in one subscription (article on private endpoints). Of servers nobody promises
that: whose subnet it is that they stand in is asked in every subscription that our identity may read.
What must not live here: decisions, reads of ARM itself.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Final, TypeVar

from shared.adapters.arm.session.session import MOST_PAGES, Hooks, Response, Session, body_of, endless
from shared.adapters.arm.wire import fields, subnets
from shared.model import Json, Locator, LocatorKind, Target, TargetKind
from shared.model.errors import Permanent
from shared.model.interfaces import Enumerated, Relation
from shared.model.resource_id import ResourceId, parse_resource_id
from shared.model.sweeping import Touched

PAGE_ROWS: Final = 1000
_LEFT_OUT: Final = "x-ms-tenant-subscription-limit-hit"
_T = TypeVar("_T")

_KINDS: Final = {
    "microsoft.dbforpostgresql/flexibleservers": TargetKind.FLEXIBLE_SERVER,
    "microsoft.dbforpostgresql/servers": TargetKind.SINGLE_SERVER,
}
_SERVERS: Final = (
    "resources | where type in~ ('microsoft.dbforpostgresql/flexibleservers',"
    " 'microsoft.dbforpostgresql/servers')"
)
_SERVER_COLUMNS: Final = "project id, type, subnet = properties.network.delegatedSubnetResourceId"
_NETWORKS: Final = "resources | where type =~ 'microsoft.network/virtualnetworks'"
_ENDPOINTS: Final = (
    "resources | where type =~ 'microsoft.network/privateendpoints'"
    " | where tostring(properties) contains 'microsoft.dbforpostgresql/'"
)
_CONNECTIONS: Final = ("privateLinkServiceConnections", "manualPrivateLinkServiceConnections")
_FLEXIBLE: Final = "resources | where type =~ 'microsoft.dbforpostgresql/flexibleservers'"


def enumerate_scope(session: Session, scope: ResourceId) -> Iterator[Enumerated]:
    """Every server and every PostgreSQL subnet of a subscription or resource group, page by page.

    A row that names nothing, or a list that is not whole, leaves none of the others out: ``Permanent`` is
    raised after all of them.
    """
    group = f" | where resourceGroup =~ {quoted(scope.resource_group)}" if scope.resource_group else ""
    holding: set[ResourceId] = set()
    odd: list[Permanent] = []
    for rows in _whole(
        _pages(session, scope, f"{_SERVERS}{group} | {_SERVER_COLUMNS} | order by id asc"), odd
    ):
        holding.update(_subnets_of(rows))
        yield Enumerated(targets=tuple(_sound(rows, _server_target, odd)))
    for rows in _whole(
        _pages(session, scope, f"{_ENDPOINTS} | project id, properties | order by id asc"), odd
    ):
        found = endpoint_targets(_sound(rows, _with_id, odd))
        holding.update(target.id for target in found.targets if target.kind is TargetKind.SUBNET)
        if found.relations:
            yield Enumerated(targets=(), relations=found.relations)
    networks = f"{_NETWORKS}{group} | project id, properties | order by id asc"
    for rows in _whole(_pages(session, scope, networks), odd):
        yield network_targets(_sound(rows, _with_id, odd), holding)
    if odd:
        raise odd[0]


def touched_by(session: Session, scope: ResourceId, since: datetime) -> Iterator[Touched]:
    """What Resource Graph saw change in a subscription since then; top-level resources alone. It keeps two
    weeks (article on changes of resources).
    """
    changed = "todatetime(properties.changeAttributes.timestamp)"
    query = (
        f"resourcechanges | where {changed} > datetime({_text(since)})"
        " | project id, touched = properties.targetResourceId | order by id asc"
    )
    for rows in _pages(session, scope, query):
        yield from (Touched(resource=fields.text(row, "touched"), operation="") for row in rows)


def _text(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def servers_in_subnet(session: Session, subnet: ResourceId) -> tuple[tuple[ResourceId, ...], str]:
    """The flexible servers that name ``subnet`` as their own, as far as Resource Graph knows, and what is
    wrong with rows that name none.

    They are looked for in every subscription, for a network may be shared by several. Servers that our
    identity may not read are absent, as Resource Graph leaves them out without a word.
    """
    query = (
        f"{_FLEXIBLE} | where properties.network.delegatedSubnetResourceId =~ {quoted(str(subnet))}"
        " | project id | order by id asc"
    )
    odd: list[Permanent] = []
    rows = [row for page in _pages(session, None, query) for row in page]
    found = tuple(_sound(rows, fields.required_id, odd))
    return found, "; ".join(map(str, odd))


def held_in_network(session: Session, network: ResourceId) -> frozenset[ResourceId]:
    """The subnets of ``network`` that servers stand in, or private endpoints of servers.

    As far as Resource Graph knows: a subnet's own body shows its endpoints and not whither they lead.
    """
    within = f"startswith {quoted(f'{network}/subnets/')}"
    query = (
        "resources"
        f" | where (type =~ 'microsoft.network/privateendpoints' and properties.subnet.id {within})"
        " or (type =~ 'microsoft.dbforpostgresql/flexibleservers'"
        f" and properties.network.delegatedSubnetResourceId {within})"
        " | project id, properties, subnet = properties.network.delegatedSubnetResourceId | order by id asc"
    )
    rows = [row for page in _pages(session, None, query) for row in page]
    named = _sound(rows, _with_id, [])
    endpoints = endpoint_targets(row for row in named if not fields.get(row, "subnet"))
    held = (target.id for target in endpoints.targets if target.kind is TargetKind.SUBNET)
    return frozenset({*held, *_subnets_of(rows)})


def endpoints_elsewhere(session: Session, subnet: ResourceId) -> frozenset[ResourceId]:
    """Private endpoints in ``subnet`` that Resource Graph knows to lead to no PostgreSQL server."""
    query = (
        "resources | where type =~ 'microsoft.network/privateendpoints'"
        f" | where properties.subnet.id =~ {quoted(str(subnet))} | project id, properties | order by id asc"
    )
    rows = (row for rows in _pages(session, subnet, query) for row in rows if not _concerned(row))
    return frozenset(_sound(rows, fields.required_id, []))


def network_targets(networks: Iterable[Json], holding: Container[ResourceId] = ()) -> Enumerated:
    """The PostgreSQL subnets of virtual networks, with what they depend on: network, NSG, route table.

    ``holding`` are subnets that are PostgreSQL's though they are not delegated: a private endpoint leads to a
    server, or a server names the subnet as its own. A network's body does not say so.
    """
    targets: list[Target] = []
    relations: list[Relation] = []
    for network in networks:
        parent = Locator(kind=LocatorKind.VIRTUAL_NETWORK, id=fields.required_id(network))
        for subnet in subnets.subnet_bodies(network):
            named = parse_resource_id(fields.get(subnet, "id"))
            if named is None:
                continue
            target = Target(kind=TargetKind.SUBNET, id=named)
            if subnets.is_postgres_subnet(subnet) or target.id in holding:
                targets.append(target)
                sources = (parent, *_named_by_subnet(subnet))
                relations += [Relation(source=source, target=target) for source in sources]
    return Enumerated(targets=tuple(targets), relations=tuple(relations))


def endpoint_targets(endpoints: Iterable[Json]) -> Enumerated:
    """The PostgreSQL servers that private endpoints lead to and the subnets that hold those endpoints.

    An endpoint that leads elsewhere names nothing. A connection that its owner must approve by hand stands in
    a list of its own (ARM schema of private endpoints).
    """
    targets: dict[Target, None] = {}
    relations: list[Relation] = []
    for endpoint in endpoints:
        source = Locator(kind=LocatorKind.PRIVATE_ENDPOINT, id=fields.required_id(endpoint))
        concerned = _concerned(endpoint)
        targets.update(dict.fromkeys(concerned))
        relations += [Relation(source=source, target=target) for target in concerned]
    return Enumerated(targets=tuple(targets), relations=tuple(relations))


def _concerned(endpoint: Json) -> list[Target]:
    listed = (item for name in _CONNECTIONS for item in fields.objects(endpoint, name))
    ids = (parse_resource_id(fields.get(item, "properties", "privateLinkServiceId")) for item in listed)
    servers = [Target(kind=_KINDS[one.type], id=one) for one in ids if one is not None and one.type in _KINDS]
    subnet = parse_resource_id(fields.get(endpoint, "properties", "subnet", "id"))
    return [*servers, Target(kind=TargetKind.SUBNET, id=subnet)] if servers and subnet else servers


def _named_by_subnet(subnet: Json) -> list[Locator]:
    """What a subnet names and depends on."""
    named = ((LocatorKind.NSG, "networkSecurityGroup"), (LocatorKind.ROUTE_TABLE, "routeTable"))
    found = ((kind, parse_resource_id(fields.get(subnet, "properties", name, "id"))) for kind, name in named)
    return [Locator(kind=kind, id=one) for kind, one in found if one is not None]


def _subnets_of(servers: Iterable[Json]) -> Iterator[ResourceId]:
    """The subnets that flexible servers stand in, whether or not these are delegated to them."""
    named = (parse_resource_id(fields.get(row, "subnet")) for row in servers)
    return (subnet for subnet in named if subnet is not None)


def _sound(rows: Iterable[Json], read: Callable[[Json], _T], odd: list[Permanent]) -> Iterator[_T]:
    """What is read of each row; why nothing can be of others is added to ``odd``."""
    for row in rows:
        try:
            yield read(row)
        except Permanent as error:
            odd.append(error)


def _with_id(row: Json) -> Json:
    """The row. Raises ``Permanent`` for one that names nothing."""
    fields.required_id(row)
    return row


def _server_target(row: Json) -> Target:
    """The type comes in lower case from Resource Graph; it is compared without case all the same."""
    kind = _KINDS.get(fields.text(row, "type").lower())
    if kind is None:
        raise Permanent(f"a row of an unexpected type: {fields.text(row, 'type')!r}", code="MalformedAnswer")
    return Target(kind=kind, id=fields.required_id(row))


def _whole(pages: Iterator[list[Json]], odd: list[Permanent]) -> Iterator[list[Json]]:
    """The pages; why there are not all of them is added to ``odd``."""
    try:
        yield from pages
    except Permanent as error:
        odd.append(error)


def _pages(session: Session, scope: ResourceId | None, query: str) -> Iterator[list[Json]]:
    token: str | None = None
    for _ in range(MOST_PAGES):
        answer = session.ask(partial(_page, session, scope, query, token))
        yield rows_of(answer)
        if isinstance(answer, dict) and _LEFT_OUT in answer:
            raise Permanent("Resource Graph left subscriptions out", code="SubscriptionLimit")
        token = fields.get(answer, "$skipToken")
        if not token:
            _require_whole(answer)
            return
    raise endless("rows of Resource Graph")


def rows_of(answer: Json) -> list[Json]:
    """The rows of an answer of Resource Graph. Raises ``Permanent`` where it holds no list."""
    found = fields.get(answer, "data")
    if not isinstance(found, list):
        raise Permanent("the rows of Resource Graph are no list", code="MalformedAnswer")
    return found


def _require_whole(last: Json) -> None:
    """Rows that were cut off without a way to go on would be targets that nobody ever looks at."""
    if fields.text(last, "resultTruncated").lower() == "true":
        raise Permanent("Resource Graph cut the result short", code="ResultTruncated")


def _page(session: Session, scope: ResourceId | None, query: str, token: str | None, hooks: Hooks) -> Json:
    """The rows of the scope's subscription; without one, of every subscription that our identity may read."""
    from azure.mgmt.resourcegraph.models import QueryRequest, QueryRequestOptions

    options = QueryRequestOptions(top=PAGE_ROWS, skip_token=token, result_format="objectArray")
    named = None if scope is None else [scope.subscription]
    request = QueryRequest(subscriptions=named, query=query, options=options)
    return session.clients.graph().resources(request, cls=_with_its_limit, **hooks)


def _with_its_limit(response: Response, model: object, headers: object) -> Json:
    """Beyond ten thousand subscriptions the rest is left out, which a header alone tells (article on
    throttled requests).
    """
    told = response.http_response.headers.get(_LEFT_OUT, "")
    body = body_of(response, model, headers)
    return {**body, _LEFT_OUT: True} if told.lower() == "true" and isinstance(body, dict) else body


def quoted(text: str) -> str:
    """A KQL string: backslash and quote are the only characters that need escaping."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
