"""Benchmark of an event: what accepting one costs, and the look at an unchanged compliant server after it.

The real engine runs the app in a process of its own, against the storage emulator and the simulator; its
requests to storage are counted by kind, and its processor time is taken around each execution, so that
neither emulator is in it. The SDK's own share is what the same requests cost without the app. Times from an
event to the decision are those of the engine with the host's own concurrency, without the time for which
events are coalesced.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from local.dev.emulator import PROJECT_ROOT, azurite, install_azurite
from local.simulator import seeds
from local.simulator.client import SimulatorClient
from local.simulator.server import SimulatorServer
from local.simulator.values import JsonObject

_SERVERS: Final = 100


def measure(extent: str) -> dict[str, tuple[float, str]]:
    """Figures with their units."""
    install_azurite()
    names = [f"calm{number}" for number in range(_SERVERS)]
    with (
        tempfile.TemporaryDirectory() as folder,
        azurite(Path(folder) / "azurite.log") as storage,
        SimulatorServer() as simulator,
    ):
        SimulatorClient(simulator.url).seed([body for name in names for body in _compliant(name)])
        found = _measured(storage, simulator.url, [extent, *names])
    for name, (amount, unit) in found.items():
        print(f"{name:<40}{amount:10.1f} {unit}")
    return found


def _compliant(name: str) -> list[JsonObject]:
    """A server that nobody has anything against, behind an endpoint."""
    stands = seeds.flexible_server(name=name, public_access="Disabled")
    stands["systemData"] = {"createdAt": "2024-03-01T08:00:00Z"}
    network = f"vnet-{name}"
    return [
        *seeds.well_kept(stands),
        seeds.vnet(name=network, subnets=[seeds.subnet(name="endpoints", delegated=False)]),
        *seeds.way_in(
            name=f"{name}-endpoint",
            server=seeds.flexible_server_id(name=name),
            vnet=network,
            subnet="endpoints",
        ),
    ]


def _measured(storage: str, simulator: str, arguments: list[str]) -> dict[str, tuple[float, str]]:
    """What the process with the engine found."""
    inherited = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    settings = {
        "AzureWebJobsStorage": storage,
        "ARM_ENDPOINT": simulator,
        "COALESCE_SECONDS": "0",
        "SCOPES": f"/subscriptions/{seeds.SUBSCRIPTION}",
    }
    done = subprocess.run(
        [sys.executable, "-m", "local.bench.looks_in_engine", *arguments],
        cwd=PROJECT_ROOT,
        env={**inherited, **settings},
        capture_output=True,
        text=True,
        check=True,
    )
    figures: dict[str, tuple[float, str]] = {
        name: (amount, unit) for name, amount, unit in json.loads(done.stdout.splitlines()[-1])
    }
    return figures
