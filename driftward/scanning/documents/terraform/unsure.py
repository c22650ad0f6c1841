"""What of a planned estate nobody can say: what is written over, or may belong to any of several.

A child whose parent is known only after apply leaves unknown whatever it may belong to; so does an update
whose target is not known, and a body of azapi that cannot be read yet. What is not known is looked at all the
same, and Unknown with the reason. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, TypeAlias

from driftward.scanning.documents.holdings import FOUND_BY, NETWORKS
from driftward.scanning.documents.joining import Body, Joined, properties
from driftward.scanning.documents.terraform import endpoints, servers
from driftward.scanning.documents.terraform.azapi import why_unread
from driftward.scanning.documents.terraform.identity import (
    AZAPI,
    CHILDREN,
    ENDPOINT,
    NETWORK,
    PARENTS,
    ROUTE_TABLE,
    SECURITY_GROUP,
    SERVER,
    TOP,
    ZONE,
    Identities,
)
from driftward.scanning.documents.terraform.plan import Resource
from driftward.scanning.documents.terraform.values import hidden
from shared.model.resource_id import ResourceId

UPDATE: Final = "azapi_update_resource"
_ByType: TypeAlias = Mapping[str, Sequence[Resource]]
_Whys: TypeAlias = Iterator[tuple[str, str]]
"""Addresses, and why what lies there is not known."""
_KEPT_BY: Final[Mapping[str, tuple[str, str]]] = {
    "azurerm_postgresql_flexible_server_firewall_rule": (TOP[SERVER], "firewallRules"),
    "azurerm_postgresql_flexible_server_active_directory_administrator": (TOP[SERVER], "administrators"),
    "azurerm_network_security_rule": (TOP[SECURITY_GROUP], ""),
    "azurerm_route": (TOP[ROUTE_TABLE], ""),
    "azurerm_virtual_network_peering": (TOP[NETWORK], ""),
    "azurerm_private_dns_zone_virtual_network_link": (TOP[ZONE], "virtualNetworkLinks"),
}
"""What is not known of all resources of a type where a child may belong to any: a list, or the whole body."""
_KEPT_IN: Final[Mapping[str, tuple[str, str]]] = {
    f"{kept[0]}/{CHILDREN[kind]}".lower(): kept for kind, kept in _KEPT_BY.items()
}
"""The same by ARM's type of the child."""
_ENOUGH: Final = frozenset({"subnets", "provisioningState", "state"})
"""That a server is there, and which subnets a network has."""


def why_not(by_type: _ByType, identities: Identities, found: Joined) -> _Whys:
    yield from _of_children(by_type, identities, found)
    yield from _of_azapi(by_type, identities, found)
    for one in by_type.get(ENDPOINT, ()):
        if endpoints.are_zones_unknown(one, identities):
            place = f"{identities.of(one).key}/privatednszonegroups"
            yield place, f"the zones of {one.address} are known only after apply"
    for one in by_type.get(servers.DIAGNOSTICS, ()):
        if _is_anybodys(one, identities) or hidden(one.values, "enabled_log"):
            yield from _of_any_server(one, by_type.get(SERVER, ()), identities)


def _of_any_server(setting: Resource, held: Sequence[Resource], identities: Identities) -> _Whys:
    for server in held:
        place = f"{identities.of(server)}/providers/Microsoft.Insights/diagnosticSettings"
        yield place.lower(), loose(setting, "resource")


def _of_children(by_type: _ByType, identities: Identities, found: Joined) -> _Whys:
    for kind, kept in _KEPT_BY.items():
        for one in by_type.get(kind, ()):
            if identities.parent(one) is None:
                yield from _anywhere(loose(one, PARENTS[kind][0]), kept, found)


def _of_azapi(by_type: _ByType, identities: Identities, found: Joined) -> _Whys:
    for one in by_type.get(AZAPI, ()):
        yield from _unread(one, identities.of(one), found)
    for one in by_type.get(UPDATE, ()):
        yield from _written_over(one, updated(one, identities), found)


def updated(update: Resource, identities: Identities) -> ResourceId | None:
    """What an ``azapi_update_resource`` lies over; None where that is not known."""
    named = identities.named(update, ("resource_id",), {*TOP, *PARENTS})
    if named is not None or update.text("name") is None:
        return named
    named = identities.of(update)
    return None if "(unknown)" in str(named) else named


def loose(resource: Resource, kind: str) -> str:
    return f"{resource.address} belongs to a {kind} that is known only after apply"


def shells(found: Joined, whys: Mapping[str, str]) -> Iterator[Body]:
    """What will be there and is not known: it is looked at, and Unknown. A network shows its subnets."""
    for key in sorted(whys.keys() & found.bodies.keys()):
        body = found.bodies[key]
        if ResourceId(key).type in FOUND_BY:
            shown = {name: one for name, one in properties(body).items() if name in _ENOUGH}
            yield {"id": body["id"], "properties": shown}


def _unread(resource: Resource, named: ResourceId, found: Joined) -> _Whys:
    """What azapi writes and nobody can read yet, or nobody knows where; a part of something that is known
    stands in it and is odd there."""
    kind = _arm_type(resource)
    why = why_unread(resource)
    if why and (named.parent is None or named.type == f"{NETWORKS}/subnets"):
        yield named.key, why
    if kind in _KEPT_IN and named.type != kind:
        yield from _anywhere(loose(resource, kind.rpartition("/")[0]), _KEPT_IN[kind], found)


def _written_over(update: Resource, named: ResourceId | None, found: Joined) -> _Whys:
    why = why_unread(update)
    if named is None:
        kind = _arm_type(update)
        told = f"{update.address} writes over what is known only after apply"
        yield from ((key, told) for key in found.bodies if not kind or ResourceId(key).type == kind)
        yield from _anywhere(told, _KEPT_IN[kind], found) if kind in _KEPT_IN else ()
    elif named.key in found.bodies:
        yield from [(named.key, why)] if why else []
    elif named.parent is not None and named.parent.key in found.bodies:
        yield named.parent.key, f"{update.address} writes over {named.name}, which the plan does not show"


def _is_anybodys(setting: Resource, identities: Identities) -> bool:
    """Whether what it names may be any server: it is not known, and refers to nothing in the plan."""
    path = ("target_resource_id",)
    if identities.named(setting, path, {SERVER}) is not None:
        return False
    return not identities.references.meant(setting, path, None)


def _anywhere(why: str, kept: tuple[str, str], found: Joined) -> _Whys:
    """What a child may belong to whose parent is not known."""
    whose, listed = kept
    for key in found.bodies:
        if ResourceId(key).type == whose.lower():
            yield f"{key}/{listed.lower()}".rstrip("/"), why


def _arm_type(resource: Resource) -> str:
    """Of what azapi writes, in lower case."""
    return (resource.text("type") or "").partition("@")[0].lower()
