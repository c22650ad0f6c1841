"""The zones that could answer for a server, their links, and who asks them in a network. Pure.

What must not live here: what a name resolves to, and what should be done about it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from shared.model import ServerSnapshot
from shared.model.dns_names import canonical, endpoint_zone_name
from shared.model.parts import DnsZone, NetworkDns, ZoneLink
from shared.model.resource_id import ResourceId

AZURE_RESOLVER: Final = "168.63.129.16"
"""Azure's own resolver, which a network may also name itself (article on this address)."""


def custom_dns(network: NetworkDns) -> str:
    """Why nothing can be claimed of names in a network; ``""`` where Azure's resolver answers."""
    if network.dns_servers is None:
        why = f": {network.unread}" if network.unread else ""
        return f"the DNS servers of network {network.id.name} are not known{why}"
    if set(network.dns_servers) <= {AZURE_RESOLVER}:
        return ""
    asked = ", ".join(sorted(network.dns_servers))
    return (
        f"network {network.id.name} asks its own DNS servers ({asked}), and what they answer is not visible"
    )


def zones_of(server: ServerSnapshot) -> tuple[DnsZone, ...]:
    """The zones that were read and could answer for the server."""
    dns = server.private_dns
    if dns is None:
        return ()
    name = endpoint_zone_name(server.host_name)
    if server.vnet_integrated:
        rightly = (zone for zone in dns.zones if zone.id == server.private_dns_zone)
    else:
        rightly = (zone for zone in dns.zones if canonical(zone.id.name) == name)
    return tuple(zone for zone in rightly if zone.exists is not False)


def unseen_zones(server: ServerSnapshot) -> bool:
    """Whether there may be a zone of the name that was not read."""
    dns = server.private_dns
    if dns is None:
        return True
    if server.vnet_integrated:
        return server.private_dns_zone is None or not any(z.id == server.private_dns_zone for z in dns.zones)
    return dns.found is None or bool(set(dns.found) - {zone.id for zone in dns.zones})


def linked(zone: DnsZone, network: ResourceId) -> ZoneLink | None:
    """The zone's link to a network, None where there is none."""
    found = [link for link in zone.links or () if link.network == network]
    return min(found, key=lambda link: (not completed(link), link.name), default=None)


def completed(link: ZoneLink) -> bool:
    return link.state.lower() == "completed"


def answering_zone(zones: Iterable[DnsZone], network: ResourceId) -> tuple[DnsZone, ZoneLink] | None:
    """The zone that surely answers in a network, with the link: one that is completed."""
    found = ((zone, linked(zone, network)) for zone in zones)
    return next(((zone, link) for zone, link in found if link is not None and completed(link)), None)


def perhaps_linked(zone: DnsZone, network: ResourceId) -> ZoneLink | None:
    """A link that may lead to the network and answer: one that is begun, one that does not say whither, or
    whatever the links are where they could not be read."""
    if zone.links is None:
        return ZoneLink(name="", resolution_policy="not read")
    found = linked(zone, network)
    return found or next((link for link in zone.links if link.network is None), None)


def hanging(zone: DnsZone, link: ZoneLink, network: ResourceId) -> str:
    if zone.links is None:
        why = f": {zone.unread}" if zone.unread else ""
        return f"whether network {network.name} is linked to zone {zone.id.name} could not be read{why}"
    if link.network is None:
        return f"which network link {link.name} of zone {zone.id.name} leads to cannot be read"
    return f"the link of network {network.name} to zone {zone.id.name} is {link.state or 'without a state'}"
