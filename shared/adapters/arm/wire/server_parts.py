"""A server's optional parts, each the answer to a request of its own: pure, no I/O.

Firewall and virtual network rules, configurations (ARM's word for server parameters), administrators,
diagnostic settings, Resource Health. Tolerance and refusals are those of ``fields``; a rule that does not say
whom it admits is kept as an odd one beside the others.

What must not live here: requests, and what a part means.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from ipaddress import IPv4Address
from typing import Final

from shared.adapters.arm.wire.fields import get, text, wrong
from shared.model import FirewallRule, Json
from shared.model.addresses import ipv4
from shared.model.errors import Permanent
from shared.model.parts import Administrator, DiagnosticSetting, Health, ServerParameter, VirtualNetworkRule
from shared.model.resource_id import is_name, parse_resource_id
from shared.model.rules import OddRule

_DESTINATIONS: Final[Mapping[str, str]] = {
    "workspaceId": "logAnalytics",
    "storageAccountId": "storage",
    "eventHubAuthorizationRuleId": "eventHub",
    "serviceBusRuleId": "eventHub",  # the older name of the same field
    "marketplacePartnerId": "partner",
}
"""Kinds of destination by the field that names one (diagnostic settings, 2021-05-01-preview)."""


# --- rules -----------------------------------------------------------------------------------------


def firewall_rules(bodies: Iterable[Json]) -> tuple[FirewallRule, ...]:
    """The rules of a firewall rule list whose range can be read, in ARM's order."""
    return tuple(rule for rule in map(_firewall_rule, bodies) if isinstance(rule, FirewallRule))


def odd_firewall_rules(bodies: Iterable[Json]) -> tuple[OddRule, ...]:
    """The others."""
    return tuple(rule for rule in map(_firewall_rule, bodies) if isinstance(rule, OddRule))


def _firewall_rule(body: Json) -> FirewallRule | OddRule:
    """One that ends before it starts admits nobody, or what lies between its ends: that is Azure's to say."""
    name = _rule_name(body)
    start, end = _end(body, "startIpAddress"), _end(body, "endIpAddress")
    if isinstance(start, IPv4Address) and isinstance(end, IPv4Address):
        if "/" in name or not is_name(name):
            why = f"name {name!r} leads elsewhere"
            return OddRule(name=name, field="name", why=why, start=start, end=end)
        if start <= end:
            return FirewallRule(name=name, start=start, end=end)
        why = f"endIpAddress {end} is before startIpAddress {start}"
        return OddRule(name=name, field="endIpAddress", why=why, start=start, end=end)
    wrong = {"startIpAddress": start, "endIpAddress": end}
    said = {field: why for field, why in wrong.items() if isinstance(why, str)}
    return OddRule(
        name=name,
        field=next(iter(said)),
        why=" and ".join(said.values()),
        start=None if isinstance(start, str) else start,
        end=None if isinstance(end, str) else end,
    )


def _end(body: Json, field: str) -> IPv4Address | str:
    """An end of a rule's range, or what is wrong with it."""
    found = get(body, "properties", field)
    address = ipv4(found) if isinstance(found, str) else None
    return wrong(found, field, "no IPv4 address") if address is None else address


def _rule_name(body: Json) -> str:
    named = parse_resource_id(get(body, "id"))
    return text(body, "name") or (named.name if named else "without a name")


def virtual_network_rules(bodies: Iterable[Json]) -> tuple[VirtualNetworkRule, ...]:
    """The rules of a list that name a subnet, in ARM's order."""
    return tuple(rule for rule in map(_virtual_network_rule, bodies) if isinstance(rule, VirtualNetworkRule))


def odd_network_rules(bodies: Iterable[Json]) -> tuple[OddRule, ...]:
    """The others."""
    return tuple(rule for rule in map(_virtual_network_rule, bodies) if isinstance(rule, OddRule))


def _virtual_network_rule(body: Json) -> VirtualNetworkRule | OddRule:
    field, name = "virtualNetworkSubnetId", _rule_name(body)
    named = get(body, "properties", field)
    subnet = parse_resource_id(named)
    if subnet is None:
        return OddRule(name=name, field=field, why=wrong(named, field, "no id"))
    return VirtualNetworkRule(name=name, subnet=subnet, state=text(body, "properties", "state"))


# --- configurations --------------------------------------------------------------------------------


def server_parameters(bodies: Iterable[Json]) -> tuple[ServerParameter, ...]:
    """The parameters of a list of configurations, in ARM's order."""
    return tuple(_server_parameter(body) for body in bodies)


def _server_parameter(body: Json) -> ServerParameter:
    value = _verbatim(body, "value")
    held = get(body, "properties", "value")
    return ServerParameter(
        name=text(body, "name"),
        value=value or "",
        odd=wrong(held, "value", "no text") if value is None else "",
        default=_verbatim(body, "defaultValue"),
        data_type=text(body, "properties", "dataType"),
        allowed=text(body, "properties", "allowedValues"),
        read_only=_switch(body, "isReadOnly"),
        dynamic=_switch(body, "isDynamicConfig"),
        pending_restart=_switch(body, "isConfigPendingRestart"),
    )


def _verbatim(body: Json, name: str) -> str | None:
    """A value as it stands, blanks included: it is written back by a rollback."""
    found = get(body, "properties", name)
    return found if isinstance(found, str) else None


def _switch(body: Json, name: str) -> bool | None:
    found = get(body, "properties", name)
    return found if isinstance(found, bool) else None


def setting(body: Json) -> bool | None:
    """A server parameter that is a switch: on or off, None for anything else."""
    match text(body, "properties", "value").lower():
        case "on" | "true" | "1":
            return True
        case "off" | "false" | "0":
            return False
        case _:
            return None


# --- who signs in, what is told, how it fares ------------------------------------------------------


def administrators(bodies: Iterable[Json]) -> tuple[Administrator, ...]:
    """The administrators of a list, in ARM's order.

    A flexible server's have ``objectId``, ``principalName`` and ``principalType``, a single server's ``sid``
    and ``login``; items of the flexible server's list have no ``name``.
    """
    return tuple(_administrator(body) for body in bodies)


def _administrator(body: Json) -> Administrator:
    properties = get(body, "properties")
    return Administrator(
        object_id=text(properties, "objectId") or text(properties, "sid"),
        name=text(properties, "principalName") or text(properties, "login"),
        type=text(properties, "principalType"),
    )


def diagnostic_settings(body: Json) -> tuple[DiagnosticSetting, ...]:
    """The settings of a resource's list. Raises ``Permanent`` where the answer holds no list."""
    found = get(body, "value")
    if not isinstance(found, list):
        raise Permanent("the diagnostic settings are no list", code="MalformedAnswer")
    return tuple(_diagnostic_setting(item) for item in found)


def _diagnostic_setting(body: Json) -> DiagnosticSetting:
    properties = get(body, "properties")
    kinds = (kind for name, kind in _DESTINATIONS.items() if text(properties, name))
    return DiagnosticSetting(
        name=text(body, "name"),
        logs=tuple(_enabled_logs(get(properties, "logs"))),
        destinations=tuple(dict.fromkeys(kinds)),
    )


def _enabled_logs(logs: Json) -> Iterator[str]:
    """The categories and category groups that are switched on, as Azure spells them."""
    for log in logs if isinstance(logs, list) else []:
        named = text(log, "category") or text(log, "categoryGroup")
        if named and get(log, "enabled") is True:
            yield named


def health(body: Json) -> Health:
    """Resource Health's word; ``summary`` is its title and its text, where the two differ."""
    properties = get(body, "properties")
    said = dict.fromkeys([text(properties, "title"), text(properties, "summary")])
    return Health(
        state=text(properties, "availabilityState"),
        reason=text(properties, "reasonType"),
        summary=": ".join(part for part in said if part),
    )
