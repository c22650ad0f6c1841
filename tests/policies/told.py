"""Every command that a finding tells, of every way of every choice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from shared.alerts.commands import is_command
from shared.alerts.steps import choices_told, commands_told
from shared.model import Json


def every_command(evidence: Mapping[str, Json]) -> Iterator[str]:
    yield from commands_told(evidence)
    for choice in choices_told(evidence):
        for way in choice[1:]:
            yield from filter(is_command, way.commands)


_FILLED_IN: Final = {
    "'<GiB, more than now>'": "256",
    "'<first address of its clients>'": "198.51.100.4",
    "'<last address of its clients>'": "198.51.100.9",
}


def filled(command: str) -> str:
    """The command with what azure-cli itself looks at before it asks Azure: numbers and addresses."""
    for blank, known in _FILLED_IN.items():
        command = command.replace(blank, known)
    return command
