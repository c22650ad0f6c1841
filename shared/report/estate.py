"""An estate as it was seen at one time: every target that was looked at, and what could not be listed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field
from datetime import datetime

from shared.model.results import TargetResult
from shared.model.values import value
from shared.report.pictures.values import Picture


@value
class Seen:
    """One target that was looked at. ``commands`` are those that mend what was found, by the alert's id, in
    the order in which they are pasted."""

    result: TargetResult
    commands: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    exposed: Mapping[str, datetime | None] = field(default_factory=dict)
    """What lets somebody in who should not be, by the alert's id: since when, or None where it was seen once
    and nobody remembers."""
    picture: Picture | None = None
    """Of a target that is not as it should be."""


@value
class Unlisted:
    """A scope of which it is not known whether all of its targets were looked at."""

    scope: str
    reason: str


@value
class Origin:
    """Where what was found comes from, of an estate that is written down: a plan, with its source.

    ``address`` is what the resource is called there. ``line`` is 0 where no file is known; ``edit`` is the
    smallest change there that mends it."""

    address: str = ""
    file: str = ""
    line: int = 0
    edit: str = ""

    @property
    def said(self) -> str:
        place = f"{self.file}:{self.line}" if self.file else ""
        return " ".join(part for part in (place, self.address) if part)


@value
class Estate:
    """What was looked at, in the order of ids. A target that could not be read has an ``error`` and findings
    that are Unknown."""

    taken_at: datetime
    scopes: tuple[str, ...]
    """As they were asked for."""
    seen: tuple[Seen, ...] = ()
    unlisted: tuple[Unlisted, ...] = ()
    origins: Mapping[str, Origin] = field(default_factory=dict)
    """By the alert's id; none of what Azure itself showed."""

    @property
    def results(self) -> list[TargetResult]:
        return [one.result for one in self.seen]

    @property
    def unread(self) -> Iterator[TargetResult]:
        return (one for one in self.results if one.error)
