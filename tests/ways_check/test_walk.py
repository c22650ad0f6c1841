"""The walk is right by itself: it tries every completion, and says of plain worlds what anybody sees."""

from __future__ import annotations

import pytest

from shared.model import Direction, SecurityGroup
from shared.model.networks import Route
from shared.model.resource_id import ResourceId
from tests.builders import NSG, security_rule
from tests.ways_check.completions import Chooser, outcomes
from tests.ways_check.packets import Packet, first_match, longest


def test_both_outcomes_are_found_where_only_one_of_many_completions_differs() -> None:
    def walk(choose: Chooser) -> bool:
        return all(choose(f"coin {number}", "tails", "heads") == "heads" for number in range(6))

    found = outcomes(walk)
    assert set(found) == {True, False}
    assert dict(found[True]) == {f"coin {number}": "heads" for number in range(6)}


def test_the_same_question_has_the_same_answer() -> None:
    assert set(outcomes(lambda choose: choose("coin", 0, 1) == choose("coin", 0, 1))) == {True}


def test_a_world_that_is_too_large_is_said_to_be() -> None:
    with pytest.raises(OverflowError, match="more than 100 completions"):
        outcomes(lambda choose: all(choose(f"coin {number}", 0, 1) < 2 for number in range(7)), most=100)


def test_the_first_rule_that_matches_decides_and_default_rules_come_last() -> None:
    rules = (
        security_rule("later", 200, sources=("10.0.0.0/8",)),
        security_rule("other-port", 100, destination_ports=("443",)),
    )
    group = SecurityGroup(id=ResourceId(str(NSG)), rules=rules, default_rules=())
    inside, outside = (
        Packet(source=number, source_port=None, destination=7) for number in (10 << 24, 192 << 24 | 168 << 16)
    )
    assert not first_match(group, Direction.INBOUND, inside, lambda tag, _: tag == "VirtualNetwork")
    assert first_match(group, Direction.INBOUND, outside, lambda tag, _: tag == "VirtualNetwork")
    assert not first_match(group, Direction.INBOUND, outside, lambda _, __: False)


def test_the_longest_prefix_decides() -> None:
    routes = [
        Route(name=name, prefix=prefix, next_hop="None")
        for name, prefix in (("all", "0.0.0.0/0"), ("some", "10.0.0.0/8"), ("tag", "Sql"), ("v6", "::/0"))
    ]
    assert [getattr(longest(routes, number), "name", "") for number in (1, 10 << 24)] == ["all", "some"]
    assert longest(routes[1:], 1) is None
