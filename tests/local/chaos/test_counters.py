"""The model of a run finds what is wrong with it: a recording is doctored, and the counter must say so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from local.chaos.counters import COUNTERS, figures, judge
from local.chaos.landscape import BLOCKED, PUBLIC_ACCESS
from local.chaos.model import CannotJudge, amiss, by_id
from local.chaos.recording import Recording, read, write
from local.simulator import seeds
from local.simulator.values import JsonObject, JsonValue
from tests.local.chaos.recorded import (
    CHANGE,
    CLOSED_BY_US,
    INHERITED,
    OPEN,
    OPENED_BY_JANE,
    OVER,
    PRIVATE,
    PUBLIC,
    SHUT,
    SUBNET,
    US,
    alert,
    at,
    call,
    delivery,
    event,
    run,
    with_resource,
    with_rules,
)

DENY: JsonObject = seeds.security_rule(name="deny-all", priority=1000)
LET_IN: JsonObject = seeds.security_rule(
    name="let-in",
    priority=900,
    access="Allow",
    properties={"protocol": "Tcp", "destinationPortRange": "5432"},
)


def wrong(recorded: Recording) -> set[str]:
    return {one.counter for one in judge(recorded).evidence}


def test_a_run_with_which_nothing_is_wrong_counts_nothing() -> None:
    recorded = run()
    verdict = judge(recorded)
    assert verdict.evidence == ()
    assert verdict.holds
    shown = figures(recorded, verdict)
    assert all(shown[counter] == 0 for counter in COUNTERS)
    assert shown["chainValid"] is True
    assert (shown["events"], shown["ourWrites"], shown["faults"]) == (1, 1, 3)


def test_a_recording_is_read_as_it_was_written(tmp_path: Path) -> None:
    write(run(), tmp_path / "recording.json")
    assert read(tmp_path / "recording.json") == run()


def without(number: int) -> Recording:
    deliveries = run().deliveries
    return replace(run(), deliveries=deliveries[:number] + deliveries[number + 1 :])


def kept(**parts: object) -> Recording:
    return replace(run(), kept={**run().kept, **parts})  # type: ignore[dict-item]


def opened_again(second: float) -> JsonObject:
    return call(second, "PATCH", PRIVATE.id, OPEN)


def closed_again(second: float) -> JsonObject:
    return call(second, "PATCH", PRIVATE.id, SHUT, by=US)


def with_calls(*more: JsonObject, effects: tuple[JsonObject, ...] = ()) -> Recording:
    recorded = run()
    return replace(recorded, calls=(*recorded.calls, *more), raised=(*recorded.raised, *effects))


def opened_server() -> JsonObject:
    return {**seeds.flexible_server(name=PRIVATE.id.rsplit("/", 1)[-1]), "id": PRIVATE.id}


DOCTORED: dict[str, tuple[str, Callable[[], Recording]]] = {
    "a server stands open and nobody is told": ("lost", lambda: with_resource(run(), opened_server())),
    "a subnet is shut and nobody is told": ("lost", lambda: with_rules(run(), DENY)),
    "a subnet is open to the internet and nobody is told": ("lost", lambda: with_rules(run(), LET_IN)),
    "the alert of what was always open is gone": ("lost", lambda: replace(run(), alerts=(OVER,))),
    "the same write again, nobody having undone it": (
        "doubleWrites",
        lambda: with_calls(closed_again(5.5), effects=(event(closed_again(5.5), 6),)),
    ),
    "the same write again, answered that nothing was there": (
        "doubleWrites",
        lambda: with_calls({**closed_again(5.5), "status": 204}),
    ),
    "a second open alert of one finding": (
        "duplicateAlerts",
        lambda: replace(run(), alerts=(*run().alerts, alert(PUBLIC, PUBLIC_ACCESS, number="-2"))),
    ),
    "told twice that it opened": (
        "duplicateAlerts",
        lambda: replace(
            run(), deliveries=(*run().deliveries, delivery(6, "Alert.Opened", INHERITED["id"], "again"))
        ),
    ),
    "a property is written that no policy declares": (
        "outsideBox",
        lambda: with_calls(call(5.5, "PATCH", PRIVATE.id, {"tags": {"a": "b"}}, by=US)),
    ),
    "a server is opened by us": (
        "outsideBox",
        lambda: with_calls(call(5.5, "PATCH", PRIVATE.id, OPEN, by=US)),
    ),
    "the rule of the office is deleted": (
        "outsideBox",
        lambda: with_calls(call(5.5, "DELETE", f"{PUBLIC.id}/firewallRules/office", by=US)),
    ),
    "something is written beyond the scopes": (
        "outsideBox",
        lambda: with_calls(call(5.5, "PATCH", PRIVATE.id.replace("5b5d2c1e", "00000000"), SHUT, by=US)),
    ),
    "an allow rule that reaches beyond its subnet": (
        "outsideBox",
        lambda: with_calls(
            call(
                5.5, "PUT", f"{SUBNET.group}/securityRules/ours", {"properties": LET_IN["properties"]}, by=US
            )
        ),
    ),
    "a write that was refused is undeclared all the same": (
        "outsideBox",
        lambda: with_calls(call(5.5, "PATCH", PRIVATE.id, OPEN, by=US, status=409)),
    ),
    "a write without a change": ("unproved", lambda: replace(run(), changes=())),
    "a write before its change was begun": (
        "unproved",
        lambda: replace(run(), changes=({**run().changes[0], "createdAt": at(50), "finishedAt": at(55)},)),
    ),
    "a change whose proof does not hold": (
        "unproved",
        lambda: replace(
            run(),
            changes=({**run().changes[0], "proof": {"steps": [{"claim": "no", "holds": False}]}},),
        ),
    ),
    "a change in progress": (
        "stuck",
        lambda: replace(run(), changes=({**run().changes[0], "outcome": "InProgress", "finishedAt": None},)),
    ),
    "a lease": ("stuck", lambda: kept(targets=[{"target": {"id": PRIVATE.id}, "leaseUntil": at(50)}])),
    "a change in flight in the row of its target": (
        "stuck",
        lambda: kept(targets=[{"target": {"id": PRIVATE.id}, "change": {"phase": "sending"}}]),
    ),
    "a reading that was asked for": ("stuck", lambda: kept(coalesced=[{"row": "q-1", "pending": {}}])),
    "a message that nobody takes": ("stuck", lambda: kept(visible={"reconcile": 1})),
    "a notification that waits": ("stuck", lambda: kept(messages={"notify": 1})),
    "an event that no host took": (
        "stuck",
        lambda: replace(run(), grid={"delivered": 1, "refused": 9, "waiting": 1}),
    ),
    "an open alert of what is closed": (
        "outlived",
        lambda: replace(run(), alerts=(*run().alerts, alert(PRIVATE, PUBLIC_ACCESS))),
    ),
    "an unknown that is known": (
        "outlived",
        lambda: replace(run(), alerts=(*run().alerts, alert(PUBLIC, PUBLIC_ACCESS, fingerprint="unknown"))),
    ),
    "a target that can be judged again": (
        "outlived",
        lambda: replace(run(), alerts=(*run().alerts, alert(SUBNET, "target-not-judged"))),
    ),
    "an open alert of a server that is gone": (
        "outlived",
        lambda: replace(run(), resources=tuple(o for o in run().resources if PUBLIC.id not in str(o["id"]))),
    ),
    "nobody was told that it opened": ("untold", lambda: without(0)),
    "nobody was told that it is over": ("untold", lambda: without(2)),
    "nobody was told of the change": ("untold", lambda: without(3)),
    "the last that was told is that it is over, and it is open again": (
        "untold",
        lambda: replace(
            run(), deliveries=(*run().deliveries, delivery(9, "Alert.Resolved", INHERITED["id"]))
        ),
    ),
}


@pytest.mark.parametrize("what", DOCTORED)
def test_what_is_wrong_is_counted(what: str) -> None:
    counter, doctored = DOCTORED[what]
    found = judge(doctored())
    assert counter in {one.counter for one in found.evidence}
    assert not found.holds
    assert all(one.about and one.text for one in found.evidence)


def test_every_counter_has_a_run_that_it_must_find() -> None:
    assert {counter for counter, _ in DOCTORED.values()} == set(COUNTERS)


def test_a_journal_that_does_not_verify_is_off() -> None:
    verdict = judge(replace(run(), journal={"exit": 3, "said": {}}))
    assert not verdict.chain_valid
    assert not verdict.holds


def test_the_same_write_after_somebody_undid_it_is_no_second_one() -> None:
    again = opened_again(5.5), closed_again(7)
    recorded = with_calls(*again, effects=(event(again[0], 5.6), event(again[1], 7.5)))
    assert "doubleWrites" not in wrong(recorded)


def test_the_same_write_after_the_first_failed_late_is_no_second_one() -> None:
    recorded = run()
    failed = event(CLOSED_BY_US, 5, "Failure")
    again = closed_again(5.5)
    events = (event(OPENED_BY_JANE, 2.5), failed, event(again, 6))
    assert wrong(replace(recorded, calls=(*recorded.calls, again), raised=events)) == set()


def test_a_second_write_of_what_a_refused_one_asked_for_is_no_second_one() -> None:
    recorded = run()
    refused = {**closed_again(3.5), "status": 409}
    assert wrong(replace(recorded, calls=(OPENED_BY_JANE, refused, CLOSED_BY_US))) == set()


def test_a_notification_that_was_delivered_twice_under_one_id_counts_once() -> None:
    recorded = run()
    assert wrong(replace(recorded, deliveries=(*recorded.deliveries, recorded.deliveries[0]))) == set()


def test_an_alert_that_opens_again_after_it_was_over_is_no_duplicate() -> None:
    recorded = run()
    more = (delivery(8, "Alert.Opened", OVER["id"], "2"), delivery(9, "Alert.Resolved", OVER["id"], "2"))
    assert wrong(replace(recorded, deliveries=(*recorded.deliveries, *more))) == set()


def test_what_came_back_and_back_may_stay_told_though_it_is_shut() -> None:
    recorded = run()
    again = opened_again(5.5), closed_again(7)
    twice = with_calls(*again, effects=(event(again[0], 5.6), event(again[1], 7.5)))
    still = alert(PRIVATE, PUBLIC_ACCESS)
    told = delivery(6, "Alert.Opened", still["id"])
    assert (
        wrong(replace(twice, alerts=(*recorded.alerts, still), deliveries=(*recorded.deliveries, told)))
        == set()
    )


@pytest.mark.parametrize("told", ["alert", "exemption", "target-not-judged"])
def test_a_drift_that_stands_is_not_lost_where_somebody_is_told(told: str) -> None:
    recorded = with_resource(run(), opened_server())
    match told:
        case "alert":
            recorded = replace(recorded, alerts=(*recorded.alerts, alert(PRIVATE, PUBLIC_ACCESS)))
        case "exemption":
            recorded = replace(recorded, exemptions=(exemption(None),))
        case _:
            recorded = replace(recorded, alerts=(*recorded.alerts, alert(PRIVATE, told)))
    assert "lost" not in wrong(recorded)


def exemption(rollback: str | None) -> JsonObject:
    return {"policy": PUBLIC_ACCESS, "scope": PRIVATE.id, "standing": True, "rollback": rollback}


def rollback(outcome: str) -> JsonObject:
    reopened: JsonValue = {"kind": "setPublicAccess", "server": PRIVATE.id, "access": "Enabled"}
    made: JsonObject = {**run().changes[0], "inverse": [reopened], "edits": [reopened], "outcome": outcome}
    return {**made, "id": "change-2", "rollbackOf": CHANGE, "createdAt": at(7), "finishedAt": at(9)}


def rolled_back(outcome: str) -> Recording:
    """Somebody had our change undone; what it was about is exempt."""
    inverse: JsonObject = {"kind": "setPublicAccess", "server": PRIVATE.id, "access": "Enabled"}
    reopening = call(8, "PATCH", PRIVATE.id, OPEN, by=US)
    recorded = with_resource(run(), opened_server())
    return replace(
        recorded,
        changes=({**run().changes[0], "inverse": [inverse]}, rollback(outcome)),
        calls=(*recorded.calls, reopening),
        raised=(*recorded.raised, event(reopening, 8.5)),
        exemptions=(exemption("change-2"),),
        deliveries=(*recorded.deliveries, delivery(9, "Change.RolledBack", "change-2")),
    )


def test_a_rollback_opens_what_it_undoes_and_exempts_it() -> None:
    assert wrong(rolled_back("RolledBack")) == set()


def test_an_exemption_of_a_rollback_that_did_not_happen_exempts_from_nothing() -> None:
    assert "lost" in wrong(rolled_back("Failed"))


def test_what_a_rollback_of_ours_opened_may_be_shut_by_the_same_write_again() -> None:
    recorded = rolled_back("RolledBack")
    again = closed_again(8.8)
    recorded = replace(recorded, calls=(*recorded.calls, again), raised=(*recorded.raised, event(again, 8.9)))
    assert "doubleWrites" not in wrong(recorded)


def test_recovery_is_counted_from_the_kill_and_beyond_the_operation_of_azure() -> None:
    seconds = judge(replace(run(), happened=({"what": "kill", "at": _epoch(4.5)},))).recovery
    assert seconds == pytest.approx([1.0])  # killed at 4.5, Azure was done at 5, the change ended at 6
    assert judge(replace(run(), happened=({"what": "kill", "at": _epoch(30)},))).recovery == ()


def _epoch(second: float) -> float:
    from datetime import datetime

    return datetime.fromisoformat(at(second)).timestamp()


def test_a_drift_that_the_last_sweep_found_is_told_beside_the_counters() -> None:
    recorded = run()
    early = {**recorded.early, "alerts": []}
    verdict = judge(replace(recorded, early=early))
    assert (len(verdict.found_by_sweep), verdict.holds) == (1, True)


def test_the_first_rule_that_matches_decides_about_a_subnet() -> None:
    ours = seeds.security_rule(
        name="ours",
        priority=999,
        access="Allow",
        properties={
            "protocol": "Tcp",
            "sourceAddressPrefix": SUBNET.prefix,
            "destinationAddressPrefix": SUBNET.prefix,
            "destinationPortRanges": ["5432", "6432"],
        },
    )
    assert _subnet(DENY) == {BLOCKED}
    assert _subnet(DENY, ours) == set()
    assert _subnet(DENY, LET_IN) == {BLOCKED, "nsg-exposes-postgres-to-internet"}
    assert (
        _subnet(seeds.security_rule(name="web", priority=1, properties={"destinationPortRange": "80-90"}))
        == set()
    )


def _subnet(*rules: JsonObject) -> set[str]:
    return set(amiss(SUBNET, by_id(with_rules(run(), *rules).resources)) or ())


def test_what_the_model_does_not_know_is_never_passed_as_fine() -> None:
    odd = seeds.security_rule(
        name="odd", priority=1, properties={"sourceAddressPrefix": "Storage.WestEurope"}
    )
    with pytest.raises(CannotJudge, match="Storage"):
        _subnet(odd)
