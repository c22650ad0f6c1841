"""What a pass of the sweep works with: what lists show, what is remembered of them, and the looks that it
spreads.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from shared.model.targets import Locator, Target
from shared.model.values import value

SLOWEST: Final = 3600.0
"""No pass leaves more seconds between two of its looks."""


@value
class Listed:
    """A target, or what targets are found from, as its provider's list shows it now."""

    what: Target | Locator
    digest: str
    """Of its body as the list has it: another one means that it was written since."""


@value
class Touched:
    """A resource that somebody or something may have changed."""

    resource: str
    """Its id as Azure wrote it, or that of what hangs on it."""
    operation: str
    """As events say it (``Microsoft.X/y/write``); ``""`` where nobody says what was done."""


@value
class Watched:
    """A remembered target, without what is remembered of it."""

    target: Target
    look_at: datetime | None
    """From when on every pass looks at it; None where nothing but a change or its turn is a reason."""


@value
class Spread:
    """Looks that a pass asks for, so many seconds from one to the next: meanwhile ARM's buckets fill."""

    targets: tuple[Target, ...] = ()
    locators: tuple[Locator, ...] = ()
    first_at: datetime
    seconds: float

    @property
    def is_sane(self) -> bool:
        """Whether each of its looks has a time; a body of another's making may name any number."""
        return self.first_at.tzinfo is not None and 0 <= self.seconds <= SLOWEST


@value
class PassRecord:
    """The last pass over a subscription. ``etag`` is the store's."""

    began: datetime
    """When the timer asked for it: what was changed before then and told in time was seen by it."""
    judged_by: str = ""
    """What judged (see ``Deps.judged_by``); the next pass looks at everything where another does."""
    spread_until: datetime
    """When the last of its looks is due."""
    whole_began: datetime | None = None
    """When everything was last asked for."""
    whole_until: datetime | None = None
    """When the last look is due of the last pass that asked for all of them."""
    owes_whole: bool = False
    """Whether everything was to be looked at once more, while looks at everything were still due."""
    targets: int | None = None
    """How many it found; None in what was written before this was kept."""
    failed: str = ""
    """What could not be listed, and why."""
    etag: str | None = None
