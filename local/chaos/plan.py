"""How much chaos: the sizes of a run, and what follows from them. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from shared.model.values import value


@value
class Plan:
    """One run. Times are seconds; ``rate`` is operator writes per second, at most: people
    wait while the hosts are behind (``backlog``).

    An outage of the storage is a stop (``storage_stop``: refused connections, then the same disk again) and a
    pause (``storage_pause``: connections that hang). ``queue_lease`` stands for the ten minutes for which
    Azure hides a message whose host was killed, ``sink_outage`` for the hour in which nobody takes a
    notification: the run's clock is faster by so much.
    """

    events: int
    hosts: int
    kills: int
    servers: int
    groups: int
    rate: float
    seed: int = 1
    rollbacks: int = 0
    """How often somebody undoes a change of ours, and exempts what it was about."""
    storage_stop: float = 0.0
    storage_pause: float = 0.0
    sink_outage: float = 0.0
    operation_seconds: float = 0.3
    queue_lease: int = 30
    calm: float = 5.0
    """For so long nothing may happen until the queues count as quiet."""
    patience: float = 1800.0
    """For so long quiet is waited for while something moves; what moves no longer is stuck much sooner."""


QUICK: Final = Plan(
    events=9,
    hosts=1,
    kills=1,
    servers=3,
    groups=1,
    rate=1.5,
    sink_outage=3,
    queue_lease=4,
    calm=2,
    patience=900,
)
MINUTES: Final = Plan(
    events=150,
    hosts=2,
    kills=4,
    rollbacks=3,
    servers=20,
    groups=6,
    rate=3,
    storage_stop=4,
    storage_pause=3,
    sink_outage=20,
    queue_lease=15,
    calm=6,
    patience=1800,
)
FULL: Final = Plan(
    events=5000,
    hosts=3,
    kills=50,
    rollbacks=30,
    servers=200,
    groups=60,
    rate=6.5,
    storage_stop=20,
    storage_pause=15,
    sink_outage=300,
    operation_seconds=1.0,
    queue_lease=60,
    calm=15,
    patience=3600,
)
SIZES: Final = {"quick": QUICK, "minutes": MINUTES, "full": FULL}


def sized(size: str, **chosen: int | None) -> Plan:
    """The plan of a size, but for what was chosen (``seed``, ``events``, ``hosts``, ``kills``)."""
    return replace(SIZES[size], **{name: number for name, number in chosen.items() if number is not None})
