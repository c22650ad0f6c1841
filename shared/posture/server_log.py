"""Which entries a server writes to its log: the levels of messages, and the least that is written.

For the server's log LOG stands between ERROR and FATAL, otherwise than for clients (PostgreSQL,
``log_min_messages``). What the switches of the log ask for (connections, checkpoints, durations) is
written at level LOG: ``fatal`` and ``panic`` keep all of it out. Azure captures what goes to ``stderr`` or
``csvlog``, the only destinations that it offers, by itself: ``logging_collector`` is off everywhere and says
nothing. Pure.

What must not live here: which entries are wanted, and why.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from shared.model import Finding
from shared.model.parts import ServerParameter
from shared.posture.controls import Control
from shared.posture.server_parameters import Companion, Holds

LOG: Final = "log"
LEAST_WRITTEN: Final = "log_min_messages"
DEFAULT_LEAST: Final = "warning"
LEVELS: Final = (
    *("debug5", "debug4", "debug3", "debug2", "debug1", "info", "notice", "warning"),
    *("error", LOG, "fatal", "panic"),
)
"""As ``log_min_messages`` orders them: each is written with all that follow it."""
_OTHER_NAMES: Final = {"debug": "debug2"}


def is_written(level: str, least: str) -> bool | None:
    """Whether messages of ``level`` reach the log where ``least`` is ``log_min_messages``; None for a level
    that is not known, or where several (``warning,backend:panic``, PostgreSQL 19) say different things."""
    verdicts = {_reaches(_rank(level), _rank(part.rpartition(":")[2])) for part in least.split(",")}
    return verdicts.pop() if len(verdicts) == 1 else None


def _rank(level: str) -> int | None:
    name = level.strip().lower()
    name = _OTHER_NAMES.get(name, name)
    return LEVELS.index(name) if name in LEVELS else None


def _reaches(rank: int | None, least: int | None) -> bool | None:
    return None if rank is None or least is None else rank >= least


WRITTEN: Final = Companion(
    parameter=LEAST_WRITTEN,
    leaves=lambda least: is_written(LOG, least),
    wanted=DEFAULT_LEAST,
    otherwise="entries of level LOG are not written",
)
"""Asked of every switch whose entries have level LOG."""


def met_by_value(asking: Collection[Control], holds: Holds, found: Finding) -> Collection[Control]:
    """The controls that ask for the parameter's value alone, where only a companion keeps it from effect."""
    held = found.evidence.get("parameter")
    if not held or held["isConfigPendingRestart"] or "odd" in held:
        return ()
    value_alone = ServerParameter(name=held["name"], value=held["value"])
    return asking if holds(value_alone) else ()
