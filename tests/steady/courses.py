"""What is right of scenarios whose course depends on when things happen.

A worker that dies costs time, and in that time others go on: five openings of a hole may be answered by two
reverts, and an outage may be over before the fifth delivery. So the clean run alone does not say how such a
scenario has to end; what the world went through does. Where nothing was in the way, a course expects exactly
the clean end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Final

from shared.alerts.patterns import POISONED
from shared.guardrails.repeating import MOMENT, PAUSES
from shared.model import Outcome
from shared.model.alert_records import NotificationType
from shared.model.change_records import ChangeRecord
from shared.model.values import value
from tests.steady.ends import End, Thing
from tests.steady.plant import Plant, Sent

ROUNDS: Final = 3
"""Reverts of the same within a day, after which the next one waits and people hear of a fight."""

_OPENED: Final = NotificationType.ALERT_OPENED


@value
class Course:
    """``end`` is the end that is right after what the world went through, by the clean one; ``wrongs`` tells
    what is wrong of the way there."""

    end: Callable[[Plant, End], End] = lambda _, clean: clean
    wrongs: Callable[[Plant], Iterator[str]] = lambda _: iter(())


# --- how often it was reverted ---------------------------------------------------------------------


def _answered(plant: Plant, clean: End) -> End:
    """Each write of ours is one change that stood until a reading saw it, unless somebody was faster."""
    ((drift, _),) = clean.made.items()
    overtaken = {change.sent_at for change in _overtaken(plant)}
    return replace(clean, made={drift: sum(sent.at not in overtaken for sent in _rounds(plant))})


def _rounds(plant: Plant) -> list[Sent]:
    """What was sent: once for all that others had written by then."""
    return list({sent.written: sent for sent in plant.sent}.values())


def _overtaken(plant: Plant) -> list[ChangeRecord]:
    return [one for one in plant.store.changes() if one.outcome is Outcome.CONFLICTED and one.sent_at]


def _without(told: frozenset[Thing], policy: str) -> frozenset[Thing]:
    return told - {one for one in told if one[:2] == (_OPENED, policy)}


# --- a fight ---------------------------------------------------------------------------------------


def _fought(plant: Plant, clean: End) -> End:
    """People hear of a fight where a revert was kept waiting; where it came late for another reason, there
    was nothing to hear."""
    is_told = any(pause <= PAUSES[0] + MOMENT for pause in _pauses(plant))
    clean = _answered(plant, clean)
    ((_, policy), *_) = ((kind, policy) for kind, policy, _ in clean.told if kind == _OPENED)
    return clean if is_told else replace(clean, told=_without(clean.told, policy))


def _pauses(plant: Plant) -> list[timedelta]:
    """Before each revert that goes on with a fight; since the one before was claimed: whoever goes on for a
    worker that died sends it later than that."""
    claimed = {change.sent_at: change.created_at for change in plant.store.changes()}
    rounds = _rounds(plant)[ROUNDS - 1 :]
    return [after.at - claimed.get(before.at, before.at) for before, after in pairwise(rounds)]


def _unfair(plant: Plant) -> Iterator[str]:
    for change in _overtaken(plant):
        began, over = change.sent_at or change.created_at, change.finished_at or change.created_at
        if not any(began <= time <= over for time in plant.written_at):
            yield "a change ended as overtaken, and nobody wrote"
    if any(pause < PAUSES[0] for pause in _pauses(plant)):
        yield "a fight went on without a pause"


FIGHT: Final = Course(end=_fought, wrongs=_unfair)


# --- an outage -------------------------------------------------------------------------------------


def _given_up(plant: Plant, clean: End) -> End:
    """People hear of a message that was given up, and of none that was only late."""
    clean = _answered(plant, clean)
    return clean if plant.given_up else replace(clean, told=_without(clean.told, POISONED))


def _cried_wolf(plant: Plant) -> Iterator[str]:
    poisoned = any(one.data.get("policy") == POISONED for one in plant.delivered)
    if poisoned and not plant.given_up:
        yield "people were told of a message that nobody gave up"


OUTAGE: Final = Course(end=_given_up, wrongs=_cried_wolf)
