"""What starting the app costs and needs: nothing of the environment, and no heavy library."""

from __future__ import annotations

import json
import subprocess
import sys

from local.dev.emulator import PROJECT_ROOT

FORBIDDEN = (
    "azure.core",
    "azure.data",
    "azure.eventgrid",
    "azure.identity",
    "azure.mgmt",
    "azure.monitor",
    "azure.storage",
    "apprise",
    "pydantic",
    "tenacity",
    "yaml",
)

PROGRAM = """
import json, sys
sys.path.insert(0, {root!r})
import function_app
print(json.dumps(sorted(sys.modules)))
"""


def modules_after_import() -> list[str]:
    """What a clean interpreter with an empty environment has loaded once the app is imported."""
    done = subprocess.run(
        [sys.executable, "-I", "-c", PROGRAM.format(root=str(PROJECT_ROOT))],
        env={},
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    loaded: list[str] = json.loads(done.stdout)
    return loaded


def test_importing_the_app_needs_no_setting_and_loads_no_heavy_library() -> None:
    loaded = modules_after_import()
    assert "functions.http_api" in loaded
    heavy = [
        name for name in loaded if name.startswith(tuple(f"{f}." for f in FORBIDDEN)) or name in FORBIDDEN
    ]
    assert heavy == []
