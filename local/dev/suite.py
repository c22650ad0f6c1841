"""Runs the tests: `python -m local.dev.suite unit|test`.

`unit` is what needs no server and no emulator and is quick, with 20 examples per law. `test` is everything
with 200 examples: it installs the storage emulator and azure-cli first, then runs on this Python, and what
runs the app in the real engine on Python 3.13 as well, where one is found (`python3.13`, with
`PYENV_VERSION=3.13.0` if need be). Where none is found that is said, and with `CI=true` it fails. Which
examples a profile means is decided by the tests themselves (`HYPOTHESIS_PROFILE`). Exit codes: 0 all passed,
1 a test failed or 3.13 is missing in CI, 2 the set-up failed.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from local.dev.azure_cli import AzureCliUnavailable, ensure_azure_cli
from local.dev.emulator import InstallFailed, install_azurite
from local.dev.environments import ROOT, SetupFailed, ensure

_STARTS_SERVERS = (
    *("adapters", "engine", "e2e", "az", "catalogue", "local/host", "local/simulator", "local/dev"),
    *("local/demo/test_world.py", "driftward/test_diagnose.py", "driftward/test_explain_flows.py"),
)
"""What lies under tests/ and starts servers or child processes in most of its tests."""
_TAKES_LONG = (
    "driftward/flows/test_stream.py::test_memory_does_not_grow_with_the_log",
    "nsg/test_second_engine.py",
    "nsg/test_templates.py::test_values_that_multiply_come_to_an_end",
    "nsg/test_two_engines.py",
    "alerts/test_lifecycle.py::test_a_huge_alert_still_fits_into_a_queue_message",
    "alerts/test_alerts_and_causes.py"
    "::test_a_drift_is_told_though_somebody_writes_every_fifty_seconds_for_two_hours",
    "test_architecture.py",
    "state/test_coalescing.py::test_no_short_history_loses_an_event",
    "guardrails/test_laws_reach.py",
)
"""Pure tests under tests/ that go to lengths: large logs, z3's answers beside the engine's, hours told minute
by minute, inputs that explode, the source of the whole project, every short history, how often the laws'
examples meet a plan."""
_RUNS_THE_ENGINE = ("engine", "local/host", "local/dev", "e2e")
_NO_TESTS = 5
"""pytest's exit code when nothing was collected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """One call of pytest: on which Python, what, and with which Hypothesis profile."""

    name: str
    python: str
    arguments: Sequence[str]
    profile: str


def main(argv: Sequence[str]) -> int:
    match list(argv):
        case ["unit"]:
            return 0 if _passed(unit(sys.executable)) else 1
        case ["test"]:
            return _test()
    print("usage: python -m local.dev.suite unit|test", file=sys.stderr)
    return 2


def unit(python: str) -> Selection:
    """The pure tests that are quick."""
    # A file that is ignored is not even imported, but a single test can only be deselected.
    ignored = [
        f"--{'deselect' if '::' in place else 'ignore'}=tests/{place}"
        for place in (*_STARTS_SERVERS, *_TAKES_LONG)
    ]
    marked = ("-m", "not azurite and not engine and not az")
    # The laws are among the last to be handed out and the longest: whoever is idle takes some over.
    spread = ("-n", "2", "--dist", "worksteal")
    return Selection(name="unit tests", python=python, arguments=(*ignored, *marked, *spread), profile="unit")


def everything(python: str) -> Selection:
    """All tests; a file stays in one process, so that what a module starts is started once."""
    return Selection(
        name="all tests", python=python, arguments=("-n", "2", "--dist", "loadfile"), profile="test"
    )


def engine_only(python: str) -> Selection:
    """What runs the app in the Functions engine."""
    folders = [f"tests/{folder}" for folder in _RUNS_THE_ENGINE if (ROOT / "tests" / folder).is_dir()]
    return Selection(
        name="engine tests",
        python=python,
        arguments=(*folders, "-n", "2", "--dist", "loadfile"),
        profile="test",
    )


def find_313(environment: Mapping[str, str]) -> str | None:
    """The path of a Python 3.13, or None; a pyenv shim is asked for the interpreter behind it."""
    for extra in ({}, {"PYENV_VERSION": "3.13.0"}):
        try:
            asked = subprocess.run(
                ["python3.13", "-c", "import sys; print(sys.executable)"],
                env={**environment, **extra},
                capture_output=True,
                text=True,
                check=False,
            )
        except FileNotFoundError:
            continue
        if asked.returncode == 0 and asked.stdout.strip():
            return asked.stdout.strip()
    return None


def _test() -> int:
    started = time.monotonic()
    try:
        install_azurite()
        ensure_azure_cli()
        selections = [everything(sys.executable), *_on_313()]
    except (InstallFailed, AzureCliUnavailable, SetupFailed) as error:
        print(f"set-up failed: {error}", file=sys.stderr)
        return 2
    results = [(selection, _passed(selection)) for selection in selections]
    has_313 = sys.version_info[:2] == (3, 13) or len(selections) > 1
    for selection, passed in results:
        print(f"{'passed' if passed else 'FAILED'}: {selection.name} on Python {_version(selection.python)}")
    if not has_313:
        print("Python 3.13 was not found: the engine tests ran on this Python only")
    print(f"in {time.monotonic() - started:.0f} s")
    missing = not has_313 and os.environ.get("CI") == "true"
    return 1 if missing or not all(passed for _, passed in results) else 0


def _on_313() -> list[Selection]:
    """The engine tests on 3.13; nothing when this is 3.13 itself, or there is none."""
    if sys.version_info[:2] == (3, 13):
        return []
    python = find_313(os.environ)
    return [engine_only(str(ensure(ROOT / ".venv-3.13", python)))] if python else []


def _passed(selection: Selection) -> bool:
    print(f"── {selection.name} on Python {_version(selection.python)}", flush=True)
    inherited = {name: text for name, text in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [selection.python, "-m", "pytest", *selection.arguments],
        cwd=ROOT,
        env={**inherited, "HYPOTHESIS_PROFILE": selection.profile},
        check=False,
    )
    if done.returncode == _NO_TESTS:
        print("no test was collected", file=sys.stderr)
    return done.returncode == 0


def _version(python: str) -> str:
    told = subprocess.run([python, "-V"], capture_output=True, text=True, check=False).stdout
    return told.removeprefix("Python").strip() or Path(python).name


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
