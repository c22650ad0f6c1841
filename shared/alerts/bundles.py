"""Several things as one message: how many there are, of which severity, and each by its title, id and link.

What stands in a letter is one of them whole; a message of several has no command and no evidence, which a
person asks for by the id. What stands comes before what is over, the gravest first: a channel that cannot
show all leaves out the last, and says how many. Titles have been made harmless where they were written.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Final

from shared.alerts.channels.markdown import markdown
from shared.alerts.channels.meaning import about
from shared.alerts.channels.runs import fitted
from shared.alerts.phrases import at, clip, code
from shared.model import Severity
from shared.model.alert_records import Notification, NotificationType
from shared.model.sections import Section
from shared.model.values import value

BODY: Final = 4_000
"""Characters for channels that have no form of their own: a message to Telegram holds 4,096."""
_TITLE: Final = 200
_ID: Final = 64


class _State(StrEnum):
    """What became of a thing; what people have to look after stands first."""

    OPENED = "Opened"
    UPDATED = "News of what is open"
    ROLLED_BACK = "Rolled back"
    MEANWHILE = "Opened and over meanwhile"
    OVER = "Over"
    CHANGED = "Changes made"


_STANDING: Final = frozenset({_State.OPENED, _State.UPDATED, _State.ROLLED_BACK})
_BY_TYPE: Final = {
    NotificationType.ALERT_OPENED: _State.OPENED,
    NotificationType.ALERT_UPDATED: _State.UPDATED,
    NotificationType.ALERT_RESOLVED: _State.OVER,
    NotificationType.CHANGE_APPLIED: _State.CHANGED,
    NotificationType.CHANGE_ROLLED_BACK: _State.ROLLED_BACK,
}


@value
class _Thing:
    """An alert or a change, as the newest of what there is to tell of it has it."""

    told: Notification
    state: _State
    since: datetime

    @property
    def severity(self) -> Severity:
        return self.told.severity


def bundle(things: Iterable[Sequence[Notification]]) -> Notification:
    """One message of what there is to tell of two things or more, of each in order."""
    known = sorted(map(_thing, things), key=lambda one: (-one.severity.rank, one.told.title, one.told.id))
    gravest = _gravest(known)
    ids = [one.told.id for one in known]
    sections = tuple(_sections(known))
    return Notification(
        id=f"together-{hashlib.sha256(' '.join(sorted(ids)).encode()).hexdigest()[:16]}",
        type=gravest.told.type,
        subject=gravest.told.subject,
        time=max(one.told.time for one in known),
        title=f"[{_head(gravest)}] {_counted(known)}",
        body=markdown(fitted(sections, lambda left: len(markdown(left)) <= BODY)),
        severity=gravest.severity,
        data={"target": gravest.told.data.get("target"), "together": list(ids)},
        sections=sections,
    )


def _thing(news: Sequence[Notification]) -> _Thing:
    last = news[-1]
    state = _BY_TYPE[last.type]
    kinds = {one.type for one in news}
    if state is _State.OVER and NotificationType.ALERT_OPENED in kinds:
        state = _State.MEANWHILE
    elif state is _State.UPDATED and NotificationType.ALERT_OPENED in kinds:
        state = _State.OPENED
    return _Thing(told=last, state=state, since=news[0].time)


def _gravest(known: Sequence[_Thing]) -> _Thing:
    """Of what stands, or of everything where nothing does; ``known`` has the gravest first."""
    return next((one for one in known if one.state in _STANDING), known[0])


def _head(gravest: _Thing) -> str:
    return gravest.severity.value if gravest.state in _STANDING else gravest.state.value


def _counted(known: Sequence[_Thing]) -> str:
    """``30 together: 28 opened, 2 over``."""
    counts = Counter(one.state for one in known)
    parts = [
        f"{counts[state]} {state.value[:1].lower()}{state.value[1:]}" for state in _State if counts[state]
    ]
    return f"{len(known)} together: {', '.join(parts)}"


def _sections(known: Sequence[_Thing]) -> Iterable[Section]:
    counts = Counter(one.severity for one in known)
    grave = ", ".join(f"{counts[severity]} {severity}" for severity in Severity if counts[severity])
    first, last = min(one.since for one in known), max(one.told.time for one in known)
    yield Section(lead="Together:", text=f"{grave}, from {at(first)} to {at(last)}.")
    for state in sorted(_State, key=lambda state: _rank(known, state)):
        if found := [one for one in known if one.state is state]:
            yield Section(
                lead=f"{state.value}:",
                items=tuple(map(_line, found)),
                urls=tuple(map(_url, found)),
            )
    yield Section(
        lead="Each by itself:",
        text="evidence, decision and command with `driftward alert show ID`, of a change with "
        "`driftward change show ID`, or from the HTTP API.",
    )


def _rank(known: Sequence[_Thing], state: _State) -> tuple[bool, int]:
    """What stands goes before what is over, the gravest first: what does not fit is cut at the end."""
    if state not in _STANDING:
        return True, 0
    return False, -max((one.severity.rank for one in known if one.state is state), default=0)


def _line(thing: _Thing) -> str:
    return f"{clip(thing.told.title, _TITLE)} {code(about(thing.told)[:_ID])}"


def _url(thing: _Thing) -> str:
    return next((link.url for link in thing.told.links), "")
