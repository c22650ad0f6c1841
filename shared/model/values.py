"""``value``: how every value of the project is declared.

A value is frozen, slotted and keyword-only. The decorator also tells pydantic that in JSON the names
are camelCase, so that one declaration serves the core (which never imports pydantic) and the codec.
"""

from __future__ import annotations

import dataclasses
from ipaddress import IPv4Network, IPv6Network
from typing import Any, TypeAlias, TypeVar, dataclass_transform

_T = TypeVar("_T")

Json: TypeAlias = Any
"""A value that JSON can hold: evidence is written for people and machines and has no fixed shape."""

IPNetwork: TypeAlias = IPv4Network | IPv6Network


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
