"""What Azure answers, spoiled: a field of another type, an unheard of value, something absent or twice.

Each case looks at one target that is known and compliant, in enforce, through the SDK's clients; what was
sure and right before is not made wrong by nonsense beside it, so nothing is written.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any

from local.demo.world import resources
from local.simulator import seeds
from shared.adapters.arm.gateway import ArmGateway
from shared.adapters.arm.service_tags import ArmServiceTags, TagLists
from shared.controller.deps import Deps
from shared.controller.dispatch import look_at
from shared.model import Cause, CauseKind, Target
from shared.model.errors import GatewayError
from shared.model.messages import RunOptions
from shared.model.resource_id import ResourceId
from shared.state.store import Store
from tests.fakes import SOMEBODY, World
from tests.fuzz.azure_in_process import AzureInProcess, ClientsInProcess, as_it_is
from tests.fuzz.junk import Junk, encoded
from tests.fuzz.world import Kept
from tests.memory import FakeClock

SCOPE = ResourceId(f"/subscriptions/{seeds.SUBSCRIPTION}")


class Arm:
    """Plays answers to an app that has seen everything once; each case begins with that and no more."""

    def __init__(self) -> None:
        self.azure = AzureInProcess(resources())
        self.clients = ClientsInProcess(self.azure)
        self.tag_lists = TagLists()
        self.world = World(scopes=(SCOPE,))
        self.targets = [one for page in self._deps().gateway.enumerate(SCOPE) for one in page.targets]
        for target in self.targets:
            self._look(target)
        self.seen = self.world

    def _deps(self) -> Deps:
        sleep = self.world.clock.sleep
        return replace(
            self.world.deps(),
            gateway=ArmGateway(self.clients, self.world.clock, sleep),
            service_tags=ArmServiceTags(self.clients, self.world.clock, sleep, self.tag_lists),
        )

    def _look(self, target: Target) -> None:
        cause = Cause(kind=CauseKind.EVENT, time=self.world.clock.now(), actor=SOMEBODY)
        look_at(target, cause, self._deps(), RunOptions())

    def play(self, random: Random) -> None:
        self.world = _as_before(self.seen)
        kept, target = Kept.of(self.world), random.choice(self.targets)
        self.azure.spoil = Spoiling(random.getrandbits(64), share=random.choice((0.1, 0.3, 1.0)))
        try:
            self._look(target)
        except GatewayError:
            pass  # nothing could be read: the message comes again, and then people are told
        finally:
            self.azure.spoil = as_it_is
        assert not self.azure.written()
        kept.check(self.world)


def _as_before(seen: World) -> World:
    """A world with the memory of another, a minute later."""
    world = World(scopes=seen.scopes, clock=FakeClock(seen.clock.now() + timedelta(minutes=1)))
    world.tables, world.blobs = seen.tables.copy(), seen.blobs.copy()
    world.store = Store(world.tables, world.blobs, world.queue)
    return world


class Spoiling:
    """Puts nonsense into a share of what is answered: the same into the same answer, in whatever order the
    parts of a target are asked for."""

    def __init__(self, case: int, share: float) -> None:
        self.case = case
        self.share = share
        self.asked: Counter[str] = Counter()

    def __call__(self, path: str, body: Any) -> bytes:
        self.asked[path] += 1
        random = Random(f"{self.case} {path} {self.asked[path]}")
        junk = Junk(random)
        if random.random() > self.share:
            return as_it_is(path, body)
        if random.random() < 0.03:
            return junk.bytes(as_it_is(path, body))
        return encoded(junk.mutated(body, random.choice((1, 1, 2, 5)))).encode()
