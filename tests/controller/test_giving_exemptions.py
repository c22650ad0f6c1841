"""An exemption that a person gives for a scope: heeded at once, told where it is grave, over when it ends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from shared.controller.exemptions import Source, all_given
from shared.controller.giving_exemptions import GIVEN, exemption_given, give
from shared.controller.revoking import revoke
from shared.controller.sweep import sweep
from shared.model import Actor, Cause, CauseKind, ComplianceState, Severity, Target
from shared.model.alert_records import AlertRecord, NotificationType
from shared.model.deeds import DeedKind
from shared.model.errors import StoreError
from shared.model.happened import scope_exemption_begun
from shared.model.interfaces import Insert
from shared.model.memory import Exemption
from shared.model.messages import look
from shared.model.resource_id import ResourceId
from shared.model.scope_exemptions import ScopeExemption
from shared.state.exemption_rows import EXEMPTIONS
from shared.state.journal import NO_TARGETS
from tests.builders import DRIFTED, GROUP, SERVER, public_server
from tests.controller.test_reconcile import seen_compliant
from tests.fakes import SOMEBODY, START, SUBSCRIPTION, World, only

FIREWALL = "postgres-firewall-allows-all-azure"
EXPIRED = "exemption-expired"
JANE = Actor(object_id="approver-object", name="Jane Doe")
MALLORY = Actor(object_id="mallory-object", name="Mallory")
TWO_HOURS = timedelta(hours=2)


def world() -> World:
    """A server that is known and compliant."""
    there = World(policies_file=only(FIREWALL))
    seen_compliant(there, public_server())
    return there


def wanted(scope: str = GROUP, until: datetime = START + TWO_HOURS, policy: str = FIREWALL) -> ScopeExemption:
    exemption = Exemption(policy=policy, reason="a partner", approver="Jane Doe", expires_at=until)
    return exemption_given(exemption, ResourceId(scope), JANE, START)


def drifts(there: World) -> Target:
    target = there.azure.put(DRIFTED)
    there.event(target)
    there.drain(5)
    return target


def state(there: World) -> ComplianceState:
    return there.store.recall(public_server().target, START).memories[FIREWALL].state


def told(there: World, policy: str = GIVEN.id) -> list[NotificationType]:
    return [one.type for one in there.delivered if one.data.get("policy") == policy]


def deeds(there: World) -> list[Mapping[str, object]]:
    links = (entry.link() for entry in there.store.journal.read(NO_TARGETS, EXEMPTIONS))
    return [{**link.what, "kind": link.kind, "by": link.actor.name} for link in links]


def swept(there: World, policy: str = EXPIRED) -> list[AlertRecord]:
    sweep(there.deps())
    there.drain(5)
    return there.open_alerts(policy)


@pytest.mark.parametrize("scope", [f"/subscriptions/{SUBSCRIPTION}", GROUP, str(SERVER)])
def test_what_drifts_in_the_scope_is_left_alone_until_the_end_and_then_reverted(scope: str) -> None:
    there = world()
    give(wanted(scope), there.deps())
    drifts(there)
    assert (there.azure.writes, state(there)) == ([], ComplianceState.EXEMPT)
    there.clock.advance(TWO_HOURS.total_seconds())
    swept(there)
    assert len(there.azure.writes) == 1


@pytest.mark.parametrize(
    "given",
    [
        wanted(f"{GROUP}-2"),
        wanted(f"{SERVER}-2"),
        wanted(policy="postgres-public-access-enabled"),
        wanted(until=START - timedelta(minutes=1)),
    ],
)
def test_it_covers_its_scope_and_its_policy_for_its_time_and_nothing_else(given: ScopeExemption) -> None:
    there = world()
    give(given, there.deps())
    drifts(there)
    assert len(there.azure.writes) == 1


@pytest.mark.parametrize("seconds", [0, 20, 14 * 60])
def test_what_its_giver_had_just_written_is_not_exempt_though_the_event_comes_later(seconds: int) -> None:
    there = world()
    there.clock.set(START + timedelta(seconds=seconds))
    given = wanted(until=START + TWO_HOURS)
    give(replace(given, given_at=there.clock.now()), there.deps())
    written = Cause(kind=CauseKind.EVENT, time=START, actor=JANE, event_id="late")
    there.store.arm(look(there.azure.put(DRIFTED), written), there.clock.now(), 0)
    there.drain(5)
    assert len(there.azure.writes) == 1


def test_who_writes_next_does_not_make_it_exempt() -> None:
    there = World(policies_file="version: 1\ndefaults: {effect: alert}\n")
    seen_compliant(there, public_server())
    give(wanted(), there.deps())
    there.store.arm(
        look(there.azure.put(DRIFTED), Cause(kind=CauseKind.EVENT, time=START, actor=JANE)), START, 0
    )
    there.drain(5)
    for minutes in range(3):
        there.clock.advance(60)
        there.event(DRIFTED.target, MALLORY if minutes % 2 else SOMEBODY)
        there.drain(5)
        assert (len(there.open_alerts(FIREWALL)), state(there)) == (1, ComplianceState.NON_COMPLIANT)


@pytest.mark.parametrize(
    ("actor", "minutes"), [(JANE, 1), (JANE, -16), (SOMEBODY, -1), (Actor(name="Jane Doe"), -1)]
)
def test_what_is_written_later_or_long_before_or_by_others_is_exempt(actor: Actor, minutes: int) -> None:
    there = world()
    there.clock.set(START + timedelta(minutes=20))
    given = wanted(until=START + TWO_HOURS)
    give(replace(given, given_at=there.clock.now()), there.deps())
    written = Cause(kind=CauseKind.EVENT, time=there.clock.now() + timedelta(minutes=minutes), actor=actor)
    there.clock.advance(120)
    there.store.arm(look(there.azure.put(DRIFTED), written), there.clock.now(), 0)
    there.drain(5)
    assert (there.azure.writes, state(there)) == ([], ComplianceState.EXEMPT)


def test_what_is_open_when_it_is_given_is_exempt_at_once() -> None:
    there = World(policies_file="version: 1\ndefaults: {effect: alert}\n")
    seen_compliant(there, public_server())
    drifts(there)
    assert len(there.open_alerts(FIREWALL)) == 1
    give(wanted(), there.deps())
    there.drain(5)
    assert (there.open_alerts(FIREWALL), state(there)) == ([], ComplianceState.EXEMPT)


@pytest.mark.field(
    "brakes",
    "An exemption from a High or Critical policy is told when somebody gives it, and again when it ends",
    source="docs/runbook.md",
    date="2026-11-30",
)
def test_people_hear_of_an_exemption_from_what_is_grave_and_of_its_end() -> None:
    there = world()
    given = give(wanted(), there.deps())
    there.drain(5)
    (alert,) = there.open_alerts(GIVEN.id)
    assert (alert.severity, alert.resource_id) == (Severity.HIGH, ResourceId(GROUP))
    assert alert.evidence["exemption"] == given.id
    assert "Jane Doe exempted" in alert.reason
    assert alert.target == public_server().target
    assert told(there) == [NotificationType.ALERT_OPENED]
    there.clock.advance(TWO_HOURS.total_seconds())
    (ended,) = swept(there)
    assert (ended.evidence["reason"], ended.resource_id) == ("a partner", ResourceId(GROUP))
    assert told(there) == [NotificationType.ALERT_OPENED, NotificationType.ALERT_RESOLVED]
    assert list(there.store.exemptions.all()) == []
    assert swept(there) == [], "nothing of what was exempt is left"
    assert told(there, EXPIRED) == [NotificationType.ALERT_OPENED, NotificationType.ALERT_RESOLVED]


def test_nobody_is_woken_for_an_exemption_from_what_is_not_grave() -> None:
    there = World()
    seen_compliant(there, public_server())
    give(wanted(policy="postgres-log-checkpoints-off"), there.deps())
    there.drain(5)
    assert told(there) == []
    assert [one["kind"] for one in deeds(there)] == [DeedKind.EXEMPTION_BEGUN]


def test_the_end_is_told_for_as_long_as_what_was_exempt_is_open() -> None:
    there = world()
    give(wanted(), there.deps())
    drifts(there)
    there.store.set_break_glass(True, by="jane", reason="incident", now=START)
    there.clock.advance(TWO_HOURS.total_seconds())
    assert len(swept(there)) == 1
    assert len(swept(there)) == 1
    give(wanted(until=START + 5 * TWO_HOURS), there.deps())
    there.drain(5)
    assert swept(there) == [], "it is exempt again"


def test_it_is_revoked_by_its_id_and_what_it_covered_is_reverted_at_once() -> None:
    there = world()
    given = give(wanted(), there.deps())
    drifts(there)
    ended = revoke(given.id, Actor(name="joe"), there.deps())
    assert ended is not None
    there.drain(5)
    assert len(there.azure.writes) == 1
    assert there.open_alerts(GIVEN.id) == []
    assert [(one["kind"], one["by"]) for one in deeds(there)] == [
        (DeedKind.EXEMPTION_BEGUN, "Jane Doe"),
        (DeedKind.EXEMPTION_ENDED, "joe"),
    ]
    assert list(all_given(there.deps())) == []
    assert swept(there) == [], "whoever revoked it knows"
    assert revoke(given.id, Actor(name="joe"), there.deps()) is None


def test_it_is_listed_as_somebodys_word() -> None:
    there = world()
    given = give(wanted(), there.deps())
    (listed,) = all_given(there.deps())
    assert (listed.id, listed.source, listed.scope) == (given.id, Source.OPERATOR, ResourceId(GROUP))


def test_the_same_asked_for_again_is_one_exemption_and_given_again_after_its_end_another() -> None:
    there = world()
    first = give(wanted(), there.deps())
    assert give(replace(wanted(), given_at=START + timedelta(minutes=1)), there.deps()).id == first.id
    assert len(deeds(there)) == 1
    revoke(first.id, JANE, there.deps())
    give(wanted(), there.deps())
    drifts(there)
    assert there.azure.writes == []
    assert len(deeds(there)) == 3


def test_whoever_dies_before_people_were_told_leaves_that_to_the_sweep() -> None:
    there = world()
    there.store.exemptions.put(wanted(), scope_exemption_begun(wanted()))
    assert len(swept(there, GIVEN.id)) == 1
    assert len(swept(there, GIVEN.id)) == 1
    assert told(there) == [NotificationType.ALERT_OPENED]


def test_what_the_file_forbids_is_not_exempt_whenever_it_was_given() -> None:
    for said in (f"never: [{FIREWALL}]", "enabled: false"):
        there = world()
        give(wanted(), there.deps())
        there.policies_file = f"{only(FIREWALL)}givenExemptions: {{{said}}}\n"
        drifts(there)
        assert len(there.azure.writes) == 1


def test_a_row_that_is_none_exempts_nothing_and_stands_in_nobodys_way() -> None:
    there = world()
    given = give(wanted(f"{GROUP}-2"), there.deps())
    (row,) = there.tables.query("targets", NO_TARGETS, "e-")
    there.tables.delete("targets", row.partition, row.row)
    there.tables.write("targets", Insert(partition=row.partition, row=row.row, properties={"json0": "{"}))
    drifts(there)
    assert len(there.azure.writes) == 1
    swept(there)
    with pytest.raises(StoreError):
        there.store.exemptions.find(given.id)
