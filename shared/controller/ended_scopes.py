"""What the sweep does for exemptions that people gave: those that stand are told, and those that are over go.

Who gave one, or ended it, may have died before people were told. One that has ended by its time is told as
any other is (``ended_exemptions``), and what it covered is looked at; its row goes last.
"""

from __future__ import annotations

from contextlib import suppress

from shared.controller.deps import Deps
from shared.controller.ended_exemptions import tell_of_end
from shared.controller.exemptions import of_scope
from shared.controller.giving_exemptions import covered, look_there, no_more, tell_of_given
from shared.model import Cause
from shared.model.errors import EntityChanged
from shared.model.scope_exemptions import ScopeExemption


def look_after_given(cause: Cause, deps: Deps) -> None:
    """Do what is left to do for each of them."""
    for given in deps.store.exemptions.all():
        with suppress(EntityChanged):  # somebody gives or ends it now: the next sweep finds the rest
            _look_after(given, cause, deps)


def _look_after(given: ScopeExemption, cause: Cause, deps: Deps) -> None:
    if given.stands(deps.clock.now()):
        tell_of_given(given, cause, deps)
        return
    there = covered(given, deps)
    if given.ended_at is None and there:
        tell_of_end(of_scope(given), there[0].target, cause, deps)
    no_more(given, "the exemption has ended", deps)
    look_there(given, cause, deps)
    deps.store.exemptions.remove(given)
