"""What a reading shows that a target depends on: an NSG, an endpoint, a zone …

Where that is kept, and how it is found again, is in ``relation_rows``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import assert_never

from shared.model import Locator, LocatorKind, ServerSnapshot, Snapshot, SubnetSnapshot
from shared.model.parts import PrivateDns
from shared.model.resource_id import ResourceId


def depends_on(snapshot: Snapshot) -> tuple[Locator, ...]:
    """What the events are about that concern this target, as far as its reading shows; each once.

    A part that was not read adds nothing, and takes nothing from what is known already.
    """
    match snapshot:
        case ServerSnapshot():
            named = _of_server(snapshot)
        case SubnetSnapshot():
            named = _of_subnet(snapshot)
        case _:
            assert_never(snapshot)
    return tuple({locator.key: locator for locator in named}.values())


def _of_server(server: ServerSnapshot) -> list[Locator]:
    endpoints = (connection.endpoint for connection in server.private_endpoints or ())
    return [
        *_locators(LocatorKind.PRIVATE_ENDPOINT, endpoints),
        *_locators(LocatorKind.PRIVATE_DNS_ZONE, [server.private_dns_zone]),
        *(_of_private_dns(server.private_dns) if server.private_dns is not None else ()),
    ]


def _of_private_dns(names: PrivateDns) -> list[Locator]:
    """The zones that hold or should hold the server's name, and the networks whose DNS servers matter."""
    grouped = (zone for endpoint in names.endpoints for zone in endpoint.group_zones or ())
    networks = [endpoint.network for endpoint in names.endpoints] + [names.network]
    return [
        *_locators(LocatorKind.PRIVATE_DNS_ZONE, [zone.id for zone in names.zones]),
        *_locators(LocatorKind.PRIVATE_DNS_ZONE, [*grouped, *(names.found or ())]),
        *_locators(LocatorKind.VIRTUAL_NETWORK, [network.id for network in networks if network is not None]),
    ]


def _of_subnet(subnet: SubnetSnapshot) -> list[Locator]:
    group = subnet.security_group.id if subnet.security_group is not None else None
    table = subnet.route_table.id if subnet.route_table is not None else None
    return [
        *_locators(LocatorKind.VIRTUAL_NETWORK, [subnet.id.parent]),
        *_locators(LocatorKind.NSG, [group]),
        *_locators(LocatorKind.ROUTE_TABLE, [subnet.route_table_id, table]),
        *_locators(LocatorKind.PRIVATE_ENDPOINT, (held.id for held in subnet.private_endpoints or ())),
    ]


def _locators(kind: LocatorKind, ids: Iterable[ResourceId | None]) -> list[Locator]:
    return [Locator(kind=kind, id=found) for found in ids if found is not None]
