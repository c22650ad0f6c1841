"""An estate of any size, and an app that sweeps it: no socket, no thread, and no clock but its own.

Real are the SDK's clients and the gateway, the simulator with its buckets, the sweep, the queue's timing and
the looks. Storage is the in-memory one. Several workers are played one after the other, each with a time of
its own: a call to ARM takes ``LATENCY``, and whoever is earliest takes the next message that is visible by
then. So buckets see what several instances ask for within one second.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from time import process_time
from types import FunctionType, ModuleType
from typing import Any, Final

import requests

from local.simulator import seeding, seeds
from local.simulator.access import fake_token
from local.simulator.arm import serve
from local.simulator.switches import Switches
from local.simulator.values import ArmRequest, Caller, JsonObject, parse_address
from local.simulator.world import World
from shared.adapters.arm.gateway import ArmGateway
from shared.adapters.arm.service_tags import ArmServiceTags, TagLists
from shared.alerts.commands import fix_commands
from shared.alerts.portal import portal_link
from shared.config.configuration import Configuration
from shared.config.file_reading import parse_policies_file
from shared.config.settings import Settings
from shared.controller.arrivals import receive_message
from shared.controller.deps import Deps
from shared.controller.sweep import sweep
from shared.model import EnforcementMode, Json
from shared.model.errors import GatewayError, StoreError
from shared.model.resource_id import ResourceId
from shared.policies import discover
from shared.state.store import Store
from tests.fuzz.azure_in_process import ENDPOINT, AzureInProcess, ClientsInProcess
from tests.memory import FakeClock, MemoryBlobs, MemoryQueue, MemoryTables

START: Final = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
LATENCY: Final = 0.05
BETWEEN: Final = timedelta(minutes=30)
SCOPE: Final = ResourceId(f"/subscriptions/{seeds.SUBSCRIPTION}")
SOMEBODY: Final = ("portal-app", "jane-object", "Jane Doe")
_NETWORK_SUBNETS: Final = 10
_ZONES: Final = 30
_WHOLE_NAME: Final = 64
VISIBILITY: Final = 30.0
MOST_DELIVERIES: Final = 5


class IndexedBlobs(MemoryBlobs):
    """The same where a whole name is asked for."""

    def names(self, container: str, prefix: str = "") -> Iterator[str]:
        if (container, prefix) in self._blobs:
            yield prefix
        elif len(prefix) < _WHOLE_NAME:
            yield from super().names(container, prefix)


class TimedAzure(AzureInProcess):
    """The simulator on the estate's clock; every answer takes its time."""

    def __init__(self, resources: list[JsonObject], clock: FakeClock, switches: Switches) -> None:
        super().__init__([])
        self._clock = clock
        self.told: dict[str, str] = {}
        """Headers of every answer."""
        self.answered = 0
        self.throttled = 0
        self.world = World(switches, lambda _line: None, lambda: clock.now().timestamp())
        seeding.seed(self.world, {"resources": [*resources]})

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        self._clock.advance(LATENCY)
        answer = super().send(request)
        self.answered += 1
        self.throttled += answer.status_code == 429
        answer.headers.update(self.told)
        return answer

    def call(self, method: str, path: str, body: JsonObject | None = None) -> None:
        """What somebody else does: with an event that nobody is told of."""
        answer = serve(
            self.world,
            ArmRequest(
                method=method,
                address=parse_address(path),
                query={"api-version": "2026-01-01"},
                body=body or {},
                headers={"authorization": f"Bearer {fake_token(*SOMEBODY)}"},
                caller=Caller(app_id=""),
                correlation_id="somebody",
                base_url=ENDPOINT,
            ),
        )
        assert answer.status < 300, answer.body


@dataclass
class Estate:
    """The app, its Azure, and what came of it."""

    resources: list[JsonObject]
    policies: str = "version: 1\n"
    workers: int = 8
    switches: Switches = field(
        default_factory=lambda: Switches(operation_seconds=0.0, page_size=500, throttling=True)
    )
    mode: EnforcementMode = EnforcementMode.AUDIT

    def __post_init__(self) -> None:
        self.clock = FakeClock(START - timedelta(days=1))
        self.azure = TimedAzure(self.resources, self.clock, self.switches)
        self.clock.set(START)
        self.clients = ClientsInProcess(self.azure)
        self.queue = MemoryQueue(self.clock)
        self.tables, self.blobs = MemoryTables(), IndexedBlobs()
        self.store = Store(self.tables, self.blobs, self.queue)
        self.configuration = configured(self.policies)
        self.judged_by = "one"
        self.began = START
        self.lines: list[Mapping[str, Json]] = []
        self.failed = 0
        self.looks = 0
        self.looked_at: list[str] = []
        """Whom, as long as nobody clears it."""
        self.processor = 0.0
        """Seconds of the machine's processor that messages took, the simulator's answers among them."""
        self.longest = 0.0
        """Seconds of the estate's time that the longest message took."""
        self._tags = TagLists()
        self._ids = count(1)

    def deps(self) -> Deps:
        return Deps(
            gateway=ArmGateway(self.clients, self.clock, self.clock.sleep),
            service_tags=ArmServiceTags(self.clients, self.clock, self.clock.sleep, self._tags),
            store=self.store,
            clock=self.clock,
            settings=Settings(mode=self.mode, scopes=(SCOPE,)),
            configuration=self.configuration,
            policies=discover(),
            sinks=(),
            deliver=lambda _sink, _notification: None,
            log=self._log,
            new_id=lambda: f"id{next(self._ids)}",
            commands=fix_commands,
            portal_link=partial(portal_link, cloud="public"),
            judged_by=lambda: self.judged_by,
        )

    def _log(self, line: Mapping[str, Json]) -> None:
        """The lines of passes are kept, those of looks counted."""
        if line.get("message") == "pass":
            self.lines.append(line)
        elif "target" in line and line.get("message") != "alert":
            self.looks += 1
            self.looked_at.append(str(line["target"]).lower())

    def lagging(self, seconds: float) -> Switches:
        """The switches with a Resource Graph that is so late."""
        return replace(self.switches, graph_lag_seconds=seconds)

    def sweep(self) -> None:
        """The timer fires, and the passes are made; their looks are asked for and wait."""
        sweep(self.deps())
        self.work(self.clock.now())

    def last_due(self) -> datetime:
        """When the last look of the last pass is due."""
        last = self.store.passes.last(seeds.SUBSCRIPTION)
        assert last is not None
        return last.spread_until

    def played(self) -> int:
        """Bytes that what is only played here holds: the storage, the queue, Azure, and who was looked at."""
        return size_of((self.tables, self.blobs, self.queue, self.azure.world, self.looked_at))

    def pass_over(self, until: datetime | None = None) -> None:
        """The timer fires, and what follows is worked off: all of it, or what is due until then."""
        sweep(self.deps())
        self.work(until)

    def work(self, until: datetime | None = None) -> None:
        """The messages that are due, by all workers."""
        free = [self.clock.now()] * self.workers
        while True:
            visible = self.queue.next_visible_at()
            if visible is None or (until is not None and visible > until):
                break
            worker = free.index(min(free))
            self.clock.set(max(free[worker], visible))
            self._one()
            free[worker] = self.clock.now()
        self.clock.set(max(*free, until or START))

    def _one(self) -> None:
        message = self.queue.receive(VISIBILITY)
        if message is None:
            return
        began, started = self.clock.now(), process_time()
        try:
            receive_message(message.body.encode(), self.deps())
        except (GatewayError, StoreError):
            if message.dequeue_count < MOST_DELIVERIES:
                return
            self.failed += 1
        finally:
            self.processor += process_time() - started
            self.longest = max(self.longest, (self.clock.now() - began).total_seconds())
        self.queue.delete(message)


def size_of(root: object) -> int:
    """Bytes of an object and of all that it holds; what is code belongs to nobody."""
    seen: set[int] = set()
    waiting, total = [root], 0
    while waiting:
        one = waiting.pop()
        if id(one) in seen or isinstance(one, type | FunctionType | ModuleType):
            continue
        seen.add(id(one))
        total += sys.getsizeof(one, 0)
        waiting += gc.get_referents(one)
    return total


def configured(policies: str) -> Configuration:
    return Configuration(parse_policies_file(policies, discover(), name="policies.yaml"))


def server_name(number: int) -> str:
    return f"pg-{number:05d}"


def nsg_name(number: int) -> str:
    return f"nsg-{number:05d}"


def estate(servers: int, groups: int) -> list[JsonObject]:
    """So many servers, as many of them in subnets of their own as there are NSGs, which guard these; the
    others are public and admit one address each. Thirty zones hold the private names.
    """
    return [*_networks(groups), *_zones(groups), *_servers(servers, groups)]


def _networks(groups: int) -> Iterator[JsonObject]:
    for number in range(groups):
        yield seeds.nsg(name=nsg_name(number), rules=[_allow_postgres()])
    for first in range(0, groups, _NETWORK_SUBNETS):
        held = range(first, min(first + _NETWORK_SUBNETS, groups))
        subnets = [
            seeds.subnet(
                name=f"snet-{number:05d}",
                prefix=f"10.20.{number - first}.0/24",
                nsg=seeds.nsg_id(name=nsg_name(number)),
            )
            for number in held
        ]
        yield seeds.vnet(name=f"vnet-{first:05d}", subnets=subnets)


def _allow_postgres() -> JsonObject:
    opened: JsonObject = {
        "protocol": "Tcp",
        "destinationPortRange": "5432",
        "sourceAddressPrefix": "10.20.0.0/16",
        "destinationAddressPrefix": "10.20.0.0/16",
    }
    return seeds.security_rule(name="postgres", priority=200, access="Allow", properties=opened)


def _zone(number: int) -> str:
    return f"shop{number % _ZONES}.postgres.database.azure.com"


def _zones(groups: int) -> Iterator[JsonObject]:
    for number in range(min(_ZONES, groups)):
        yield seeds.private_dns_zone(name=_zone(number))
    for first in range(0, groups, _NETWORK_SUBNETS):
        for number in range(min(_NETWORK_SUBNETS, groups)):
            zone = seeds.zone_id(name=_zone(first + number))
            vnet = seeds.vnet_id(name=f"vnet-{first:05d}")
            yield seeds.zone_link(zone=zone, vnet=vnet, name=f"vnet-{first:05d}")


def _servers(servers: int, groups: int) -> Iterator[JsonObject]:
    for number in range(servers):
        name = server_name(number)
        if number < groups:
            vnet = f"vnet-{number - number % _NETWORK_SUBNETS:05d}"
            network: JsonObject = {
                "delegatedSubnetResourceId": seeds.subnet_id(vnet=vnet, name=f"snet-{number:05d}"),
                "privateDnsZoneArmResourceId": seeds.zone_id(name=_zone(number)),
            }
            yield from seeds.well_kept(
                seeds.flexible_server(name=name, public_access=None, properties={"network": network})
            )
        else:
            yield from seeds.well_kept(seeds.flexible_server(name=name))
            server = seeds.flexible_server_id(name=name)
            yield seeds.firewall_rule(server=server, name="office", start="203.0.113.17")
