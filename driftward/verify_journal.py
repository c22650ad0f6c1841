"""`driftward verify-journal`: whether the journal is the one that was written, and complete.

Reads the store that AzureWebJobsStorage names, as the app does, or an exported journal, and Azure's Activity
Log; writes nothing.
Exit codes: 0 the journal holds; 1 it does not; 2 the input is unusable or the store cannot be read; 3 not
known.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from driftward.journal.keeping import kept, kept_days
from driftward.options import answers
from driftward.refusing import refuse
from driftward.signing_in import hush
from shared.model import Actor
from shared.model.errors import ConfigurationError, StoreError

if TYPE_CHECKING:
    from driftward.journal.asking import Asked, Log, Verified
    from shared.adapters.arm.session.clients import ArmClients
    from shared.wiring import Wiring

_HELP: Final = """\
Checks that the journal is the one that was written: every chain of hashes without a gap and up to its
anchors, every reading, change and proof that it names, every change, approval and exemption against its
links; and that every write in Azure's Activity Log by Driftward's identity is a change of the journal.
Nothing is written.

\b
  driftward verify-journal
  driftward verify-journal --since 90 --json
  driftward verify-journal --anchor 3f6c... --no-activity-log
  driftward verify-journal --from journal.sqlite
"""
_EPILOG: Final = """\
The store is that of AzureWebJobsStorage (or AzureWebJobsStorage__tableServiceUri and its like), Azure is read
with the credential that azure-identity finds (`az login`): Storage Table Data Reader and Storage Blob Data
Reader on the account, and Microsoft.Insights/eventtypes/values/read on the subscriptions.

Exit codes: 0 the journal holds; 1 it does not; 2 the input cannot be used, or the store cannot be read; 3 not
known.
"""
_FROM: Final = "The journal that `driftward export-journal` wrote, as it was then; no storage is asked."
_WITH_LOG: Final = "Compare Azure's log too (the default, but for --from)."
_SINCE: Final = "How many days of the Activity Log are compared (default 30); Azure keeps 90."
_IDENTITY: Final = "Object id or app id of Driftward, beside those that the journal names; may be repeated."
_RETENTION: Final = "For how many days links are kept (default: retentionDays of policies.yaml)."
_ANCHOR: Final = "Hash of an anchor that was kept elsewhere (the sweep logs each); may be repeated."


@click.command("verify-journal", help=_HELP, epilog=_EPILOG)
@click.option("--from", "source", type=click.Path(path_type=Path), metavar="FILE", help=_FROM)
@click.option("--activity-log/--no-activity-log", "with_log", default=None, help=_WITH_LOG)
@click.option("--since", metavar="DAYS", type=click.IntRange(1, 90), default=30, help=_SINCE)
@click.option("--identity", "identities", metavar="ID", multiple=True, help=_IDENTITY)
@click.option("--anchor", "anchors", metavar="HASH", multiple=True, help=_ANCHOR)
@click.option("--retention", metavar="DAYS", type=click.IntRange(min=1), help=_RETENTION)
@answers
def verify_journal(
    source: Path | None, with_log: bool | None, since: int, as_json: bool, **known: Any
) -> int:
    """Ask whether the journal holds."""
    hush()
    compares = source is None if with_log is None else with_log
    try:
        found = _verified(source, since if compares else None, **known)
    except (ConfigurationError, StoreError) as error:
        return refuse(error)
    return _tell(found, as_json=as_json)


def _verified(
    source: Path | None,
    days: int | None,
    identities: Sequence[str],
    anchors: Sequence[str],
    retention: int | None,
) -> Verified:
    from driftward.journal.asking import Asked

    known = Asked(
        writers=tuple(Actor(object_id=one, app_id=one) for one in identities),
        anchors=tuple(anchors),
        kept=kept(retention),
    )
    return _of_storage(known, days) if source is None else _of_export(source, known, days)


def _of_storage(known: Asked, days: int | None) -> Verified:
    from driftward.journal.asking import verify
    from shared.adapters.clock import SystemClock
    from shared.wiring import Wiring

    wiring = Wiring(os.environ)
    with _logged(wiring, known, days) as asked:
        kept_so_long = asked.kept or kept(kept_days(wiring))
        return verify(wiring.store.evidence, replace(asked, kept=kept_so_long), SystemClock().now())


def _of_export(source: Path, known: Asked, days: int | None) -> Verified:
    from driftward.journal.export_file import opened
    from driftward.journal.exported import verify_export
    from shared.adapters.clock import SystemClock
    from shared.wiring import Wiring

    with opened(source) as export, _logged(Wiring(os.environ), known, days) as asked:
        return verify_export(export, asked, SystemClock().now())


@contextmanager
def _logged(wiring: Wiring, known: Asked, days: int | None) -> Iterator[Asked]:
    """With Azure's log of so many days, which is left out where none are asked for."""
    if days is None:
        yield known
        return
    from shared.adapters.arm.session.clients import ArmClients

    clients = ArmClients(wiring.settings)
    try:
        scopes = [scope.subscription for scope in wiring.settings.scopes]
        yield replace(known, log=_log(clients, days), subscriptions=scopes)
    finally:
        clients.close()


def _log(clients: ArmClients, days: int) -> Log:
    from shared.adapters.arm.reading.activity_log import logged_writes
    from shared.adapters.arm.session.session import Session
    from shared.adapters.clock import SystemClock

    clock = SystemClock()
    session, now = Session(clients, clock, clock.sleep), clock.now()
    return lambda subscription: logged_writes(session, subscription, now - timedelta(days=days), now)


def _tell(found: Verified, *, as_json: bool) -> int:
    from driftward.journal.view import exit_code, show, view

    if as_json:
        print(json.dumps(view(found), indent=2))
    else:
        show(found)
    return exit_code(found)
