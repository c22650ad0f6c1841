"""What operations cost beside many others: a store with so many servers, and what is done in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Final

from shared.model import Cause, CauseKind, Locator, LocatorKind, Outcome, Severity, Target
from shared.model.alert_records import AlertStatus
from shared.model.interfaces import Relation
from shared.model.memory import TargetRecord
from shared.model.messages import look
from shared.model.resource_id import ResourceId
from shared.state.listings import Wanted
from shared.state.store import Store
from tests.adapters.storage.examples import alert, change
from tests.api.calling import call
from tests.builders import DRIFTED, OFFICE, ZONE, public_server
from tests.controller.test_reconcile import FIREWALL
from tests.counting import Counts, counted
from tests.fakes import START, SUBSCRIPTION, World, only
from tests.memory import MemoryQueue

_GROUP: Final = f"/subscriptions/{SUBSCRIPTION}/resourceGroups"
_NEW: Final = ResourceId(f"{_GROUP}/new/providers/Microsoft.DBforPostgreSQL/flexibleServers/new")
_HUB: Final = Locator(
    kind=LocatorKind.PRIVATE_DNS_ZONE,
    id=ResourceId(str(ZONE).replace("/resourceGroups/data/", "/resourceGroups/hub/")),
)
OPERATIONS: Final = (
    *("accept", "join", "firstLook", "look", "revert", "alert", "resolve", "locator", "group", "gone"),
    *("alertsPage", "alertsNextPage", "alertsOfTarget", "alertsOpen", "alertsOpenCritical"),
    *("changesPage", "changesNextPage", "changesOfTarget", "changesReverted"),
    *("status", "summary", "exemptions"),
)


def cost_beside(size: int) -> dict[str, int]:
    """Operations and rows read, by the name of what was done beside ``size`` servers."""
    world = World(policies_file=only(FIREWALL))
    populate(world, size)
    counts = counted(world)
    return {**_of_a_server(world, counts), **_of_pages(world, counts)}


def server_of(number: int) -> Target:
    """One of those that are there already."""
    name = f"{_GROUP}/g{number}/providers/Microsoft.DBforPostgreSQL/flexibleServers/s{number}"
    return Target(kind=public_server().target.kind, id=ResourceId(name))


def guard_of(number: int) -> Locator:
    name = f"{_GROUP}/g{number}/providers/Microsoft.Network/networkSecurityGroups/n{number}"
    return Locator(kind=LocatorKind.NSG, id=ResourceId(name))


def populate(world: World, size: int) -> None:
    """So many servers with a memory, two relations, an alert, a change and an event that was heard each;
    every other alert is open."""
    store, events = world.store, Store(world.tables, world.blobs, MemoryQueue(world.clock))
    for _ in range(2):
        store.upkeep.fill(SUBSCRIPTION, 10)
    for number in range(size):
        target, at = server_of(number), START - timedelta(minutes=number)
        store.save(TargetRecord(target=target, first_seen=at))
        store.relate([Relation(source=one, target=target) for one in (_HUB, guard_of(number))], at)
        status = AlertStatus.OPEN if number % 2 == 0 else AlertStatus.RESOLVED
        told = replace(alert(f"{number:016x}", target, at, status), severity=Severity.LOW)
        store.put_alert(told)
        store.put_change(change(f"c{number}", target, at, Outcome.REVERTED))
        events.arm(look(target, Cause(kind=CauseKind.EVENT, time=at)), at, 0)


def _of_a_server(world: World, counts: Counts) -> dict[str, int]:
    costs: dict[str, int] = {}
    compliant = public_server(id=_NEW, host_name="new.example", firewall_rules=(OFFICE,))
    drifted = replace(DRIFTED, id=_NEW, host_name="new.example")
    target = world.azure.put(compliant)

    def spent(name: str, step: Callable[[], object]) -> None:
        counts.take()
        step()
        costs[name] = counts.take().cost

    spent("accept", lambda: world.event(target))
    spent("join", lambda: world.event(target))
    spent("firstLook", lambda: world.drain(1))
    world.event(target)
    spent("look", lambda: world.drain(1))
    world.azure.put(drifted)
    world.event(target)
    spent("revert", lambda: world.drain(30))
    world.clock.advance(4000)
    world.policies_file = f"version: 1\npolicies:\n  {FIREWALL}: {{effect: alert}}\n"
    world.azure.put(drifted)
    world.event(target)
    spent("alert", lambda: world.drain(30))
    world.azure.put(compliant)
    world.event(target)
    spent("resolve", lambda: world.drain(30))
    spent("locator", lambda: world.store.related(guard_of(7)))
    spent("group", lambda: world.store.known_in(server_of(7).id))
    del world.azure.snapshots[target.key]
    world.event(target)
    spent("gone", lambda: world.drain(1))
    return costs


def _of_pages(world: World, counts: Counts) -> dict[str, int]:
    store, seventh = world.store, server_of(7)
    costs: dict[str, int] = {}

    def spent(name: str, step: Callable[[], object]) -> None:
        counts.take()
        step()
        costs[name] = counts.take().cost

    first = store.alert_page(Wanted(), 20)
    spent("alertsPage", lambda: store.alert_page(Wanted(), 20))
    spent("alertsNextPage", lambda: store.alert_page(Wanted(), 20, first.after or ""))
    spent("alertsOfTarget", lambda: store.alert_page(Wanted(target=seventh), 20))
    spent("alertsOpen", lambda: store.alert_page(Wanted(state=AlertStatus.OPEN), 5))
    rare = Wanted(state=AlertStatus.RESOLVED, severity=Severity.CRITICAL)
    spent("alertsOpenCritical", lambda: store.alert_page(rare, 20))
    newest = store.change_page(Wanted(), 20)
    spent("changesPage", lambda: store.change_page(Wanted(), 20))
    spent("changesNextPage", lambda: store.change_page(Wanted(), 20, newest.after or ""))
    spent("changesOfTarget", lambda: store.change_page(Wanted(target=seventh), 20))
    spent("changesReverted", lambda: store.change_page(Wanted(state=Outcome.REVERTED), 20))
    spent("status", lambda: call(world, "status"))
    spent("summary", lambda: call(world, "summary"))
    call(world, "list_exemptions")  # what is older than their list is entered once
    spent("exemptions", lambda: call(world, "list_exemptions"))
    return costs
