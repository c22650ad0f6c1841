"""Slack: blocks of rich text, in which no letter formats, links or mentions.

Slack cuts nothing and answers 400: a header holds 150 characters, a text 3,000, a message 50 blocks, and all
of them together about 13,000 (github.com/slackapi/bolt-js/issues/2509). ``text`` is what a notification
shows; there alone ``&``, ``<`` and ``>`` mean something.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final

from shared.alerts.channels.meaning import sections_of
from shared.alerts.channels.runs import (
    OPEN,
    Run,
    Sections,
    clip_text,
    fitted,
    linked_items,
    runs,
    without_commands,
)
from shared.alerts.phrases import clip
from shared.model import Json
from shared.model.alert_records import Notification
from shared.model.sections import Section

LIMIT: Final = 12_000
"""Characters of all blocks."""
BLOCKS: Final = 50
HEADER: Final = 150
TEXT: Final = 3_000

_ENTITIES: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


def slack_message(told: Notification) -> dict[str, Json]:
    """What is posted, without a channel."""
    sections = tuple(map(_within_a_text, sections_of(told)))
    return _message(told, fitted(sections, lambda left: _fits(_message(told, left))))


def _fits(message: dict[str, Json]) -> bool:
    blocks = message["blocks"]
    return len(blocks) <= BLOCKS and len(json.dumps(blocks, ensure_ascii=False)) <= LIMIT


def _within_a_text(section: Section) -> Section:
    """Every element within what a text may hold; a longer command is not shown."""
    section = section if all(len(one) <= TEXT for one in section.commands) else without_commands(section)
    return Section(
        lead=clip(section.lead, HEADER),
        text=clip_text(section.text, TEXT - HEADER),
        items=tuple(clip_text(item, TEXT) for item in section.items),
        commands=section.commands,
        urls=section.urls,
    )


def _message(told: Notification, sections: Sections) -> dict[str, Json]:
    header = {
        "type": "header",
        "text": {"type": "plain_text", "text": clip(told.title, HEADER), "emoji": False},
    }
    blocks = [header, *map(_block, sections), *([_links(told)] if told.links else [])]
    return {"text": clip(told.title, TEXT // 2).translate(_ENTITIES), "blocks": blocks}


def _block(section: Section) -> Json:
    return {"type": "rich_text", "elements": list(_elements(section))}


def _elements(section: Section) -> Iterator[Json]:
    lead: list[Json] = []
    if section.lead:
        lead = [{"type": "text", "text": f"{section.lead} ", "style": {"bold": True}}]
    if head := [*lead, *map(_run, runs(section.text))]:
        yield {"type": "rich_text_section", "elements": head}
    if section.items:
        items = [_line(item, url) for item, url in linked_items(section)]
        yield {"type": "rich_text_list", "style": "bullet", "elements": items}
    for command in section.commands:
        yield {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": command}]}


def _line(item: str, url: str) -> Json:
    letters: list[Json] = list(map(_run, runs(item)))
    link: list[Json] = [_run(Run(text=" ")), {"type": "link", "url": url, "text": OPEN}] if url else []
    return {"type": "rich_text_section", "elements": [*letters, *link]}


def _run(run: Run) -> Json:
    letters: dict[str, Json] = {"type": "text", "text": run.text}
    return {**letters, "style": {"code": True}} if run.is_code else letters


def _links(told: Notification) -> Json:
    shown: list[Json] = []
    for link in told.links:
        shown += [{"type": "text", "text": " · "}] if shown else []
        shown.append({"type": "link", "url": link.url, "text": link.label})
    return {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": shown}]}
