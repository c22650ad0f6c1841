"""JSON in pieces is the JSON of the whole, as its layout is."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from shared.report.forms.piecewise import array, document

TEXTS = st.text(max_size=8) | st.sampled_from(["a\nb", "\u2028", "</script>", '"'])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


@given(st.lists(VALUES, max_size=4))
def test_an_array(items: list[object]) -> None:
    assert "".join(array(items)) == json.dumps(items, indent=1)


@given(
    st.dictionaries(TEXTS, VALUES, max_size=4),
    st.dictionaries(TEXTS, st.lists(VALUES, max_size=3), max_size=3),
)
def test_an_object_whose_arrays_are_made_as_they_are_written(
    plain: dict[str, object], lists: dict[str, list[object]]
) -> None:
    parts = {**plain, **{name: iter(items) for name, items in lists.items()}}
    assert "".join(document(parts)) == json.dumps({**plain, **lists}, indent=1)
