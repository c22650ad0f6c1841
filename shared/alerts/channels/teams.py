"""Teams: an Adaptive Card for a Workflows web hook, of text that no Markdown is read in.

A ``TextBlock`` reads Markdown and a ``TextRun`` does not (learn.microsoft.com/microsoftteams/platform/
task-modules-and-cards/cards/cards-format), so everything is a ``RichTextBlock``, which version 1.2 has, and
mobile clients may stop at that. A web hook takes 28 KB; messages above 21 KB were refused.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final

from shared.alerts.channels.meaning import is_good_news, sections_of
from shared.alerts.channels.runs import OPEN, Run, Sections, fitted, lines, linked_items, runs
from shared.alerts.phrases import clip
from shared.model import Json, Severity
from shared.model.alert_records import Notification
from shared.model.sections import Section

LIMIT: Final = 20_000
"""Bytes of a message."""

_TITLE: Final = 300
_COLOURS: Final = {Severity.CRITICAL: "Attention", Severity.HIGH: "Attention", Severity.MEDIUM: "Warning"}


def teams_message(told: Notification) -> dict[str, Json]:
    """What is posted to the web hook."""
    return _message(told, fitted(sections_of(told), lambda left: size(_message(told, left)) <= LIMIT))


def size(message: Json) -> int:
    """Bytes, as it is posted."""
    return len(json.dumps(message).encode())


def _message(told: Notification, sections: Sections) -> dict[str, Json]:
    card: dict[str, Json] = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.2",
        "msteams": {"width": "Full"},
        "fallbackText": clip(told.title, _TITLE),
        "body": [_title(told), *(block for section in sections for block in _blocks(section))],
        "actions": [{"type": "Action.OpenUrl", "title": one.label, "url": one.url} for one in told.links],
    }
    return {
        "type": "message",
        "attachments": [
            {
                "contentType": "application/vnd.microsoft.card.adaptive",
                "contentUrl": None,
                "content": card,
            }
        ],
    }


def _title(told: Notification) -> Json:
    colour = "Good" if is_good_news(told) else _COLOURS.get(told.severity, "Default")
    run = {"type": "TextRun", "text": clip(told.title, _TITLE), "weight": "Bolder", "size": "Medium"}
    return {"type": "RichTextBlock", "inlines": [{**run, "color": colour}]}


def _blocks(section: Section) -> Iterator[Json]:
    first, *others = lines(section.text) or [""]
    lead = [{"type": "TextRun", "text": f"{section.lead} ", "weight": "Bolder"}] if section.lead else []
    if head := [*lead, *map(_run, runs(first))]:
        yield _block(head, spacing="Medium")
    for line in others:
        yield _block(list(map(_run, runs(line))))
    for item, url in linked_items(section):
        yield _block([_run(Run(text="• ")), *map(_run, runs(item)), *_open(url)])
    for command in section.commands:
        yield _block([_run(Run(text=command, is_code=True))])


def _open(url: str) -> list[dict[str, Json]]:
    """Letters that lead somewhere (``TextRun.selectAction``, version 1.2)."""
    if not url:
        return []
    return [
        _run(Run(text=" ")),
        {**_run(Run(text=OPEN)), "selectAction": {"type": "Action.OpenUrl", "url": url}},
    ]


def _block(inlines: list[dict[str, Json]], spacing: str = "None") -> Json:
    return {"type": "RichTextBlock", "spacing": spacing, "inlines": inlines}


def _run(run: Run) -> dict[str, Json]:
    letters: dict[str, Json] = {"type": "TextRun", "text": run.text}
    return {**letters, "fontType": "Monospace"} if run.is_code else letters
