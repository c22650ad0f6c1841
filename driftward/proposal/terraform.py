"""The NSG as it will be, in Terraform: an ``azurerm_network_security_group`` with all of its rules inline.

Inline and standalone rules of one NSG undo each other, so that all are inline. Source: the provider's page
on ``azurerm_network_security_group``; of the syntax "Strings and Templates" of Terraform's language. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from driftward.shell import NAMELESS, NOWHERE
from shared.model import SecurityGroup, SecurityRule

_ESCAPES: Final = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_PROTOCOLS: Final = {name.lower(): name for name in ("*", "Ah", "Esp", "Icmp", "Tcp", "Udp")}


def terraform(group: SecurityGroup) -> str:
    """A file that holds the NSG."""
    is_known = group.id.subscription != NOWHERE or group.id.name != NAMELESS
    name = _text(group.id.name) if is_known else "var.nsg_name"
    label = re.sub(r"[^A-Za-z0-9_]", "_", group.id.name)
    variables = ["location", "resource_group_name", *([] if is_known else ["nsg_name"])]
    lines = [
        "# Holds all rules of the NSG. Tags and other settings of it belong here as well.",
        *(f'variable "{variable}" {{\n  type = string\n}}\n' for variable in variables),
        f'resource "azurerm_network_security_group" "nsg_{label}" {{',
        f"  name                = {name}",
        "  location            = var.location",
        "  resource_group_name = var.resource_group_name",
    ]
    for rule in sorted(group.rules, key=lambda rule: (rule.direction, rule.priority)):
        lines += ["", "  security_rule {", *(f"    {line}" for line in _rule(rule)), "  }"]
    return "\n".join([*lines, "}"])


def _rule(rule: SecurityRule) -> Iterator[str]:
    fields = {
        "name": _text(rule.name),
        "priority": str(rule.priority),
        "direction": _text(rule.direction),
        "access": _text(rule.access),
        "protocol": _text(_PROTOCOLS.get(rule.protocol.lower(), rule.protocol)),
        **_side("source_address_prefix", rule.sources),
        **_groups("source", rule),
        **_side("destination_address_prefix", rule.destinations),
        **_groups("destination", rule),
        **_side("source_port_range", rule.source_ports),
        **_side("destination_port_range", rule.destination_ports),
        **({"description": _text(rule.description)} if rule.description else {}),
    }
    width = max(map(len, fields))
    return (f"{name:<{width}} = {found}" for name, found in fields.items())


def _side(singular: str, texts: Sequence[str]) -> dict[str, str]:
    """One value in the singular argument, several in the plural one; the two exclude each other."""
    if not texts:
        return {}
    if len(texts) == 1:
        return {singular: _text(texts[0])}
    return {f"{singular}{'es' if singular.endswith('x') else 's'}": _list(texts)}


def _groups(side: str, rule: SecurityRule) -> dict[str, str]:
    ids = rule.source_groups if side == "source" else rule.destination_groups
    return {f"{side}_application_security_group_ids": _list(map(str, ids))} if ids else {}


def _list(texts: Sequence[str] | map[str]) -> str:
    return f"[{', '.join(map(_text, texts))}]"


def _escape(sign: str) -> str:
    """What cannot be printed is written as its number: a name must not write to a terminal."""
    if sign in _ESCAPES or sign.isprintable():
        return _ESCAPES.get(sign, sign)
    return f"\\u{ord(sign):04x}" if ord(sign) <= 0xFFFF else f"\\U{ord(sign):08x}"


def _text(text: str) -> str:
    """In quotes; nothing in it begins an interpolation or a directive."""
    quoted = "".join(map(_escape, text))
    return '"' + quoted.replace("${", "$${").replace("%{", "%%{") + '"'
