"""Numbers that texts spell, forged ones too."""

from __future__ import annotations

import pytest

from shared.model.values import MOST, whole_number
from shared.state.table_layout import link_number


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0", 0),
        ("0042", 42),
        (str(MOST), MOST),
        (str(MOST + 1), None),
        ("9" * 5000, None),
        ("0" * 5000, 0),
        ("", None),
        ("-1", None),
        ("1.0", None),
        ("٣", None),
    ],
    ids=["none", "padded", "most", "more", "endless", "zeros", "empty", "negative", "fraction", "arabic"],
)
def test_a_number_is_read_up_to_what_anything_counts(text: str, number: int | None) -> None:
    assert whole_number(text) == number


def test_a_row_whose_key_ends_in_endless_digits_is_no_link() -> None:
    assert link_number(f"j-x-{'9' * 5000}") == -1
    assert link_number(f"j-x-{7:020d}") == 7
