"""The relation index from its three sides, in stores that older versions wrote as well."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.model import Locator, Target, codec
from shared.model.interfaces import Insert, Relation
from shared.model.memory import TargetRecord
from shared.model.resource_id import ResourceId
from shared.state.store import Store
from shared.state.table_rows import digest
from tests.adapters.storage.examples import NOW, SUBSCRIPTION, nsg, server, subnet
from tests.counting import CountingTables, Counts
from tests.memory import FakeClock, MemoryBlobs, MemoryQueue, MemoryTables

HUB = "00000001-0000-0000-0000-000000000000"
GROUP = ResourceId(f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg")


def over(tables: MemoryTables, counts: Counts) -> Store:
    return Store(CountingTables(tables, counts), MemoryBlobs(), MemoryQueue(FakeClock()))


def of_before(tables: MemoryTables, source: Locator, target: Target) -> None:
    """What an older version wrote."""
    there, here = source.id.subscription.lower(), target.id.subscription.lower()
    text = codec.dump(Relation(source=source, target=target))
    row = f"r-{digest(source.key)}-{digest(target.key)}"
    tables.write("targets", Insert(partition=there, row=row, properties={"json0": text}))
    if there != here:
        note = f"f-{digest(target.key)}-{there}"
        tables.write("targets", Insert(partition=here, row=note, properties={}))


def remembered_before(tables: MemoryTables, target: Target) -> None:
    partition, row = target.id.subscription.lower(), f"t-{digest(target.key)}"
    text = codec.dump(TargetRecord(target=target, first_seen=NOW))
    tables.write("targets", Insert(partition=partition, row=row, properties={"json0": text}))


@pytest.mark.parametrize("steps", [0, 1, 3, 99])
def test_an_old_store_is_read_however_far_its_index_is_filled(steps: int) -> None:
    tables = MemoryTables()
    hub, gone, there = nsg("hub", subscription=HUB), subnet("x"), subnet("y")
    for source in (nsg("a"), nsg("b"), hub):
        for target in (gone, there):
            of_before(tables, source, target)
    remembered_before(tables, server())
    store = over(tables, Counts())
    for _ in range(steps):
        store.upkeep.fill(SUBSCRIPTION, most=2)
    assert set(store.known_in(GROUP)) == {gone, there, server()}
    store.unrelate(gone)
    for source in (nsg("a"), nsg("b")):
        assert store.related(source) == (there,)
    assert set(store.known_in(GROUP)) == {there, server()}
    assert gone.key not in {one.key for one in store.related(hub)}


@pytest.mark.field(
    "steady",
    "What depends on something, what a target depends on and what is known in a resource group are found by "
    "key: a thousand other relations cost nothing more.",
    source="docs/adr/0020-what-a-look-costs.md",
    date="2026-11-29",
)
def test_relations_are_found_by_key_from_every_side() -> None:
    assert costs_among(10) == costs_among(1_000)


def costs_among(others: int) -> list[int]:
    """What one target costs beside others that share its NSG."""
    counts = Counts()
    store = over(MemoryTables(), counts)
    store.upkeep.fill(SUBSCRIPTION, most=10)
    store.upkeep.fill(SUBSCRIPTION, most=10)
    shared = replace(nsg(), id=ResourceId(str(nsg().id).replace("/rg/", "/hub/")))
    store.relate([Relation(source=shared, target=elsewhere(n)) for n in range(others)], NOW)
    one, own = subnet("x"), nsg("own")
    costs = []
    for step in (
        lambda: store.save(TargetRecord(target=one, first_seen=NOW)),
        lambda: store.relate([Relation(source=source, target=one) for source in (own, shared)], NOW),
        lambda: store.related(own),
        lambda: store.known_in(one.id),
        lambda: store.unrelate(one),
        lambda: store.forget(one),
    ):
        counts.take()
        step()
        costs.append(counts.cost)
    assert (store.related(own), len(store.related(shared))) == ((), others)
    return costs


def elsewhere(number: int) -> Target:
    one = subnet(f"db{number}")
    return replace(
        one, id=ResourceId(str(one.id).replace("/resourceGroups/rg/", f"/resourceGroups/rg{number}/"))
    )
