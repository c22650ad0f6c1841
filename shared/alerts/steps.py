"""What a policy tells a person to do, read from a finding's ``whatToDo`` (``shared.posture.steps``).

``commands_told`` are the commands to paste, in order; of a choice those of its first, safe way alone.
``choices_told`` are the choices whole, for whom the first way does not fit. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from shared.alerts.commands import at_endpoint, is_command
from shared.model import Json, ServerSnapshot, Snapshot, TargetKind
from shared.model.alert_records import Alternative
from shared.posture.server_findings import az

WHAT_TO_DO: Final = "whatToDo"
"""Evidence that holds the steps."""
ENDS_ON_NEW_SERVER: Final = "endsOnNewServer"
"""Evidence that the remedy makes a new server and leaves this one as it is."""

_FLEXIBLE: Final = "az postgres flexible-server "
_MAKES_ANOTHER: Final = (f"{_FLEXIBLE}restore ", f"{_FLEXIBLE}replica create ")


def steps_told(evidence: Mapping[str, Json]) -> tuple[Json, ...]:
    """The steps in order: texts, and choices as ``{"oneOf": […]}``."""
    told = evidence.get(WHAT_TO_DO) or ()
    return tuple(told) if isinstance(told, list | tuple) else (told,)


def texts_told(evidence: Mapping[str, Json]) -> tuple[str, ...]:
    """The steps as texts; of a choice its first way's."""
    return tuple(text for step in steps_told(evidence) for text in _texts(step))


def commands_told(evidence: Mapping[str, Json]) -> tuple[str, ...]:
    return tuple(filter(is_command, texts_told(evidence)))


def started_first(snapshot: Snapshot, commands: tuple[str, ...]) -> tuple[str, ...]:
    """A server that somebody stopped refuses changes of itself, so it is started before them."""
    if not (isinstance(snapshot, ServerSnapshot) and _is_stopped(snapshot)):
        return commands
    start = az(snapshot, "start", "")
    return (start, *commands) if any(_changes(snapshot, command) for command in commands) else commands


def ways_started_first(snapshot: Snapshot, evidence: Mapping[str, Json]) -> Mapping[str, Json]:
    """The same of the other ways of a choice, each of which is pasted by itself."""
    if not choices_told(evidence):
        return evidence
    return {**evidence, WHAT_TO_DO: [_started(snapshot, step) for step in steps_told(evidence)]}


def _started(snapshot: Snapshot, step: Json) -> Json:
    if not isinstance(step, Mapping):
        return step
    first, *others = step["oneOf"]
    started = [{**way, "steps": list(started_first(snapshot, tuple(way["steps"])))} for way in others]
    return {"oneOf": [first, *started]}


def _is_stopped(server: ServerSnapshot) -> bool:
    return server.kind is TargetKind.FLEXIBLE_SERVER and server.state_text.lower() == "stopped"


def _changes(server: ServerSnapshot, command: str) -> bool:
    """Whether the command writes the server itself: another one is made from a stopped server's backups."""
    if command.startswith(_MAKES_ANOTHER):
        return False
    return command.startswith((_FLEXIBLE, "az rest ")) and server.id.name in command


def choices_told(evidence: Mapping[str, Json]) -> tuple[tuple[Alternative, ...], ...]:
    """Every choice, its ways in order, the safe one first."""
    return tuple(_alternatives(step["oneOf"]) for step in steps_told(evidence) if isinstance(step, Mapping))


def with_steps_of(newest: Mapping[str, Json], evidence: Mapping[str, Json]) -> Mapping[str, Json]:
    """The evidence with the steps that another tells, or with none."""
    kept = {name: part for name, part in evidence.items() if name != WHAT_TO_DO}
    return {**kept, **({WHAT_TO_DO: newest[WHAT_TO_DO]} if WHAT_TO_DO in newest else {})}


def resolved(evidence: Mapping[str, Json], endpoint: str, audience: str = "") -> Mapping[str, Json]:
    """The evidence with its steps as they can be pasted: policies do not know where ARM is."""
    steps = steps_told(evidence)
    if not steps:
        return evidence
    found = [_resolved(step, endpoint, audience) for step in steps]
    one = isinstance(evidence[WHAT_TO_DO], str)
    return {**evidence, WHAT_TO_DO: found[0] if one else found}


def _texts(step: Json) -> tuple[str, ...]:
    if isinstance(step, Mapping):
        return tuple(step["oneOf"][0]["steps"])
    return (str(step),)


def _alternatives(ways: list[Json]) -> tuple[Alternative, ...]:
    return tuple(
        Alternative(
            when=way["when"],
            commands=tuple(filter(is_command, way["steps"])),
            advice=tuple(step for step in way["steps"] if not is_command(step)),
            in_commands=number == 0,
        )
        for number, way in enumerate(ways)
    )


def _resolved(step: Json, endpoint: str, audience: str) -> Json:
    if not isinstance(step, Mapping):
        return at_endpoint(str(step), endpoint, audience)
    return {"oneOf": [_resolved_way(way, endpoint, audience) for way in step["oneOf"]]}


def _resolved_way(way: Json, endpoint: str, audience: str) -> Json:
    return {**way, "steps": [at_endpoint(step, endpoint, audience) for step in way["steps"]]}
