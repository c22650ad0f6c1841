"""What ARM template functions do with addresses and resource ids.

Source: "CIDR functions", "Resource functions for ARM templates" (Microsoft Learn). Each function raises
``ValueError`` or ``LookupError`` for arguments that it does not take.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Final

from shared.model import Json
from shared.nsg.documents.texts import as_text, whole

UNKNOWN_SUBSCRIPTION: Final = "00000000-0000-0000-0000-000000000000"
UNKNOWN_GROUP: Final = f"/subscriptions/{UNKNOWN_SUBSCRIPTION}/resourceGroups/unknown"
"""Stands in ids for the resource group that only a deployment knows."""


# --- addresses -------------------------------------------------------------------------------------


def _network(found: Json) -> IPv4Network | IPv6Network:
    text = as_text(found)
    if "/" not in text:
        raise ValueError("no range of addresses")
    return ip_network(text, strict=False)


def _subnet(network: Json, length: Json, index: Json) -> str:
    """The part of ``length`` with this number, counted from zero."""
    held, bits = _network(network), whole(length)
    if not held.prefixlen <= bits <= held.max_prefixlen:
        raise ValueError("longer than an address or shorter than the network")
    if not 0 <= whole(index) < 1 << (bits - held.prefixlen):
        raise ValueError("outside the network")
    first = int(held.network_address) + (whole(index) << (held.max_prefixlen - bits))
    return f"{_same_family(held, first)}/{bits}"


def _host(network: Json, index: Json) -> str:
    """The usable address with this number: neither the network's own nor, in IPv4, the broadcast address."""
    held = _network(network)
    usable = held.num_addresses - (2 if held.version == 4 else 1)
    if not 0 <= whole(index) < usable:
        raise ValueError("outside the network")
    return _same_family(held, int(held.network_address) + 1 + whole(index))


def _parsed(network: Json) -> Mapping[str, Json]:
    """What a range is made of; in IPv6 the first and last address are usable and there is no broadcast."""
    held = _network(network)
    first, last = int(held.network_address), int(held.broadcast_address)
    spare = 1 if held.version == 4 else 0
    if last - first < 2 * spare:
        raise ValueError("no usable address")
    found: dict[str, Json] = {"network": str(held.network_address), "netmask": str(held.netmask)}
    broadcast = {"broadcast": str(held.broadcast_address)} if spare else {}
    usable = {
        "firstUsable": _same_family(held, first + spare),
        "lastUsable": _same_family(held, last - spare),
    }
    return {**found, **broadcast, **usable, "cidr": held.prefixlen}


def _same_family(network: IPv4Network | IPv6Network, number: int) -> str:
    """The address; small numbers would be IPv4 without the network that they lie in."""
    return str(type(network.network_address)(number)) if network.version == 6 else str(ip_address(number))


# --- resource ids ----------------------------------------------------------------------------------


def _typed(texts: list[str]) -> tuple[list[str], str]:
    """What stands before the type, and the part of the id from ``providers`` on."""
    place = [*("/" in text and not text.startswith("/") for text in texts)].index(True)
    kind, names = texts[place].split("/"), texts[place + 1 :]
    if len(kind) != len(names) + 1:
        raise ValueError("names and types differ in number")
    path = "/".join(f"{step}/{name}" for step, name in zip(kind[1:], names, strict=True))
    return texts[:place], f"providers/{kind[0]}/{path}"


def _resource_id(*parts: Json) -> str:
    """``resourceId([subscription], [resource group], type, name, …)``."""
    before, path = _typed([as_text(part) for part in parts])
    if len(before) > 2:
        raise ValueError("too much before the type")
    group = before[-1] if before else "unknown"
    subscription = before[0] if len(before) == 2 else UNKNOWN_SUBSCRIPTION
    return f"/subscriptions/{subscription}/resourceGroups/{group}/{path}"


def _subscription_resource_id(*parts: Json) -> str:
    """``subscriptionResourceId([subscription], type, name, …)``."""
    before, path = _typed([as_text(part) for part in parts])
    (subscription,) = before or [UNKNOWN_SUBSCRIPTION]
    return f"/subscriptions/{subscription}/{path}"


def _tenant_resource_id(*parts: Json) -> str:
    before, path = _typed([as_text(part) for part in parts])
    if before:
        raise ValueError("too much before the type")
    return f"/{path}"


def _extension_resource_id(of: Json, *parts: Json) -> str:
    before, path = _typed([as_text(part) for part in parts])
    if before:
        raise ValueError("too much before the type")
    return f"{as_text(of)}/{path}"


FUNCTIONS: Final[Mapping[str, Callable[..., Json]]] = {
    "cidrhost": _host,
    "cidrsubnet": _subnet,
    "extensionresourceid": _extension_resource_id,
    "parsecidr": _parsed,
    "resourceid": _resource_id,
    "subscriptionresourceid": _subscription_resource_id,
    "tenantresourceid": _tenant_resource_id,
}
