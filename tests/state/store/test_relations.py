"""Which targets depend on what: found by it, forgotten with the target, written at once by many."""

from collections.abc import Callable
from dataclasses import replace

from shared.model.interfaces import Relation
from shared.model.resource_id import ResourceId
from shared.state.store import Store
from tests.adapters.storage.examples import NOW, SUBSCRIPTION, nsg, subnet
from tests.state.store.bench import EVERYWHERE, LATER, Bench
from tests.state.store.test_claims import Together, race


@EVERYWHERE
def test_related_targets_are_found_by_what_they_depend_on(store: Store) -> None:
    subnets = [subnet(f"db{n}") for n in range(3)]
    store.relate([Relation(source=nsg(), target=one) for one in subnets[:2]], NOW)
    store.relate([Relation(source=nsg(), target=one) for one in subnets[1:]], LATER)
    store.relate([Relation(source=nsg("other"), target=subnets[0])], NOW)
    assert set(store.related(nsg("NSG"))) == set(subnets)
    assert store.related(nsg("other")) == (subnets[0],)
    assert store.related(nsg("nobody")) == ()


@EVERYWHERE
def test_a_target_that_is_gone_is_related_to_nothing(store: Store) -> None:
    for source in (nsg("a"), nsg("b")):
        store.relate([Relation(source=source, target=one) for one in (subnet("x"), subnet("y"))], NOW)
    store.unrelate(subnet("X"))
    assert store.related(nsg("a")) == store.related(nsg("b")) == (subnet("y"),)


@EVERYWHERE
def test_a_target_that_is_gone_is_related_to_nothing_in_other_subscriptions_either(store: Store) -> None:
    gone, there = subnet("x"), subnet("y")
    hubs = [nsg("hub", subscription=f"0000000{n}-0000-0000-0000-000000000000") for n in (1, 2)]
    for hub in hubs:
        store.relate([Relation(source=hub, target=one) for one in (gone, there)], NOW)
    store.unrelate(gone)
    assert [store.related(hub) for hub in hubs] == [(there,), (there,)]
    store.relate([Relation(source=hubs[0], target=gone)], LATER)
    assert set(store.related(hubs[0])) == {gone, there}
    store.unrelate(gone)
    assert store.related(hubs[0]) == (there,)


@EVERYWHERE
def test_what_depends_on_something_in_a_group_is_found_once(store: Store) -> None:
    one, other = subnet("x"), subnet("y")
    store.relate([Relation(source=nsg(name), target=one) for name in ("a", "b")], NOW)
    elsewhere = replace(nsg(), id=ResourceId(str(nsg().id).replace("/rg/", "/rg-2/")))
    store.relate([Relation(source=elsewhere, target=other)], NOW)
    assert store.known_in(ResourceId(f"/subscriptions/{SUBSCRIPTION.upper()}/resourceGroups/RG")) == (one,)


def test_a_sweep_relates_more_targets_than_a_transaction_holds(store: Store) -> None:
    subnets = {subnet(f"db{n}") for n in range(250)}
    relations = [Relation(source=nsg(), target=one) for one in subnets]
    store.relate([*relations, *relations], NOW)
    assert set(store.related(nsg())) == subnets


@EVERYWHERE
def test_workers_that_relate_the_same_at_once_lose_nothing(bench: Bench) -> None:
    store = bench.store_over(Together(bench.tables, 2))
    shared, ours = subnet("shared"), [subnet("a"), subnet("b")]
    works: list[Callable[[], object]] = [
        lambda: store.relate([Relation(source=nsg(), target=one) for one in (shared, ours[0])], NOW),
        lambda: store.relate([Relation(source=nsg(), target=one) for one in (shared, ours[1])], NOW),
    ]
    assert race(works) == [True, True]
    assert set(bench.store.related(nsg())) == {shared, *ours}


def test_a_known_relation_costs_no_write(bench: Bench) -> None:
    relation = Relation(source=nsg(), target=subnet())
    bench.store.relate([relation], NOW)
    before = list(bench.tables.query("targets"))
    bench.store.relate([relation], LATER)
    assert list(bench.tables.query("targets")) == before
