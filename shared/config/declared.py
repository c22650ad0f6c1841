"""What the configuration says of a server's clients and of central DNS, whichever policy it says it to.

Prefixes of clients are a setting of the policy about NSGs that block them, the central zone and the networks
linked to it of the one about links. They describe the place and not the policy: they hold for a scope also
where the policy is off there. Whoever asks for a server's ways in asks here.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network, ip_network

from shared.config.configuration import NO_TAGS, Configuration, tags_of
from shared.model import ServerSnapshot
from shared.model.resource_id import ResourceId
from shared.policies.nsg.nsg_blocks_postgres_clients import POLICY as CLIENTS
from shared.policies.private_reach.postgres_endpoint_dns_zone_not_linked import POLICY as LINKS
from shared.posture.ways.world import Declared


def declared_dns(configuration: Configuration, server: ServerSnapshot) -> Declared:
    """The central zone and the networks that must be linked to it, as they hold for the server."""
    said = configuration.settings_for(LINKS, server.id, tags_of(server)).parameters
    return Declared.of(said.get("zone", ""), said.get("linkedNetworks", ()))


def declared_clients(configuration: Configuration, server: ServerSnapshot) -> tuple[IPv4Network, ...]:
    """The prefixes whose clients must reach the server, each once: those of its own scope, and those of the
    subnets in which it is reached, as far as these are known. It has no IPv6 address to be reached at."""
    scopes = [(server.id, tags_of(server)), *((subnet, NO_TAGS) for subnet in _subnets(server))]
    said = (configuration.settings_for(CLIENTS, *scope).parameters.get("clients", ()) for scope in scopes)
    found = (ip_network(text) for texts in said for text in texts)
    return tuple(dict.fromkeys(one for one in found if isinstance(one, IPv4Network)))


def _subnets(server: ServerSnapshot) -> Iterator[ResourceId]:
    if server.delegated_subnet is not None:
        yield server.delegated_subnet
    endpoints = server.private_dns.endpoints if server.private_dns is not None else ()
    yield from (one.subnet for one in endpoints if one.subnet is not None)
    yield from (place.id for place in server.places or ())
