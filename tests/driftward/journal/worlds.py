"""Journals to check: of a world in which changes were made, and what somebody does to them in the store."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from driftward.journal.asking import Asked, Verified, verify
from driftward.journal.export_file import About, opened, write_export
from driftward.journal.exported import verify_export
from shared.controller.sweep import sweep
from shared.model import Actor, codec
from shared.model.chain import FaultKind
from shared.model.change_records import ChangeRecord
from shared.model.interfaces import Entity, Replace, Row
from shared.model.operations import LoggedWrite
from tests.builders import ALL_AZURE, OFFICE, SERVER, public_server
from tests.controller.test_reconcile import drift, seen_compliant
from tests.fakes import SUBSCRIPTION, US, World

RULE = str(SERVER.child("firewallRules", ALL_AZURE.name))
CHAIN = SERVER.key


def anchored_world() -> World:
    """A world whose chains have begun, before anything happened."""
    world = World()
    sweep(world.deps())
    world.drain()
    return world


def world_with_a_change() -> World:
    """One firewall rule was deleted, and the chains are anchored."""
    world = anchored_world()
    reopen(world)
    anchor(world)
    return world


def reopen(world: World) -> ChangeRecord:
    """Somebody lets all of Azure in, and is undone."""
    let_all_azure_in(world)
    return world.store.changes()[0]


def let_all_azure_in(world: World) -> None:
    seen_compliant(world, public_server())
    drift(world, public_server(firewall_rules=(OFFICE, ALL_AZURE)), seconds=5)


def anchor(world: World) -> None:
    world.clock.advance(3600)
    sweep(world.deps())
    world.drain()


def checked(world: World, *lines: LoggedWrite, **asked: Any) -> Verified:
    """What a check says a day later, when nothing is pending any more."""

    def log(_: str) -> Iterator[LoggedWrite]:
        yield from lines

    wanted = replace(Asked(log=log, subscriptions=[SUBSCRIPTION]), **asked)
    now = world.clock.now() + timedelta(days=1)
    found = verify(world.store.evidence, wanted, now)
    assert exported(world, wanted, now) == found, "an export is judged as the storage is"
    return found


def exported(world: World, asked: Asked, now: datetime) -> Verified:
    """What a check says of the journal once it is exported."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "journal.sqlite"
        write_export(world.store.copy.pieces(), About(exported_at=now, version="1", kept_days=None), path)
        with opened(path) as export:
            return verify_export(export, asked, now)


def faults(world: World, *lines: LoggedWrite, **asked: Any) -> set[FaultKind]:
    return {one.kind for one in checked(world, *lines, **asked).findings.faults}


def logged(time: datetime, resource: str = RULE, operation: str = "delete", **of: Any) -> LoggedWrite:
    """A line of Azure's log that says that we wrote."""
    kind = "Microsoft.DBforPostgreSQL/flexibleServers/firewallRules"
    line = LoggedWrite(
        id=f"line {time} {operation}",
        time=time,
        operation=f"{kind}/{operation}",
        resource=resource,
        status="Succeeded",
        caller=Actor(object_id=US.object_id, app_id=US.app_id),
        correlation_id=f"correlation {time}",
    )
    return replace(line, **of)


# --- what somebody does who may write to the account -----------------------------------------------


def rows(world: World, table: str, prefix: str) -> list[Entity]:
    return list(world.tables.query(table, None, prefix))


def overwrite(world: World, table: str, row: Entity, properties: Row) -> None:
    write = Replace(partition=row.partition, row=row.row, properties=properties, etag=row.etag)
    world.tables.write(table, write)


def links(world: World, chain: str = CHAIN) -> list[Entity]:
    return [row for row in rows(world, "targets", "j-") if row.properties["chain"] == chain]


def head(world: World, chain: str = CHAIN) -> Entity:
    return next(row for row in rows(world, "targets", "h-") if chain in str(row.properties["json0"]))


def remove(world: World, *found: Entity) -> None:
    for row in found:
        world.tables.delete("targets", row.partition, row.row)


def edit_change(world: World, edit: Callable[[ChangeRecord], ChangeRecord]) -> None:
    """Change the newest record of a change, as somebody would who knows its form."""
    row = rows(world, "changes", "n-")[0]
    held = codec.load(ChangeRecord, str(row.properties["json0"]))
    overwrite(world, "changes", row, {**row.properties, "json0": codec.dump(edit(held))})


def edited(row: Entity, old: str, new: str) -> Row:
    text = str(row.properties["json0"])
    assert old in text
    return {**row.properties, "json0": text.replace(old, new, 1)}
