"""`python -m local.dev.check [--fix]`: every check of the project's form, and all that failed.

Each tool runs to its end whatever the one before it said. What a tool printed is shown only where it failed;
a line for each says how it went. `--fix` formats and sorts instead, and changes nothing else.

Exit codes: 0 all well, 1 a check failed (each is named).
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from local.dev.environments import ROOT
from shared.model.values import value

_PYTHON: Final = sys.executable
_LINT_IMPORTS: Final = str(Path(sys.executable).with_name("lint-imports"))


@value
class Tool:
    """A program, what it checks, and what mends what it finds."""

    name: str
    argv: tuple[str, ...]
    mended_by: str = ""


CHECKS: Final = (
    Tool(name="format", argv=(_PYTHON, "-m", "ruff", "format", "--check", "."), mended_by="make fix"),
    Tool(name="lint", argv=(_PYTHON, "-m", "ruff", "check", "."), mended_by="make fix mends some of it"),
    Tool(name="types", argv=(_PYTHON, "-m", "mypy")),
    Tool(name="import contracts", argv=(_LINT_IMPORTS,)),
    Tool(name="pins and hashes", argv=(_PYTHON, "-m", "local.dev.pins"), mended_by="make pins"),
    Tool(name="house", argv=(_PYTHON, "-m", "local.dev.house")),
    Tool(name="generated files", argv=(_PYTHON, "-m", "local.pages", "--check"), mended_by="make docs"),
)
FIXES: Final = (
    Tool(name="imports and what lint can mend", argv=(_PYTHON, "-m", "ruff", "check", "--fix", ".")),
    Tool(name="format", argv=(_PYTHON, "-m", "ruff", "format", ".")),
)


def main(argv: Sequence[str]) -> int:
    """Run the checks, or with `--fix` the repairs."""
    return run_all(FIXES if "--fix" in argv else CHECKS)


def run_all(tools: Sequence[Tool], cwd: Path = ROOT) -> int:
    """Every tool, one after the other; returns the exit code."""
    failed = [tool for tool in tools if not _passed(tool, cwd)]
    if not failed:
        return 0
    print(f"\n{len(failed)} of {len(tools)} failed: {', '.join(map(_told, failed))}")
    return 1


def _passed(tool: Tool, cwd: Path) -> bool:
    started = time.monotonic()
    done = subprocess.run(
        tool.argv, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    passed = done.returncode == 0
    print(f"{'ok    ' if passed else 'FAILED'}  {tool.name}  {time.monotonic() - started:.0f} s", flush=True)
    if not passed:
        print(done.stdout.strip(), flush=True)
    return passed


def _told(tool: Tool) -> str:
    return f"{tool.name} ({tool.mended_by})" if tool.mended_by else tool.name


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
