"""Benchmark of `propose-nsg`: how fast a log of a million flows becomes rules, and how memory grows with it.

A synthetic log of a virtual network is written to a temporary folder: clients, replicas and services, and
beside them strangers, scans and refusals. The command runs on it in a process of its own, once with a tenth
of the flows and once with all; what is told of memory is the ratio of the two, which a busy machine does not
change. So it is with time: what a flow costs, as a share of what `explain-flows` takes for it on the same
log.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

from local.dev.emulator import PROJECT_ROOT

SUBNET: Final = "10.1.0.0/27"
TAGS: Final = {
    "Storage": ["20.60.0.0/16"],
    "AzureActiveDirectory": ["20.190.128.0/18"],
    "AzureKeyVault": ["20.61.103.224/29"],
    "AzureMonitor": ["20.61.99.192/26"],
}
FLOWS: Final = {"quick": 100_000, "full": 1_000_000}
_IN_A_RECORD: Final = 500
_START: Final = 1_763_632_800_000
_A_FLOW: Final = 400
"""Milliseconds from one flow to the next: a million of them are four days and a half."""
_RUN: Final = """
import contextlib, io, resource, sys, time
from local.__main__ import main
started = time.process_time()
with contextlib.redirect_stdout(io.StringIO()):
    code = main(sys.argv[1:])
print(time.process_time() - started, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, code)
"""


class Cost(NamedTuple):
    """What a run took."""

    seconds: float
    """Of the processor."""
    megabytes: float
    code: int


class Kind(NamedTuple):
    """One sort of flow: in a hundred flows there are ``share`` of it."""

    share: int
    make: Callable[[int], str]
    is_kept: bool


def _flow(number: int, source: str, destination: str, port: int, how: str) -> str:
    time = _START + number * _A_FLOW
    return f"{time},{source},{destination},{20000 + number % 40000},{port},{how},NX,3,705,4,4569"


def _server(number: int) -> str:
    return f"10.1.0.{4 + number % 3}"


def _spread_over(number: int, first: int) -> str:
    """Addresses of which there are as many as flows."""
    mixed = number * 7919 % 2**22
    return f"{first}.{mixed >> 16 & 255}.{mixed >> 8 & 255}.{mixed & 255}"


KINDS: Final = (
    Kind(40, lambda n: _flow(n, f"10.2.{n % 16}.{n % 37 + 4}", _server(n), 5432, "6,I,B"), True),
    Kind(10, lambda n: _flow(n, f"10.3.0.{n % 50 + 4}", _server(n), 6432, "6,I,E"), True),
    Kind(5, lambda n: _flow(n, _server(n), _server(n + 1), 5432, "6,O,C"), True),
    Kind(5, lambda n: _flow(n, _server(n + 1), _server(n), 5432, "6,I,C"), True),
    Kind(15, lambda n: _flow(n, _server(n), f"20.60.{n % 90}.{n % 250}", 443, "6,O,B"), True),
    Kind(4, lambda n: _flow(n, _server(n), f"20.190.130.{n % 40}", 443, "6,O,B"), True),
    Kind(2, lambda n: _flow(n, _server(n), "10.9.0.4", 53, "17,O,E"), True),
    Kind(1, lambda n: _flow(n, _server(n), f"104.74.50.{n % 20}", 443, "6,O,B"), True),
    Kind(6, lambda n: _flow(n, _spread_over(n, 203), _server(n), 5432, "6,I,B"), False),
    Kind(6, lambda n: _flow(n, _spread_over(n, 185), _server(n), n % 1024, "6,I,D"), False),
    Kind(2, lambda n: _flow(n, "10.6.6.6", _server(n), n % 2000, "6,I,B"), False),
    Kind(2, lambda n: _flow(n, _server(n), _spread_over(n, 45), 8443, "6,O,D"), False),
    Kind(2, lambda n: _flow(n, "10.99.0.4", "10.98.0.4", 445, "6,O,B"), False),
)
_BY_HUNDRED: Final = tuple(kind for kind in KINDS for _ in range(kind.share))


def flows(count: int) -> Iterator[str]:
    """Flow tuples, in the order of their times."""
    for number in range(count):
        yield _BY_HUNDRED[number * 37 % 100].make(number)


def kept(count: int) -> Iterator[str]:
    """Those of ``flows`` that are legitimate."""
    for number in range(count):
        kind = _BY_HUNDRED[number * 37 % 100]
        if kind.is_kept:
            yield kind.make(number)


def write_log(path: Path, count: int) -> None:
    """A log of a virtual network with so many flows."""
    head, tail = json.dumps(_record()).split('"@"')
    with path.open("w", encoding="utf-8") as file:
        file.write('{"records":[')
        listed: list[str] = []
        for number, flow in enumerate(flows(count), start=1):
            listed.append(f'"{flow}"')
            if len(listed) == _IN_A_RECORD or number == count:
                comma = "," if number > _IN_A_RECORD else ""
                file.write(f"{comma}{head}{','.join(listed)}{tail}")
                listed.clear()
        file.write("]}")


def _record() -> dict[str, object]:
    groups = [{"rule": "UserRule_all", "flowTuples": ["@"]}]
    return {
        "time": "2025-11-20T10:00:35.3899262Z",
        "flowLogVersion": 4,
        "category": "FlowLogFlowEvent",
        "targetResourceID": "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v",
        "flowRecords": {"flows": [{"aclID": "5c1d7f0e-0000-4000-8000-00000000ac1d", "flowGroups": groups}]},
    }


def run(*words: str) -> Cost:
    """Call a command in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", _RUN, *words], cwd=PROJECT_ROOT, capture_output=True, text=True, check=True
    )
    seconds, megabytes, code = done.stdout.split()
    return Cost(float(seconds), float(megabytes), int(code))


def measure(extent: str) -> dict[str, tuple[float, str]]:
    """Figures with their units."""
    count = FLOWS[extent]
    with tempfile.TemporaryDirectory() as folder:
        tenth, log, tags = (Path(folder) / name for name in ("tenth.json", "log.json", "tags.json"))
        write_log(tenth, count // 10)
        write_log(log, count)
        tags.write_text(json.dumps(TAGS), encoding="utf-8")
        known = ("--subnet", SUBNET, "--tags", str(tags), "--json")
        small, large = (run("propose-nsg", "--flows", str(path), *known) for path in (tenth, log))
        explained = run("explain-flows", str(log), *known)
    figures = {
        "propose.perSecond": (round(count / large.seconds), "1/s"),
        "propose.peakMemory": (round(large.megabytes, 1), "MB"),
        "propose.memoryForTenTimesTheFlows": (round(large.megabytes / small.megabytes, 2), "ratio"),
        "propose.timeOfExplaining": (round(large.seconds / explained.seconds, 2), "ratio"),
    }
    for name, (amount, unit) in figures.items():
        print(f"{name:<36}{amount:12,.2f} {unit}")
    return figures
