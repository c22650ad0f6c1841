"""An exemption of a rollback: told once when it ends, listed while it stands, and revoked."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.controller.exemptions import all_given
from shared.controller.revoking import StandsInTheFile, revoke
from shared.controller.sweep import sweep
from shared.model import Actor, ComplianceState
from shared.model.alert_records import AlertRecord, NotificationType
from shared.model.deeds import DeedKind
from shared.model.errors import EntityChanged
from shared.model.memory import TargetRecord
from tests.builders import GROUP, OFFICE, SERVER, public_server
from tests.controller.test_expired_exemptions import ENTRY
from tests.controller.test_rolled_back_edits import INTERNET, A, rolled_back
from tests.fakes import START, World

EXPIRED = "exemption-expired"
TARGET = public_server().target
OPEN = public_server(firewall_rules=(OFFICE, A))


def ended() -> World:
    world = rolled_back()
    world.clock.advance(timedelta(hours=5).total_seconds())
    return world


def swept(world: World, seconds: float = 1) -> list[AlertRecord]:
    sweep(world.deps())
    world.drain(seconds)
    return world.open_alerts(EXPIRED)


@pytest.mark.field(
    "brakes",
    "An exemption that came with a rollback is told when it ends, once, with what it covered",
    source="docs/runbook.md",
    date="2026-11-29",
)
def test_the_end_of_a_rollbacks_exemption_is_told_once() -> None:
    world = ended()
    world.event(TARGET)
    world.drain(0)
    assert [e.rolled_back is not None for e in world.store.recall(TARGET, START).exemptions] == [True], (
        "a look before the sweep does not forget it"
    )
    (alert,) = swept(world)
    assert alert.target == TARGET
    assert alert.evidence["policy"] == INTERNET
    assert alert.evidence["rolledBack"] == ["deletes firewall rule 'a'"]
    assert alert.evidence["reason"].endswith("until noon")
    assert world.store.recall(TARGET, START).exemptions == ()
    swept(world)
    told = [n for n in world.delivered if n.data["policy"] == EXPIRED]
    assert [n.type for n in told].count(NotificationType.ALERT_OPENED) == 1


def test_what_was_exempt_is_reverted_after_the_end_and_then_the_alert_is_over() -> None:
    world = ended()
    assert len(swept(world, 60)) == 1
    assert world.azure.snapshots[SERVER.key] == public_server()
    assert swept(world) == []


def test_the_alert_stays_while_what_was_exempt_is_still_open() -> None:
    world = ended()
    world.store.set_break_glass(True, by="jane", reason="incident", now=START)
    assert len(swept(world, 60)) == 1
    assert len(swept(world, 60)) == 1
    world.policies_file = f"version: 1\nexemptions:\n{ENTRY % '2027-01-01'}".replace(
        "postgres-firewall-allows-all-azure", INTERNET
    )
    swept(world, 60)
    assert swept(world) == []


def test_every_exemption_is_listed_with_where_it_was_given() -> None:
    world = rolled_back()
    world.policies_file = "version: 1\nexemptions:\n" + ENTRY % "2027-01-01"
    in_file, of_rollback = all_given(world.deps())
    assert (in_file.place, str(in_file.scope), in_file.rollback) == ("policies.yaml:3", GROUP, None)
    assert (of_rollback.place, of_rollback.scope) == ("", SERVER)
    assert of_rollback.id == of_rollback.rollback
    assert of_rollback.covers == ("deletes firewall rule 'a'",)
    assert of_rollback.approver == "Jane Doe"


def test_what_was_revoked_is_drift_at_once_and_has_no_end_to_tell() -> None:
    world = rolled_back()
    (given,) = all_given(world.deps())
    assert revoke(given.id, Actor(name="John"), world.deps()) == given
    assert list(all_given(world.deps())) == []
    world.drain(60)
    assert world.azure.snapshots[SERVER.key] == public_server()
    world.clock.advance(timedelta(hours=5).total_seconds())
    assert swept(world) == []
    assert any(line.get("exemption") == given.id and line["revokedBy"] == "John" for line in world.lines)
    assert revoke(given.id, Actor(name="John"), world.deps()) is None


def test_a_revocation_is_a_deed_of_the_journal_and_says_whose() -> None:
    world = rolled_back()
    (given,) = all_given(world.deps())
    revoke(given.id, Actor(name="John"), world.deps())
    links = [entry.link() for entry in world.store.journal.entries(TARGET)]
    (begun,) = [link for link in links if link.kind == DeedKind.EXEMPTION_BEGUN]
    (ended,) = [link for link in links if link.kind == DeedKind.EXEMPTION_ENDED]
    assert (ended.what["why"], ended.actor.name) == ("revoked", "John")
    assert ended.what["rolledBack"] == begun.what["rolledBack"]
    assert begun.what["rolledBack"] is not None


def test_an_exemption_of_the_file_is_revoked_in_the_file() -> None:
    world = World(policies_file="version: 1\nexemptions:\n" + ENTRY % "2027-01-01")
    (given,) = all_given(world.deps())
    with pytest.raises(StandsInTheFile, match=r"policies\.yaml:3 gives this exemption"):
        revoke(given.id, Actor(name="John"), world.deps())


def test_a_look_that_writes_the_memory_meanwhile_does_not_lose_the_revocation(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = rolled_back()
    (given,) = all_given(world.deps())
    real, races = world.store.save, [1]

    def overtaken(record: TargetRecord) -> TargetRecord:
        if races:
            races.pop()
            raise EntityChanged("somebody was faster")
        return real(record)

    monkeypatch.setattr(world.store, "save", overtaken)
    assert revoke(given.id, Actor(name="John"), world.deps()) == given
    assert world.store.recall(TARGET, START).exemptions == ()


def test_the_finding_is_exempt_until_it_is_revoked() -> None:
    world = rolled_back()
    world.event(TARGET)
    (result, *_) = world.drain(5)
    assert [f.state for f in result.findings if f.policy == INTERNET] == [ComplianceState.EXEMPT]
    assert world.azure.snapshots[SERVER.key] == OPEN
