"""Benchmark of growth: what is on the path of an event or of a page costs beside what is stored already.

Each operation is done once beside a hundred and once beside ten thousand servers that share a private DNS
zone, each with its NSG, an alert and a change; counted are the operations of the storage protocols and the
rows that they read, over state in memory. The figure is the exponent of the power law through both: 0 where
what is stored does not matter, 1 where all of it is read.
"""

from __future__ import annotations

import math
from typing import Final

from tests.growth.beside import OPERATIONS, cost_beside

_SIZES: Final = (100, 10_000)


def measure() -> dict[str, tuple[float, str]]:
    """Figures with their units."""
    figures: dict[str, tuple[float, str]] = {}
    costs = [cost_beside(size) for size in _SIZES]
    for name in OPERATIONS:
        few, many = (max(cost[name], 1) for cost in costs)
        exponent = round(math.log(many / few) / math.log(_SIZES[1] / _SIZES[0]), 3)
        print(f"growth {name:<22} {few:6d} operations and rows, {many:6d} beside {_SIZES[1]}; n^{exponent}")
        figures[f"growth.{name}.exponent"] = (exponent, "1")
    return figures
