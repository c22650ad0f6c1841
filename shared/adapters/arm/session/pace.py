"""How fast a process may ask ARM: slower before a bucket is empty, and not at all until the wall has passed.

ARM fills one bucket of tokens for each subscription, region, identity and kind of request, and names what is
left of it in every answer; a provider (Private DNS) counts beside it, and Resource Graph by the user. All
runs of a process share one ``Pace``; other processes empty the same buckets, which the next answer tells.
Where a bucket is nearly empty a request waits for its refill, and keeps ``reserve`` of it for whoever is more
urgent. A 429 is a wall for what it was said to: for the whole bucket where ARM said it, and for the one kind
of resource where its provider did, so that one part that is throttled for ever does not stop all others.

Sources: "Understand how Azure Resource Manager throttles requests" (buckets, headers, the code of ARM's
own 429), "Guidance for throttled requests in Azure Resource Graph". What must not live here: sleeping.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from threading import Lock
from typing import Final

from shared.adapters.arm.session.errors import retry_after
from shared.model.errors import Throttled
from shared.model.values import value

RESERVE: Final = 20.0
"""Tokens of a bucket that even a look at an event leaves to those who write."""
SWEEP_RESERVE: Final = 100.0
"""What a sweep leaves to the looks at events: two fifths of ARM's bucket of 250 reads."""
PROVIDER_SHARE: Final = 0.2
"""How much of a reserve is kept of a provider's own bucket, which may be as small as 500 in five minutes."""
SHORTEST_WALL: Final = 1.0
"""Seconds to wait after a 429 that names no time."""

_ARMS_OWN: Final = frozenset({"subscriptionrequeststhrottled", "tenantrequeststhrottled"})
_KINDS: Final[Mapping[str, str]] = {"GET": "reads", "HEAD": "reads", "DELETE": "deletes"}
_REFILL: Final[Mapping[str, float]] = {"reads": 25.0, "writes": 10.0, "deletes": 10.0}
"""Tokens a second of ARM's buckets for a subscription or tenant; the global ones have 15 times as many."""
_PROVIDERS: Final = ("resource-requests", "resource-entities-read")
_PROVIDER_REFILL: Final = 500 / 300
"""Of Private DNS, the smallest: 500 reads in five minutes."""
_REMAINING: Final = "x-ms-ratelimit-remaining-"
_GRAPH: Final = "providers/microsoft.resourcegraph/"
_QUOTA: Final = "x-ms-user-quota-remaining"


@value
class Place:
    """Which buckets a request draws from."""

    subscription: str
    """In lower case; ``""`` where the request names none."""
    kind: str
    """``reads``, ``writes`` or ``deletes``; ``graph`` for a question to Resource Graph."""
    type: str = ""
    """The type of the resource asked for, in lower case."""


@value
class _Level:
    """What an answer said was left, and when."""

    left: float
    refill: float
    at: datetime

    def now(self, time: datetime) -> float:
        return self.left + self.refill * max(0.0, (time - self.at).total_seconds())

    def wait(self, time: datetime, reserve: float) -> float:
        return max(0.0, (reserve - self.now(time)) / self.refill)


class Pace:
    """What is known of the buckets. Safe for several threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._levels: dict[tuple[str, str], _Level] = {}
        self._walls: dict[Place, datetime] = {}

    def wait(self, method: str, path: str, now: datetime, reserve: float = RESERVE) -> float:
        """Seconds until the request should be sent; 0.0 for at once. A write waits for walls alone: what was
        proved before it does not get better by waiting."""
        place = place_of(method, path)
        with self._lock:
            walls = (self._walls.get(wall) for wall in (place, _bucket(place)))
            waits = [(until - now).total_seconds() for until in walls if until is not None]
            if place.kind in ("reads", "graph"):
                waits += self._below(place, now, reserve)
        return max(0.0, *waits, 0.0)

    def left(self, subscription: str, now: datetime, kind: str = "reads") -> float | None:
        """What is left of ARM's bucket of a subscription for a kind of request; None where no answer told."""
        with self._lock:
            level = self._levels.get((subscription.lower(), f"subscription-{kind}"))
        return None if level is None else level.now(now)

    def note(self, method: str, path: str, headers: Mapping[str, str], now: datetime) -> None:
        """Take in what an answer says of the buckets it was drawn from."""
        place = place_of(method, path)
        lowered = {name.lower(): text for name, text in headers.items()}
        with self._lock:
            for name, text in lowered.items():
                if name.startswith(_REMAINING) and text.strip().isdecimal():
                    self._fill(place, name.removeprefix(_REMAINING), float(text), now)
            if lowered.get(_QUOTA) == "0":
                self._walls[_bucket(place)] = now + timedelta(
                    seconds=retry_after(headers, now) or SHORTEST_WALL
                )

    def refused(self, method: str, path: str, error: Throttled, now: datetime) -> None:
        """Take in a 429: nothing of that sort is asked before the time that it names."""
        place = place_of(method, path)
        wall = _bucket(place) if error.code.lower() in _ARMS_OWN else place
        seconds = SHORTEST_WALL if error.retry_after is None else error.retry_after
        with self._lock:
            self._walls[wall] = now + timedelta(seconds=seconds)

    def _below(self, place: Place, now: datetime, reserve: float) -> list[float]:
        """The waits for the buckets that hold less than the reserve."""
        own = [
            (place.subscription, f"subscription-{place.kind}"),
            (place.subscription, f"tenant-{place.kind}"),
        ]
        own += [(place.subscription, f"subscription-global-{place.kind}")]
        waits = [self._levels[key].wait(now, reserve) for key in own if key in self._levels]
        provider = f"{place.subscription} {_namespace(place)}"
        counted = [self._levels.get((provider, f"subscription-{name}")) for name in _PROVIDERS]
        return waits + [level.wait(now, reserve * PROVIDER_SHARE) for level in counted if level is not None]

    def _fill(self, place: Place, name: str, left: float, now: datetime) -> None:
        if name.removeprefix("subscription-") in _PROVIDERS:
            key, refill = f"{place.subscription} {_namespace(place)}", _PROVIDER_REFILL
        else:
            key, refill = place.subscription, _REFILL.get(name.rpartition("-")[2], 0.0)
            refill *= 15 if "-global-" in name else 1
        if refill:
            self._levels[key, name] = _Level(left=left, refill=refill, at=now)


def place_of(method: str, path: str) -> Place:
    """Where a request draws from, by its method and its path."""
    parts = path.lower().strip("/").split("/")
    subscription = parts[1] if len(parts) > 1 and parts[0] == "subscriptions" else ""
    if _GRAPH in path.lower():
        return Place(subscription="", kind="graph")
    return Place(subscription=subscription, kind=_KINDS.get(method.upper(), "writes"), type=_type_in(parts))


def _type_in(parts: list[str]) -> str:
    """``microsoft.network/virtualnetworks/subnets``: the last provider's, without names."""
    if "providers" not in parts:
        return ""
    named = parts[len(parts) - parts[::-1].index("providers") :]
    return "/".join([*named[:1], *named[1::2]])


def _namespace(place: Place) -> str:
    return place.type.partition("/")[0]


def _bucket(place: Place) -> Place:
    return Place(subscription=place.subscription, kind=place.kind)
