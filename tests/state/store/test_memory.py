"""What the store remembers of targets, and when the first pass was complete."""

from dataclasses import replace

import pytest

from shared.model import ComplianceState
from shared.model.errors import EntityChanged
from shared.model.interfaces import Relation
from shared.model.memory import PolicyMemory, TargetRecord
from shared.model.messages import look
from shared.state.store import Store
from tests.adapters.storage.examples import CAUSE, NOW, POLICY, SUBSCRIPTION, nsg, server, subnet
from tests.state.store.bench import EVERYWHERE, LATER, Bench, claim


def test_an_unknown_target_is_a_fresh_record(store: Store) -> None:
    assert store.recall(server(), NOW) == TargetRecord(target=server(), first_seen=NOW)


@EVERYWHERE
def test_what_is_saved_is_recalled_whatever_the_letter_case(store: Store) -> None:
    memory = PolicyMemory(state=ComplianceState.COMPLIANT, since=NOW, baseline="b")
    record = replace(store.recall(server("PG"), NOW), memories={POLICY: memory})
    saved = store.save(record)
    assert saved.etag is not None
    assert store.recall(server("pg"), LATER) == saved


@EVERYWHERE
def test_saving_what_somebody_else_changed_raises(store: Store) -> None:
    first = store.save(store.recall(server(), NOW))
    second = store.save(replace(first, recheck_at=LATER))
    with pytest.raises(EntityChanged):
        store.save(replace(first, recheck_at=NOW))
    assert store.recall(server(), NOW) == second


def test_of_two_who_meet_an_unknown_target_the_second_is_told(store: Store) -> None:
    one, other = store.recall(server(), NOW), store.recall(server(), NOW)
    store.save(one)
    with pytest.raises(EntityChanged):
        store.save(other)


def test_a_forgotten_target_is_unknown(store: Store) -> None:
    store.save(store.recall(server(), NOW))
    store.forget(server())
    store.forget(server())
    assert store.recall(server(), NOW).etag is None


@EVERYWHERE
def test_the_known_targets_of_a_subscription_are_its_own_and_all(store: Store) -> None:
    ours = {store.save(store.recall(server(f"s{n}"), NOW)).target for n in range(3)}
    claim(store, store.recall(server("s0"), NOW))
    store.arm(look(server(), CAUSE), NOW, 0)
    store.relate([Relation(source=nsg(), target=subnet())], NOW)
    store.save(store.recall(server(subscription="other"), NOW))
    assert {record.target for record in store.known_targets(SUBSCRIPTION.upper())} == ours
    assert [record.target for record in store.known_targets("other")] == [server(subscription="other")]


def test_a_record_of_any_size_is_remembered(bench: Bench) -> None:
    memories = {
        f"policy-{n}": PolicyMemory(state=ComplianceState.COMPLIANT, since=NOW, fingerprint="é" * 1000)
        for n in range(100)
    }
    saved = bench.store.save(TargetRecord(target=server(), first_seen=NOW, memories=memories))
    assert bench.store.recall(server(), NOW) == saved
    shorter = bench.store.save(replace(saved, memories={}))
    assert bench.store.recall(server(), NOW) == shorter


@EVERYWHERE
def test_the_first_complete_pass_is_noted_once(store: Store) -> None:
    assert store.first_passes.find(SUBSCRIPTION) is None
    store.first_passes.complete(SUBSCRIPTION, NOW)
    store.first_passes.complete(SUBSCRIPTION.upper(), LATER)
    assert store.first_passes.find(SUBSCRIPTION.lower()) == NOW
    assert store.first_passes.find("other") is None
