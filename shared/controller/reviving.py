"""What the platform gave up is asked anew: the storage or ARM was away, and else only the sweep would ask.

A look is armed again after a pause that grows; after the last of them the sweep goes on asking. A check
follows a change that is on its way, and goes on as it was. An operator's run was told that it failed: it is
not carried out later, behind its operator's back, but its target is looked at as an event would have it. A
part of a pass is asked for again as it is: the passes that follow leave out what it names. A pass, a fan-out
and a notification are not asked anew: the timer asks for the next pass, a fan-out has failed in sight of
somebody, a notification has pauses of its own.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from shared.controller.deps import Deps
from shared.model.messages import Message, MessageKind

PAUSES: Final = (30.0, 120.0, 480.0, 1800.0)
"""Seconds before it is asked for the first, second, … time."""


def ask_anew(message: Message, deps: Deps) -> None:
    """Ask again for what a message asked that was given up. Raises ``StoreError``."""
    if is_left(message):
        return
    pause = PAUSES[message.revived]
    match message.kind:
        case MessageKind.LOOK | MessageKind.RECHECK:
            deps.store.arm(_plain_look(message), deps.clock.now(), pause)
        case MessageKind.CHECK | MessageKind.SPREAD:
            deps.store.send(replace(message, attempt=0, revived=message.revived + 1), pause)
        case MessageKind.SCOPE | MessageKind.NOTIFY | MessageKind.SWEEP:
            return


def is_left(message: Message) -> bool:
    """Whether it was asked anew so often that it is no more."""
    return message.revived >= len(PAUSES)


def _plain_look(message: Message) -> Message:
    return Message(
        kind=MessageKind.LOOK,
        target=message.target,
        locator=message.locator,
        cause=message.cause,
        revived=message.revived + 1,
    )
