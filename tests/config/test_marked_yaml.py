"""YAML with lines: what is refused, what stays the word that it is, and where everything stands."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.config.marked_yaml import NotYaml, Places, read_yaml

TEXT = """\
# a remark
a: 1
list:
  - x: 1
    y: 2
  - z
flow: {one: [1,
  2], two: 3}
"""


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ((), 2),
        (("a",), 2),
        (("list",), 3),
        (("list", 0), 4),
        (("list", 0, "y"), 5),
        (("list", 1), 6),
        (("flow", "one", 1), 8),
        (("flow", "two"), 8),
    ],
)
def test_every_part_has_the_line_of_its_key_or_item(path: tuple[str | int, ...], line: int) -> None:
    assert read_yaml(TEXT)[1].line_of(path) == line


@pytest.mark.parametrize(
    ("path", "line"), [(("b",), 2), (("list", 5), 3), (("list", 0, "q"), 4), (("a", "b", 0), 2)]
)
def test_what_is_missing_is_missing_in_what_is_there(path: tuple[str | int, ...], line: int) -> None:
    assert read_yaml(TEXT)[1].line_of(path) == line


def test_without_a_document_everything_stands_in_the_first_line() -> None:
    assert read_yaml("")[0] is None
    assert read_yaml("")[1].line_of(("a",)) == 1
    assert Places().line_of(()) == 1


@pytest.mark.parametrize("word", ["off", "on", "yes", "no", "Off", "NO"])
def test_a_word_that_yaml_1_1_takes_for_a_truth_stays_a_word(word: str) -> None:
    assert read_yaml(f"a: {word}")[0] == {"a": word}


@pytest.mark.parametrize(("word", "truth"), [("true", True), ("False", False)])
def test_true_and_false_are_truths(word: str, truth: bool) -> None:
    assert read_yaml(f"a: {word}")[0] == {"a": truth}


@pytest.mark.parametrize(
    ("text", "number"),
    [
        *(("22:00", "22:00"), ("04:00", "04:00"), ("22", 22), ("-7", -7), ("0", 0)),
        *(("010", "010"), ("0b_", "0b_"), ("0x_", "0x_"), ("9" * 5000, "9" * 5000)),
    ],
)
def test_a_number_is_one_in_plain_decimal_and_a_time_of_the_day_is_none(text: str, number: str | int) -> None:
    assert read_yaml(f"a: {text}")[0] == {"a": number}


def test_a_date_is_a_date_and_one_that_does_not_exist_is_refused_with_its_line() -> None:
    assert read_yaml("a: 2027-01-31")[0] == {"a": date(2027, 1, 31)}
    with pytest.raises(NotYaml, match="2027-13-45 is no date: month") as refused:
        read_yaml("a: 1\nb: 2027-13-45")
    assert refused.value.line == 2


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a: 1\nb: [", 2),
        ("a: 1\nb: {x: 1,\n  x: 2}", 3),
        ("a: 1\na: 2", 2),
        ("a: 1\nb: \x07", 2),
        ("a: 1\nb: !!python/object/apply:os.getcwd []", 2),
        ("a: 1\nb: !!int one", 2),
        ("a: 1\nb:\n  - !!timestamp soon", 3),
        ("a: 1\n---\nb: 2", 2),
        ("a: *nothing", 1),
        ("? [a]\n: 1", 1),
        ("a: 1\nb: " + "[" * 2000 + "]" * 2000, 2),
    ],
)
def test_what_is_not_meant_is_refused_with_its_line(text: str, line: int) -> None:
    with pytest.raises(NotYaml) as refused:
        read_yaml(text)
    assert refused.value.line == line
    assert str(refused.value)


@given(st.text(alphabet="ab01:-? \n[]{}&*!|>'\"#,<.%@", max_size=40))
def test_any_text_is_data_with_places_or_refused_with_a_line(text: str) -> None:
    lines = range(1, text.count("\n") + 2)
    try:
        data, places = read_yaml(text)
    except NotYaml as error:
        found = {error.line}
    else:
        found = {places.line_of((str(key),)) for key in (data if isinstance(data, dict) else ())}
    assert found <= {*lines, lines[-1] + 1}  # what is missing at the end may be missed on the line after it


def test_what_is_merged_in_may_be_overridden_and_is_found_where_it_stands() -> None:
    text = "a: &a\n  x: 1\n  y: 2\nb: &b\n  <<: *a\n  x: 3\nc:\n  <<: *b\n  y: 4\n"
    data, places = read_yaml(text)
    assert data["c"] == {"x": 3, "y": 4}
    assert places.line_of(("b", "x")) == 6
    assert places.line_of(("b", "y")) == 3
    assert places.line_of(("c", "x")) == 6
    assert places.line_of(("c", "y")) == 9
