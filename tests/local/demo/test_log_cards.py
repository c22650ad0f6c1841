"""A look is told in a few lines: what is not compliant, what was decided, and what came of it."""

from __future__ import annotations

import json
from collections.abc import Mapping

from local.demo.log_cards import card, cards
from shared.model import Json

STAMP = "2026-11-20 09:41:07,250 INFO driftward "
LOOK: dict[str, Json] = {
    "target": "/subscriptions/s/providers/Microsoft.DBforPostgreSQL/flexibleServers/pg-orders",
    "cause": "event",
    "operation": "DBforPostgreSQL/flexibleServers/write",
    "events": 1,
    "actor": "jane.doe",
    "correlationId": "c",
    "findings": {"a-policy": "NonCompliant", "b-policy": "Compliant", "c-policy": "Unknown"},
    "decisions": {"a-policy": "drift: sets public network access to Disabled"},
    "dryRun": True,
    "outcomes": {"a-policy": "WouldRevert", "b-policy": "Compliant", "c-policy": "Skipped"},
    "changes": [],
    "armCalls": 4,
    "durationMs": 1004,
}


def line(**differing: Json) -> str:
    return STAMP + json.dumps(LOOK | differing)


def test_a_look_is_a_card_of_what_is_not_compliant() -> None:
    assert card(line()).splitlines() == [
        "09:41:07  pg-orders  event by jane.doe: DBforPostgreSQL/flexibleServers/write; 4 ARM calls",
        "          a-policy: WouldRevert (drift: sets public network access to Disabled)",
        "          c-policy: Skipped",
    ]


def test_a_compliant_look_is_one_line() -> None:
    compliant: Mapping[str, Json] = {"b-policy": "Compliant"}
    told = card(
        line(findings=compliant, outcomes=compliant, cause="sweep", actor="", operation="", armCalls=1)
    )
    assert told == "09:41:07  pg-orders  compliant; sweep; 1 ARM call"


def test_what_was_reverted_is_told_although_it_is_compliant_now() -> None:
    told = card(line(findings={"a-policy": "Compliant"}, outcomes={"a-policy": "Reverted"}, decisions={}))
    assert told.splitlines()[1:] == ["          a-policy: Reverted"]


def test_long_reasons_are_wrapped_and_names_are_not_broken() -> None:
    told = card(line(decisions={"a-policy": "the reason has many words " * 12}))
    assert max(map(len, told.splitlines()[1:])) <= 100


def test_the_core_tools_stamp_their_lines_in_another_way() -> None:
    assert card(f"[2026-11-20T09:41:07.250Z] {json.dumps(LOOK)}").startswith("09:41:07  pg-orders")
    assert card(json.dumps(LOOK)).startswith("          pg-orders")


def test_an_event_is_a_line_that_says_what_it_came_to() -> None:
    event = {
        "event": "e",
        "operation": "DBforPostgreSQL/flexibleServers/write",
        "cameTo": "asked",
        "asked": ["s"],
    }
    told = card(STAMP + json.dumps(event))
    assert told == "09:41:07  an event, asked: DBforPostgreSQL/flexibleServers/write"


def test_what_is_no_look_stays_as_it_is() -> None:
    for other in (
        f'{STAMP}{{"message": "ignored", "reason": "not ours"}}',
        f'{STAMP}{{"target": "half a line',
        "2026-11-20 09:41:07,250 WARNING local.host queue reconcile cannot be read: gone",
        "Traceback (most recent call last):",
    ):
        assert card(other) == other


def test_invocations_that_went_well_are_left_out() -> None:
    log = [
        "2026-11-20 09:41:07,250 INFO local.host reconcile 07903c57-e7ce-4df2-ae0e-3506b550470a ok 1080 ms",
        "2026-11-20 09:41:07,250 WARNING local.host reconcile 07903c57-e7ce-4df2 failed 12 ms",
    ]
    assert list(cards(log)) == log[1:]
