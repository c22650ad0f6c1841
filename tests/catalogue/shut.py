"""An NSG with which no policy finds anything wrong, for the subnet that ``seeds.subnet`` makes."""

from __future__ import annotations

from local.simulator import seeds
from local.simulator.values import JsonObject

_SUBNET = "10.20.1.0/24"


def _allow(name: str, priority: int, direction: str, there: str, *ports: str) -> JsonObject:
    """From the subnet of the scenarios to there."""
    properties: JsonObject = {
        "protocol": "Tcp",
        "sourceAddressPrefix": _SUBNET,
        "destinationAddressPrefix": there,
        "destinationPortRanges": [*ports],
    }
    return seeds.security_rule(
        name=name, priority=priority, direction=direction, access="Allow", properties=properties
    )


SHUT = (
    _allow("within-in", 100, "Inbound", _SUBNET, "5432", "6432"),
    _allow("within-out", 100, "Outbound", _SUBNET, "5432", "6432"),
    _allow("storage", 110, "Outbound", "Storage", "443"),
    _allow("entra", 120, "Outbound", "AzureActiveDirectory", "443"),
    _allow("keys", 130, "Outbound", "AzureKeyVault", "443"),
    seeds.security_rule(name="rest-in", priority=4096),
    seeds.security_rule(name="rest-out", priority=4096, direction="Outbound"),
)
"""The rules of an NSG with which no policy finds anything wrong."""
