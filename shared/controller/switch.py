"""Whether writes are switched off, asked at most once in a look: all policies get the same answer.

One that refused while another wrote would leave behind what no policy alone would: a firewall rule that went
dormant under closed public access, and cannot be deleted any more. Just before an edit is sent the switch
is read again, for that edit alone (``before_edits``): whoever throws it in the middle of a look is heeded. A
switch that cannot be read means no writes, and is asked for again soon.
"""

from __future__ import annotations

from typing import Final

from shared.controller.deps import Deps
from shared.guardrails.question import BreakGlass
from shared.model.errors import StoreError

ASKED_AGAIN: Final = 30.0
"""Seconds after which a switch is read again that could not be read."""


class Switch:
    """Break-glass for a subscription, as it is when it is first asked for."""

    def __init__(self, subscription: str, deps: Deps) -> None:
        self._subscription = subscription
        self._deps = deps
        self._said: BreakGlass | None = None

    @property
    def says(self) -> BreakGlass:
        """No ``cached_property``, which before Python 3.12 holds a lock that all looks of a process share."""
        if self._said is None:
            self._said = self._asked()
        return self._said

    def _asked(self) -> BreakGlass:
        try:
            on = self._deps.store.break_glass(
                self._subscription, self._deps.settings.scopes, self._deps.clock.now()
            )
        except StoreError:
            return BreakGlass.UNREADABLE
        return BreakGlass.ON if on else BreakGlass.OFF
