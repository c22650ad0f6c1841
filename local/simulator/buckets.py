"""The buckets that ARM, a provider and Resource Graph count requests by, and what their answers say of them.

ARM refills a bucket for each subscription, caller and kind of request (reads 250, 25 a second; writes and
deletes 200, 10 a second); Private DNS takes 500 reads and Microsoft.Network 10,000 in five minutes; Resource
Graph takes 15 questions of a caller in five seconds (the articles on throttling of Azure Resource Manager and
Resource Graph). A refused request takes nothing. Off unless the switch `throttling` is on. What must not live
here: any type's rules.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final, TypeAlias

from local.simulator.values import ArmError, ArmRequest

FIVE_MINUTES: Final = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How many tokens a bucket holds, and how many come back a second."""

    most: float
    refill: float


@dataclass(slots=True, kw_only=True)
class _Bucket:
    size: Size
    left: float
    at: float

    def fill(self, now: float) -> None:
        self.left = min(self.size.most, self.left + max(0.0, now - self.at) * self.size.refill)
        self.at = max(self.at, now)


_READS: Final = Size(most=250, refill=25)
_WRITES: Final = Size(most=200, refill=10)
_DNS: Final = Size(most=500, refill=500 / FIVE_MINUTES)
_NETWORK: Final = Size(most=10_000, refill=10_000 / FIVE_MINUTES)
_GRAPH: Final = Size(most=15, refill=3)
_KINDS: Final[Mapping[str, tuple[str, Size]]] = {
    "GET": ("reads", _READS),
    "HEAD": ("reads", _READS),
    "DELETE": ("deletes", _WRITES),
}


_CODES: Final = {"graph": "RateLimiting", "subscription-resource-requests": "TooManyRequests"}
"""What is said where a bucket is empty that is not ARM's own."""


@dataclass(slots=True)
class Buckets:
    """All buckets. Callers hold the simulator's lock."""

    refused: int = 0
    taken: int = 0
    _buckets: dict[tuple[str, ...], _Bucket] = field(default_factory=dict)

    def take(self, request: ArmRequest, now: float) -> dict[str, str]:
        """A token of every bucket that the request draws from, and the headers that say what is left. Raises
        429 where one is empty; the others lose nothing then.
        """
        drawn = [(name, self._filled(key, size, now)) for name, key, size in _drawn_from(request)]
        for name, bucket in drawn:
            if bucket.left < 1:
                self.refused += 1
                raise _too_many(name, bucket)
        self.taken += 1
        for _, bucket in drawn:
            bucket.left -= 1
        return {header: text for name, bucket in drawn for header, text in _said(name, bucket)}

    def _filled(self, key: tuple[str, ...], size: Size, now: float) -> _Bucket:
        bucket = self._buckets.setdefault(key, _Bucket(size=size, left=size.most, at=now))
        bucket.fill(now)
        return bucket


_Drawn: TypeAlias = tuple[str, tuple[str, ...], Size]
"""The name in headers, the bucket's own, and its size."""


def _drawn_from(request: ArmRequest) -> list[_Drawn]:
    address, caller = request.address, request.caller.app_id.lower()
    if "microsoft.resourcegraph" in address.path.lower():
        return [("graph", ("graph", caller), _GRAPH)]
    kind, size = _KINDS.get(request.method, ("writes", _WRITES))
    subscription = address.subscription.lower()
    drawn: list[_Drawn] = [(f"subscription-{kind}", (kind, subscription, caller), size)]
    if address.provider.lower() != "microsoft.network" or kind != "reads":
        return drawn
    names = bool(address.segments) and address.segments[0].lower() == "privatednszones"
    provider = ("dns", _DNS) if names else ("network", _NETWORK)
    return [*drawn, ("subscription-resource-requests", (provider[0], subscription), provider[1])]


def _said(name: str, bucket: _Bucket) -> list[tuple[str, str]]:
    left = str(math.floor(bucket.left))
    if name == "graph":
        return [("x-ms-user-quota-remaining", left), ("x-ms-user-quota-resets-after", "00:00:05")]
    return [(f"x-ms-ratelimit-remaining-{name}", left)]


def _too_many(name: str, bucket: _Bucket) -> ArmError:
    wait = max(1, math.ceil((1 - bucket.left) / bucket.size.refill))
    code = _CODES.get(name, "SubscriptionRequestsThrottled")
    headers = {"Retry-After": str(wait)}
    return ArmError(HTTPStatus.TOO_MANY_REQUESTS, code, f"The limit of {name} is reached.", headers=headers)
