"""The text of the tag that exempts: what it names, until when, and what exempts nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from shared.config.policies_file import TagExemptions
from shared.config.tag_exemptions import TagText, read_tag, tag_exemption, tag_text
from shared.model import Target, TargetKind
from shared.model.memory import ExemptTag, TargetRecord
from tests.builders import SERVER

DECEMBER = datetime(2026, 12, 1, tzinfo=UTC)
RULES = TagExemptions(enabled=True, tag="Let-Me", days=2)


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


def test_the_tags_name_is_compared_without_case_and_other_tags_say_nothing() -> None:
    assert tag_text({"env": "prod", "LET-ME": "one"}, RULES) == "one"
    assert tag_text({"env": "*"}, RULES) is None


def test_a_tag_exempts_until_before_its_last_moment_and_only_once_it_was_seen() -> None:
    record = TargetRecord(target=Target(kind=TargetKind.FLEXIBLE_SERVER, id=SERVER), first_seen=DECEMBER)
    tags = {"let-me": "one"}
    assert tag_exemption("one", record, tags, RULES, DECEMBER) is None
    seen = replace(record, exempt_tag=ExemptTag(text="one", first_seen=DECEMBER))
    end = DECEMBER + timedelta(days=2)
    held = tag_exemption("one", seen, tags, RULES, end - timedelta(microseconds=1))
    assert held is not None
    assert held.until == end
    assert tag_exemption("one", seen, tags, RULES, end) is None
