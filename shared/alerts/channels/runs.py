"""What the channels share: a text as runs of plain letters and of code, and what is left out to fit.

A command is shown whole or not at all: half a command that is pasted is another one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import zip_longest
from typing import Final, TypeAlias

from shared.alerts.phrases import clip
from shared.model.sections import Section
from shared.model.values import value

Sections: TypeAlias = tuple[Section, ...]

LEFT_OUT: Final = "too long for this channel: the HTTP API shows it"
_SHORT: Final = 300
_ITEMS: Final = (30, 24, 18, 12, 9, 6)
"""So many of a list are tried, one after the other."""
_MORE: Final = re.compile(r"and (\d+) more, in the (?:alert|HTTP API)")
OPEN: Final = "Open"
"""What a link of an item says."""


@value
class Run:
    """Letters of one kind."""

    text: str
    is_code: bool = False


def runs(text: str) -> Iterator[Run]:
    """A line of a section; what stands in backticks is code, and a backtick alone is a letter."""
    parts = text.split("`")
    if len(parts) % 2 == 0:
        parts = [*parts[:-2], f"{parts[-2]}`{parts[-1]}"]
    for number, part in enumerate(parts):
        if part:
            yield Run(text=part, is_code=number % 2 == 1)


def plain(text: str) -> str:
    """The same without any mark-up."""
    return "".join(run.text for run in runs(text))


def plain_text(sections: Sections) -> str:
    """Sections as text that nobody formats."""
    return "\n\n".join(_paragraph(section) for section in sections)


def _paragraph(section: Section) -> str:
    head = " ".join(filter(None, (section.lead, plain(section.text))))
    listed = [f"- {plain(item)} {url}".rstrip() for item, url in linked_items(section)]
    return "\n".join(filter(None, (head, *listed, *section.commands)))


def linked_items(section: Section) -> Iterator[tuple[str, str]]:
    """Each item with where it leads, or ``""``."""
    return zip_longest(section.items, section.urls, fillvalue="")


def text_within(sections: Sections, limit: int) -> str:
    """The same with so much left out that it is no longer than ``limit``."""
    return plain_text(fitted(sections, lambda left: len(plain_text(left)) <= limit))


def fitted(sections: Sections, fits: Callable[[Sections], bool]) -> Sections:
    """The sections with so much left out that they fit; that something is left out is said."""
    fewer = (sections, *(_fewer_items(sections, most) for most in _ITEMS))
    sections = next(filter(fits, fewer), fewer[-1])
    for less in (*_LESS, _first):
        sections = sections if fits(sections) else less(sections)
    while sections and not fits(sections):
        sections = sections[:-1]
    return sections


def _fewer_items(sections: Sections, most: int) -> Sections:
    return tuple(_with_items(section, most) for section in sections)


def _no_items(sections: Sections) -> Sections:
    return tuple(_with_items(section, 0) for section in sections)


def _with_items(section: Section, most: int) -> Section:
    items, left_out = _counted(section.items)
    more = len(items) + left_out - most
    if len(items) <= most:
        return section
    if most == 0:
        return replace(section, items=(), urls=(), text=f"{section.text} {more} lines, {LEFT_OUT}".strip())
    items = (*items[:most], f"and {more} more, in the HTTP API")
    return replace(section, items=items, urls=section.urls[:most])


def _counted(items: tuple[str, ...]) -> tuple[tuple[str, ...], int]:
    """The lines of a list, and how many were left out of it before."""
    found = _MORE.fullmatch(items[-1]) if items else None
    return (items[:-1], int(found[1])) if found else (items, 0)


def _shorter(sections: Sections) -> Sections:
    return tuple(
        replace(
            section,
            text=clip_text(section.text, _SHORT),
            items=tuple(clip_text(item, _SHORT) for item in section.items),
        )
        for section in sections
    )


def without_commands(section: Section) -> Section:
    if not section.commands:
        return section
    return replace(section, commands=(), text=f"{section.text} {LEFT_OUT}".strip())


def _no_commands(sections: Sections) -> Sections:
    return tuple(map(without_commands, sections))


def _first(sections: Sections) -> Sections:
    return (*sections[:4], Section(text=f"The rest is {LEFT_OUT}"))


def _first_items(sections: Sections) -> Sections:
    """What stands first is the gravest of its list, and is said before the whole list is left out."""
    return _fewer_items(sections, 1)


_LESS: Final = (_shorter, _first_items, _no_items, _no_commands)


def clip_text(text: str, limit: int) -> str:
    """No longer than ``limit``; a code span that is cut ends where the text does."""
    cut = clip(text, limit)
    return cut if cut.count("`") % 2 == 0 else cut.replace("`", "'")


def lines(text: str) -> list[str]:
    return [line for line in text.split("\n") if line]
