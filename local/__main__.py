"""`python -m local …`: what a developer's laptop does, and the commands of `driftward` under their old names.

A command's module is imported when it is called, as in ``driftward.cli``.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Final

import click

from driftward.cli import COMMANDS, SETTINGS, LazyGroup, Place, run

_NAME: Final = "python -m local"
_COMMANDS: Final[Mapping[str, Place]] = {
    **COMMANDS,
    "new-policy": Place(
        "local.dev.new_policy",
        "new_policy",
        "write a policy, its scenario and its snapshots, to be filled in",
    ),
}


@click.group(cls=LazyGroup, places=_COMMANDS, context_settings=SETTINGS)
def local() -> None:
    """Driftward on your own machine."""


@local.command("demo", short_help="an operator drifts a simulated subscription, Driftward answers")
def run_demo() -> int:
    """An operator drifts a simulated subscription, and Driftward answers.

    Exit codes: 0 all end states are as expected; 1 one is not; 2 the set-up failed.
    """
    from local.demo.story import demo

    return demo()


@local.command("up", short_help="simulator, storage emulator and host, until Ctrl-C")
def run_up() -> int:
    """Simulator, storage emulator and host, until Ctrl-C.

    Exit codes: 0 ended by Ctrl-C; 1 the host ended by itself; 2 the set-up failed.
    """
    from local.demo.up import up

    return up()


def main(argv: Sequence[str] | None = None) -> int:
    """`python -m local …`; returns the exit code."""
    return run(local, argv, _NAME)


if __name__ == "__main__":
    sys.exit(main())
