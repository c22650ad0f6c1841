"""Commands as a person pastes them: over several lines, with placeholders for what nobody told."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from typing import Final

from shared.model.resource_id import ResourceId

NOWHERE: Final = "00000000-0000-0000-0000-000000000000"
"""The subscription in ids of what a document names without one."""
_UNKNOWN: Final = "unknown"
NAMELESS: Final = "nsg"
"""What an NSG is called that no document names."""
"""What an NSG is called that no document names."""
_LINE: Final = 74


def command_lines(command: str, group: ResourceId) -> Iterator[str]:
    """A command over several lines of a shell, with placeholders for what no document told."""
    words = list(_with_placeholders(shlex.split(command), group))
    line = ""
    for phrase in _phrases(words):
        if line and len(line) + len(phrase) > _LINE:
            yield f"{line} \\"
            line = f"    {phrase}"
        else:
            line = f"{line} {phrase}" if line else phrase
    yield line


def _with_placeholders(words: Sequence[str], group: ResourceId) -> Iterator[str]:
    told = iter(words)
    for word in told:
        if word == "--subscription" and group.subscription == NOWHERE:
            next(told)
        elif word == "--resource-group" and group.resource_group == _UNKNOWN:
            next(told)
            yield from (word, "<resource-group>")
        elif word == "--nsg-name" and group.subscription == NOWHERE and group.name == NAMELESS:
            next(told)
            yield from (word, "<nsg>")
        else:
            yield word


def _phrases(words: Sequence[str]) -> Iterator[str]:
    """The command itself, then each option with its values."""
    phrase: list[str] = []
    for word in words:
        if word.startswith("--") and phrase:
            yield " ".join(phrase)
            phrase = []
        phrase.append(shlex.quote(word))
    yield " ".join(phrase)
