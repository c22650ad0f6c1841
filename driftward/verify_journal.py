"""`driftward verify-journal`: whether the journal is the one that was written, and complete.

Reads the store that AzureWebJobsStorage names, as the app does, and Azure's Activity Log; writes nothing.
Exit codes: 0 the journal holds; 1 it does not; 2 the input is unusable or the store cannot be read; 3 not
known.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import click

from driftward.options import answers
from driftward.refusing import refuse
from driftward.signing_in import hush
from shared.model import Actor
from shared.model.errors import ConfigurationError, StoreError

if TYPE_CHECKING:
    from driftward.journal.asking import Log, Verified
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
"""
_EPILOG: Final = """\
The store is that of AzureWebJobsStorage (or AzureWebJobsStorage__tableServiceUri and its like), Azure is read
with the credential that azure-identity finds (`az login`): Storage Table Data Reader and Storage Blob Data
Reader on the account, and Microsoft.Insights/eventtypes/values/read on the subscriptions.

Exit codes: 0 the journal holds; 1 it does not; 2 the input cannot be used, or the store cannot be read; 3 not
known.
"""
_WITH_LOG: Final = "Compare Azure's log too (the default)."
_SINCE: Final = "How many days of the Activity Log are compared (default 30); Azure keeps 90."
_IDENTITY: Final = "Object id or app id of Driftward, beside those that the journal names; may be repeated."
_RETENTION: Final = "For how many days links are kept (default: retentionDays of policies.yaml)."
_ANCHOR: Final = "Hash of an anchor that was kept elsewhere (the sweep logs each); may be repeated."


@click.command("verify-journal", help=_HELP, epilog=_EPILOG)
@click.option("--activity-log/--no-activity-log", "with_log", default=True, help=_WITH_LOG)
@click.option("--since", metavar="DAYS", type=click.IntRange(1, 90), default=30, help=_SINCE)
@click.option("--identity", "identities", metavar="ID", multiple=True, help=_IDENTITY)
@click.option("--anchor", "anchors", metavar="HASH", multiple=True, help=_ANCHOR)
@click.option("--retention", "kept", metavar="DAYS", type=click.IntRange(min=1), help=_RETENTION)
@answers
def verify_journal(with_log: bool, since: int, as_json: bool, **known: Any) -> int:
    """Ask whether the journal holds."""
    hush()
    try:
        found = _verified(since if with_log else None, **known)
    except (ConfigurationError, StoreError) as error:
        return refuse(error)
    return _tell(found, as_json=as_json)


def _verified(
    days: int | None, identities: Sequence[str], anchors: Sequence[str], kept: int | None
) -> Verified:
    from driftward.journal.asking import Asked, verify
    from shared.adapters.arm.session.clients import ArmClients
    from shared.adapters.clock import SystemClock
    from shared.wiring import Wiring

    wiring = Wiring(os.environ)
    clients = ArmClients(wiring.settings)
    asked = Asked(
        log=_log(clients, days) if days is not None else None,
        subscriptions=[scope.subscription for scope in wiring.settings.scopes],
        writers=tuple(Actor(object_id=one, app_id=one) for one in identities),
        anchors=tuple(anchors),
        kept=_kept(wiring) if kept is None else timedelta(days=kept),
    )
    try:
        return verify(wiring.store.evidence, asked, SystemClock().now())
    finally:
        clients.close()


def _kept(wiring: Wiring) -> timedelta | None:
    """As ``policies.yaml`` has it; None where that is not at hand, which matters only where links went."""
    try:
        days = wiring.configuration.file.retention_days
    except ConfigurationError:
        return None
    return timedelta(days=days) if days else timedelta.max


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
