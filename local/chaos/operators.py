"""Who writes what: a list of deeds from a seed (pure), and its performance against the simulated ARM.

People open and shut, twice as often wrong as right; they write tags and rules that harm nobody between it,
and now and then delete a server. What Azure refused them is no deed; what it did is told by its own log.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import Final

from local.chaos.landscape import LOGS, Place, PlaceKind
from local.simulator import seeds
from local.simulator.client import Actor, ArmCallFailed, SimulatorClient
from local.simulator.values import JsonObject, as_object
from shared.model.values import value

_PORTAL: Final = "c44b4083-3bb0-49c1-b47d-974e53cbdf3c"
PEOPLE: Final = tuple(
    Actor(app_id=_PORTAL, object_id=f"6b0f2d54-1d3b-4b57-9a0e-3f2a5f0c200{number}", name=name, upn=upn)
    for number, (name, upn) in enumerate(
        [
            ("Jane Doe", "jane@shop.example"),
            ("Ravi Patel", "ravi@shop.example"),
            ("Mei Lin", "mei@shop.example"),
        ]
    )
)
HANDS: Final = 6
"""So many people write at the same time."""
_TRIES: Final = 4
_REMOVED: Final = 0.01
"""The part of the deeds at public servers that deletes the server."""


@value
class Deed:
    """One write of an operator."""

    target: str
    method: str
    path: str
    body: JsonObject | None = None
    actor: Actor


@value
class Done:
    """What became of a deed: ``status`` is ARM's, 0 where there was no answer at all."""

    deed: Deed
    at: float
    status: int


def deeds(standing: Sequence[Place], count: int, seed: int) -> list[Deed]:
    """So many deeds, the same for the same seed; none at a server after it was deleted."""
    chance, gone = Random(seed), set[str]()
    found: list[Deed] = []
    while len(found) < count:
        place = chance.choice([place for place in standing if place.id not in gone])
        if place.kind is PlaceKind.PUBLIC and chance.random() < _REMOVED and len(gone) < len(standing) // 20:
            gone.add(place.id)
            found.append(Deed(target=place.id, method="DELETE", path=place.id, actor=chance.choice(PEOPLE)))
        else:
            found.extend(_written(place, chance))
    return found[:count]


def _written(place: Place, chance: Random) -> Iterator[Deed]:
    actor = chance.choice(PEOPLE)
    for method, path, body in _KINDS[place.kind](place, chance):
        yield Deed(target=place.id, method=method, path=path, body=body, actor=actor)


_Call = tuple[str, str, JsonObject | None]


def _at_private(place: Place, chance: Random) -> list[_Call]:
    match chance.choices(("open", "shut", "both", "common"), (30, 15, 10, 45))[0]:
        case "open":
            return [_access(place, "Enabled")]
        case "shut":
            return [_access(place, "Disabled")]
        case "both":
            return [_access(place, "Enabled"), _rule(place, "all-azure", "0.0.0.0", "0.0.0.0")]
        case _:
            return _at_any(place, chance)


def _at_public(place: Place, chance: Random) -> list[_Call]:
    match chance.choices(("azure", "everybody", "undone", "harmless", "common"), (20, 15, 15, 5, 45))[0]:
        case "azure":
            return [_rule(place, "all-azure", "0.0.0.0", "0.0.0.0")]
        case "everybody":
            return [_rule(place, "everybody", "0.0.0.0", "255.255.255.255")]
        case "undone":
            name = chance.choice(("all-azure", "everybody"))
            return [("DELETE", f"{place.id}/firewallRules/{name}", None)]
        case "harmless":
            return [_rule(place, "partner", "198.51.100.7", "198.51.100.7")]
        case _:
            return _at_any(place, chance)


def _at_any(place: Place, chance: Random) -> list[_Call]:
    match chance.choices(("log", "tls", "tags"), (25, 10, 10))[0]:
        case "log":
            return [_parameter(place, chance.choice(list(LOGS)), chance.choice(("off", "off", "on")))]
        case "tls":
            return [_parameter(place, "require_secure_transport", chance.choice(("off", "on")))]
        case _:
            return [("PATCH", place.id, {"tags": {"run": str(chance.randrange(1000))}})]


def _at_subnet(place: Place, chance: Random) -> list[_Call]:
    match chance.choices(("deny", "undeny", "expose", "shut", "harmless"), (30, 15, 15, 15, 25))[0]:
        case "deny":
            return [_security_rule(place, "deny-all", seeds.security_rule(name="", priority=1000))]
        case "undeny":
            return [("DELETE", f"{place.group}/securityRules/deny-all", None)]
        case "expose":
            ports: JsonObject = {"protocol": "Tcp", "destinationPortRange": "5432"}
            rule = seeds.security_rule(name="", priority=900, access="Allow", properties=ports)
            return [_security_rule(place, "let-in", rule)]
        case "shut":
            return [("DELETE", f"{place.group}/securityRules/let-in", None)]
        case _:
            apart: JsonObject = {"protocol": "Tcp", "destinationPortRange": str(8000 + chance.randrange(100))}
            rule = seeds.security_rule(name="", priority=2000, access="Deny", properties=apart)
            return [_security_rule(place, "no-web", rule)]


_KINDS: Final[dict[PlaceKind, Callable[[Place, Random], list[_Call]]]] = {
    PlaceKind.PRIVATE: _at_private,
    PlaceKind.PUBLIC: _at_public,
    PlaceKind.SUBNET: _at_subnet,
}


def _access(place: Place, access: str) -> _Call:
    return "PATCH", place.id, {"properties": {"network": {"publicNetworkAccess": access}}}


def _rule(place: Place, name: str, first: str, last: str) -> _Call:
    body: JsonObject = {"properties": {"startIpAddress": first, "endIpAddress": last}}
    return "PUT", f"{place.id}/firewallRules/{name}", body


def _parameter(place: Place, name: str, text: str) -> _Call:
    body: JsonObject = {"properties": {"value": text, "source": "user-override"}}
    return "PUT", f"{place.id}/configurations/{name}", body


def _security_rule(place: Place, name: str, rule: JsonObject) -> _Call:
    body: JsonObject = {"properties": as_object(rule["properties"])}
    return "PUT", f"{place.group}/securityRules/{name}", body


# --- performing ------------------------------------------------------------------------------------


class Operators:
    """Performs deeds at a rate, from threads of its own, until all are done. ``done`` grows meanwhile.

    While ``must_wait`` says so nobody begins anything.
    """

    def __init__(self, url: str, listed: Sequence[Deed], rate: float, must_wait: Callable[[], bool]) -> None:
        self.done: list[Done] = []
        self._url, self._listed, self._rate = url, listed, rate
        self._must_wait = must_wait
        self._pool = ThreadPoolExecutor(HANDS, thread_name_prefix="operator")
        self._stopped = False

    def start(self) -> None:
        began = time.monotonic()
        for number, deed in enumerate(self._listed):
            self._pool.submit(self._perform, deed, began + number / self._rate)

    @property
    def left(self) -> int:
        return len(self._listed) - len(self.done)

    def stop(self) -> None:
        """Perform nothing more, and wait for what is being performed."""
        self._stopped = True
        self._pool.shutdown(cancel_futures=True)

    def _perform(self, deed: Deed, at: float) -> None:
        while not self._stopped and (left := at - time.monotonic()) > 0:
            time.sleep(min(left, 0.2))
        while not self._stopped and self._must_wait():
            time.sleep(0.2)
        if not self._stopped:
            self.done.append(_insisted(SimulatorClient(self._url, deed.actor), deed))


def _insisted(azure: SimulatorClient, deed: Deed) -> Done:
    """Somebody whom a busy server refuses tries again in a moment, and gives up at last."""
    status = 0
    for attempt in range(_TRIES):
        if attempt:
            time.sleep(0.3)
        try:
            status, _, _ = azure.arm(deed.method, deed.path, deed.body)
        except (OSError, ArmCallFailed):
            continue
        if status != 409:
            break
    return Done(deed=deed, at=time.time(), status=status)
