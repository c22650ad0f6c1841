"""E-mail: the same message as text and as HTML, in one thread for each alert.

Every mail about an alert refers to one made-up root (RFC 5322, ``References``), so that the end stands below
the beginning. A client that threads by subject alone shows them apart. Nothing is fetched from anywhere.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from html import escape
from typing import Final

from shared.alerts.channels.meaning import about, is_good_news, sections_of
from shared.alerts.channels.runs import OPEN, lines, linked_items, plain_text, runs
from shared.alerts.phrases import clip
from shared.model import Severity
from shared.model.alert_records import Notification
from shared.model.renderings import Mail
from shared.model.sections import Section

SUBJECT: Final = 200
_COLOURS: Final = {Severity.CRITICAL: "#b00020", Severity.HIGH: "#b00020", Severity.MEDIUM: "#8a5a00"}
_FONT: Final = "font-family:Segoe UI,Helvetica,Arial,sans-serif;font-size:14px;line-height:1.45"
_CODE: Final = "font-family:Consolas,Menlo,monospace;font-size:13px"
_BOX: Final = f"{_CODE};white-space:pre-wrap;background:#f4f4f4;padding:8px"


def mail(told: Notification, domain: str) -> Mail:
    """``domain`` is the sender's."""
    root = f"<{_word(about(told))}.driftward@{domain}>"
    headers = {
        "Message-ID": f"<{_word(told.id)}@{domain}>",
        "In-Reply-To": root,
        "References": root,
        "Auto-Submitted": "auto-generated",  # RFC 3834: no answer of a machine is wanted
    }
    if told.severity is Severity.CRITICAL and not is_good_news(told):
        headers["Importance"] = "high"
    return Mail(
        subject=_subject(told.title),
        time=told.time,
        headers=headers,
        text=_text(told),
        html=_html(told),
    )


def _subject(title: str) -> str:
    """One line, and no encoded word of others: what that hides would be read as a header (RFC 2047)."""
    line = " ".join(_encodable(title).split()).replace("=?", "= ?")
    return clip(line, SUBJECT)


def _encodable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def _word(text: str) -> str:
    """A part of a message id: of ours as it is, and of what somebody else has chosen its hash."""
    is_plain = text.isascii() and text.replace("-", "").isalnum()
    return text if is_plain else hashlib.sha256(_encodable(text).encode()).hexdigest()[:32]


def _text(told: Notification) -> str:
    links = [f"{link.label}: {link.url}" for link in told.links]
    return _encodable("\n\n".join([told.title, plain_text(sections_of(told)), *links]) + "\n")


def _html(told: Notification) -> str:
    colour = "#1b6e3c" if is_good_news(told) else _COLOURS.get(told.severity, "#333333")
    page = "\n".join(
        [
            f'<!doctype html><html><body style="{_FONT}">',
            f'<h1 style="font-size:18px;color:{colour}">{escape(told.title)}</h1>',
            *(line for section in sections_of(told) for line in _section(section)),
            *(f'<p><a href="{escape(link.url)}">{escape(link.label)}</a></p>' for link in told.links),
            "</body></html>",
        ]
    )
    return _encodable(page)


def _section(section: Section) -> Iterator[str]:
    lead = f"<strong>{escape(section.lead)}</strong> " if section.lead else ""
    if lead or section.text:
        yield f"<p>{lead}{'<br>'.join(map(_letters, lines(section.text)))}</p>"
    if section.items:
        yield "<ul>" + "".join(_item(item, url) for item, url in linked_items(section)) + "</ul>"
    for command in section.commands:
        yield f'<pre style="{_BOX}">{escape(command)}</pre>'


def _item(item: str, url: str) -> str:
    link = f' <a href="{escape(url)}">{OPEN}</a>' if url else ""
    return f"<li>{_letters(item)}{link}</li>"


def _letters(text: str) -> str:
    return "".join(
        f'<code style="{_CODE}">{escape(run.text)}</code>' if run.is_code else escape(run.text)
        for run in runs(text)
    )
