"""ARM's checks of a security rule, and the spelling in which it gives one back.

The checks are those that documents and threads show (priority 100-4096, unique per direction; names;
prefixes; one address family; no tags in arrays; ports; description). Codes marked `ours` stand for
refusals whose code no public source shows. All pure. What must not live here: what a rule lets through.
"""

from __future__ import annotations

import ipaddress
import itertools
import re
from collections.abc import Iterable
from typing import TypeAlias

from local.simulator.service_tags import TAG_NAMES
from local.simulator.values import ArmError, JsonObject, JsonValue, as_list, as_text, bad_request

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

_NAME = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,78}[A-Za-z0-9_])?")
_PORTS = re.compile(r"(\d{1,5})(?:-(\d{1,5}))?")
_DESCRIPTION_LENGTH = 140
_PRIORITIES = range(100, 4097)
_SIDES = ("source", "destination")


def spell_rule(properties: JsonObject) -> JsonObject:
    """The properties as ARM returns them: plural arrays always present, a singular absent where its plural is
    filled (recorded rules)."""
    spelled: JsonObject = {
        name: value
        for name, value in properties.items()
        if name not in ("provisioningState", "id", "name", "etag") and value is not None
    }
    for single in (
        "sourcePortRange",
        "destinationPortRange",
        "sourceAddressPrefix",
        "destinationAddressPrefix",
    ):
        plural = _plural(single)
        spelled[plural] = as_list(spelled.get(plural))
        if spelled[plural] and not spelled.get(single):
            spelled.pop(single, None)
    return spelled


def _plural(single: str) -> str:
    return single + "es" if single.endswith("x") else single + "s"


def check_rule(name: str, properties: JsonObject) -> None:
    """Raise the 400 that ARM answers to this rule taken alone."""
    if not _NAME.fullmatch(name):
        raise bad_request("InvalidResourceName", f"Resource name {name} is invalid.")
    _check_enums(name, properties)
    _check_priority(name, properties)
    if len(as_text(properties.get("description"))) > _DESCRIPTION_LENGTH:
        # ours
        raise bad_request(
            "SecurityRuleInvalidDescription", f"Description of rule {name} exceeds 140 characters."
        )
    networks: list[Network] = []
    for side in _SIDES:
        _check_ports(name, properties, f"{side}PortRange")
        networks += _check_prefixes(name, properties, f"{side}AddressPrefix")
    if len({network.version for network in networks}) > 1:
        raise bad_request(
            "ResourceCannotContainAddressPrefixesFromDifferentAddressFamilies",
            f"Security rule {name} cannot hold address prefixes of different address families.",
        )


def check_conflicts(name: str, properties: JsonObject, others: Iterable[tuple[str, JsonObject]]) -> None:
    """Raise SecurityRuleConflict for another rule of the same direction and priority; the message names the
    existing one first (Azure/aks-engine 2106)."""
    mine = (str(properties.get("direction")).lower(), properties.get("priority"))
    for other, theirs in others:
        same_name = other.lower() == name.lower()
        if not same_name and (str(theirs.get("direction")).lower(), theirs.get("priority")) == mine:
            raise ArmError(
                400,
                "SecurityRuleConflict",
                f"Security rule {other} conflicts with rule {name}. "
                "Rules cannot have the same Priority and Direction. To learn more, see aka.ms/nsgrules.",
                details=[],
            )


def _check_enums(name: str, properties: JsonObject) -> None:
    allowed = {
        "protocol": ("tcp", "udp", "icmp", "esp", "ah", "*"),
        "access": ("allow", "deny"),
        "direction": ("inbound", "outbound"),
    }
    for field, values in allowed.items():
        if as_text(properties.get(field)).lower() not in values:
            raise bad_request(
                f"SecurityRuleInvalid{field.capitalize()}",
                f"Security rule {name} has invalid {field}. Value provided: {properties.get(field)}.",
            )


def _check_priority(name: str, properties: JsonObject) -> None:
    priority = properties.get("priority")
    if not isinstance(priority, int) or isinstance(priority, bool) or priority not in _PRIORITIES:
        raise bad_request(
            "SecurityRuleInvalidPriority",
            f"Security rule {name} has invalid Priority. Value provided: {priority} Allowed range 100-4096.",
        )


def _values(name: str, properties: JsonObject, single: str) -> tuple[str, list[str]]:
    """The singular and the plural value of a field; refuses both, and neither (unless groups stand for
    them).
    """
    one = as_text(properties.get(single))
    many = [as_text(value) for value in as_list(properties.get(_plural(single)))]
    if one and many:
        # ours
        message = f"Security rule {name} cannot specify both {single} and {_plural(single)}."
        raise bad_request("SecurityRuleParameterConflict", message)
    groups = single.replace("AddressPrefix", "ApplicationSecurityGroups")
    if not one and not many and not as_list(properties.get(groups)):
        raise bad_request(
            "RequiredSecurityRuleParameterMissing",
            f"Required security rule parameters are missing for security rule {name}: "
            f"either {single} or {_plural(single)} is needed.",
        )
    return one, many


def _check_ports(name: str, properties: JsonObject, single: str) -> None:
    one, many = _values(name, properties, single)
    for value in [one] if one else many:
        match = _PORTS.fullmatch(value)
        if value == "*" and one:
            continue
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
        if not first <= last <= 65535:
            raise bad_request(
                "SecurityRuleInvalidPortRange",
                f"Security rule {name} has invalid Port range. Value provided: {value}. Valid range 0-65535.",
            )


def _check_prefixes(name: str, properties: JsonObject, single: str) -> list[Network]:
    one, many = _values(name, properties, single)
    if one:
        network = _network(one)
        # Bare numbers have been accepted (azure-cli recording test_network_nsg).
        if network is None and one != "*" and not one.isdigit() and not _is_tag(one):
            raise _malformed(name, one)
        return [] if network is None else [network]
    networks = [_array_item(name, value) for value in many]
    _check_overlaps(name, networks)
    return networks


def _array_item(name: str, value: str) -> Network:
    network = _network(value)
    if network is not None:
        return network
    if value == "*" or _is_tag(value):
        raise bad_request(
            "SecurityRuleParameterContainsUnsupportedValue",
            f"Security rule {name} cannot specify existing VIRTUALNETWORK, INTERNET, AZURELOADBALANCER, '*' "
            f"or system tags in an array of prefixes. Unsupported value used: {value}.",
        )
    raise _malformed(name, value)


def _malformed(name: str, value: str) -> ArmError:
    return bad_request(
        "SecurityRuleInvalidAddressPrefix",
        f"Security rule {name} has invalid Address prefix. Value provided: {value}.",
    )


def _check_overlaps(name: str, networks: list[Network]) -> None:
    for first, second in itertools.combinations(networks, 2):
        if first.version == second.version and first.overlaps(second):
            raise bad_request(
                "OverlappingSubnetsNotPermittedInSecurityRule",
                f"Security rule {name} contains overlapping subnets: {first} and {second}.",
            )


def _is_tag(text: str) -> bool:
    return text.split(".", 1)[0].lower() in TAG_NAMES


def _network(text: str) -> Network | None:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


def default_rules(nsg_id: str, etag: str, state: str) -> list[JsonValue]:
    """The six rules that every group ends with, in the order and words of recorded answers."""
    return [
        _default_rule(nsg_id, etag, state, spec)
        for spec in (
            ("AllowVnetInBound", "VirtualNetwork", "VirtualNetwork", "Allow", 65000),
            ("AllowAzureLoadBalancerInBound", "AzureLoadBalancer", "*", "Allow", 65001),
            ("DenyAllInBound", "*", "*", "Deny", 65500),
            ("AllowVnetOutBound", "VirtualNetwork", "VirtualNetwork", "Allow", 65000),
            ("AllowInternetOutBound", "*", "Internet", "Allow", 65001),
            ("DenyAllOutBound", "*", "*", "Deny", 65500),
        )
    ]


def _default_rule(nsg_id: str, etag: str, state: str, spec: tuple[str, str, str, str, int]) -> JsonValue:
    name, source, destination, access, priority = spec
    properties: JsonObject = {
        "provisioningState": state,
        "description": f"Default rule {name}",
        "protocol": "*",
        "sourcePortRange": "*",
        "destinationPortRange": "*",
        "sourceAddressPrefix": source,
        "destinationAddressPrefix": destination,
        "access": access,
        "priority": priority,
        "direction": "Inbound" if name.endswith("InBound") else "Outbound",
    }
    return {
        "name": name,
        "id": f"{nsg_id}/defaultSecurityRules/{name}",
        "etag": etag,
        "type": "Microsoft.Network/networkSecurityGroups/defaultSecurityRules",
        "properties": spell_rule(properties) | {"provisioningState": state},
    }
