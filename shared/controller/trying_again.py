"""A look that lost a conditional write has decided on what is no longer so: it is repeated."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from shared.model.errors import EntityChanged

_Result = TypeVar("_Result")

RACES: Final = 3
"""How often a look is repeated before the platform's retry takes over."""


def unless_raced(look: Callable[[], _Result]) -> _Result:
    """What ``look`` comes to. Raises ``EntityChanged`` where it loses again and again."""
    for _ in range(RACES - 1):
        try:
            return look()
        except EntityChanged:
            continue
    return look()
