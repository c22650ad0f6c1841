"""The NSG as it will be, in Bicep: one resource that holds all of its rules.

Source of the syntax: "Bicep data types" and "Bicep file structure and syntax" (Microsoft Learn); of the
resource: ``Microsoft.Network/networkSecurityGroups``. A deployment replaces the rules that stand. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from driftward.shell import NAMELESS, NOWHERE
from shared.alerts.commands import NETWORK_API
from shared.model import Json, SecurityGroup
from shared.nsg.rules.spelling import rule_body

_INDENT: Final = "  "
_WORD: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def bicep(group: SecurityGroup) -> str:
    """A file that deploys the NSG."""
    is_known = group.id.subscription != NOWHERE or group.id.name != NAMELESS
    name = _text(group.id.name) if is_known else "nsgName"
    rules = sorted(group.rules, key=lambda rule: (rule.direction, rule.priority))
    properties = {"securityRules": [rule_body(rule) for rule in rules]}
    lines = [
        "// Replaces all rules of the NSG. Tags and other settings of it belong here as well.",
        "param location string = resourceGroup().location",
        *([] if is_known else ["param nsgName string"]),
        "",
        f"resource nsg 'Microsoft.Network/networkSecurityGroups@{NETWORK_API}' = {{",
        f"{_INDENT}name: {name}",
        f"{_INDENT}location: location",
        *_field("properties", properties, _INDENT),
        "}",
    ]
    return "\n".join(lines)


def _field(name: str, found: Json, indent: str) -> Iterator[str]:
    first, *rest = _lines(found, indent)
    yield f"{indent}{name if _WORD.fullmatch(name) else _text(name)}: {first}"
    yield from rest


def _lines(found: Json, indent: str) -> Iterator[str]:
    """A value; its first line stands behind a name, or an indentation."""
    deeper = indent + _INDENT
    if isinstance(found, Mapping):
        yield "{"
        for name, inner in found.items():
            yield from _field(name, inner, deeper)
        yield f"{indent}}}"
    elif isinstance(found, list):
        yield "["
        for inner in found:
            first, *rest = _lines(inner, deeper)
            yield f"{deeper}{first}"
            yield from rest
        yield f"{indent}]"
    else:
        yield str(found) if isinstance(found, int) else _text(str(found))


_ESCAPES: Final = {"\\": "\\\\", "'": "\\'", "\n": "\\n", "\r": "\\r", "\t": "\\t", "$": "\\$"}


def _escape(sign: str) -> str:
    """What cannot be printed is written as its number: a name must not write to a terminal."""
    return _ESCAPES.get(sign) or (sign if sign.isprintable() else f"\\u{{{ord(sign):x}}}")


def _text(text: str) -> str:
    """In quotes; nothing in it begins an expression."""
    return "'" + "".join(map(_escape, text)) + "'"
