"""Cells, their algebra and their coverage, against every position tried."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations, product
from math import prod

import pytest
from hypothesis import event, example, given
from hypothesis import strategies as st

from shared.nsg.packets.cover import Cell, disjoint, exposed, meet, merged, subtract, uncovered, without

Point = tuple[int, ...]
WIDTH = 4


def points(cells: Iterable[Cell]) -> set[Point]:
    """Every combination of positions, one by one."""
    return {point for cell in cells for point in product(*map(bits, cell))}


def bits(mask: int) -> list[int]:
    return [position for position in range(mask.bit_length()) if mask >> position & 1]


def cells(fields: int, width: int = WIDTH) -> st.SearchStrategy[Cell]:
    return st.tuples(*[st.integers(1, (1 << width) - 1)] * fields)


@st.composite
def cells_and_one(draw: st.DrawFn) -> tuple[Cell, list[Cell]]:
    """A cell with up to eight others of as many fields."""
    fields = draw(st.integers(1, 4))
    return draw(cells(fields)), draw(st.lists(cells(fields), max_size=8))


@st.composite
def slabs_and_one(draw: st.DrawFn) -> tuple[Cell, list[Cell]]:
    """Others that fill the cell in most fields, as rules do: many of these cover it."""
    fields = draw(st.integers(1, 4))
    whole = (1 << WIDTH) - 1
    masks = st.one_of(st.just(whole), st.integers(1, whole))
    return (whole,) * fields, draw(st.lists(st.tuples(*[masks] * fields), max_size=12))


@given(st.one_of(cells_and_one(), slabs_and_one()))
def test_a_cell_is_uncovered_exactly_where_no_box_holds_it(drawn: tuple[Cell, list[Cell]]) -> None:
    cell, boxes = drawn
    found = uncovered(cell, boxes)
    left = points([cell]) - points(boxes)
    event("covered" if not left else "not covered")
    assert (found is None) is (not left)
    if found is not None:
        assert points([found])
        assert points([found]) <= left


@given(st.one_of(cells_and_one(), slabs_and_one()))
def test_a_cell_is_exposed_where_no_earlier_one_holds_it(drawn: tuple[Cell, list[Cell]]) -> None:
    every = [*drawn[1], drawn[0]]
    found = list(exposed(every))
    assert len(found) == len(every)
    for number, part in enumerate(found):
        left = points([every[number]]) - points(every[:number])
        assert (part is None) is (not left)
        assert part is None or points([part]) <= left


@given(cells_and_one())
def test_two_cells_meet_where_both_are(drawn: tuple[Cell, list[Cell]]) -> None:
    cell, others = drawn
    for other in others:
        shared = meet(cell, other)
        assert points([shared] if shared else []) == points([cell]) & points([other])


@given(cells_and_one())
def test_what_is_subtracted_is_gone_and_the_rest_is_disjoint(drawn: tuple[Cell, list[Cell]]) -> None:
    cell, others = drawn
    for other in others:
        if (inner := meet(cell, other)) is not None:
            rest = subtract(cell, inner)
            assert points(rest) == points([cell]) - points([inner])
            assert len(rest) <= len(cell)
            assert_disjoint(rest)


@given(cells_and_one(), st.data())
def test_cells_without_others_hold_the_difference(
    drawn: tuple[Cell, list[Cell]], data: st.DataObject
) -> None:
    cell, others = drawn
    kept = data.draw(st.lists(cells(len(cell)), max_size=4))
    rest = without([cell, *kept], others)
    assert points(rest) == points([cell, *kept]) - points(others)
    assert all(all(part) for part in rest)


@given(cells_and_one())
def test_disjoint_cells_hold_the_same_and_no_two_meet(drawn: tuple[Cell, list[Cell]]) -> None:
    every = [drawn[0], *drawn[1]]
    found = disjoint(every)
    assert points(found) == points(every)
    assert_disjoint(found)


@given(cells_and_one())
def test_merged_cells_hold_the_same_stay_disjoint_and_are_not_more(drawn: tuple[Cell, list[Cell]]) -> None:
    apart = disjoint([drawn[0], *drawn[1]])
    found = merged(apart)
    assert points(found) == points(apart)
    assert len(found) <= len(apart)
    assert_disjoint(found)
    for one, other in combinations(found, 2):
        # The last field is joined last, so no two cells are left that differ in it alone.
        assert one[:-1] != other[:-1]


def test_nothing_merges_to_nothing() -> None:
    assert merged([]) == []
    assert disjoint([]) == []


def test_a_cell_is_left_as_it_is_where_no_box_meets_it() -> None:
    assert uncovered((0b11, 0b11), []) == (0b11, 0b11)
    assert without([(0b11, 0b11)], [(0b100, 0b11)]) == [(0b11, 0b11)]


def assert_disjoint(found: list[Cell]) -> None:
    assert sum(prod(map(int.bit_count, cell)) for cell in found) == len(points(found))


# --- partitions: the worst case of methods that subtract ----------------------------------------------


@st.composite
def partitions(draw: st.DrawFn) -> tuple[Cell, list[Cell]]:
    """A cell with disjoint cells that cover it, cut by planes that do not go through the whole."""
    fields = draw(st.integers(1, 4))
    width = {1: 40, 2: 12, 3: 7, 4: 5}[fields]
    whole = ((1 << width) - 1,) * fields
    tiles = [whole]
    for _ in range(draw(st.integers(0, 30))):
        cut = draw(st.integers(0, len(tiles) - 1))
        field = draw(st.integers(0, fields - 1))
        tile = tiles[cut]
        if (there := tile[field]) & (there - 1):
            chosen = bits(there)
            low = sum(1 << p for p in chosen[: draw(st.integers(1, len(chosen) - 1))])
            tiles[cut] = (*tile[:field], low, *tile[field + 1 :])
            tiles.append((*tile[:field], there & ~low, *tile[field + 1 :]))
    return whole, draw(st.permutations(tiles))


@given(partitions())
def test_a_partition_covers_the_whole(drawn: tuple[Cell, list[Cell]]) -> None:
    whole, tiles = drawn
    event(f"{len(whole)} fields")
    assert uncovered(whole, tiles) is None
    assert all(part is not None for part in exposed(tiles))
    assert list(exposed([*tiles, whole]))[-1] is None


@given(partitions(), st.data())
def test_a_partition_that_lacks_a_cell_leaves_it(drawn: tuple[Cell, list[Cell]], data: st.DataObject) -> None:
    whole, tiles = drawn
    gone = data.draw(st.sampled_from(tiles))
    found = uncovered(whole, [tile for tile in tiles if tile is not gone])
    assert found is not None
    assert points([found]) <= points([gone])


@given(partitions(), st.data())
def test_a_partition_that_lacks_a_cell_and_overlaps_elsewhere_leaves_it(
    drawn: tuple[Cell, list[Cell]], data: st.DataObject
) -> None:
    """As many positions may be held as the whole has, and still some are not covered."""
    whole, tiles = drawn
    number = data.draw(st.integers(0, len(tiles) - 1))
    grown = data.draw(st.integers(0, len(tiles) - 1))
    field = data.draw(st.integers(0, len(whole) - 1))
    mask = tiles[grown][field] | data.draw(st.integers(0, whole[field]))
    wider = (*tiles[grown][:field], mask, *tiles[grown][field + 1 :])
    boxes = [wider if n == grown else tile for n, tile in enumerate(tiles) if n != number]
    left = points([whole]) - points(boxes)
    found = uncovered(whole, boxes)
    assert (found is None) is (not left)
    assert found is None or points([found]) <= left


@given(partitions(), st.data())
def test_a_partition_with_a_smaller_cell_leaves_what_it_gave_up(
    drawn: tuple[Cell, list[Cell]], data: st.DataObject
) -> None:
    whole, tiles = drawn
    number, field = data.draw(st.integers(0, len(tiles) - 1)), data.draw(st.integers(0, len(whole) - 1))
    tile = tiles[number]
    lost = 1 << data.draw(st.sampled_from(bits(tile[field])))
    smaller = (*tile[:field], tile[field] & ~lost, *tile[field + 1 :])
    boxes = [other for n, other in enumerate(tiles) if n != number]
    found = uncovered(whole, [*boxes, smaller] if all(smaller) else boxes)
    assert found is not None
    assert points([found]) <= points([(*tile[:field], lost, *tile[field + 1 :])])


@pytest.mark.parametrize("fields", [2, 3, 4])
def test_boxes_that_overlap_and_leave_as_many_positions_are_told_from_a_partition(fields: int) -> None:
    """Counting alone would say that it is covered: it has as many positions as the boxes hold."""
    whole = (0b1111,) * fields
    everything = [tuple(1 << p for p in point) for point in product(range(4), repeat=fields)]
    lacking = everything[1:]
    twice = (everything[5][0] | everything[5 + 4 ** (fields - 1)][0], *everything[5][1:])
    boxes = [*lacking[:-1], twice]
    left = points([whole]) - points(boxes)
    found = uncovered(whole, boxes)
    assert found is not None
    assert points([found]) <= left


@given(st.integers(1, 6), st.integers(2, 4))
@example(6, 4)
def test_nested_boxes_leave_only_the_first_exposed(depth: int, fields: int) -> None:
    nested = [((1 << WIDTH * depth - n) - 1,) * fields for n in range(depth)]
    assert [part is not None for part in exposed(nested)] == [True] + [False] * (depth - 1)
    assert all(part is not None for part in exposed(nested[::-1]))
