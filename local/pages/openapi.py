"""`python -m local.pages.openapi [--check]`: writes `docs/openapi.json`, or tells whether it is up to date.

The document is the one that `GET /api/openapi.json` serves. Exit 0 written or up to date · 1 `--check`
found a difference.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Final

from shared.api.openapi import document
from shared.api.routes import ROUTES

PAGE: Final = Path(__file__).resolve().parents[2] / "docs" / "openapi.json"


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m local.pages.openapi", description="The OpenAPI document")
    parser.add_argument("--check", action="store_true", help="only tell whether it is up to date")
    check = parser.parse_args(argv).check
    wanted = json.dumps(document(ROUTES), indent=2, ensure_ascii=False) + "\n"
    if not check:
        PAGE.write_text(wanted, encoding="utf-8")
        return 0
    if PAGE.exists() and PAGE.read_text(encoding="utf-8") == wanted:
        return 0
    print(f"docs/{PAGE.name} is not what the code says: run python -m local.pages.openapi", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
