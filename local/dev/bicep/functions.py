"""The functions of Bicep that `infra/` calls, on plain values.

`guid` is Azure's own; `uniqueString` has its alphabet and length and another hash. Those that ask for the
deployment (`subscription()`, `loadJsonContent`) or take lambdas are ``deploying``'s.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from ipaddress import ip_network
from itertools import islice
from typing import Any, Final
from uuid import UUID, uuid5

_GUIDS: Final = UUID("11fb06fb-712d-4ddd-98c7-e71bbd588830")
"""The name space of ARM's `guid`."""
_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz234567"
_LENGTH: Final = 13


def guid(*parts: str) -> str:
    return str(uuid5(_GUIDS, "-".join(parts)))


def unique_string(*parts: str) -> str:
    digest = hashlib.sha256("-".join(parts).encode()).digest()
    return "".join(_LETTERS[byte % len(_LETTERS)] for byte in digest[:_LENGTH])


def union(first: Any, *others: Any) -> Any:
    """Of objects, whose objects are united too; of arrays, without what is there already."""
    found = first
    for other in others:
        found = _merged(found, other) if isinstance(first, Mapping) else _distinct([*found, *other])
    return _distinct(found) if isinstance(found, list) else found


def _merged(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    both = {name for name in first if isinstance(first[name], Mapping)} & {
        name for name in second if isinstance(second[name], Mapping)
    }
    return {**first, **second, **{name: _merged(first[name], second[name]) for name in sorted(both)}}


def _distinct(items: list[Any]) -> list[Any]:
    found: list[Any] = []
    for item in items:
        if item not in found:
            found.append(item)
    return found


def cidr_subnet(space: str, prefix: int, number: int) -> str:
    return str(next(islice(ip_network(space).subnets(new_prefix=prefix), number, None)))


def items(held: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"key": key, "value": held[key]} for key in sorted(held)]


def shown(value: Any) -> str:
    """A value inside a string."""
    if isinstance(value, bool):
        return "True" if value else "False"
    return value if isinstance(value, str) else json.dumps(value)


PLAIN: Final[Mapping[str, Callable[..., Any]]] = {
    "cidrSubnet": cidr_subnet,
    "concat": lambda *parts: [one for part in parts for one in part],
    "contains": lambda held, one: one in held,
    "empty": lambda held: not held,
    "guid": guid,
    "items": items,
    "join": lambda parts, between: between.join(parts),
    "json": json.loads,
    "last": lambda held: held[-1],
    "length": len,
    "replace": lambda text, old, new: text.replace(old, new),
    "skip": lambda held, count: held[count:],
    "split": lambda text, at: text.split(at),
    "string": lambda held: held if isinstance(held, str) else json.dumps(held),
    "take": lambda held, count: held[:count],
    "toLower": str.lower,
    "union": union,
    "uniqueString": unique_string,
}
