"""Sections as Markdown that reads well as plain text: for every channel that has no form of its own."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from shared.alerts.channels.runs import OPEN, linked_items
from shared.model.sections import Section

_BREAK: Final = "  \n"
"""A line break that Markdown keeps."""


def markdown(sections: Iterable[Section]) -> str:
    return "\n\n".join(map(_section, sections))


def _section(section: Section) -> str:
    return "\n\n".join(part for part in _parts(section) if part)


def _parts(section: Section) -> Iterator[str]:
    lead = f"**{section.lead}**" if section.lead else ""
    yield " ".join(filter(None, (lead, section.text.replace("\n", _BREAK))))
    yield "\n".join(f"- {item}{_link(url)}" for item, url in linked_items(section))
    yield _fenced(section.commands) if section.commands else ""


def _link(url: str) -> str:
    """A name may hold parentheses, which would end the address."""
    return f" [{OPEN}]({url.replace('(', '%28').replace(')', '%29')})" if url else ""


def _fenced(commands: Sequence[str]) -> str:
    """A block that none of the commands can end."""
    fence = "`" * max(3, 1 + max(_longest_run(command) for command in commands))
    return "\n".join([fence, *commands, fence])


def _longest_run(text: str) -> int:
    """Of backticks: a fence must be longer than any inside it."""
    return max((len(run) for run in re.findall(r"`+", text)), default=0)
