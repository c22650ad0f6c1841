"""The text of the tag that exempts: what it names, until when, and what exempts nothing."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from shared.tag_exemptions import TagText, read_tag

DECEMBER = datetime(2026, 12, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("*", TagText(policies=None)),
        ("one", TagText(policies=frozenset({"one"}))),
        (" one , two ", TagText(policies=frozenset({"one", "two"}))),
        ("* until 2026-12-01", TagText(policies=None, until=DECEMBER)),
        (
            "one,two until 2026-12-01T01:00:00+01:00",
            TagText(policies=frozenset({"one", "two"}), until=DECEMBER),
        ),
        ("one until  2026-12-01T00:00Z", TagText(policies=frozenset({"one"}), until=DECEMBER)),
    ],
)
def test_a_text_names_policies_and_perhaps_an_end(text: str, said: TagText) -> None:
    assert read_tag(text) == said


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", ",", "one,,two", "* until tomorrow", "until 2026-12-01", "one until "),
        *("* until 9999-12-31T23:59:59-05:00", "* until 0001-01-01T00:00:00+05:00"),
    ],
)
def test_what_cannot_be_read_exempts_nothing(text: str) -> None:
    said = read_tag(text)
    assert said is None or not said.names("one")


def test_a_star_beside_a_name_is_a_name_that_no_policy_has() -> None:
    said = read_tag("*, one")
    assert said is not None
    assert said.names("one")
    assert not said.names("two")
