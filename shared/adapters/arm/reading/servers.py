"""Reading a server: its GET, and the readers of the parts that an enabled policy may ask for.

What must not live here: writes, decisions, the reading of JSON (``wire``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from shared.adapters.arm.reading import (
    configurations,
    extensions,
    firewall,
    places,
    private_dns,
    server_parts,
)
from shared.adapters.arm.reading.optional_parts import Reader
from shared.adapters.arm.session.session import Session, body_of
from shared.adapters.arm.wire import servers
from shared.model import Aspect, ServerSnapshot
from shared.model.resource_id import ResourceId


def flexible_server(session: Session, server: ResourceId) -> ServerSnapshot:
    read_at = session.clock.now()
    client = session.clients.flexible(server.subscription)
    body = session.ask(
        lambda hooks: client.servers.get(server.resource_group, server.name, cls=body_of, **hooks)
    )
    return servers.flexible_server(body, None, read_at)


def single_server(session: Session, server: ResourceId) -> ServerSnapshot:
    read_at = session.clock.now()
    client = session.clients.single(server.subscription)
    version = session.clients.versions.single
    body = session.ask(
        lambda hooks: client.servers.get(
            server.resource_group, server.name, api_version=version, cls=body_of, **hooks
        )
    )
    return servers.single_server(body, None, read_at)


FLEXIBLE_PARTS: Final[Mapping[Aspect, Reader[ServerSnapshot]]] = {
    Aspect.FIREWALL_RULES: firewall.flexible_rules,
    Aspect.PARAMETERS: configurations.flexible_parameters,
    Aspect.ADMINISTRATORS: server_parts.flexible_administrators,
    Aspect.THREAT_PROTECTION: server_parts.flexible_threat_protection,
    Aspect.DIAGNOSTIC_SETTINGS: extensions.diagnostic_settings,
    Aspect.HEALTH: extensions.health,
    Aspect.PRIVATE_DNS: private_dns.private_dns,
    Aspect.PLACES: places.places,
    Aspect.DNS_LOCKS: extensions.dns_locks,
}
SINGLE_PARTS: Final[Mapping[Aspect, Reader[ServerSnapshot]]] = {
    Aspect.FIREWALL_RULES: firewall.single_rules,
    Aspect.VIRTUAL_NETWORK_RULES: firewall.virtual_network_rules,
    Aspect.PARAMETERS: configurations.single_parameters,
    Aspect.ADMINISTRATORS: server_parts.single_administrators,
    Aspect.THREAT_PROTECTION: server_parts.single_threat_protection,
    Aspect.DIAGNOSTIC_SETTINGS: extensions.diagnostic_settings,
    Aspect.PRIVATE_DNS: private_dns.private_dns,
    Aspect.PLACES: places.places,
}
"""What a server's parts are read by, in the order in which they are asked for."""
