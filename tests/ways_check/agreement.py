"""On what a verdict differs from what every completion says; told with the one that refutes it."""

from __future__ import annotations

from pprint import pformat

from shared.posture.ways.answers import State
from tests.ways_check.completions import Made
from tests.ways_check.walk import tried
from tests.ways_check.worlds import Case


def right(case: Case) -> State:
    """What is so in every completion; unknown where they differ."""
    return _among(tried(case.world, case.client))


def difference(case: Case, given: State) -> str:
    """What is wrong with the verdict; ``""`` where it agrees.

    No *stands* and no *blocked* that a completion refutes; no *unknown* where all agree, unless rules or
    routes name tags, of which the verdict may know less.
    """
    found = tried(case.world, case.client)
    known = _among(found)
    if given is known or (given is State.UNKNOWN and case.tags):
        return ""
    told = f"seed {case.seed}: verdict {given}, the walk says {known}"
    return "\n".join([told, _refuting(found, given), described(case)])


def _among(found: dict[bool, Made]) -> State:
    if len(found) > 1:
        return State.UNKNOWN
    return State.STANDS if True in found else State.BLOCKED


def _refuting(found: dict[bool, Made], given: State) -> str:
    """The completions that show it: the one against the verdict, or else one as good as all others."""
    against = {State.STANDS: False, State.BLOCKED: True}.get(given)
    shown = found if against is None else {against: found[against]}
    return "\n".join(f"connects {arrives}: {pformat(dict(made))}" for arrives, made in shown.items())


def described(case: Case) -> str:
    return f"hidden: {case.hidden}, tags: {case.tags}\n{pformat(case.client)}\n{pformat(case.world)}"
