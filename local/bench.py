"""Benchmarks: what the app costs to start, as a ratio against an empty app in the same engine.

A line per figure, and one JSON object at the end. Ratios are measured in one run, with processes that
take turns, so that a busy machine slows both sides. Bytecode is warm: every app is started once before.

    python -m local.bench [--runs N] [--quick]
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from local.storage import PROJECT_ROOT

LIMIT: Final = 4.0
"""The init of the app may cost this many times the init of an empty app."""

_EMPTY: Final = """import azure.functions as func

app = func.FunctionApp()


@app.route(route="hello")
def hello(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("hello")
"""
_INIT: Final = """
import sys, time
from pathlib import Path
from local.engine import Engine
import azure_functions_runtime
root = Path(sys.argv[1])
started = time.perf_counter()
Engine(root)
print((time.perf_counter() - started) * 1000)
"""
_SHARE: Final = """
import sys, time
started = time.perf_counter()
__import__(sys.argv[1])
print((time.perf_counter() - started) * 1000)
"""
_DEPENDENCIES: Final = (
    "azure.functions",
    "pydantic",
    "yaml",
    "azure.identity",
    "azure.mgmt.network",
    "azure.mgmt.postgresqlflexibleservers",
    "azure.mgmt.rdbms.postgresql",
    "azure.mgmt.resourcegraph",
    "azure.data.tables",
    "azure.storage.queue",
    "azure.storage.blob",
    "azure.eventgrid",
    "tenacity",
    "apprise",
)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m local.bench", description=__doc__)
    parser.add_argument("--runs", type=int, default=9, help="interleaved processes per side (default 9)")
    parser.add_argument("--quick", action="store_true", help="three processes per side")
    chosen = parser.parse_args(arguments)
    figures = measure(3 if chosen.quick else chosen.runs)
    print(json.dumps(figures))
    return 0 if figures["initRatio"] <= LIMIT else 1


def measure(runs: int) -> dict[str, float]:
    """Milliseconds and the ratio; every figure is a median of ``runs`` processes."""
    with tempfile.TemporaryDirectory() as folder:
        empty = Path(folder)
        (empty / "function_app.py").write_text(_EMPTY, encoding="utf-8")
        (empty / "host.json").write_text('{"version": "2.0"}', encoding="utf-8")
        apps = {"empty": empty, "driftward": PROJECT_ROOT}
        for app in apps.values():
            _milliseconds(_INIT, str(app))
        taken: dict[str, list[float]] = {name: [] for name in apps}
        for _ in range(runs):
            for name, app in apps.items():
                taken[name].append(_milliseconds(_INIT, str(app)))
    median = {name: statistics.median(values) for name, values in taken.items()}
    figures = {
        "initEmptyMs": round(median["empty"], 1),
        "initDriftwardMs": round(median["driftward"], 1),
        "initRatio": round(median["driftward"] / median["empty"], 2),
    }
    print(f"engine init, empty app      {figures['initEmptyMs']:8.1f} ms")
    print(f"engine init, this app       {figures['initDriftwardMs']:8.1f} ms")
    print(f"ratio                       {figures['initRatio']:8.2f}    (limit {LIMIT})")
    print("import of each dependency, alone in a fresh process (none but azure.functions at start):")
    for module in _DEPENDENCIES:
        share = statistics.median(_milliseconds(_SHARE, module) for _ in range(min(runs, 3)))
        figures[f"importMs:{module}"] = round(share, 1)
        print(f"  {module:<40}{share:8.1f} ms")
    return figures


def _milliseconds(program: str, argument: str) -> float:
    """What a fresh interpreter measured of itself."""
    done = subprocess.run(
        [sys.executable, "-c", program, argument],
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return float(done.stdout.split()[-1])


if __name__ == "__main__":
    sys.exit(main())
