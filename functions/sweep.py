"""The timer: ask for a look at everything, whatever events said or failed to say.

The schedule stands in the binding as a value, not as ``%SWEEP_SCHEDULE%``: the host refuses to start a
function whose setting is absent, and ours has a default.
"""

from __future__ import annotations

import os

import azure.functions as func

from functions.blueprint import blueprint
from shared.config.sweep_schedule import DEFAULT, NAME, usable_schedule

bp = blueprint()


def schedule() -> str:
    """``SWEEP_SCHEDULE`` or its default. A schedule that cannot be meant would keep the host from ever
    calling; by the default it calls, and what is called refuses the settings as every other function does."""
    return usable_schedule(os.environ.get(NAME, "").strip() or DEFAULT)


@bp.timer_trigger(arg_name="timer", schedule=schedule(), run_on_startup=False, use_monitor=True)
def sweep(timer: func.TimerRequest) -> None:  # noqa: ARG001  # the engine wants the trigger's parameter
    """Enumerate the scopes and queue a look at every target."""
    from shared.controller.sweep import sweep as ask_everywhere
    from shared.wiring import deps

    ask_everywhere(deps())
