"""The functions of ARM templates that need nothing but their arguments.

Each raises ``TypeError``, ``ValueError`` or ``LookupError`` for arguments that it does not take; the caller
makes of these, and of ``Unresolved``, that the expression cannot be answered. A function that is not listed
is not guessed. Source: "ARM template functions" (Microsoft Learn).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

from shared.model import Json
from shared.nsg.documents.grammar import Unresolved
from shared.nsg.documents.scope import unknown_part

_LARGEST: Final = 10**18
"""Python refuses to print numbers of thousands of digits; ARM's are of 64 bits."""
UNKNOWN_GROUP: Final = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/unknown"
"""Stands in ids for the resource group that only a deployment knows."""


def as_text(found: Json) -> str:
    """A text, or a number as one. Raises ``Unresolved`` for anything else."""
    match found:
        case str():
            return found
        case int() if abs(found) < _LARGEST:
            return str(found)
        case _:
            raise Unresolved("a text is needed")


def as_truth(found: Json) -> bool:
    """True or false. Raises ``Unresolved`` for anything else."""
    if not isinstance(found, bool):
        raise Unresolved("a condition is needed")
    return found


def _concat(*parts: Json) -> Json:
    if parts and all(isinstance(part, list) for part in parts):
        return [item for part in parts for item in part]
    return "".join(map(as_text, parts))


_PLACEHOLDER: Final = re.compile(r"\{(\d{1,3})\}|\{\{|\}\}", re.ASCII)


def _format(pattern: Json, *parts: Json) -> str:
    texts = [as_text(part) for part in parts]
    if not isinstance(pattern, str) or re.search(r"\{\d+[,:]", pattern):
        raise TypeError("a format that only .NET knows")
    return filled(pattern, texts)


def filled(pattern: str, texts: list[str]) -> str:
    """``pattern`` with ``{0}``, ``{1}`` … replaced. Raises ``Unresolved`` where a text is missing."""

    def fill(found: re.Match[str]) -> str:
        number = found[1]
        if number is None:
            return found[0][0]
        if int(number) >= len(texts):
            raise Unresolved(pattern)
        return texts[int(number)]

    return _PLACEHOLDER.sub(fill, pattern)


def _resource_id(*parts: Json) -> str:
    """``resourceId([subscription], [resource group], type, name, …)``."""
    texts = [as_text(part) for part in parts]
    place = [*("/" in text for text in texts)].index(True)
    kind, names = texts[place].split("/"), texts[place + 1 :]
    if len(kind) != len(names) + 1 or place > 2:
        raise ValueError("names and types differ in number")
    _, _, subscription, _, group = UNKNOWN_GROUP.split("/")
    group = texts[place - 1] if place else group
    subscription = texts[0] if place == 2 else subscription
    path = "/".join(f"{step}/{name}" for step, name in zip(kind[1:], names, strict=True))
    return f"/subscriptions/{subscription}/resourceGroups/{group}/providers/{kind[0]}/{path}"


def _equal(left: Json, right: Json) -> bool:
    """Texts compare with their case (template functions, ``equals``)."""
    if unknown_part([left, right]) is not None:
        raise TypeError("not comparable")
    if type(left) is not type(right) and left is not None and right is not None:
        raise TypeError("not comparable")
    return bool(left == right)


def _length(found: Json) -> int:
    if not isinstance(found, (str, list, Mapping)):
        raise TypeError("no length")
    return len(found)


def _contains(held: Json, item: Json) -> bool:
    if isinstance(held, Mapping):
        return as_text(item).lower() in {name.lower() for name in held}
    if isinstance(held, str):
        return as_text(item) in held
    if unknown_part(held) is not None:
        raise TypeError("not comparable")
    return any(found == item for found in held if type(found) is type(item))


def _sequence(found: Json) -> str | list[Json]:
    if not isinstance(found, (str, list)):
        raise TypeError("neither a text nor a list")
    return found


def _integer(found: Json) -> int:
    if isinstance(found, bool) or not isinstance(found, (int, str)):
        raise TypeError("no number")
    return int(found)


def _object(*parts: Json) -> Mapping[str, Json]:
    return {as_text(key): item for key, item in zip(parts[::2], parts[1::2], strict=True)}


FUNCTIONS: Final[Mapping[str, Callable[..., Json]]] = {
    "and": lambda *parts: all(map(as_truth, parts)),
    "array": lambda part: part if isinstance(part, list) else [part],
    "bool": lambda part: {"true": True, "false": False}[as_text(part).lower()],
    "concat": _concat,
    "contains": _contains,
    "createarray": lambda *parts: list(parts),
    "createobject": _object,
    "empty": lambda part: part is None or _length(part) == 0,
    "equals": _equal,
    "false": lambda: False,
    "first": lambda part: _sequence(part)[0],
    "format": _format,
    "int": _integer,
    "last": lambda part: _sequence(part)[-1],
    "length": _length,
    "not": lambda part: not as_truth(part),
    "null": lambda: None,
    "or": lambda *parts: any(map(as_truth, parts)),
    "replace": lambda text, old, new: as_text(text).replace(as_text(old), as_text(new)),
    "resourceid": _resource_id,
    "split": lambda text, mark: as_text(text).split(as_text(mark)),
    "string": as_text,
    "tolower": lambda text: as_text(text).lower(),
    "toupper": lambda text: as_text(text).upper(),
    "trim": lambda text: as_text(text).strip(),
    "true": lambda: True,
}
