"""What the packaged app costs to start: modules, processor time and time, through the real engine.

The zip is unpacked and started as the worker starts it, its `.python_packages` first on the path; nothing of
this tree is imported but the engine's driver, and that before the clock starts. Each figure is a median of
processes that take turns. Three variants: as it is; with telemetry switched on, where the worker imports and
configures `azure-monitor-opentelemetry` before it indexes the app; and without the bytecode, which is what a
build that drops it costs at every cold start.

With telemetry the exporter sends to this process, and its own statistics and switches from afar are off, so
that nothing leaves this machine: what its first requests cost is not in the figure. One line of the app's log
is written after the start, and has to come once and as it was written, without what Azure's libraries log.
"""

from __future__ import annotations

import gzip
import json
import os
import statistics
import subprocess
import threading
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from local.dev.environments import ROOT
from shared.model.values import value

_RUNS: Final = 5
_START: Final = """
import json, os, sys, time
from pathlib import Path
root = Path(sys.argv[1])
sys.path.insert(0, str(root / ".python_packages/lib/site-packages"))
from local.host.engine import Engine
import azure_functions_runtime
from azure_functions_runtime.otel import otel_manager
before, began, used = set(sys.modules), time.perf_counter(), time.process_time()
engine = Engine(root)
figures = {
    "cpu": (time.process_time() - used) * 1000,
    "wall": (time.perf_counter() - began) * 1000,
    "modules": len(set(sys.modules) - before),
    "functions": sorted(function.name for function in engine.functions),
    "telemetry": bool(otel_manager.get_azure_monitor_available()),
    "app": sys.modules["function_app"].__file__,
    "library": sys.modules["azure.functions"].__file__,
}
print(json.dumps(figures), flush=True)
if figures["telemetry"]:
    import logging
    from opentelemetry._logs import get_logger_provider
    logging.getLogger().setLevel(logging.INFO)
    logging.getLogger("azure.core").warning("a line of a library")
    logging.getLogger("driftward").info("%s", sys.argv[2])
    get_logger_provider().force_flush()
os._exit(0)
"""
_LINE: Final = json.dumps({"message": "alert", "alert": "a1", "names": "é '%s' {0}"})
"""As the app writes them, with what a template of texts would take for its own."""
_TELEMETRY: Final = {
    "PYTHON_APPLICATIONINSIGHTS_ENABLE_TELEMETRY": "true",
    "PYTHON_APPLICATIONINSIGHTS_LOGGER_NAME": "driftward",
    "APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL": "true",
    "APPLICATIONINSIGHTS_CONTROLPLANE_DISABLED": "true",
}


class DoesNotStart(Exception):
    """The packaged app does not start as it should. The text is what the engine said, or what is wrong."""


@value
class Start:
    """One way to start the package: milliseconds (medians) and how many modules are imported by it."""

    processor: float
    wall: float
    modules: int
    functions: tuple[str, ...]


def report(package: Path, size: int, interpreter: Path) -> str:
    """A table for people and a JSON line for each figure. Raises DoesNotStart."""
    measured = measure(package, interpreter)
    lines = [
        f"{name:<18}{start.modules:>5} modules {start.processor:>8.0f} ms processor {start.wall:>8.0f} ms"
        for name, start in measured.items()
    ]
    functions = measured["start"].functions
    head = f"starts with {len(functions)} functions: {', '.join(functions)}"
    return "\n".join([head, *lines, *map(json.dumps, _figures(size, measured))])


def measure(package: Path, interpreter: Path, runs: int = _RUNS) -> dict[str, Start]:
    """Every variant by its name. Raises DoesNotStart."""
    with TemporaryDirectory(prefix="driftward-package-") as name, _received() as (address, came):
        whole, bare = Path(name) / "whole", Path(name) / "bare"
        _unpack(package, whole, bytecode=True)
        _unpack(package, bare, bytecode=False)
        variants: dict[str, tuple[Path, Mapping[str, str]]] = {
            "start": (whole, {}),
            "startTelemetry": (whole, {**_TELEMETRY, "APPLICATIONINSIGHTS_CONNECTION_STRING": address}),
            "startNoBytecode": (bare, {}),
        }
        turns = [
            {kind: _started(*variant, interpreter) for kind, variant in variants.items()} for _ in range(runs)
        ]
    if came != [_LINE] * runs:
        raise DoesNotStart(f"with telemetry {runs} times one line was logged, and these came: {came}")
    return {kind: _median([turn[kind] for turn in turns]) for kind in variants}


@contextmanager
def _received() -> Iterator[tuple[str, list[str]]]:
    """A connection string of Application Insights on this machine, and the lines that come to it."""
    came: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            sent = self.rfile.read(int(self.headers["Content-Length"]))
            told = gzip.decompress(sent) if self.headers.get("Content-Encoding") == "gzip" else sent
            items = json.loads(told)
            came.extend(_lines(items))
            body = json.dumps(
                {"itemsReceived": len(items), "itemsAccepted": len(items), "errors": []}
            ).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Silence."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        here = f"http://127.0.0.1:{server.server_address[1]}/"
        key = "00000000-0000-0000-0000-000000000000"
        yield f"InstrumentationKey={key};IngestionEndpoint={here};LiveEndpoint={here}", came
        server.shutdown()
        thread.join()


def _lines(items: object) -> Iterator[str]:
    for one in items if isinstance(items, list) else ():
        if isinstance(one, dict) and one.get("data", {}).get("baseType") == "MessageData":
            yield one["data"]["baseData"]["message"]


def _unpack(package: Path, folder: Path, *, bytecode: bool) -> None:
    with zipfile.ZipFile(package) as archive:
        names = [name for name in archive.namelist() if bytecode or not name.endswith(".pyc")]
        archive.extractall(folder, names)


def _started(root: Path, settings: Mapping[str, str], interpreter: Path) -> Start:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    done = subprocess.run(
        [str(interpreter), "-c", _START, str(root), _LINE],
        cwd=ROOT,
        env={**kept, "PYTHONDONTWRITEBYTECODE": "1", **settings},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise DoesNotStart(done.stderr.strip()[-2000:])
    found = json.loads(next(line for line in reversed(done.stdout.splitlines()) if line.startswith("{")))
    _check(found, root, telemetry=bool(settings), said=done.stderr)
    return Start(
        processor=found["cpu"],
        wall=found["wall"],
        modules=found["modules"],
        functions=tuple(found["functions"]),
    )


def _check(found: Mapping[str, object], root: Path, *, telemetry: bool, said: str) -> None:
    """A figure of another app, of other packages or without what was to be measured is none."""
    for what in ("app", "library"):
        if not Path(str(found[what])).resolve().is_relative_to(root.resolve()):
            raise DoesNotStart(f"{found[what]} was imported instead of what is packaged")
    if found["telemetry"] is not telemetry:
        raise DoesNotStart(f"the worker could not switch telemetry on:\n{said.strip()[-2000:]}")


def _median(starts: list[Start]) -> Start:
    return Start(
        processor=statistics.median(start.processor for start in starts),
        wall=statistics.median(start.wall for start in starts),
        modules=max(start.modules for start in starts),
        functions=starts[0].functions,
    )


def _figures(size: int, measured: Mapping[str, Start]) -> list[dict[str, object]]:
    sizes: list[dict[str, object]] = [{"figure": "package.bytes", "value": size, "unit": "B"}]
    for name, start in measured.items():
        sizes += [
            {"figure": f"package.{name}.cpu", "value": round(start.processor, 1), "unit": "ms"},
            {"figure": f"package.{name}.modules", "value": start.modules, "unit": "1"},
        ]
    return sizes
