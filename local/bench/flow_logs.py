"""Benchmark of `explain-flows`: how fast a large flow log is read, and how much memory that takes.

A synthetic log of a virtual network is written to a temporary folder, with a list of service tags as large as
Azure's; the command is run on it in a process of its own, which tells its time and its peak memory. Half of
the flows are denied, most of them again and again, one in ten to an address that was not seen before.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from local.dev.emulator import PROJECT_ROOT

_IN_A_RECORD: Final = 40
_START: Final = 1_763_632_800_000
_TAGS: Final = 3000
_PREFIXES: Final = 27
"""Of each tag: 80,000 in all, as in Azure's list."""
_RUN: Final = """
import contextlib, io, resource, sys, time
from local.__main__ import main
started = time.perf_counter()
with contextlib.redirect_stdout(io.StringIO()) as out:
    main(["explain-flows", sys.argv[1], "--tags", sys.argv[2], "--json"])
print((time.perf_counter() - started) * 1000, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def measure(megabytes: int) -> dict[str, tuple[float, str]]:
    """Figures with their units, for a log of about ``megabytes``."""
    with tempfile.TemporaryDirectory() as folder:
        log, tags = Path(folder) / "log.json", Path(folder) / "tags.json"
        flows = write_log(log, megabytes)
        tags.write_text(json.dumps(_service_tags()), encoding="utf-8")
        done = subprocess.run(
            [sys.executable, "-c", _RUN, str(log), str(tags)],
            cwd=PROJECT_ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
    milliseconds, peak = map(float, done.stdout.split())
    figures = {
        "flows.read": (round(megabytes / milliseconds * 1000, 1), "MB/s"),
        "flows.perSecond": (round(flows / milliseconds * 1000), "1/s"),
        "flows.peakMemory": (round(peak, 1), "MB"),
    }
    rate, memory = figures["flows.perSecond"][0], figures["flows.peakMemory"][0]
    print(f"flow log of {megabytes} MB: {rate:,.0f} flows/s, peak memory {memory:.0f} MB")
    return figures


def write_log(path: Path, megabytes: int) -> int:
    """Write a log of a virtual network; the number of its flows."""
    head, tail = json.dumps(_record()).split('"@"')
    written = flows = 0
    with path.open("w", encoding="utf-8") as file:
        file.write('{"records":[')
        while written < megabytes << 20:
            listed = ",".join(f'"{_flow(flows + n)}"' for n in range(_IN_A_RECORD))
            written += file.write(f"{',' if flows else ''}{head}{listed}{tail}")
            flows += _IN_A_RECORD
        file.write("]}")
    return flows


def _record() -> dict[str, object]:
    groups = [{"rule": "UserRule_deny-all", "flowTuples": ["@"]}]
    return {
        "time": "2025-11-20T10:00:35.3899262Z",
        "flowLogVersion": 4,
        "macAddress": "00224871C205",
        "category": "FlowLogFlowEvent",
        "targetResourceID": "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v",
        "flowRecords": {"flows": [{"aclID": "5c1d7f0e-0000-4000-8000-00000000ac1d", "flowGroups": groups}]},
    }


def _flow(number: int) -> str:
    time, port = _START + number, 20000 + number % 40000
    if number % 2:
        return f"{time},10.1.0.4,10.9.0.8,{port},5432,6,O,E,NX,3,705,4,4569"
    new = number % 10 == 0
    other = _address(number * 7919) if new else _address(number % 50)
    return f"{time},10.1.0.4,{other},{port},443,6,O,D,NX,0,0,0,0"


def _address(number: int) -> str:
    return f"{20 + number // 2**24 % 80}.{number // 2**16 % 256}.{number // 2**8 % 256}.{number % 256}"


def _service_tags() -> dict[str, list[str]]:
    names = ("Storage", "AzureActiveDirectory", "AzureKeyVault", "AzureMonitor")
    numbered = (*names, *(f"Service{number}" for number in range(_TAGS - len(names))))
    return {name: list(_prefixes(number)) for number, name in enumerate(numbered)}


def _prefixes(tag: int) -> Iterator[str]:
    for number in range(_PREFIXES):
        yield f"{_address((tag * _PREFIXES + number) * 4096)}/24"
