"""`python -m local.pages [--check]`: writes what is generated, or tells which file is stale.

The demonstration is not run: `python -m local.pages.transcript` does that, and `make docs` runs both.

Exit codes: 0 written or up to date, 1 `--check` found a difference (the files are named), 2 something
cannot be generated.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from local.dev.environments import ROOT
from local.pages.generated import documents, left_over, outdated
from local.pages.loading import CannotGenerate


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m local.pages", description="Generated documents")
    parser.add_argument("--check", action="store_true", help="only tell whether they are up to date")
    check = parser.parse_args(argv).check
    try:
        wanted = documents()
    except CannotGenerate as error:
        print(error, file=sys.stderr)
        return 2
    stale, extra = outdated(wanted, ROOT), left_over(wanted, ROOT)
    return _told(stale, extra) if check else _written(wanted, stale, extra)


def _told(stale: Sequence[str], extra: Sequence[str]) -> int:
    for name in stale:
        print(f"{name} is not up to date: run `make docs` and commit it", file=sys.stderr)
    for name in extra:
        print(f"{name} is generated no more: `make docs` removes it", file=sys.stderr)
    return 1 if stale or extra else 0


def _written(wanted: dict[str, str], stale: Sequence[str], extra: Sequence[str]) -> int:
    for name in stale:
        (ROOT / name).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / name).write_text(wanted[name], encoding="utf-8")
        print(f"{name} written")
    for name in extra:
        (ROOT / name).unlink()
        print(f"{name} removed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
