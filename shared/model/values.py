"""``value``: how every value of the project is declared.

A value is frozen, slotted and keyword-only. The decorator also tells pydantic that in JSON the names
are camelCase, so that one declaration serves the core (which never imports pydantic) and the codec.
"""

from __future__ import annotations

import dataclasses
from ipaddress import IPv4Network, IPv6Network
from typing import Any, Final, TypeAlias, TypeVar, dataclass_transform

_T = TypeVar("_T")

Json: TypeAlias = Any
"""A value that JSON can hold: evidence is written for people and machines and has no fixed shape."""

IPNetwork: TypeAlias = IPv4Network | IPv6Network

MOST: Final = 2**53
"""What counts something is never more: JSON's numbers are exact up to here, and a forged one may have so many
digits that Python refuses to read or to write it."""


def whole_number(text: str) -> int | None:
    """The number that ASCII digits spell, up to ``MOST``; None for any other text."""
    if not (text.isascii() and text.isdigit() and len(text.lstrip("0")) <= len(str(MOST))):
        return None
    number = int(text.lstrip("0") or "0")
    return number if number <= MOST else None


def camel_case(name: str) -> str:
    """``first_seen`` -> ``firstSeen``."""
    head, *tail = name.split("_")
    return head + "".join(word.capitalize() for word in tail)


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(dataclasses.field,))
def value(cls: type[_T]) -> type[_T]:
    """Make ``cls`` a frozen, slotted, keyword-only dataclass with camelCase JSON names."""
    cls.__pydantic_config__ = {  # type: ignore[attr-defined]  # read by pydantic, unknown to mypy
        "alias_generator": camel_case,
        "populate_by_name": True,
        "serialize_by_alias": True,
        "arbitrary_types_allowed": True,
    }
    return dataclasses.dataclass(frozen=True, slots=True, kw_only=True)(cls)
