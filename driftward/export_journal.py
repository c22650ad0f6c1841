"""`driftward export-journal`: the whole journal in one file, to be checked later without the storage.

Exit codes: 0 exported; 2 the input cannot be used, or the store cannot be read: then there is no file.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from driftward.options import answers
from driftward.refusing import plain, refuse
from driftward.signing_in import hush
from shared.model.errors import ConfigurationError, StoreError

if TYPE_CHECKING:
    from driftward.journal.export_file import Exported

_HELP: Final = """\
Writes the whole journal into one file: every chain and anchor, the changes, alerts and targets that they
tell of, and every text that they name, as they lie in the storage. `driftward verify-journal --from FILE`
checks it later, with the same verdict as on the storage, though that is gone by then. Nothing is judged here;
what was tampered with is exported as it is, and found.

\b
  driftward export-journal --out journal.sqlite
  driftward verify-journal --from journal.sqlite
"""
_EPILOG: Final = """\
The store is that of AzureWebJobsStorage (or AzureWebJobsStorage__tableServiceUri and its like): Storage Table
Data Reader and Storage Blob Data Reader on the account. The file has its name once it is whole, and is never
written over.

Exit codes: 0 exported; 2 the input cannot be used, or the store cannot be read: then there is no file.
"""
_OUT: Final = "The file, which must not be there yet."


@click.command("export-journal", help=_HELP, epilog=_EPILOG)
@click.option("--out", type=click.Path(path_type=Path), required=True, metavar="FILE", help=_OUT)
@answers
def export_journal(out: Path, as_json: bool) -> int:
    """Write the journal into a file."""
    hush()
    try:
        found = _exported(out)
    except (ConfigurationError, StoreError) as error:
        return refuse(error)
    said = {"file": str(out), "rows": found.rows, "texts": found.blobs}
    told = f"{found.rows} rows and {found.blobs} texts: `driftward verify-journal --from {out}` checks them"
    print(json.dumps(said, indent=2) if as_json else plain(told))
    return 0


def _exported(out: Path) -> Exported:
    from driftward import __version__
    from driftward.journal.export_file import About, write_export
    from driftward.journal.keeping import kept_days
    from shared.adapters.clock import SystemClock
    from shared.wiring import Wiring

    wiring = Wiring(os.environ)
    about = About(exported_at=SystemClock().now(), version=__version__, kept_days=kept_days(wiring))
    return write_export(wiring.store.copy.pieces(), about, out)
