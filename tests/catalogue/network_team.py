"""What a network team keeps for others, in a subscription of its own: networks, endpoints, zones.

The servers of the scenarios are in the app's scope, these are not: the app follows ids to them and judges
none of them for its own sake.
"""

from __future__ import annotations

from collections.abc import Sequence

from local.simulator import seeds
from local.simulator.values import JsonObject

SUBSCRIPTION = "7e3d9f10-42b6-4c58-9d0a-6b1c2e5f8a02"
GROUP = "rg-network"


def vnet_id(name: str = "spoke") -> str:
    return seeds.vnet_id(name=name, group=GROUP, subscription=SUBSCRIPTION)


def endpoint_id(name: str) -> str:
    return seeds.endpoint_id(name=name, group=GROUP, subscription=SUBSCRIPTION)


def zone_id(name: str = seeds.PRIVATE_LINK_ZONE, group: str = GROUP) -> str:
    return seeds.zone_id(name=name, group=group, subscription=SUBSCRIPTION)


def vnet(name: str = "spoke", *, prefix: str = "10.30.0.0/16", dns_servers: Sequence[str] = ()) -> JsonObject:
    """A network with one subnet for endpoints; ``dns_servers`` are its own resolvers."""
    inner = seeds.subnet(name="endpoints", prefix=prefix.replace(".0.0/16", ".1.0/24"), delegated=False)
    own = seeds.dns_servers(*dns_servers) if dns_servers else None
    return seeds.vnet(prefixes=[prefix], subnets=[inner], properties=own) | {"id": vnet_id(name)}


def endpoint(name: str, *, server: str, manual: bool = False) -> JsonObject:
    """An endpoint in the spoke that leads to ``server`` (id)."""
    subnet = f"{vnet_id()}/subnets/endpoints"
    body = seeds.private_endpoint(name=name, server=server, subnet=subnet, manual=manual)
    return body | {"id": endpoint_id(name)}


def zone(name: str = seeds.PRIVATE_LINK_ZONE, group: str = GROUP) -> JsonObject:
    return seeds.private_dns_zone(name=name) | {"id": zone_id(name, group)}
