"""What gives a VNet-integrated server a private DNS zone: the zone, its link, and the server's setting.

Azure refuses another zone while high availability is on, so it is off for that while. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable

from shared.model import ServerSnapshot
from shared.model.dns_names import service_suffix
from shared.model.resource_id import ResourceId
from shared.posture.dns_commands import az_at, link_command, link_names, zone_command
from shared.posture.server_steps import without_standby
from shared.posture.steps import OneOf, Step, Way


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


def giving_one(server: ServerSnapshot) -> tuple[Step, ...]:
    """A zone that is linked to the server's network, or one that is made where its name can be told."""
    there, suffix = giving(server, "<id of a private DNS zone>"), service_suffix(server.host_name)
    if not suffix:
        return ("the zone has to be linked to the network of the server", *there)
    made = making(server, own_zone(server, server.id, suffix))
    linked = Way(when="where a zone for it is linked to its network already", steps=there)
    return (OneOf(ways=(linked, Way(when="where there is none", steps=made))),)


def making_again(server: ServerSnapshot, zone: ResourceId, networks: Iterable[ResourceId]) -> tuple[str, ...]:
    """A zone that is gone with its links, and the server given it, so that the service writes its record."""
    links = (link_command(zone, network, name) for network, name in link_names(networks, ()).items())
    return (zone_command(zone, zone.name), *links, *giving(server, str(zone)))
