"""Anchors: what is said of every chain at once, each with the hash of the anchor before; and what was known
when the chains began."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime

from shared.model.deeds import Deed
from shared.model.targets import Actor
from shared.model.values import value


@value
class AnchorMark:
    """An anchor by its name and the hash of its text. ``etag`` is the store's."""

    name: str
    hash: str
    sequence: int
    time: datetime
    etag: str | None = None


@value
class Place:
    """Where a chain ends, and in which partition it lies."""

    partition: str
    sequence: int
    hash: str


@value
class Anchor:
    """The ends of all chains at a time, and who the app was to Azure then."""

    sequence: int
    time: datetime
    previous: str
    """The hash of the anchor before; zeros for the first."""
    heads: Mapping[str, Place] = field(default_factory=dict)
    writer: Actor = field(default_factory=Actor)


@value
class Inherited:
    """What was recorded before the chains began, as deeds of the targets (by key) that they belong to."""

    deeds: tuple[tuple[str, Deed], ...] = ()
