"""azure-cli beside the project's environment, for checking the commands that we print.

azure-cli is large (400 MB) and pins its own versions of libraries that the project uses too, so it
gets an environment of its own in ``.venv-azure-cli`` in the project's root, made on first use and again
when the wanted version changes or its Python is gone. A stamp beside it says that it is complete; a lock
lets several test processes ask at once. Nothing here runs ``az`` itself: scripts that use azure-cli as a
library run in that environment, with its configuration inside it (or in a folder of their own, where they run
beside others) and telemetry off.

``python -m local.dev.azure_cli`` makes the environment ahead of time.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from shared.alerts.commands import AZURE_CLI_VERSION

ROOT = Path(__file__).resolve().parents[2]
HOME = ROOT / ".venv-azure-cli"
"""Holds the environment, azure-cli's configuration, the lock and the stamp."""

_STAMP = "complete"
_WANTED = f"azure-cli {AZURE_CLI_VERSION}\n"


class AzureCliUnavailable(RuntimeError):
    """azure-cli could not be installed, or a script in its environment failed."""


def ensure_azure_cli(home: Path = HOME) -> Path:
    """The Python interpreter of an environment that holds azure-cli; made when it is missing."""
    with _ready(home) as python:
        return python


def run_script(script: Path, stdin: str, home: Path = HOME) -> str:
    """What ``script`` prints when it runs in azure-cli's environment.

    One at a time: azure-cli rewrites its index of commands while it runs.
    """
    with _ready(home) as python:
        return _run([str(python), str(script)], stdin=stdin, env=variables(home))


@contextmanager
def _ready(home: Path) -> Iterator[Path]:
    """The environment's interpreter while nobody else makes or uses the environment."""
    home.mkdir(parents=True, exist_ok=True)
    with (home / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not _is_complete(home):
            _make(home)
        yield _python(home)


def _make(home: Path) -> None:
    print(f"installing azure-cli {AZURE_CLI_VERSION} (once, about a minute) …", file=sys.stderr, flush=True)
    (home / _STAMP).unlink(missing_ok=True)
    shutil.rmtree(home / "venv", ignore_errors=True)
    _run([sys.executable, "-m", "venv", str(home / "venv")])
    pip = [str(_python(home)), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    # Most of azure-cli is never imported here: compiling all of it would take longer than unpacking it.
    _run([*pip, "--no-input", "--no-compile", f"azure-cli=={AZURE_CLI_VERSION}"])
    (home / _STAMP).write_text(_WANTED, encoding="utf-8")


def _run(command: list[str], stdin: str = "", env: dict[str, str] | None = None) -> str:
    done = subprocess.run(command, input=stdin, env=env, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        said = (done.stdout + done.stderr)[-2000:]
        raise AzureCliUnavailable(f"{' '.join(command)} ended with {done.returncode}:\n{said}")
    return done.stdout


def variables(home: Path = HOME) -> dict[str, str]:
    """Nobody's login is used, nothing is reported, no extension of the user's changes the syntax."""
    kept = ("PATH", "LANG", "TMPDIR")
    return {
        **{name: os.environ[name] for name in kept if name in os.environ},
        "HOME": str(home),
        "AZURE_CONFIG_DIR": str(home / "config"),
        "AZURE_EXTENSION_DIR": str(home / "extensions"),
        "AZURE_CORE_COLLECT_TELEMETRY": "no",
        "AZURE_CORE_NO_COLOR": "yes",
        "PYTHONUTF8": "1",
    }


def _is_complete(home: Path) -> bool:
    stamp = home / _STAMP
    current = stamp.is_file() and stamp.read_text(encoding="utf-8") == _WANTED
    return current and _python(home).exists()  # false for a link to a Python that is gone


def _python(home: Path) -> Path:
    return home / "venv" / "bin" / "python"


if __name__ == "__main__":
    print(ensure_azure_cli())
