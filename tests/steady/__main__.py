"""``python -m tests.steady``: every gap of every scenario, every meeting of two workers, and what came of it.

``--kills`` plays deaths alone, ``--stride 20`` one point of twenty (the same ones in every run), ``--only
TEXT`` the scenarios and meetings with that in their name, ``--meetings`` or ``--points`` one of the two,
``--most 300`` the first points of each. Ends with 1 if anything is off.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator
from itertools import islice
from statistics import median
from typing import TypeVar

from tests.steady.meetings import MEETINGS, Meeting, Order, orders, sampled_orders
from tests.steady.points import kills, points, sampled
from tests.steady.report import Tally, tally, tally_meeting
from tests.steady.scenarios import SCENARIOS, Scenario
from tests.steady.tape import Fault

_One = TypeVar("_One")


def main() -> int:
    wanted = _asked()
    print(f"{'':34}{'oper.':>6}{'points':>8}{'recovered':>11}{'guarded':>14}{'before':>14}")
    played = list(_all(wanted))
    seconds = [second for one in played for second in one.seconds]
    unguarded = [second for one in played for second in one.unguarded]
    print(
        json.dumps(
            {
                "points": sum(one.points for one in played),
                "recovered": sum(one.recovered for one in played),
                "recoverySeconds": _spread(seconds),
                "recoverySecondsBeforeTheGuard": _spread(unguarded),
                "bySweepOnly": sum(one.late for one in played),
            }
        )
    )
    return 0 if all(one.is_whole for one in played) else 1


def _spread(seconds: list[float]) -> dict[str, float] | None:
    return {"median": median(seconds), "max": max(seconds)} if seconds else None


def _all(wanted: argparse.Namespace) -> Iterator[Tally]:
    if not wanted.meetings:
        for scenario in SCENARIOS:
            if wanted.only in scenario.name:
                yield _told(tally(scenario, _first(wanted, _faults(wanted, scenario))))
    if not wanted.points:
        for meeting in MEETINGS:
            if wanted.only in meeting.name:
                yield _told(tally_meeting(meeting, _first(wanted, _orders(wanted, meeting))))


def _faults(wanted: argparse.Namespace, scenario: Scenario) -> Iterator[Fault]:
    if wanted.kills:
        return kills(scenario)
    return sampled(scenario, wanted.stride) if wanted.stride > 1 else points(scenario)


def _orders(wanted: argparse.Namespace, meeting: Meeting) -> Iterator[Order]:
    if wanted.stride > 1:
        return sampled_orders(meeting, wanted.stride)
    return orders(meeting, again_every=0 if wanted.kills else 5)


def _first(wanted: argparse.Namespace, ones: Iterable[_One]) -> Iterator[_One]:
    return islice(ones, wanted.most or None)


def _told(one: Tally) -> Tally:
    print(one.told())
    for line in one.faults_told():
        print(line)
    sys.stdout.flush()
    return one


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.steady", description=__doc__)
    parser.add_argument("--only", default="", metavar="TEXT")
    parser.add_argument("--stride", type=int, default=1)
    parser.add_argument("--most", type=int, default=0)
    parser.add_argument("--kills", action="store_true")
    parser.add_argument("--meetings", action="store_true")
    parser.add_argument("--points", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
