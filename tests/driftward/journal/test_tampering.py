"""Whatever somebody does to the journal who may write to its account, the check finds it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.controller.rollback import roll_back
from shared.model import Json, Outcome, Reason, codec
from shared.model.alert_records import AlertRecord, Approval
from shared.model.chain import FaultKind, Head, after
from shared.model.deeds import Deed, DeedKind
from shared.model.happened import approval_given, change_claimed, change_ended, switch_seen
from shared.model.interfaces import Insert
from shared.model.memory import Exemption
from shared.state.journal import Journal
from tests.builders import OFFICE, SERVER, public_server, server
from tests.controller.test_reconcile import drift
from tests.controller.test_rollback import request_for
from tests.driftward.journal.worlds import (
    CHAIN,
    anchor,
    anchored_world,
    checked,
    edit_change,
    edited,
    faults,
    head,
    links,
    overwrite,
    remove,
    reopen,
    rows,
    world_with_a_change,
)
from tests.fakes import START, World

THREAT_MODEL = "docs/adr/0015-the-journal-proves-itself.md"


@pytest.mark.parametrize(
    ("number", "old", "new"),
    [(0, "postgres-firewall", "postgres-firewalls"), (0, "Jane", "Joan"), (-1, "Reverted", "Reverteb")],
)
def test_a_changed_byte_in_a_link_is_found(number: int, old: str, new: str) -> None:
    world = world_with_a_change()
    row = links(world)[number]
    overwrite(world, "targets", row, edited(row, old, new))
    assert FaultKind.LINK_CHANGED in faults(world)


def test_a_changed_link_is_found_though_its_own_hash_and_the_head_were_made_to_fit() -> None:
    world = world_with_a_change()
    row = links(world)[-1]
    overwrite(world, "targets", row, edited(row, "Reverted", "Conflicted"))
    (*_, last) = world.store.journal.entries(world.azure.snapshots[CHAIN].target)
    made = codec.dump(Head(chain=CHAIN, sequence=last.sequence, hash=last.hash))
    overwrite(world, "targets", head(world), {**head(world).properties, "json0": made})
    assert FaultKind.LINK_CHANGED in faults(world), "the anchor knows the hash that stood there"


def test_a_link_that_is_no_link_any_more_is_found() -> None:
    world = world_with_a_change()
    row = links(world)[0]
    overwrite(world, "targets", row, {**row.properties, "json0": "{"})
    assert FaultKind.LINK_UNREADABLE in faults(world)


def test_a_changed_or_missing_text_that_a_link_names_is_found() -> None:
    world = world_with_a_change()
    link = world.store.journal.entries(world.azure.snapshots[CHAIN].target)[0].link()
    held = world.blobs.get("snapshots", link.blobs["proof"])
    assert held is not None
    world.blobs.put("snapshots", link.blobs["proof"], held[:-1] + b" ")
    assert FaultKind.BLOB_CHANGED in faults(world)
    world.blobs.put("snapshots", link.blobs["proof"], held)
    world.blobs.delete("snapshots", link.blobs["before"])
    assert faults(world) == {FaultKind.BLOB_MISSING}


@pytest.mark.field(
    "brakes",
    "An entry of the journal that was changed, removed or forged is found by its chain of hashes.",
    source="docs/adr/0015-the-journal-proves-itself.md",
    date="2026-11-29",
)
def test_a_changed_record_of_a_change_is_found() -> None:
    world = world_with_a_change()
    held_before = replace(world.store.changes()[0], etag=None)
    for edit in (
        lambda held: replace(held, outcome=Outcome.FAILED),
        lambda held: replace(held, fingerprint="another drift"),
        lambda held: replace(held, before="0" * 64),
        lambda held: replace(held, change=replace(held.change, edits=held.change.inverse)),
        lambda held: replace(held, proof=replace(held.proof, steps=held.proof.steps[:1])),
        lambda held: replace(held, outcome=Outcome.IN_PROGRESS),
        lambda held: replace(held, finished_at=held.finished_at + timedelta(minutes=1)),
    ):
        edit_change(world, edit)
        assert faults(world) == {FaultKind.ENTRY_CHANGED}
        edit_change(world, lambda _: held_before)


def test_what_a_link_says_nothing_of_may_change() -> None:
    """That a change was rolled back is noted in its own record, which is the rollback's to prove."""
    world = world_with_a_change()
    edit_change(world, lambda held: replace(held, run_id="run", rolled_back_by="another"))
    assert faults(world) == set()


def test_a_removed_record_of_a_change_is_found() -> None:
    world = world_with_a_change()
    row = rows(world, "changes", "n-")[0]
    world.tables.delete("changes", row.partition, row.row)
    assert faults(world) == {FaultKind.ENTRY_MISSING}


def test_a_removed_link_is_found_in_the_middle() -> None:
    world = world_with_a_change()
    remove(world, links(world)[0])
    assert FaultKind.LINK_MISSING in faults(world)


def test_a_removed_link_is_found_at_the_end_though_the_head_was_set_back() -> None:
    world = world_with_a_change()
    first, last = links(world)
    entry = world.store.journal.entries(world.azure.snapshots[CHAIN].target)[0]
    remove(world, last)
    made = codec.dump(Head(chain=CHAIN, sequence=1, hash=entry.hash))
    overwrite(world, "targets", head(world), {**head(world).properties, "json0": made})
    assert FaultKind.LINK_MISSING in faults(world)
    assert first.row != last.row


def test_a_whole_chain_that_was_removed_with_its_record_and_change_is_found() -> None:
    world = world_with_a_change()
    remove(world, *links(world), head(world), *rows(world, "targets", "t-"))
    for row in rows(world, "changes", ""):
        world.tables.delete("changes", row.partition, row.row)
    assert faults(world) == {FaultKind.CHAIN_MISSING}
    anchor(world)
    assert faults(world) == {FaultKind.CHAIN_MISSING}, "the next anchor does not forget it"


def test_a_forged_change_without_a_link_is_found() -> None:
    world = world_with_a_change()
    world.store.put_change(replace(world.store.changes()[0], id="forged", etag=None))
    assert faults(world) == {FaultKind.ENTRY_FORGED}


def test_a_forged_change_with_a_link_of_a_wrong_predecessor_is_found() -> None:
    world = world_with_a_change()
    forged = replace(world.store.changes()[0], id="forged", etag=None)
    world.store.put_change(forged)
    wrong = Head(chain=CHAIN, sequence=2, hash="1" * 64)
    for deed in (change_claimed(forged), change_ended(forged)):
        entry = after(wrong, deed)
        row = links(world)[0]
        place = row.row[:-20] + f"{entry.sequence:020d}"
        properties = {"chain": CHAIN, "hash": entry.hash, "json0": entry.text}
        write = Insert(partition=row.partition, row=place, properties=properties)
        world.tables.write("targets", write)
        wrong = Head(chain=CHAIN, sequence=entry.sequence, hash=entry.hash)
    assert FaultKind.LINK_CHANGED in faults(world)


def test_a_row_that_holds_no_record_is_found() -> None:
    world = world_with_a_change()
    row = rows(world, "changes", "n-")[0]
    overwrite(world, "changes", row, {**row.properties, "json0": "[]"})
    assert FaultKind.ENTRY_UNREADABLE in faults(world)


def test_a_forged_exemption_and_one_that_was_taken_away_are_found() -> None:
    world = world_with_a_change()
    target = world.azure.snapshots[CHAIN].target
    forged = Exemption(policy="any", reason="mine", approver="me", expires_at=START + timedelta(days=90))
    record = world.store.recall(target, START)
    world.store.save(replace(record, exemptions=(forged,)))
    assert faults(world) == {FaultKind.ENTRY_FORGED}
    record = world.store.recall(target, START)
    world.store.save(replace(record, exemptions=()))
    roll_back(request_for(world.store.changes()[0], hours=48), world.deps())
    world.drain(60)
    assert faults(world) == set()
    record = world.store.recall(target, START)
    world.store.save(replace(record, exemptions=()))
    assert faults(world) == {FaultKind.ENTRY_MISSING}


def test_an_exemption_that_was_widened_to_the_whole_policy_is_found() -> None:
    world = world_with_a_change()
    roll_back(request_for(world.store.changes()[0], hours=48), world.deps())
    world.drain(60)
    assert faults(world) == set()
    record = world.store.recall(world.azure.snapshots[CHAIN].target, START)
    (narrow,) = record.exemptions
    assert narrow.rolled_back is not None
    world.store.save(replace(record, exemptions=(replace(narrow, rolled_back=None),)))
    assert faults(world) == {FaultKind.ENTRY_FORGED}


def test_a_forged_approval_is_found() -> None:
    world = world_with_a_change()
    alert = world.store.alerts()[0] if world.store.alerts() else None
    if alert is None:
        world.azure.ignores_writes = True
        reopen(world)
        alert = world.store.alerts()[0]
    now = world.clock.now()
    approval = Approval(by="me", at=now, expires_at=now + timedelta(hours=1), fingerprint=alert.fingerprint)
    world.store.put_alert(replace(alert, approval=approval))
    assert faults(world) == {FaultKind.ENTRY_FORGED}


def approved_change(world: World) -> AlertRecord:
    """Closing public access waits for an approval, which is given; the drift and its alert are over then."""
    world.azure.put(server(firewall_rules=(OFFICE,)))
    world.look(server().target)
    world.drain()
    drift(world, public_server(), seconds=5)
    alert = world.approve(world.open_alerts("postgres-public-access-enabled")[0])
    world.look(alert.target)
    world.drain(60)
    assert [change.decision.reason for change in world.store.changes()] == [Reason.APPROVED]
    return alert


def test_what_was_made_as_approved_has_a_link_of_its_approval() -> None:
    world = anchored_world()
    approved_change(world)
    assert faults(world) == set()


@pytest.mark.parametrize("forged", ["no approval", "over by then", "for another drift"])
def test_a_change_made_as_approved_without_consent_is_found(
    forged: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it would be of a version that believes what stands in an alert."""

    def entered(alert: AlertRecord, approval: Approval) -> Deed:
        deed = approval_given(alert, approval)
        said: dict[str, dict[str, Json]] = {
            "no approval": {"policy": "another"},
            "over by then": {"expiresAt": "2020-01-01T00:00:00Z"},
            "for another drift": {"fingerprint": "another"},
        }
        return replace(deed, what={**deed.what, **said[forged]})

    world = anchored_world()
    with monkeypatch.context() as patch:
        patch.setattr("tests.fakes.approval_given", entered)
        patch.setattr(Journal, "tells_of", lambda *_: True)
        approved_change(world)
    (found,) = checked(world).findings.faults
    assert (found.kind, found.where) == (FaultKind.ENTRY_FORGED, f"change {world.store.changes()[0].id}")


def test_an_approval_that_was_entered_after_the_change_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    world = anchored_world()
    with monkeypatch.context() as patch:
        patch.setattr(Journal, "tells_of", lambda *_: True)
        patch.setattr("tests.fakes.approval_given", lambda *_: switch_seen("x", START, on=True))
        alert = approved_change(world)
    assert alert.approval is not None
    world.store.journal.append(alert.target, approval_given(alert, alert.approval))
    assert faults(world) == {FaultKind.ENTRY_FORGED}


# --- anchors ---------------------------------------------------------------------------------------


def test_a_changed_or_removed_anchor_is_found() -> None:
    world = world_with_a_change()
    first, newest = world.blobs.names("journal")
    held = world.blobs.get("journal", newest)
    assert held is not None
    world.blobs.put("journal", newest, held.replace(b'"sequence":2', b'"sequence":3', 1))
    assert FaultKind.ANCHOR_CHANGED in faults(world)
    world.blobs.put("journal", newest, held)
    world.blobs.delete("journal", first)
    assert faults(world) == {FaultKind.ANCHOR_MISSING}


def test_a_journal_that_was_begun_anew_to_launder_a_forged_change_is_found() -> None:
    world = world_with_a_change()
    world.store.put_change(replace(world.store.changes()[0], id="forged", etag=None))
    (row,) = (row for row in rows(world, "targets", "anchor"))
    remove(world, row)
    anchor(world)
    assert FaultKind.BEGUN_AGAIN in faults(world)


def test_a_store_that_was_set_back_as_a_whole_is_found_by_an_anchor_kept_elsewhere() -> None:
    world = world_with_a_change()
    (line,) = (line for line in world.lines if line.get("message") == "journal-anchored")
    assert faults(world, anchors=(str(line["anchor"]),)) == set()
    assert faults(World(), anchors=(str(line["anchor"]),)) == {FaultKind.ANCHOR_MISSING}


# --- before the chains ------------------------------------------------------------------------------


def test_what_was_recorded_before_the_chains_began_is_told_from_what_is_forged_later() -> None:
    world = World()
    older = reopen(world)
    remove(world, *rows(world, "targets", "j-"), *rows(world, "targets", "h-"))
    assert faults(world) == set()
    assert checked(world).findings.unknown
    anchor(world)
    verified = checked(world)
    assert not verified.findings.faults
    assert not verified.findings.unknown
    edit_change(world, lambda held: replace(held, outcome=Outcome.FAILED))
    assert faults(world) == {FaultKind.ENTRY_CHANGED}
    edit_change(world, lambda held: replace(held, outcome=older.outcome))
    world.store.put_change(replace(older, id="forged", etag=None))
    assert faults(world) == {FaultKind.ENTRY_FORGED}


def test_an_empty_journal_that_has_begun_holds() -> None:
    verified = checked(anchored_world(), log=None)
    assert (verified.findings.faults, verified.findings.unknown) == ((), ())
    assert (verified.links, verified.changes) == (3, 0), "its beginning, and two settings that let it write"


def test_a_link_of_a_kind_that_a_newer_version_knows_breaks_nothing() -> None:
    world = world_with_a_change()
    deed = Deed(kind=DeedKind.SWITCH_ON, time=START, what={"switch": "x"})
    world.store.journal.append(world.azure.snapshots[CHAIN].target, deed)
    row = links(world)[-1]
    overwrite(world, "targets", row, edited(row, '"switchOn"', '"somethingNew"'))
    entry = world.store.journal.entries(world.azure.snapshots[CHAIN].target)[-1]
    made = codec.dump(Head(chain=CHAIN, sequence=entry.sequence, hash=entry.hash))
    overwrite(world, "targets", head(world), {**head(world).properties, "json0": made})
    assert SERVER.key == CHAIN
    assert faults(world) == set()
