"""The verdict and the walk say the same of seeded worlds, and a check that sees nothing would be noticed."""

from __future__ import annotations

from collections import Counter

import pytest

from shared.posture.ways.answers import State
from shared.posture.ways.verdict import verdict
from tests.ways_check.agreement import difference, right
from tests.ways_check.hiding import KINDS
from tests.ways_check.worlds import case

SEEDS = 300
ALL_SEEDS = 3000
CHUNKS = 10


@pytest.mark.field(
    "ways",
    "Nobody is told to get in, or to be shut out, where what was not read may be otherwise.",
    source="docs/ways.md",
    date="2026-11-29",
)
@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_the_verdict_is_what_every_completion_of_a_world_says(chunk: int) -> None:
    assert "\n\n".join(filter(None, map(_difference, range(chunk, SEEDS, CHUNKS)))) == ""


@pytest.mark.long
@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_it_is_so_on_worlds_that_no_other_run_tries(chunk: int) -> None:
    assert "\n\n".join(filter(None, map(_difference, range(SEEDS + chunk, ALL_SEEDS, CHUNKS)))) == ""


def _difference(seed: int) -> str:
    made = case(seed)
    return difference(made, verdict(made.world, made.client).state)


def test_a_verdict_that_was_tampered_with_differs() -> None:
    for seed in range(30):
        made = case(seed)
        known = right(made)
        refused = {state for state in State if difference(made, state)}
        forgiven = {State.UNKNOWN} if made.tags else set()
        assert refused == set(State) - {known} - forgiven


def test_the_seeds_meet_every_client_every_verdict_and_every_kind_of_part_that_is_missing() -> None:
    made = [case(seed) for seed in range(SEEDS)]
    clients = Counter(type(one.client).__name__ for one in made)
    states = Counter(verdict(one.world, one.client).state for one in made)
    hidden = Counter(kind for one in made for kind in one.hidden)
    assert (len(clients), min(clients.values()) >= 10) == (5, True)
    assert (set(states), min(states.values()) >= 30) == (set(State), True)
    assert (set(hidden), min(hidden.values()) >= 3) == (set(KINDS), True)
    assert sum(not one.hidden for one in made) >= SEEDS // 4
    assert sum(one.tags for one in made) >= SEEDS // 10


def test_worlds_of_one_seed_are_equal() -> None:
    assert [case(seed) for seed in range(20)] == [case(seed) for seed in range(20)]
