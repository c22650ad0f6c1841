"""A server's optional parts, each the answer to a request of its own: pure, no I/O.

Firewall and virtual network rules, configurations (ARM's word for server parameters), administrators,
diagnostic settings, Resource Health. Tolerance and refusals are those of ``fields``; an address that is none
raises ``Permanent`` as well. What must not live here: requests, and what a part means.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from ipaddress import IPv4Address
from typing import Final

from shared.adapters.arm.wire.fields import get, malformed, required_id, text
from shared.model import FirewallRule, Json
from shared.model.errors import Permanent
from shared.model.parts import Administrator, DiagnosticSetting, Health, ServerParameter, VirtualNetworkRule
from shared.model.resource_id import parse_resource_id

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
    """The rules of a firewall rule list, in ARM's order. Raises ``Permanent`` for an address that is none."""
    return tuple(
        FirewallRule(
            name=text(body, "name"),
            start=_address(body, "startIpAddress"),
            end=_address(body, "endIpAddress"),
        )
        for body in bodies
    )


def _address(body: Json, name: str) -> IPv4Address:
    found = text(body, "properties", name)
    try:
        return IPv4Address(found)
    except ValueError as error:
        raise malformed("firewall rule", body, name, found) from error


def virtual_network_rules(bodies: Iterable[Json]) -> tuple[VirtualNetworkRule, ...]:
    """The rules of a list, in ARM's order. Raises ``Permanent`` for a rule that names no subnet."""
    return tuple(_virtual_network_rule(body) for body in bodies)


def _virtual_network_rule(body: Json) -> VirtualNetworkRule:
    named = text(body, "properties", "virtualNetworkSubnetId")
    subnet = parse_resource_id(named)
    name = text(body, "name") or required_id(body).name
    if subnet is None:
        message = f"virtual network rule {name!r}: virtualNetworkSubnetId cannot be used: {named!r}"
        raise Permanent(message, code="MalformedAnswer")
    return VirtualNetworkRule(name=name, subnet=subnet, state=text(body, "properties", "state"))


# --- configurations --------------------------------------------------------------------------------


def server_parameters(bodies: Iterable[Json]) -> tuple[ServerParameter, ...]:
    """The parameters of a list of configurations, in ARM's order."""
    return tuple(_server_parameter(body) for body in bodies)


def _server_parameter(body: Json) -> ServerParameter:
    return ServerParameter(
        name=text(body, "name"),
        value=_verbatim(body, "value") or "",
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
