"""Benchmark of `driftward scan`: a process of its own that looks at a whole estate over the simulator's HTTP.

10,000 servers and 3,000 NSGs in `full`, a fiftieth of that in `quick`, eight looks side by side, every form
that is written once. The simulator answers at once and throttles nobody, so the time is that of the two
programs, not of Azure: `sweep.simulatedHours` says how long ARM's buckets make such an estate last. Memory is
the most that the process ever held; what a target adds to it is told from a second scan of a tenth of it all.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from local.demo.stack import simulator
from local.dev.environments import ROOT
from local.simulator import seeds
from shared.model.values import value
from tests.sweeps.estate import estate

_SIZES: Final = {"quick": (150, 50), "full": (10_000, 3_000)}
_AT_ONCE: Final = 2_000
"""Resources that are seeded in one request."""
_FORMS: Final = ("json", "csv", "html", "ocsf", "sarif", "junit", "markdown")


@value
class _Scan:
    """What one scan took."""

    seconds: float
    processor: float
    megabytes: float
    written: int
    """Bytes of the results."""


def measure(extent: str) -> dict[str, tuple[float, str]]:
    """Figures with their units."""
    servers, groups = _SIZES[extent]
    small, whole = _scanned(servers // 10, groups // 10), _scanned(servers, groups)
    targets, more = servers + groups, servers + groups - servers // 10 - groups // 10
    figures: dict[str, tuple[float, str]] = {
        "scan.targets": (targets, "targets"),
        "scan.seconds": (round(whole.seconds, 1), "s"),
        "scan.targetCpu": (round(whole.processor / targets * 1000, 1), "ms"),
        "scan.memory.peak": (round(whole.megabytes, 1), "MB"),
        "scan.memory.perTarget": (round((whole.megabytes - small.megabytes) / more * 1024, 2), "kB"),
        "scan.results": (round(whole.written / 1024 / 1024, 1), "MB"),
    }
    for name, (amount, unit) in figures.items():
        print(f"{name:<30} {amount:>10} {unit}")
    return figures


def _scanned(servers: int, groups: int) -> _Scan:
    resources = estate(servers, groups)
    with tempfile.TemporaryDirectory() as folder, simulator(Path(folder)) as azure:
        for first in range(0, len(resources), _AT_ONCE):
            azure.seed(resources[first : first + _AT_ONCE])
        return _scan(azure.url, Path(folder) / "results")


def _scan(endpoint: str, results: Path) -> _Scan:
    forms = [word for form in _FORMS for word in ("-o", form)]
    command = [sys.executable, "-m", "driftward", "scan", "--subscription", seeds.SUBSCRIPTION, *forms]
    began = time.monotonic()
    process = subprocess.Popen(
        [*command, "--out", str(results)],
        cwd=ROOT,
        env={**os.environ, "ARM_ENDPOINT": endpoint},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, spent = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in {0, 1}:
        raise RuntimeError(f"the scan ended with {process.returncode}: {' '.join(command)}")
    return _Scan(
        seconds=time.monotonic() - began,
        processor=spent.ru_utime + spent.ru_stime,
        megabytes=spent.ru_maxrss / 1024,
        written=sum(one.stat().st_size for one in results.iterdir()),
    )
