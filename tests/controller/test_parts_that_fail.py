"""What cannot be read is unknown, with its reason, and asked for again; the rest is judged, and reverted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from shared.controller.not_judged import NOT_JUDGED
from shared.controller.poison import PATTERN, poisoned
from shared.model import Aspect, ComplianceState, DeleteFirewallRule, Outcome, PublicAccess, Reason, Target
from shared.model.errors import Denied, GatewayError, Permanent, StoreError, Transient
from shared.model.memory import TargetRecord
from shared.model.messages import MessageKind
from shared.state.store import Store
from tests.builders import ALL_AZURE, DRIFTED, OFFICE, public_server, rule, server
from tests.controller.test_changes_in_trouble import half_done
from tests.controller.test_reconcile import seen_compliant, there
from tests.fakes import SUBSCRIPTION, World
from tests.memory import MemoryBlobs

INTERNET = "postgres-firewall-allows-whole-internet"
ADMINISTRATORS = "postgres-entra-administrator-missing"
HOLE = public_server(firewall_rules=(OFFICE, rule("all", "0.0.0.0", "255.255.255.255")))
BESIDE = (Aspect.ADMINISTRATORS, Aspect.PARAMETERS, Aspect.HEALTH)


def failing(wait: float | None = None) -> Transient:
    error = Transient("it is broken", code="ServiceUnavailable", status=503, retry_after=wait)
    error.request = "GET /part"
    return error


def remembered(world: World, target: Target) -> TargetRecord:
    return world.store.recall(target, world.clock.now())


def rechecks(world: World) -> int:
    bodies = world.queue.bodies()
    return sum(world.store.read_message(body).kind is MessageKind.RECHECK for body in bodies)


def pause(world: World, target: Target) -> float:
    """In how many seconds the target is looked at again: one message is on its way."""
    assert rechecks(world) == 1
    unread = remembered(world, target).unread
    assert unread is not None
    assert unread.again_at is not None
    return (unread.again_at - world.clock.now()).total_seconds()


def state_of(world: World, policy: str, target: Target) -> ComplianceState:
    return remembered(world, target).memories[policy].state


# --- a part ----------------------------------------------------------------------------------------


@pytest.mark.field(
    "steady",
    "While a part of a server cannot be read, a rule for the whole Internet on it is reverted all the same; "
    "one message asks again, and none is given up.",
    source="docs/adr/0017-a-change-is-one-value.md",
    date="2026-11-29",
)
@pytest.mark.parametrize("aspect", BESIDE)
def test_a_failing_part_does_not_keep_a_hole_open(aspect: Aspect) -> None:
    world = World()
    seen_compliant(world, public_server())
    world.azure.failing[aspect] = failing()
    target = world.azure.put(HOLE)
    world.event(target)
    world.drain(5)
    assert there(world) == public_server()
    assert [change.outcome for change in world.store.changes()] == [Outcome.REVERTED]
    assert 50 < pause(world, target) <= 60


def test_only_the_policies_that_need_the_part_are_unknown_and_say_why() -> None:
    world = World()
    target = world.azure.put(server())
    world.azure.failing[Aspect.ADMINISTRATORS] = failing()
    world.event(target)
    (result,) = world.drain()
    unknown = {one.policy: one.reason for one in result.findings if one.state is ComplianceState.UNKNOWN}
    assert unknown == {ADMINISTRATORS: "the administrators could not be read: it is broken"}
    unread = remembered(world, target).unread
    assert unread is not None
    assert unread.why == "GET /part answered 503 ServiceUnavailable: it is broken"


def test_a_part_is_asked_for_again_ever_later_by_one_message_until_it_is_there() -> None:
    world = World()
    target = world.azure.put(server())
    world.azure.failing[Aspect.ADMINISTRATORS] = failing()
    world.event(target)
    pauses = []
    for _ in range(9):
        world.drain()
        pauses.append(pause(world, target))
        world.clock.advance(pauses[-1])
    assert pauses == [60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]
    world.azure.failing.clear()
    world.drain()
    assert (rechecks(world), remembered(world, target).unread) == (0, None)
    assert state_of(world, ADMINISTRATORS, target) is ComplianceState.COMPLIANT


def test_an_event_meanwhile_does_not_add_to_the_message_that_asks_again() -> None:
    world = World()
    target = world.azure.put(server())
    world.azure.failing[Aspect.PARAMETERS] = failing()
    for _ in range(8):
        world.event(target)
        world.drain()
    assert rechecks(world) == 1
    assert [line["message"] for line in world.lines if line.get("message") == "poisoned"] == []


def test_what_azure_asks_to_wait_is_waited() -> None:
    world = World()
    target = world.azure.put(server())
    world.azure.failing[Aspect.PARAMETERS] = failing(wait=7)
    world.event(target)
    world.drain()
    assert pause(world, target) == 7


def test_a_part_that_may_not_be_read_is_not_asked_for_again_in_haste() -> None:
    world = World()
    target = world.azure.put(server())
    world.azure.failing[Aspect.PARAMETERS] = Denied("no role", code="AuthorizationFailed", status=403)
    world.event(target)
    world.drain()
    assert (rechecks(world), remembered(world, target).unread) == (0, None)


def test_a_reading_that_is_not_whole_is_no_quiet_one() -> None:
    """A deployment may be writing what could not be read: its quiet time counts."""
    world = World(settle_seconds=60.0)
    seen_compliant(world, public_server())
    target = world.azure.put(DRIFTED)
    world.azure.failing[Aspect.PARAMETERS] = failing()
    world.event(target)
    world.drain()
    record = remembered(world, target)
    assert record.unsettled_at == world.clock.now()
    world.drain(70)
    assert there(world) == public_server()


def test_rules_that_cannot_be_read_are_reverted_once_they_can() -> None:
    world = World()
    seen_compliant(world, public_server())
    target = world.azure.put(HOLE)
    world.azure.failing[Aspect.FIREWALL_RULES] = failing()
    world.event(target)
    world.drain(5)
    assert there(world) == HOLE
    world.azure.failing.clear()
    world.drain(60)
    assert there(world) == public_server()


def test_a_change_waits_with_its_next_edit_for_a_part_that_its_proof_needs() -> None:
    world = World()
    half_done(world)
    world.azure.failing[Aspect.SECURITY_GROUP] = failing()
    world.drain(10)
    (change,) = world.store.changes()
    assert (change.outcome, len(world.azure.writes)) == (Outcome.IN_PROGRESS, 1)
    world.azure.failing.clear()
    world.drain(60)
    waited = world.store.change(change.id)
    assert waited is not None
    assert (waited.outcome, waited.next_edit) == (Outcome.REVERTED, 2)


# --- the target itself -----------------------------------------------------------------------------

CLOSED = Denied("no role", code="AuthorizationFailed", status=403)


@pytest.mark.field(
    "steady",
    "A target that is closed to us once is listed as unknown at once, and asked for again within a minute.",
    source="docs/adr/0017-a-change-is-one-value.md",
    date="2026-11-29",
)
@pytest.mark.parametrize("error", [CLOSED, Permanent("odd", code="MalformedAnswer", status=200)])
def test_one_refusal_of_the_target_hides_its_drift_for_a_minute_at_most(error: GatewayError) -> None:
    world = World()
    seen_compliant(world, public_server())
    target = world.azure.put(HOLE)
    world.azure.read_errors = [error]
    world.event(target)
    world.drain()
    (unknown,) = world.store.unknown.all(SUBSCRIPTION)
    assert unknown.target == target
    assert unknown.unread is not None
    assert (unknown.unread.since, unknown.unread.whole) == (world.clock.now(), True)
    assert str(error) in unknown.unread.why
    assert pause(world, target) == 60
    world.drain(61)
    assert there(world) == public_server()
    assert list(world.store.unknown.all(SUBSCRIPTION)) == []
    assert remembered(world, target).unread is None


def test_a_target_that_stays_closed_is_asked_for_ever_later_and_told_of_once() -> None:
    world = World()
    target = world.azure.put(server())
    world.event(target)
    pauses = []
    for _ in range(8):
        world.azure.read_errors = [CLOSED]
        world.drain()
        pauses.append(pause(world, target))
        world.clock.advance(pauses[-1])
    assert pauses == [60, 120, 240, 480, 960, 1920, 3600, 3600]
    (unknown,) = world.store.unknown.all(SUBSCRIPTION)
    assert unknown.unread is not None
    assert unknown.unread.looks == 8
    assert [message.data["policy"] for message in world.delivered] == [NOT_JUDGED.id]


def test_a_target_that_is_gone_is_unknown_no_more() -> None:
    world = World()
    target = world.azure.put(server())
    world.azure.read_errors = [CLOSED]
    world.event(target)
    world.drain()
    world.azure.snapshots.clear()
    world.drain(61)
    assert list(world.store.unknown.all(SUBSCRIPTION)) == []


def test_a_row_that_a_worker_left_behind_lists_nothing() -> None:
    world = World()
    target = world.azure.put(server())
    world.store.unknown.add(target)
    world.store.unknown.add(target)
    assert list(world.store.unknown.all(SUBSCRIPTION)) == []
    world.event(target)
    world.drain()
    assert list(world.store.unknown.all(SUBSCRIPTION)) == []


@pytest.mark.field(
    "steady",
    "The alert of a message that was given up names the request and its answer: method, path, status, code.",
    source="docs/adr/0017-a-change-is-one-value.md",
    date="2026-11-29",
)
def test_what_is_given_up_says_which_request_failed_and_how() -> None:
    world = World()
    target = world.azure.put(server())
    world.azure.read_errors = [failing()] * 9
    world.event(target)
    with pytest.raises(Transient):
        world.drain(3600)
    (body,) = world.queue.bodies()
    poisoned(body.encode(), world.deps())
    (alert,) = world.open_alerts(PATTERN)
    said = "GET /part answered 503 ServiceUnavailable: it is broken"
    assert (alert.evidence["error"], said in alert.reason) == (said, True)


# --- the switch ------------------------------------------------------------------------------------


class Shut(MemoryBlobs):
    """Blobs of which those that hold the switches cannot be listed so many times."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.times, self.asked = times, 0

    def names(self, container: str, prefix: str = "") -> Iterator[str]:
        if container == "control":
            self.asked += 1
            if self.asked <= self.times:
                raise StoreError("the container cannot be listed")
        yield from super().names(container, prefix)


def over(blobs: Shut) -> World:
    world = World()
    world.blobs = blobs
    world.store = Store(world.tables, blobs, world.queue)
    return world


OPENED = server(public_access=PublicAccess.ENABLED, firewall_rules=(ALL_AZURE,))


@pytest.mark.field(
    "steady",
    "Break-glass is read once in a look: where it cannot be read no policy writes, and within a minute it is "
    "asked again; a rule is deleted before public access closes over it.",
    source="docs/adr/0017-a-change-is-one-value.md",
    date="2026-11-29",
)
def test_a_switch_that_cannot_be_read_once_holds_every_policy_and_is_asked_again() -> None:
    blobs = Shut(times=0)
    world = over(blobs)
    seen_compliant(world, server())
    blobs.times, blobs.asked = 1, 0
    target = world.azure.put(OPENED)
    world.event(target)
    world.drain()
    assert (world.azure.writes, blobs.asked) == ([], 1)
    assert {alert.decision.reason for alert in world.store.alerts()} >= {Reason.BREAK_GLASS_UNREADABLE}
    assert pause(world, target) == 30
    world.drain(60)
    assert there(world) == server()
    assert isinstance(world.azure.writes[0], DeleteFirewallRule)


def test_a_look_at_what_is_compliant_asks_for_no_switch() -> None:
    world = over(Shut(times=9))
    seen_compliant(world, server())
    assert world.blobs.asked == 0  # type: ignore[attr-defined]
    assert remembered(world, server().target).unread is None


def test_a_switch_that_cannot_be_read_just_before_an_edit_holds_it_back_for_a_moment() -> None:
    """The look that decided could read it; the edit is no failed attempt, and is made half a minute later."""
    blobs = Shut(times=0)
    world = over(blobs)
    seen_compliant(world, public_server())
    target = world.azure.put(DRIFTED)

    def shut_after_one() -> None:
        blobs.asked, blobs.times = 0, 0

    shut_after_one()
    names = blobs.names
    calls = iter((False, True))

    def once(container: str, prefix: str = "") -> Iterator[str]:
        if container == "control" and next(calls, False):
            raise StoreError("the container cannot be listed")
        return names(container, prefix)

    blobs.names = once  # type: ignore[method-assign]
    world.event(target)
    world.drain()
    assert world.azure.writes == []
    world.drain(45)
    assert there(world) == replace(public_server())
