"""Runs in the store: the results of parallel workers come together."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from shared.model import ArmCall, ComplianceState, Finding, Severity, Target
from shared.model.errors import EntityChanged
from shared.model.results import RunStatus, TargetResult
from shared.state.store import Store
from tests.adapters.storage.examples import POLICY, run, server
from tests.state.store.bench import EVERYWHERE


def result(target: Target, duration_ms: int = 1, reason: str = "") -> TargetResult:
    finding = Finding(
        policy=POLICY,
        target=target,
        state=ComplianceState.COMPLIANT,
        severity=Severity.HIGH,
        reason=reason,
        resource_id=target.id,
    )
    call = ArmCall(method="GET", path=str(target.id), status=200)
    return TargetResult(target=target, findings=(finding,), arm_calls=(call,), duration_ms=duration_ms)


@EVERYWHERE
def test_a_run_gathers_the_results_of_parallel_workers(store: Store) -> None:
    begun = store.put_run(run())
    results = [result(server(f"s{n}")) for n in range(12)]
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda one: store.add_result("run-1", one), results))
    found = store.run("run-1")
    assert found is not None
    assert {one.target for one in found.results} == {one.target for one in results}
    done = store.put_run(replace(begun, status=RunStatus.DONE))
    found = store.run("run-1")
    assert found is not None
    assert (found.status, found.etag, len(found.results)) == (RunStatus.DONE, done.etag, 12)


def test_a_later_result_of_the_same_target_takes_its_place(store: Store) -> None:
    store.put_run(run())
    store.add_result("run-1", result(server(), 1))
    store.add_result("run-1", result(server("PG"), 2))
    found = store.run("run-1")
    assert found is not None
    assert [one.duration_ms for one in found.results] == [2]


def test_results_that_come_with_a_new_run_are_kept_and_an_update_touches_none(store: Store) -> None:
    begun = store.put_run(replace(run(), results=(result(server("a"), 1),)))
    assert store.run("run-1") == begun
    store.add_result("run-1", result(server("a"), 2))
    store.put_run(begun)
    found = store.run("run-1")
    assert found is not None
    assert [one.duration_ms for one in found.results] == [2]


def test_a_run_that_changed_since_is_not_overwritten(store: Store) -> None:
    begun = store.put_run(run())
    store.put_run(replace(begun, status=RunStatus.DONE))
    with pytest.raises(EntityChanged):
        store.put_run(replace(begun, status=RunStatus.FAILED))


@EVERYWHERE
def test_a_result_beyond_an_entity_is_kept_whole(store: Store) -> None:
    store.put_run(run())
    large = result(server(), reason="x" * 1_500_000)
    store.add_result("run-1", large)
    found = store.run("run-1")
    assert found is not None
    assert found.results == (large,)


def test_an_unknown_run_is_none_even_when_a_result_came_first(store: Store) -> None:
    assert store.run("run-1") is None
    store.add_result("run-1", result(server()))
    assert store.run("run-1") is None
