"""Causes that are merged: who wrote stays known."""

from shared.model import Actor, CauseKind
from shared.state.coalescing import merged
from tests.state.coalescing.processes import cause


def test_the_newest_event_names_the_cause_whatever_the_order_of_arrival() -> None:
    older, newer = cause("older", 1), cause("newer", 2)
    assert merged(older, newer).event_id == merged(newer, older).event_id == "newer"


def test_a_sweep_never_hides_who_wrote() -> None:
    event, sweep = cause("e1", 1), cause(None, 9, CauseKind.SWEEP)
    assert merged(event, sweep).actor == merged(sweep, event).actor == Actor(name="e1")


def test_counts_of_merged_causes_add_up() -> None:
    once = merged(cause("a"), cause("b", 1))
    assert merged(once, cause("c", 2)).count == 3
