"""How everything must stand, said by the resources alone: no line of Driftward judges here. Pure.

The rules are those of PostgreSQL's control plane and of network security groups, written down once more for
the few things that operators write in a run; whatever else is met raises, rather than passes as fine.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from ipaddress import ip_address, ip_network
from typing import Final

from local.chaos.landscape import (
    ALL_AZURE,
    BLOCKED,
    EXPOSED,
    LOGS,
    PUBLIC_ACCESS,
    SPACE,
    TLS,
    WHOLE_INTERNET,
    Place,
    PlaceKind,
)
from local.simulator.values import JsonObject, as_list, as_object, as_text, dig
from shared.model.values import value

PORTS: Final = (5432, 6432)
_STRANGER: Final = "203.0.113.9"


class CannotJudge(Exception):
    """Something stands there that the model knows nothing of. The text names it."""


def by_id(resources: Iterable[JsonObject]) -> dict[str, JsonObject]:
    """Resources by their ids in lower case."""
    return {as_text(one.get("id")).lower(): one for one in resources}


def amiss(place: Place, held: Mapping[str, JsonObject]) -> frozenset[str] | None:
    """The policies that the place violates; None where it is gone. Raises CannotJudge."""
    if place.kind is PlaceKind.SUBNET:
        return frozenset(_of_subnet(place, held))
    server = held.get(place.id.lower())
    return None if server is None else frozenset(_of_server(place, server, held))


def _of_server(place: Place, server: JsonObject, held: Mapping[str, JsonObject]) -> Iterable[str]:
    is_public = dig(server, "properties", "network", "publicNetworkAccess") == "Enabled"
    if is_public:
        yield PUBLIC_ACCESS
        ranges = {_range(rule) for rule in _below(place.id, "firewallrules", held)}
        if ("0.0.0.0", "0.0.0.0") in ranges:
            yield ALL_AZURE
        if ("0.0.0.0", "255.255.255.255") in ranges:
            yield WHOLE_INTERNET
    for name, policy in {**LOGS, "require_secure_transport": TLS}.items():
        parameter = held.get(f"{place.id}/configurations/{name}".lower())
        if parameter is not None and as_text(dig(parameter, "properties", "value")).lower() == "off":
            yield policy


def _range(rule: JsonObject) -> tuple[str, str]:
    first, last = (as_text(dig(rule, "properties", name)) for name in ("startIpAddress", "endIpAddress"))
    return first, last


def _below(parent: str, kind: str, held: Mapping[str, JsonObject]) -> list[JsonObject]:
    start = f"{parent.lower()}/{kind}/"
    return [body for name, body in held.items() if name.startswith(start)]


# --- security rules, first match -------------------------------------------------------------------


@value
class _Packet:
    source: str
    destination: str
    port: int


def _of_subnet(place: Place, held: Mapping[str, JsonObject]) -> Iterable[str]:
    group = held.get(place.group.lower())
    if group is None:
        raise CannotJudge(f"{place.group} is gone")
    rules = [as_object(rule) for rule in as_list(dig(group, "properties", "securityRules"))]
    properties = [as_object(rule.get("properties")) for rule in rules]
    inbound = sorted(
        (rule for rule in properties if rule["direction"] == "Inbound"),
        key=lambda rule: int(str(rule["priority"])),
    )
    first, second = (str(ip_network(place.prefix)[number]) for number in (10, 20))
    if not all(_passes(_Packet(source=first, destination=second, port=port), inbound) for port in PORTS):
        yield BLOCKED
    if any(_passes(_Packet(source=_STRANGER, destination=second, port=port), inbound) for port in PORTS):
        yield EXPOSED


def _passes(packet: _Packet, rules: Sequence[JsonObject]) -> bool:
    """By the first rule that matches, or by Azure's own: inside the network yes, from outside no."""
    for rule in rules:
        if _matches(packet, rule):
            return rule["access"] == "Allow"
    return ip_address(packet.source) in ip_network(SPACE)


def _matches(packet: _Packet, rule: JsonObject) -> bool:
    protocols = as_text(rule.get("protocol")).lower() in {"*", "tcp"}
    sources = _either(rule, "sourceAddressPrefix", "sourceAddressPrefixes")
    destinations = _either(rule, "destinationAddressPrefix", "destinationAddressPrefixes")
    ports = _either(rule, "destinationPortRange", "destinationPortRanges")
    return (
        protocols
        and any(_holds(prefix, packet.source) for prefix in sources)
        and any(_holds(prefix, packet.destination) for prefix in destinations)
        and any(_spans(span, packet.port) for span in ports)
    )


def _either(rule: JsonObject, single: str, plural: str) -> list[str]:
    named = [as_text(rule.get(single)), *(as_text(one) for one in as_list(rule.get(plural)))]
    return [text for text in named if text]


def _holds(prefix: str, address: str) -> bool:
    match prefix.lower():
        case "*" | "any" | "0.0.0.0/0":
            return True
        case "virtualnetwork":
            return ip_address(address) in ip_network(SPACE)
        case "internet":
            return ip_address(address) not in ip_network(SPACE)
        case _:
            try:
                return ip_address(address) in ip_network(prefix)
            except ValueError:
                raise CannotJudge(f"a rule names {prefix}") from None


def _spans(span: str, port: int) -> bool:
    if span == "*":
        return True
    first, _, last = span.partition("-")
    return int(first) <= port <= int(last or first)
