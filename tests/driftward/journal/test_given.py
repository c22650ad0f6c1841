"""Exemptions that people gave for scopes: whatever somebody does to their rows, the check finds it."""

from __future__ import annotations

from dataclasses import replace

from shared.controller.giving_exemptions import give
from shared.controller.revoking import revoke
from shared.model import codec
from shared.model.chain import FaultKind
from shared.model.interfaces import Entity, Insert
from shared.model.resource_id import ResourceId
from shared.model.scope_exemptions import ScopeExemption
from tests.controller.test_giving_exemptions import JANE, wanted
from tests.driftward.journal.worlds import anchor, anchored_world, faults, overwrite, remove, rows
from tests.fakes import World


def world_with_one() -> tuple[World, ScopeExemption, Entity]:
    world = anchored_world()
    given = give(wanted(until=world.clock.now().replace(month=12)), world.deps())
    anchor(world)
    assert faults(world) == set()
    return world, given, rows(world, "targets", "e-")[0]


def test_one_that_was_given_and_revoked_is_as_its_links_tell() -> None:
    world, given, _ = world_with_one()
    revoke(given.id, JANE, world.deps())
    assert faults(world) == set()
    anchor(world)
    assert rows(world, "targets", "e-") == []
    assert faults(world) == set()


def test_one_that_no_link_tells_of_was_forged() -> None:
    world, given, row = world_with_one()
    forged = replace(given, id="forged", etag=None)
    properties = {"json0": codec.dump(forged)}
    world.tables.write("targets", Insert(partition=row.partition, row="e-forged", properties=properties))
    assert faults(world) == {FaultKind.ENTRY_FORGED}


def test_one_that_was_widened_or_prolonged_is_found() -> None:
    world, given, _ = world_with_one()
    held = given.exemption
    for changed in (
        replace(given, scope=ResourceId(f"/subscriptions/{given.scope.subscription}")),
        replace(given, exemption=replace(held, policy="another")),
        replace(given, exemption=replace(held, expires_at=held.expires_at.replace(year=2030))),
    ):
        (row,) = rows(world, "targets", "e-")
        overwrite(world, "targets", row, {"json0": codec.dump(replace(changed, etag=None))})
        assert faults(world) == {FaultKind.ENTRY_CHANGED}


def test_one_that_was_taken_away_is_found_and_so_is_one_that_was_brought_back() -> None:
    world, given, row = world_with_one()
    remove(world, row)
    assert faults(world) == {FaultKind.ENTRY_MISSING}
    world, given, row = world_with_one()
    revoke(given.id, JANE, world.deps())
    (ended,) = rows(world, "targets", "e-")
    overwrite(world, "targets", ended, row.properties)
    assert faults(world) == {FaultKind.ENTRY_CHANGED}


def test_an_end_that_no_link_tells_of_is_found() -> None:
    world, given, row = world_with_one()
    ended = replace(given, ended_at=world.clock.now(), etag=None)
    overwrite(world, "targets", row, {"json0": codec.dump(ended)})
    assert faults(world) == {FaultKind.ENTRY_CHANGED}
