"""Which looks a pass asks for, by what it found out: what is urgent, whose turn it is, or everything.

Values in, targets and locators out; nobody is asked here but the memory, how a target was spelled.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from shared.controller.deps import Deps
from shared.model import Locator, Target
from shared.model.sweeping import Listed, PassRecord, Watched
from shared.model.values import value
from shared.state.pass_rows import Noted

Looks: TypeAlias = tuple[Target | Locator, ...]
TURN: Final = timedelta(hours=5)
"""How often everything is looked at; with the time between passes and the pace of looks at most six hours."""
JUST_SEEN: Final = timedelta(minutes=30)
"""Whose turn comes so soon after everything was asked for has had it."""


@value
class Survey:
    """What was found out about a subscription before anything is asked for. Filled as it is found."""

    listed: dict[str, Listed] = field(default_factory=dict)
    touched: dict[str, Target | Locator] = field(default_factory=dict)
    unlisted: list[str] = field(default_factory=list)
    """What could not be listed, and why."""
    untold: list[str] = field(default_factory=list)
    """Why it is not known what was touched."""

    def targets(self) -> Iterator[Target]:
        return (one.what for one in self.listed.values() if isinstance(one.what, Target))


@value
class Choice:
    survey: Survey
    noted: Noted
    watched: tuple[Watched, ...]
    last: PassRecord | None
    deps: Deps

    def needs_all(self, judged_by: str) -> bool:
        """Whether nothing that was told or listed is enough to leave anything out."""
        last = self.last
        if last is None or last.owes_whole or last.judged_by != judged_by:
            return True
        return bool(self.survey.unlisted or self.survey.untold)

    def all(self, but: Looks) -> Looks:
        """Everything else that is listed or remembered, kind after kind in turn: each has its own bucket."""
        there = sorted(self.survey.targets(), key=lambda target: _turn(target.key))
        return self._without(but, [*there, *self._missing()])

    def urgent(self) -> Looks:
        """What may be another than it was, and what every pass looks at; nothing the first time."""
        if self.last is None:
            return ()
        now = self.deps.clock.now()
        attended = (one.target for one in self.watched if one.look_at is not None and one.look_at <= now)
        found = [*self.survey.touched.values(), *self._changed(), *self._missing(), *attended]
        return self._covered([*found, *self._exempt_no_more(self.last.began, now)])

    def turns(self, but: Looks) -> Looks:
        """Whose turn has come since the last pass."""
        assert self.last is not None
        since, now = self.last.began, self.deps.clock.now()
        if self.last.whole_began is not None:
            since = max(since, self.last.whole_began + JUST_SEEN)
        return self._without(but, [one for one in self.survey.targets() if has_turn(one.key, since, now)])

    def _changed(self) -> Iterator[Target | Locator]:
        """What is listed otherwise than in the last pass, or not any more."""
        listed, noted = self.survey.listed, self.noted
        yield from (one.what for key, one in listed.items() if not noted.shows(key, one.digest))
        yield from noted.gone(listed.keys())

    def _without(self, but: Looks, found: Iterable[Target | Locator]) -> Looks:
        asked = {one.key for one in but}
        return self._covered([one for one in found if one.key not in asked])

    def _missing(self) -> Iterator[Target]:
        """What is remembered and not listed, spelled as it was."""
        for one in self.watched:
            if one.target.key not in self.survey.listed:
                yield self.deps.store.recall(one.target, self.deps.clock.now()).target

    def _exempt_no_more(self, began: datetime, now: datetime) -> Iterator[Target]:
        """What an entry of the file exempted that has ended since the last pass."""
        entries = (entry for entry, _ in self.deps.configuration.expired_exemptions(now))
        scopes = [entry.scope for entry in entries if entry.expires > began]
        return (one.target for one in self.watched if any(one.target.id.within(scope) for scope in scopes))

    def _covered(self, found: Iterable[Target | Locator]) -> Looks:
        """Each once, as it is listed now; of targets only those within the scopes."""
        listed = self.survey.listed
        spelled: Mapping[str, Target | Locator] = {
            one.key: listed[one.key].what if one.key in listed else one for one in found
        }
        covers = self.deps.settings.covers
        return tuple(one for one in spelled.values() if isinstance(one, Locator) or covers(one.id))


def _turn(key: str) -> int:
    return int(hashlib.sha256(key.encode()).hexdigest()[:8], 16)


def has_turn(key: str, since: datetime, now: datetime) -> bool:
    """Whether the turn of a target lies behind ``since`` and not behind ``now``. Turns are spread by hash."""
    if now <= since:
        return False
    cycle = TURN.total_seconds()
    at = _turn(key) % cycle
    return (now.timestamp() - at) // cycle > (since.timestamp() - at) // cycle
