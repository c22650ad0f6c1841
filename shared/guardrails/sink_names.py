"""How ``policies.yaml`` names sinks, and what kind each is: chat or mail, the topic, or a thing for machines.

A sink's name is its place, its kind and a short hash: ``1 slack#5f0c21``, ``2 mailtos://mail.example.com#0a1b``.
"""

from __future__ import annotations

import re
from typing import Final

TOPIC: Final = "eventgrid"
ONE_BY_ONE: Final = frozenset({TOPIC, "pagerduty", "opsgenie", "json", "xml", "form"})
"""Kinds, without their ``s``, that know each alert by a key of its own: it is told there by itself."""

_NAME: Final = re.compile(r"(?:(?P<number>\d+) )?(?P<kind>[^:#]*)")


def kind_of(sink: str) -> str:
    """``slack``, ``mailtos``."""
    found = _NAME.match(sink)
    return found["kind"].lower() if found is not None else ""


def is_named(sink: str, name: str) -> bool:
    """``slack``, ``1`` or the whole name; ``mailto`` and ``mailtos`` are one kind."""
    found = _NAME.match(sink)
    number = found["number"] if found is not None else None
    return name in (sink, number) or without_s(name.lower()) == without_s(kind_of(sink))


def is_talk(sink: str) -> bool:
    """Whether it is a chat or mail, where several things may be one message."""
    return without_s(kind_of(sink)) in _TALK


def without_s(kind: str) -> str:
    """A kind and its secure form are one."""
    return kind.rstrip("s")


_TALK: Final = frozenset(
    map(
        without_s,
        (
            *("slack", "workflows", "mailtos", "discord", "gchat", "mmosts", "rockets", "matrixs", "zulip"),
            *("webex", "wxteams", "tgram", "nctalks", "guilded", "ryver", "flock", "twist", "revolt", "ircs"),
            *("xmpp", "dingtalk", "feishu", "lark", "wecombot", "brevo", "mailersend", "mailgun", "postmark"),
            *("resend", "sendgrid", "sendpulse", "smtp2go", "sparkpost"),
        ),
    )
)
"""Kinds in which people read one message after the other: apprise's chats and mail."""
