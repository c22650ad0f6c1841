"""The doctor: whether an installation has what it needs, each thing that is missing by name, with its remedy.

It looks, and writes nothing but one row of the store, which it deletes; a test message goes to the sinks only
when that is asked for. What stands in the way of one check leaves the others: without usable settings there
is nothing to ask Azure with, and that alone is told.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Protocol

from shared.controller.doctor import app_side, azure_side
from shared.controller.doctor.checks import Asked, Check, Installation, Report, State, Verdict, verdict_of
from shared.model.errors import ConfigurationError, GatewayError, StoreError

__all__ = ["Asked", "Check", "Installation", "Report", "State", "Verdict", "examine"]


class Look(Protocol):
    __name__: str

    def __call__(self, installation: Installation, asked: Asked, /) -> Iterator[Check]: ...


_CHECKS: Final[tuple[Look, ...]] = (
    app_side.policies,
    app_side.store,
    app_side.sinks,
    azure_side.identity,
    azure_side.arm,
    azure_side.scopes,
    azure_side.events,
    azure_side.sign_in,
)


def examine(installation: Installation, asked: Asked) -> Report:
    """Everything, in the order in which it is needed."""
    found = _looked(app_side.settings, installation, asked)
    if found[0].state is State.OK:
        found += [check for look in _CHECKS for check in _looked(look, installation, asked)]
    return Report(verdict=verdict_of(found), checks=tuple(found))


def _looked(look: Look, installation: Installation, asked: Asked) -> list[Check]:
    """What a check says; what keeps it from saying anything is not known for that reason."""
    try:
        return [*look(installation, asked)]
    except (ConfigurationError, GatewayError, StoreError) as error:
        return [Check(name=look.__name__, state=State.UNKNOWN, said=str(error))]
