"""Which Core Tools start an app on which Python; asked before `make up` uses them.

`func start` refuses a Python that it does not know, after it was given the ports and the folder, and says so
in its log alone. What it knows stands in its source, `Helpers/PythonHelpers.cs`, tag by tag in
github.com/Azure/azure-functions-core-tools; the announcements are issues 4283 (4.0.6821 refuses 3.13) and
4810 (what 4.8.0 drops is older than anything here). A fifth major version is a preview, and another program:
it is not taken.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from typing import Final

from shared.model.values import value

FIRST: Final[Mapping[tuple[int, int], tuple[int, int, int]]] = {
    (3, 11): (4, 0, 5198),
    (3, 12): (4, 0, 6594),
    (3, 13): (4, 0, 7512),
}
"""The first release that starts an app on each Python that the project runs on."""
_VERSION: Final = re.compile(r"(?m)^\s*(\d+)\.(\d+)\.(\d+)")
_PATIENCE: Final = 60.0


@value
class CoreTools:
    """The `func` to start, or None and why it is not to be used."""

    func: str | None
    why_not: str = ""


def core_tools(python: tuple[int, int] = (sys.version_info[0], sys.version_info[1])) -> CoreTools:
    """The `func` on the PATH, if it starts an app on that Python."""
    func = shutil.which("func")
    if func is None:
        return CoreTools(func=None, why_not="`func` (Core Tools) is not on the PATH")
    refused = refusal(_told_version(func), python)
    return CoreTools(func=None, why_not=f"{refused} ({func})") if refused else CoreTools(func=func)


def refusal(told: str, python: tuple[int, int]) -> str | None:
    """Why what answers `--version` with this text is not started on that Python; None where it is."""
    found = _VERSION.search(told)
    if found is None:
        return "`func --version` names no version"
    version = (int(found[1]), int(found[2]), int(found[3]))
    if version[0] != 4:
        return f"Core Tools {_spelled(version)} are not known here: version 4 is"
    if version < FIRST[python]:
        first, asked = _spelled(FIRST[python]), _spelled(python)
        return f"Core Tools {_spelled(version)} refuse Python {asked}, which {first} is the first to start"
    return None


def _told_version(func: str) -> str:
    try:
        done = subprocess.run(
            [func, "--version"], capture_output=True, text=True, timeout=_PATIENCE, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout if done.returncode == 0 else ""


def _spelled(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))
