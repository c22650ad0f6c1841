"""An attack as a value: what stands there, what is written when, what counts as exposed, what came of it.

A schedule is pure: it says at which second who writes; each write says what becomes of what is there then.
Nothing here knows a clock or an Azure; ``stage`` plays it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, TypeAlias

from shared.model import Actor, Severity, Snapshot
from shared.model.alert_records import NotificationType
from shared.model.resource_id import ResourceId
from shared.model.values import value
from tests.fakes import SOMEBODY

if TYPE_CHECKING:
    from tests.adversary.stage import Stage

Becomes: TypeAlias = Callable[[Snapshot | None], Snapshot | None]
"""What becomes of what is there. The very same object: nothing is written; None: it is deleted."""


@value
class Write:
    """One write to Azure, and the event that tells of it."""

    target: ResourceId
    becomes: Becomes
    operation: str
    subject: ResourceId
    """What the event names: the target, or a child of it."""
    actor: Actor = SOMEBODY
    event: bool = True
    """Whether an event tells of it; none does before an operation has ended."""
    at_second: float | None = None
    """When it happened, as the event claims; None: when it did."""


@value
class Operate:
    """What somebody does to Driftward itself: an operator's call, a blob in its storage account."""

    does: Callable[[Stage], object]


Deed: TypeAlias = Write | Operate


@value
class Step:
    """``at`` is in seconds since the attack began."""

    at: float
    deed: Deed


@value
class Attack:
    """Somebody's way to keep a database open, or to have Driftward open one."""

    name: str
    """As figures name it."""
    seeds: tuple[Snapshot, ...]
    policies: tuple[str, ...]
    """Those that are on; all others are off, because the attack does not touch them."""
    steps: Callable[[float], Iterator[Step]]
    """The schedule, in order of time, for an attack of so many seconds."""
    exposed: Callable[[Snapshot], bool]
    """Whether what is really there lets somebody in who should not be."""
    about: tuple[str, ...] = ()
    """Policies of which a message counts as one about the exposure; none: any that is on."""
    provable: bool = True
    """Whether a revert can be proved, so that it has to come."""
    severity: Severity = Severity.HIGH
    counts_from: float = 0.0
    """Exposure before this second is somebody's stated decision."""
    file: str = ""
    """More of ``policies.yaml``."""
    operation_seconds: float = 15.0
    """How long a write of ours to a server takes."""
    longest: float = 360.0
    """Seconds that an opening may last where a revert is provable."""
    messages_an_hour: float = 2.0
    """How many messages it may cause in the long run, beside a dozen at its beginning."""
    may_write: bool = True
    """Whether a write of ours can be right at all."""
    is_fight: bool = False
    """Whether it opens again what was shut, so that the pauses between our writes have to grow."""
    latency: float = 0.0
    """Within how many seconds an event arrives."""
    short_hours: float = 2.0
    """What shows in this time what it does in a day."""


@value
class Told:
    """A message as a sink got it."""

    at: float
    type: NotificationType
    title: str
    policy: str
    target: str
    """The target's key."""


@value
class Exposure:
    """How one target was exposed."""

    open_seconds: float = 0.0
    openings: int = 0
    longest: float = 0.0
    """The longest time at a stretch in which somebody could have shut it."""
    last: float = 0.0
    """From the last opening until it was shut, or to the end, in the same way."""
    first_message: float | None = None
    """Seconds of exposure before the first message about it; None: there was none."""
    first_message_after: float | None = None
    """Seconds by the clock since the first opening."""

    @property
    def untold(self) -> float:
        """Seconds of exposure before the first message; all of them where there was none."""
        return self.open_seconds if self.first_message is None else self.first_message


@value
class Wrote:
    """A write of ours."""

    at: float
    target: str
    kind: str


@value
class Figures:
    """What came of a play."""

    seconds: float
    exposures: Mapping[str, Exposure]
    writes: tuple[Wrote, ...]
    messages: tuple[Told, ...]
    collisions: int
    """Writes of others that met one of ours on its way, and got a busy answer."""
    refused: int
    """Writes of ours that met an operation of others."""

    @property
    def exposed_share(self) -> float:
        """Of the target that was exposed longest."""
        return max((one.open_seconds for one in self.exposures.values()), default=0.0) / self.seconds

    @property
    def untold(self) -> float:
        return max((one.untold for one in self.exposures.values()), default=0.0)

    @property
    def last(self) -> float:
        return max((one.last for one in self.exposures.values()), default=0.0)

    @property
    def longest(self) -> float:
        return max((one.longest for one in self.exposures.values()), default=0.0)

    def writes_to(self, target: ResourceId) -> list[float]:
        return [write.at for write in self.writes if write.target == target.key]
