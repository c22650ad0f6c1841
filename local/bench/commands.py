"""What the command costs: processor time from its call to its answer, and the size of an environment with it.

Processor time, user and system, is what a busy machine changes least; each figure is a median of processes of
their own. Bytecode is warm, as in an installation, whatever the environment says of writing it. The size is
that of a fresh environment after `pip install .`, pip included, as `du` counts it.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from local.dev.emulator import PROJECT_ROOT

_NSG: Final = {
    "name": "nsg-data",
    "properties": {
        "securityRules": [
            {
                "name": "deny-all",
                "properties": {
                    "priority": 4096,
                    "access": "Deny",
                    "direction": "Inbound",
                    "protocol": "*",
                    "sourceAddressPrefix": "*",
                    "sourcePortRange": "*",
                    "destinationAddressPrefix": "*",
                    "destinationPortRange": "*",
                },
            }
        ]
    },
}
_QUESTION: Final = (
    *("--direction", "Inbound", "--source", "10.0.1.0/24", "--destination", "10.0.1.0/24"),
    *("--ports", "5432,6432"),
)
_RUNS: Final = {"quick": 5, "full": 15}
_BLOCK: Final = 512
"""Bytes that ``st_blocks`` counts in, whatever the file system's own."""


def measure(extent: str) -> dict[str, tuple[float, str]]:
    """Figures with their units. ``full`` installs the command as well, which takes a minute and an index."""
    runs = _RUNS[extent]
    with tempfile.TemporaryDirectory() as folder:
        nsg, cache = Path(folder) / "nsg.json", Path(folder) / "bytecode"
        nsg.write_text(json.dumps(_NSG), encoding="utf-8")
        calls = {"version": ("--version",), "explain-nsg": ("explain-nsg", "--nsg", str(nsg), *_QUESTION)}
        figures = {
            f"cli.{name}.cpu": (_median_seconds(arguments, runs, cache), "s")
            for name, arguments in calls.items()
        }
        if extent == "full":
            figures["cli.install.size"] = (_installed_megabytes(Path(folder) / "environment"), "MB")
    for name, (amount, unit) in figures.items():
        print(f"{name:<28}{amount:8.2f} {unit}")
    return figures


def _median_seconds(arguments: Sequence[str], runs: int, cache: Path) -> float:
    _processor_seconds(arguments, cache)  # writes the bytecode that every later run finds
    return round(statistics.median(_processor_seconds(arguments, cache) for _ in range(runs)), 3)


def _processor_seconds(arguments: Sequence[str], cache: Path) -> float:
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    process = subprocess.Popen(
        [sys.executable, "-m", "driftward", *arguments],
        cwd=PROJECT_ROOT,
        env={**environment, "PYTHONPYCACHEPREFIX": str(cache)},
        stdout=subprocess.DEVNULL,
    )
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"driftward {' '.join(arguments)} ended with {process.returncode}")
    return used.ru_utime + used.ru_stime


def _installed_megabytes(home: Path) -> float:
    subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
    pip = [str(home / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check", "--no-input"]
    subprocess.run([*pip, str(PROJECT_ROOT)], check=True)
    used = sum(path.lstat().st_blocks for path in home.rglob("*") if not path.is_dir())
    return round(used * _BLOCK / 1e6, 1)
