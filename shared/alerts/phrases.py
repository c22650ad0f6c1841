"""Words of strangers made harmless, and everything that is said in one line: times, lists, evidence.

Names chosen by strangers (rules, actors, descriptions) appear in messages, so every such text is made one
line and loses the characters that could format a message or forge a link; what a chat would make a mention, a
link or a hidden passage of by itself is taken apart by a character that nobody sees; and every list is cut to
what fits on a screen.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from shared.model import Json
from shared.model.sections import Section

_LINE_LIMIT: Final = 300
_EVIDENCE_LINES: Final = 20
ITEMS_SHOWN: Final = 6


def evidence_lines(evidence: Mapping[str, Json]) -> list[str]:
    """Evidence as short lines; a part that is absent (None) is left out, the rest is counted."""
    lines = [line for name, part in evidence.items() for line in _evidence(_words(name), part)]
    more = len(lines) - _EVIDENCE_LINES
    return [*lines[:_EVIDENCE_LINES], f"and {more} more, in the alert"] if more > 0 else lines


def _evidence(label: str, part: Json) -> list[str]:
    if part is None:
        return []
    if isinstance(part, Mapping):
        return [line for name, inner in part.items() for line in _evidence(f"{label}, {_words(name)}", inner)]
    return [clip(f"{label}: {_shown(part)}")]


def _shown(part: Json) -> str:
    if isinstance(part, bool):
        return "yes" if part else "no"
    if isinstance(part, Mapping):
        return _shown_object({name: inner for name, inner in part.items() if inner is not None})
    if isinstance(part, list | tuple):
        return _few_shown([_shown(item) for item in part])
    return code(part) if isinstance(part, str) else str(part)


def _shown_object(part: dict[str, Json]) -> str:
    """``office (203.0.113.4–203.0.113.9)`` for a firewall rule, ``name (key value, …)`` for others."""
    head = f"{code(str(part.pop('name')))} " if "name" in part else ""
    if {"startIpAddress", "endIpAddress"} <= part.keys():
        return f"{head}({clean(str(part['startIpAddress']))}–{clean(str(part['endIpAddress']))})"
    return f"{head}({', '.join(f'{_words(name)} {_shown(inner)}' for name, inner in part.items())})"


def few(texts: Sequence[str]) -> str:
    """The first of many, and how many more there are; ``none`` for none."""
    return _few_shown([clean(text) for text in texts])


def _few_shown(texts: Sequence[str]) -> str:
    more = len(texts) - ITEMS_SHOWN
    return (", ".join(texts[:ITEMS_SHOWN]) or "none") + (f" and {more} more" if more > 0 else "")


def _words(name: str) -> str:
    """``losesAccess`` -> ``loses access``."""
    return clean(re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)).lower()


def sentence(text: str) -> str:
    """With a capital and a full stop, and every resource id in it whole."""
    said = clean_with_ids(text)
    return said[:1].upper() + said[1:] + ("" if said.endswith((".", "…")) else ".")


_STEP_LIMIT: Final = 2000


def step_sentence(text: str) -> str:
    """The same of a step, which is said whole: the end of it is to be done as well."""
    said = clip(_harmless(text), _STEP_LIMIT)
    return said[:1].upper() + said[1:] + ("" if said.endswith((".", "…")) else ".")


_FORMATTING: Final = str.maketrans({"`": "'", "[": "(", "]": ")", "<": "(", ">": ")"})


def clean(text: str, prefix: str = "") -> str:
    """One line without characters that format a message, make a link or mention somebody."""
    return clip(prefix + _harmless(text))


JOINER: Final = "\u2060"
"""U+2060 WORD JOINER: nothing to the eye, and no part of a name or a link to a chat."""

_COMES_ALIVE: Final = re.compile(
    r"(?<![\w.+-])@(?=\w)|@(?=(?:everyone|here|channel|all)\b)"  # mentions; an address of e-mail is none
    r"|:(?=//)|\bwww(?=\.)|\bmailto(?=:)"
    r"|([*_~|])(?=\1)",  # strong, struck out, hidden on Discord
    re.IGNORECASE,
)


def _harmless(text: str) -> str:
    if not text.isprintable():
        text = "".join(char if char.isprintable() or char == JOINER else " " for char in text)
    return _COMES_ALIVE.sub(lambda found: found[0] + JOINER, text.translate(_FORMATTING)).strip()


_RESOURCE_ID: Final = re.compile(r"/(?:subscriptions|providers)/(?:[^\s'\",;()|]|\([^\s()]*\))+")
"""Names of resource groups may hold parentheses."""
_IDS_KEPT: Final = 3


def clean_with_ids(text: str) -> str:
    """The same, and where it is cut with the last ids that are lost: Azure names what matters, the locked
    scope or the policy assignment, at the end."""
    whole, said = _harmless(text), clean(text)
    there = set(_ids(said))
    lost = [one for one in _ids(whole) if one not in there]
    return f"{said} (it names {', '.join(map(clip, lost[-_IDS_KEPT:]))})" if lost else said


def _ids(text: str) -> list[str]:
    """The resource ids of a text, in order, each once."""
    return list(dict.fromkeys(found.rstrip(".:…") for found in _RESOURCE_ID.findall(text)))


def code(text: str) -> str:
    """A text as Markdown shows code."""
    return f"`{clean(text)}`"


def clip(text: str, limit: int = _LINE_LIMIT) -> str:
    """No longer than a line may be."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def at(time: datetime) -> str:
    """``2026-01-31 18:00:00 UTC``."""
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def times(count: int) -> str:
    """``once``, ``2 times``."""
    return "once" if count == 1 else f"{count} times"


def duration(span: timedelta) -> str:
    """``2 d 3 h``, ``3 h 5 min``, ``5 min``."""
    minutes = max(0, round(span.total_seconds() / 60))
    days, hours = minutes // 1440, minutes % 1440 // 60
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes % 60} min" if hours else f"{minutes} min"


_COMMANDS_LIMIT: Final = 4000


def fenced(lead: str, text: str, commands: Sequence[str]) -> list[Section]:
    """Commands below what is said of them; nothing for no commands."""
    if not commands:
        return []
    if sum(len(command) for command in commands) > _COMMANDS_LIMIT:
        return [Section(lead=lead, text=f"{text} too long for a message, the HTTP API shows it".strip())]
    return [Section(lead=lead, text=text, commands=tuple(commands))]


def section(lead: str, items: Iterable[str]) -> list[Section]:
    """A list below its lead; nothing for no items."""
    listed = tuple(items)
    return [Section(lead=lead, items=listed)] if listed else []
