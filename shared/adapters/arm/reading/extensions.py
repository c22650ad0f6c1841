"""What hangs on a resource's id and belongs to another service: diagnostic settings, health, locks.

They belong to no SDK that this project needs otherwise, so they are asked for through the bare pipeline, and
not at all where the answer could not matter: how a standby fares is not asked where there is none or it is
healthy. What must not live here: what any of it means, the reading of JSON (``wire``).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from typing import Final
from urllib.parse import quote

from azure.core.rest import HttpRequest

from shared.adapters.arm.session.session import MOST_PAGES, Hooks, Session, endless
from shared.adapters.arm.wire import dns, fields, server_parts
from shared.model import Json, ServerSnapshot, SubnetSnapshot
from shared.model.parts import ManagementLock
from shared.model.resource_id import ResourceId

DIAGNOSTICS_VERSION: Final = "2021-05-01-preview"
"""The only version of diagnostic settings that knows category groups."""
HEALTH_VERSION: Final = "2025-05-01"
LOCKS_VERSION: Final = "2020-05-01"


def diagnostic_settings(session: Session, server: ServerSnapshot) -> ServerSnapshot:
    """The snapshot with its diagnostic settings, which come in one answer without pages."""
    body = _get(session, server.id, "Microsoft.Insights/diagnosticSettings", DIAGNOSTICS_VERSION)
    return replace(server, diagnostic_settings=server_parts.diagnostic_settings(body))


def health(session: Session, server: ServerSnapshot) -> ServerSnapshot:
    """The snapshot with Resource Health's word, asked for only where a standby is not healthy.

    A healthy server costs no request: Resource Health adds why a standby is ill (an NSG that blocks it, a
    server that became read-only), and nothing where none is.
    """
    if server.high_availability is False or server.availability.state.lower() == "healthy":
        return server
    body = _get(session, server.id, "Microsoft.ResourceHealth/availabilityStatuses/current", HEALTH_VERSION)
    return replace(server, health=server_parts.health(body))


def _get(session: Session, owner: ResourceId, extension: str, version: str) -> Json:
    """One GET of an extension resource; a refusal is raised as its classified error."""
    url = f"{session.clients.endpoint}{quote(str(owner))}/providers/{extension}"
    request = HttpRequest("GET", url, params={"api-version": version})

    def send(hooks: Hooks) -> Json:
        response = session.clients.pipeline().send_request(request, **hooks)
        response.raise_for_status()
        return response.json()

    return session.ask(send)


# --- locks -----------------------------------------------------------------------------------------


def dns_locks(session: Session, server: ServerSnapshot) -> ServerSnapshot:
    """The snapshot with the locks at, above and below its private DNS zone; none without a zone."""
    zone = server.private_dns_zone
    return replace(server, dns_locks=tuple(locks(session, zone)) if zone is not None else ())


def network_locks(session: Session, subnet: SubnetSnapshot) -> SubnetSnapshot:
    """The snapshot with the locks at, above and below its network, its own among them."""
    network = subnet.id.parent
    return replace(subnet, network_locks=tuple(locks(session, network))) if network is not None else subnet


def locks(session: Session, resource: ResourceId) -> Iterable[ManagementLock]:
    """The list at a resource holds what is inherited from its group and its subscription, and what lies on
    its children (Management Locks, list at resource level; ``atScope()`` would leave the latter out)."""
    link = (
        f"{session.clients.endpoint}{quote(str(resource), safe='/')}/providers/Microsoft.Authorization/locks"
    )
    link = f"{link}?api-version={LOCKS_VERSION}"
    for _ in range(MOST_PAGES):
        page = session.ask(partial(_page, session, link))
        for body in fields.get(page, "value") or ():
            yield dns.lock(body)
        link = fields.text(page, "nextLink")
        if not link:
            return
    raise endless("locks")


def _page(session: Session, link: str, hooks: Hooks) -> Json:
    response = session.clients.pipeline().send_request(HttpRequest("GET", link), **hooks)
    response.raise_for_status()
    return response.json()
