"""Azure's own log against the journal: what we wrote and no change accounts for is told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from driftward.journal.view import exit_code, view
from shared.controller.rollback import roll_back
from shared.model import Actor
from shared.model.chain import FaultKind
from shared.model.errors import Denied
from shared.model.happened import change_lapsed
from shared.model.operations import LoggedWrite
from tests.builders import SERVER
from tests.controller.test_rollback import request_for
from tests.driftward.journal.worlds import (
    anchored_world,
    checked,
    faults,
    logged,
    world_with_a_change,
)
from tests.fakes import SOMEBODY, START, US


def test_the_write_of_a_change_is_accounted_for_with_all_its_lines() -> None:
    world = world_with_a_change()
    change = world.store.changes()[0]
    accepted = logged(change.created_at + timedelta(seconds=1), status="Accepted")
    later = accepted.time + timedelta(seconds=40)
    ended = replace(accepted, id="another line", status="Succeeded", time=later)
    verified = checked(world, ended, accepted)
    assert (exit_code(verified), verified.writes) == (0, 2)


@pytest.mark.field(
    "brakes",
    "A write by Driftward's identity that is no change of the journal is named by `verify-journal`.",
    source="docs/adr/0015-the-journal-proves-itself.md",
    date="2026-11-29",
)
def test_a_write_by_our_identity_that_the_journal_does_not_hold_is_found() -> None:
    world = world_with_a_change()
    change = world.store.changes()[0]
    at = change.created_at
    for foreign in (
        logged(at + timedelta(hours=1)),
        logged(at - timedelta(hours=1)),
        logged(at, resource=str(SERVER.child("firewallRules", "another"))),
        logged(at, operation="write"),
        logged(at, resource=str(SERVER), operation="restart/action"),
        logged(at, status="Failed", resource=str(SERVER), operation="write"),
    ):
        verified = checked(world, foreign)
        assert [one.kind for one in verified.findings.faults] == [FaultKind.WRITE_UNKNOWN]
        assert foreign.resource == verified.findings.faults[0].where
        assert exit_code(verified) == 1


def test_a_second_request_with_the_words_of_a_change_is_found() -> None:
    """Whoever has our token may repeat what we did at the same moment: one edit is one request."""
    world = world_with_a_change()
    at = world.store.changes()[0].created_at
    again = logged(at + timedelta(seconds=5))
    assert faults(world, logged(at), again) == {FaultKind.WRITE_UNKNOWN}


def test_what_azure_refused_may_have_been_sent_again() -> None:
    """A 500 or a 408 ends no change whose worker goes on with it."""
    world = world_with_a_change()
    at = world.store.changes()[0].created_at
    refused = [logged(at + timedelta(seconds=number), status="Failed") for number in range(3)]
    sent = logged(at + timedelta(seconds=9), status="Accepted")
    assert faults(world, *refused, sent) == set()
    again = logged(at + timedelta(seconds=12), status="Accepted")
    assert faults(world, *refused, sent, again) == {FaultKind.WRITE_UNKNOWN}
    elsewhere = logged(at, status="Failed", resource=str(SERVER), operation="write")
    assert faults(world, sent, elsewhere) == {FaultKind.WRITE_UNKNOWN}


def test_what_others_write_and_what_only_reads_is_nobodys_business() -> None:
    world = world_with_a_change()
    at = world.store.changes()[0].created_at
    theirs = logged(at + timedelta(hours=3), caller=SOMEBODY)
    action = "Microsoft.Network/virtualNetworks/listNetworkManagerEffectiveSecurityAdminRules/action"
    listing = replace(logged(at + timedelta(hours=3)), operation=action)
    assert faults(world, theirs, listing) == set()


def test_our_identity_is_known_by_its_app_or_by_its_name_in_the_log() -> None:
    world = world_with_a_change()
    late = world.store.changes()[0].created_at + timedelta(hours=3)
    for caller in (
        Actor(app_id=US.app_id),
        Actor(object_id=(US.object_id or "").upper()),
        Actor(name=US.object_id),
    ):
        assert faults(world, logged(late, caller=caller)) == {FaultKind.WRITE_UNKNOWN}
    earlier = Actor(object_id="an identity that we had before")
    assert faults(world, logged(late, caller=earlier)) == set()
    assert faults(world, logged(late, caller=earlier), writers=(earlier,)) == {FaultKind.WRITE_UNKNOWN}


def test_the_write_of_a_change_whose_claim_lapsed_is_found() -> None:
    """A claim of which nothing was sent accounts for nothing: a record that was taken away shows by this."""
    world = world_with_a_change()
    change = world.store.changes()[0]
    world.store.journal.append(change.change.target, change_lapsed(change.id, change.created_at))
    assert faults(world, logged(change.created_at)) == {FaultKind.WRITE_UNKNOWN}


def test_the_writes_of_a_rollback_are_accounted_for() -> None:
    world = world_with_a_change()
    original = world.store.changes()[0]
    rollback = roll_back(request_for(original, hours=48), world.deps())
    world.drain(60)
    assert rollback is not None
    lines = (logged(original.created_at), logged(rollback.created_at, operation="write"))
    assert faults(world, *lines) == set()


def test_a_log_that_cannot_be_read_leaves_it_open_and_faults_count_all_the_same() -> None:
    world = world_with_a_change()

    def denied(_: str) -> Iterator[LoggedWrite]:
        raise Denied("no role", code="AuthorizationFailed", status=403)

    verified = checked(world, log=denied)
    assert exit_code(verified) == 3
    assert view(verified)["holds"] is None
    world.store.put_change(replace(world.store.changes()[0], id="forged", etag=None))
    assert exit_code(checked(world, log=denied)) == 1


def test_without_anybody_to_look_for_the_log_is_not_read() -> None:
    world = anchored_world()
    assert exit_code(checked(world, logged(START))) == 1, "the anchor names who we are"
    for name in list(world.blobs.names("journal")):
        world.blobs.delete("journal", name)
    assert "who we are to Azure is not known yet" in checked(world).findings.unknown[0]
