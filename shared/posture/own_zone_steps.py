"""What gives a VNet-integrated server a private DNS zone: the zone, its link, and the server's setting.

Azure refuses another zone while high availability is on, so it is off for that while. Pure.
"""

from __future__ import annotations

from shared.model import ServerSnapshot
from shared.model.resource_id import ResourceId
from shared.posture.dns_commands import az_at, link_command, zone_command
from shared.posture.server_findings import without_standby


def own_zone(server: ServerSnapshot, beside: ResourceId, suffix: str) -> ResourceId:
    """A zone of a fitting name in the resource group of ``beside``."""
    scope = f"/subscriptions/{beside.subscription}/resourceGroups/{beside.resource_group}"
    name = f"{server.id.name.lower()}.private.{suffix}"
    return ResourceId(f"{scope}/providers/Microsoft.Network/privateDnsZones/{name}")


def making(server: ServerSnapshot, zone: ResourceId) -> tuple[str, ...]:
    """The zone is made and linked to the server's network before the server is given it."""
    network = server.delegated_subnet.parent if server.delegated_subnet is not None else None
    link = (link_command(zone, network),) if network is not None else ()
    return (zone_command(zone, zone.name), *link, *giving(server, str(zone)))


def giving(server: ServerSnapshot, zone: str) -> tuple[str, ...]:
    """``zone`` is its id, or what a person fills in; the service then writes the server's record there."""
    words = ("postgres", "flexible-server", "update", "--name", server.id.name, "--private-dns-zone", zone)
    return without_standby(server, az_at(server.id, *words))
