"""How a server's name resolves privately, from ARM's JSON: zone groups, endpoints, links, records, locks.

Pure, no I/O. Tolerance and refusals are those of ``fields``; a zone may hold anything, so what is no address
is told beside those that are. What must not live here: requests, and which zone, link or record is right.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from ipaddress import IPv4Address

from shared.adapters.arm.wire.fields import get, listed, network_id, text
from shared.model import Json
from shared.model.addresses import ipv4
from shared.model.dns_names import canonical, record_name
from shared.model.parts import EndpointDns, ManagementLock, ZoneConfig, ZoneLink
from shared.model.resource_id import ResourceId, parse_resource_id


def grouped(endpoint: EndpointDns, groups: Iterable[Json], name: str, label: str) -> EndpointDns:
    """The endpoint with what its zone groups name, and the address that they write into zone ``name``."""
    bodies = [*groups]
    configs = [one for body in bodies for one in listed(get(body, "properties", "privateDnsZoneConfigs"))]
    zones = [(parse_resource_id(get(one, "properties", "privateDnsZoneId")), one) for one in configs]
    written = [one for zone, one in zones if zone is not None and canonical(zone.name) == name]
    return replace(
        endpoint,
        group=next((text(body, "name") for body in bodies), ""),
        group_zones=tuple(dict.fromkeys(zone for zone, _ in zones if zone is not None)),
        group_configs=tuple(_zone_configs(zones)),
        addresses=_addresses(one for config in written for one in _group_addresses(config, label)) or None,
    )


def _zone_configs(zones: Iterable[tuple[ResourceId | None, Json]]) -> Iterator[ZoneConfig]:
    for zone, config in zones:
        if zone is not None and (name := text(config, "name")):
            yield ZoneConfig(name=name, zone=zone)


def _group_addresses(config: Json, label: str) -> Iterable[Json]:
    for record in listed(get(config, "properties", "recordSets")):
        if _is_of(record, label):
            yield from listed(get(record, "ipAddresses"))


def _is_of(named: Json, label: str) -> bool:
    """Whether a record or a DNS entry of an endpoint is the server's own."""
    return record_name(text(named, "recordSetName") or text(named, "fqdn")) == label


def own_addresses(properties: Json, label: str) -> tuple[IPv4Address, ...]:
    """An endpoint's addresses: of its interface, or as its owner fixed them, or as it shows them for DNS.

    Without ``$expand`` an interface is its id alone.
    """
    interfaces = listed(get(properties, "networkInterfaces"))
    configured = [*_configurations(interfaces), *listed(get(properties, "ipConfigurations"))]
    found = _addresses(get(one, "properties", "privateIPAddress") for one in configured)
    shown = (one for one in listed(get(properties, "customDnsConfigs")) if _is_of(one, label))
    return found or _addresses(one for held in shown for one in listed(get(held, "ipAddresses")))


def _configurations(interfaces: Iterable[Json]) -> Iterable[Json]:
    return (one for nic in interfaces for one in listed(get(nic, "properties", "ipConfigurations")))


def zone_link(body: Json) -> ZoneLink:
    """A zone's link to a network."""
    return ZoneLink(
        name=text(body, "name"),
        network=network_id(get(body, "properties", "virtualNetwork", "id")),
        state=text(body, "properties", "virtualNetworkLinkState"),
        resolution_policy=text(body, "properties", "resolutionPolicy"),
    )


def zone_record(body: Json) -> tuple[tuple[IPv4Address, ...], tuple[str, ...]]:
    """The addresses of an A record, and what it holds besides."""
    held = [get(one, "ipv4Address") for one in listed(get(body, "properties", "aRecords"))]
    odd = tuple(repr(one) for one in held if _address(one) is None)
    return _addresses(held), odd


def lock(body: Json) -> ManagementLock:
    """A lock, with the scope that it stands at."""
    scope, _, name = text(body, "id").rpartition("/providers/")
    return ManagementLock(name=name.rpartition("/")[2], level=text(body, "properties", "level"), scope=scope)


def dns_servers(found: Json) -> tuple[str, ...]:
    """A network's own DNS servers, an odd one as it stands; none where it has Azure's."""
    return tuple(item if isinstance(item, str) else repr(item) for item in listed(found) if item != "")


def _addresses(held: Iterable[Json]) -> tuple[IPv4Address, ...]:
    """The IPv4 addresses among the texts, in order of number; IPv6 is not what an A record holds."""
    return tuple(sorted({found for one in held if (found := _address(one)) is not None}))


def _address(found: Json) -> IPv4Address | None:
    return ipv4(found) if isinstance(found, str) else None
