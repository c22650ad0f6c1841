"""What Azure does to us: one call in five goes wrong, in every way that we know, and some writes fail late.

Operators are spared: what they meant to do stands in the recording. Pure, but for `inject`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random
from typing import Final

from local.chaos.landscape import Place, PlaceKind
from local.simulator.client import SimulatorClient
from local.simulator.values import JsonObject
from shared.adapters.arm.session.tokens import LOCAL_IDENTITY
from shared.model.values import value

_ALWAYS: Final = 1_000_000
_SHARE: Final = 0.2

LATE: Final = (
    "InternalServerError",
    "ServerIsBusy",
    "ServerBusy",
    "AnotherOperationInProgress",
    "RetryableError",
    "RetryableErrorDueToAnotherOperation",
    "CanceledAndSupersededDueToAnotherOperation",
    "ReferencedResourceNotProvisioned",
    "SecurityRuleConflict",
    "PreconditionFailed",
    "OperationTimedOut",
    "Canceled",
    "ServerStoppedError",
    "ScopeLocked",
    "RequestDisallowedByPolicy",
    "AuthorizationFailed",
    "InvalidParameterValue",
    "SomethingNobodyKnows",
)
"""The codes with which an operation ends that had been accepted: each that the gateway tells apart, and one
that it cannot know."""
_OF_ANY_CALL: Final[tuple[JsonObject, ...]] = (
    {"status": 429, "code": "SubscriptionRequestsThrottled", "headers": {"Retry-After": "1"}},
    {"status": 500, "code": "InternalServerError"},
    {"status": 502, "code": "BadGateway"},
    {"status": 503, "code": "ServiceUnavailable", "headers": {"Retry-After": "1"}},
    {"status": 504, "code": "GatewayTimeout"},
    {"status": 408, "code": "RequestTimeout"},
    {"drop": True},
    {"hang": 2},
)
_OF_WRITES: Final[tuple[JsonObject, ...]] = (
    {"status": 409, "code": "ServerIsBusy"},
    {"status": 409, "emptyCode": True},
    {"status": 409, "code": "AnotherOperationInProgress"},
    {"status": 429, "code": "RetryableError", "headers": {"Retry-After": "2"}},
    {"status": 412, "code": "PreconditionFailed"},
)
_WRITES: Final = ("PATCH", "PUT", "DELETE")


@value
class Fault:
    """One rule of the simulator's: which calls of ours it hits, how often, and what happens then."""

    then: JsonObject
    method: str = ""
    path_contains: str = ""
    times: int = _ALWAYS
    chance: float = 1.0


def faults(standing: Sequence[Place], seed: int) -> Iterator[Fault]:
    """The faults of a run. Some servers are closed to us for a while (403), once each so many times."""
    chance = Random(seed)
    servers = [place for place in standing if place.kind is not PlaceKind.SUBNET]
    for place in chance.sample(servers, max(1, len(servers) // 20)):
        denied: JsonObject = {"status": 403, "code": "AuthorizationFailed"}
        yield Fault(then=denied, method="GET", path_contains=place.id, times=4)
    for then in _OF_ANY_CALL:
        yield Fault(then=then, chance=_SHARE / len(_OF_ANY_CALL))
    for method in _WRITES:
        for then in _OF_WRITES:
            yield Fault(then=then, method=method, chance=_SHARE / 2 / len(_OF_WRITES))
        for code in LATE:
            late: JsonObject = {"operationFails": {"code": code, "message": f"It failed late: {code}."}}
            yield Fault(then=late, method=method, chance=_SHARE / 2 / len(LATE))


def inject(azure: SimulatorClient, listed: Iterator[Fault]) -> None:
    """Have them happen from now on, to Driftward alone."""
    for fault in listed:
        azure.fault(
            fault.then,
            method=fault.method,
            path_contains=fault.path_contains,
            app_id=LOCAL_IDENTITY.app_id or "",
            times=fault.times,
            chance=fault.chance,
        )
