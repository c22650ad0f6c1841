"""What came of all points and meetings, counted and told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from statistics import median

from shared.model.values import value
from tests.steady.meetings import Meeting, Order, met
from tests.steady.points import Ran, broken, whole
from tests.steady.scenarios import Scenario
from tests.steady.tape import Breaks, Fault


@value
class Tally:
    """The points of one scenario, or the orders of one meeting."""

    name: str
    points: int
    recovered: int
    operations: int
    """How many operations the scenario makes."""
    seconds: tuple[float, ...]
    """How long each recovery took from the death of a worker that had queued a guard."""
    unguarded: tuple[float, ...]
    """The same without one: nothing was done yet that nobody goes on with, and the queue delivers again."""
    late: int
    """Deaths after which only the sweep at the end mended it."""
    faults: tuple[tuple[str, int, str], ...]
    """What was wrong, how often, and where it was first."""

    @property
    def is_whole(self) -> bool:
        return self.recovered == self.points

    def told(self) -> str:
        late = f"  {self.late} by the sweep" if self.late else ""
        parts = f"{_told(self.seconds):>14}{_told(self.unguarded):>14}"
        return f"{self.name:34}{self.operations:6}{self.points:8}{self.recovered:11}{parts}{late}"

    def faults_told(self) -> Iterator[str]:
        for what, times, where in self.faults:
            yield f"    {times:5}  {what}  (first: {where})"


def _told(seconds: tuple[float, ...]) -> str:
    return f"{median(seconds):.0f} / {max(seconds):.0f} s" if seconds else ""


def tally(scenario: Scenario, faults: Iterable[Fault]) -> Tally:
    """Every one of the faults, one after the other."""
    clean = whole(scenario.name)
    ran = [broken(scenario, fault) for fault in faults]
    deaths = [one for one in ran if one.fault.breaks is Breaks.KILLED and not one.fault.meanwhile]
    found = [(wrong, f"{one.fault}: {one.operation.name}") for one in ran for wrong in one.wrongs]
    found += [(wrong, "nothing in the way") for wrong in clean.wrongs]
    return Tally(
        name=scenario.name,
        points=len(ran),
        recovered=sum(not one.wrongs for one in ran),
        operations=len(clean.operations),
        seconds=_recoveries(deaths, guarded=True),
        unguarded=_recoveries(deaths, guarded=False),
        late=sum(one.recovery is None for one in deaths if scenario.is_timed and _is_measured(one)),
        faults=_counted(found),
    )


def _recoveries(deaths: list[Ran], *, guarded: bool) -> tuple[float, ...]:
    return tuple(one.recovery for one in deaths if one.recovery is not None and one.is_guarded is guarded)


def _is_measured(one: Ran) -> bool:
    """The timer's own function is called again when it comes around: nobody waits for that."""
    return not one.operation.is_of_sweep


def tally_meeting(meeting: Meeting, orders: Iterable[Order]) -> Tally:
    """Every one of the orders, one after the other."""
    came = [met(meeting, order) for order in orders]
    return Tally(
        name=meeting.name,
        points=len(came),
        recovered=sum(not one.wrongs for one in came),
        operations=0,
        seconds=(),
        unguarded=(),
        late=0,
        faults=_counted([(wrong, str(one.order)) for one in came for wrong in one.wrongs]),
    )


def _counted(found: list[tuple[str, str]]) -> tuple[tuple[str, int, str], ...]:
    first: dict[str, str] = {}
    for wrong, where in found:
        first.setdefault(wrong, where)
    counted = Counter(wrong for wrong, _ in found)
    return tuple((wrong, times, first[wrong]) for wrong, times in counted.most_common())
