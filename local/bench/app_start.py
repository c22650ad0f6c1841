"""What the app costs to start, against an empty app in the same engine.

Ratios are measured in one run, with processes that
take turns, so that a busy machine slows both sides. Bytecode is warm: every app is started once before.
Engine and driver are imported before the clock starts; ``azure.functions`` is part of what is measured,
because both apps import it.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from local.dev.emulator import PROJECT_ROOT

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
from local.host.engine import Engine
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


def measure(runs: int) -> dict[str, tuple[float, str]]:
    """Figures with their units; each is a median of ``runs`` processes."""
    init = _init_milliseconds(runs)
    ratio = round(init["driftward"] / init["empty"], 2)
    print(f"engine init, empty app      {init['empty']:8.1f} ms")
    print(f"engine init, this app       {init['driftward']:8.1f} ms")
    print(f"ratio                       {ratio:8.2f}    (limit {LIMIT})")
    print("import of each dependency, alone in a fresh process (at start only azure.functions is loaded):")
    figures = {
        "initEmpty": (init["empty"], "ms"),
        "initDriftward": (init["driftward"], "ms"),
        "initRatio": (ratio, "1"),
        "engine.startRatio": (ratio, "1"),
    }
    for module in _DEPENDENCIES:
        share = round(statistics.median(_milliseconds(_SHARE, module) for _ in range(3)), 1)
        figures[f"import {module}"] = (share, "ms")
        print(f"  {module:<40}{share:8.1f} ms")
    return figures


def _init_milliseconds(runs: int) -> dict[str, float]:
    """The engine's init of an empty app and of this one, processes taking turns."""
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
    return {name: round(statistics.median(values), 1) for name, values in taken.items()}


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
