"""Events by a queue instead of a call: for apps that Event Grid cannot reach.

Event Grid then writes each event into the queue ``events`` of the app's own storage account, by its system
topic's identity, and the host fetches it. The functions that read the queue are there only where the
setting says so: a queue that is polled for nothing costs operations all day.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from shared.model.errors import ConfigurationError

SETTING: Final = "EVENTS_QUEUE"
QUEUE: Final = "events"
"""The only value of the setting, and the queue's name."""


def events_come_by_queue(environment: Mapping[str, str]) -> bool:
    """Whether the queue is read. A value that is no meant one reads none here: indexing the app must not
    fail, and the settings, read later, refuse it (``is_by_queue``)."""
    return _named(environment.get(SETTING, "")) == QUEUE


def is_by_queue(text: str) -> bool:
    """Whether the text names the queue; raises ``ConfigurationError`` for another name than its own."""
    if _named(text) not in {"", QUEUE}:
        raise ConfigurationError(f"{SETTING}: {text!r} is neither empty nor {QUEUE}")
    return bool(_named(text))


def _named(text: str) -> str:
    return text.strip().lower()
