"""What providers list in a scope: the bodies of many resources for one request, and so what has changed.

``GET <scope>/providers/<type>`` of a flexible server answers whole bodies, ``properties.network`` among them,
and of network resources bodies with an etag, in pages that follow each other by ``nextLink`` (REST
references: Servers - List By Resource Group, 2024-08-01; Network Security Groups - List). A digest of that is
compared with the one of the pass before; nothing is ever judged by it. Single servers are not listed: where
the retired provider answers no more, nobody could be looked at. What must not live here: decisions, what was
listed before.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Final

from azure.core.rest import HttpRequest

from shared.adapters.arm.session.session import Hooks, Session
from shared.adapters.arm.wire import fields
from shared.model import Json, Locator, LocatorKind, Target, TargetKind
from shared.model.errors import Permanent
from shared.model.resource_id import ResourceId
from shared.model.sweeping import Listed

MOST_PAGES: Final = 2_000
"""Of one list: a page of servers may hold a few dozen."""
_SERVERS: Final = "Microsoft.DBforPostgreSQL/flexibleServers"
_LISTED: Final[Mapping[str, TargetKind | LocatorKind]] = {
    _SERVERS: TargetKind.FLEXIBLE_SERVER,
    "Microsoft.Network/networkSecurityGroups": LocatorKind.NSG,
    "Microsoft.Network/routeTables": LocatorKind.ROUTE_TABLE,
    "Microsoft.Network/virtualNetworks": LocatorKind.VIRTUAL_NETWORK,
    "Microsoft.Network/privateEndpoints": LocatorKind.PRIVATE_ENDPOINT,
}


def listed(session: Session, scope: ResourceId) -> Iterator[Listed]:
    """Everything that is listed in a subscription or resource group.

    A body that names nothing leaves none of the others out: ``Permanent`` is raised after all of them.
    """
    odd: list[Permanent] = []
    for resource_type, kind in _LISTED.items():
        for body in bodies(session, f"{scope}/providers/{resource_type}", _version(session, resource_type)):
            try:
                yield Listed(what=_named(kind, fields.required_id(body)), digest=_digest(body))
            except Permanent as error:
                odd.append(error)
    if odd:
        raise odd[0]


def _named(kind: TargetKind | LocatorKind, found: ResourceId) -> Target | Locator:
    return Target(kind=kind, id=found) if isinstance(kind, TargetKind) else Locator(kind=kind, id=found)


def _version(session: Session, resource_type: str) -> str:
    versions = session.clients.versions
    return versions.flexible if resource_type == _SERVERS else versions.network


def _digest(body: Json) -> str:
    """Of the etag where there is one, which any write of the resource or a child of it changes."""
    etag = fields.text(body, "etag")
    text = etag or json.dumps(body, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def bodies(session: Session, place: str, version: str) -> Iterator[Json]:
    """Every body of the list at a path. Raises a classified ``GatewayError``."""
    link = f"{session.clients.endpoint}{place}?api-version={version}"
    for _ in range(MOST_PAGES):
        page = session.ask(partial(page_at, session, link))
        found = fields.get(page, "value")
        if not isinstance(found, list):
            raise Permanent(f"the answer holds no list of {place}", code="MalformedAnswer")
        yield from found
        link = fields.text(page, "nextLink")
        if not link:
            return
    raise Permanent(f"the list {place} has no end: {MOST_PAGES} pages were read", code="EndlessList")


def page_at(session: Session, link: str, hooks: Hooks) -> Json:
    """The page that a link leads to."""
    response = session.clients.pipeline().send_request(HttpRequest("GET", link), **hooks)
    response.raise_for_status()
    return response.json()
