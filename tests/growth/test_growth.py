"""Nothing on the path of an event or of a page costs more when more is stored."""

from __future__ import annotations

import math

import pytest

from tests.growth.beside import OPERATIONS, cost_beside

FEW, MANY = 300, 900


@pytest.mark.field(
    "steady",
    "What is on the path of an event or of a page of the API costs the same beside a hundred servers, alerts "
    "and changes and beside thousands: everything is found by key, and a page reads a range of keys.",
    source="docs/adr/0020-what-a-look-costs.md",
    date="2026-11-29",
)
def test_nothing_on_the_path_of_an_event_or_a_page_grows_with_what_is_stored() -> None:
    few, many = cost_beside(FEW), cost_beside(MANY)
    assert few.keys() == many.keys() == set(OPERATIONS)
    grown = {name: math.log(many[name] / few[name]) / math.log(MANY / FEW) for name in OPERATIONS}
    assert {name: exponent for name, exponent in grown.items() if exponent > 0.2} == {}
