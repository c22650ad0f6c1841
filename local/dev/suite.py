"""Runs the tests: `python -m local.dev.suite unit|test|long`.

`unit` is what needs no server and no emulator and is quick, with 20 examples per law. `test` is everything
but what takes long, with 200 examples per law: it installs the storage emulator and azure-cli first, then
runs on this Python, and what runs the app in the real engine on Python 3.13 as well, where one is found
(`python3.13`, with `PYENV_VERSION=3.13.0` if need be). Where none is found that is said, and with `CI=true`
it fails. `long` is what is marked so, every property with more examples, and the host and the closed loop on
3.13. Which examples a profile means is said in `tests/profiles.py`. Exit codes: 0 all passed, 1 a test failed
or 3.13 is missing in CI, 2 the set-up failed.

There are as many processes as this one may use cores. The unit tests are dealt out by file before they
start, each process collects its own share alone: handing thousands of quick tests out one by one cost more
than running many of them. What Python compiles of them is kept from run to run (`__pycache__`), also where
the environment says that it is not to be: compiling the tests' assertions takes longer than most tests.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from local.dev.azure_cli import AzureCliUnavailable, ensure_azure_cli
from local.dev.emulator import install_azurite
from local.dev.environments import ROOT, SetupFailed, ensure
from local.dev.npm import InstallFailed

_STARTS_SERVERS = (
    *("adapters", "engine", "e2e", "az", "catalogue", "local/host", "local/simulator", "local/dev"),
    *(
        "driftward/test_command.py",
        "local/demo/test_world.py",
        "driftward/test_diagnose.py",
        "driftward/test_explain_flows.py",
        "driftward/test_propose_nsg.py",
        "driftward/proposal/test_million.py",
        "driftward/test_samples.py",
        "local/pages",
    ),
)
"""What lies under tests/ and starts servers or child processes in most of its tests, or makes whole pages."""
_TAKES_LONG = (
    "adversary",
    "driftward/flows/test_stream.py::test_memory_does_not_grow_with_the_log",
    "driftward/proposal/test_proposing.py",
    "driftward/proposal/test_fitting.py",
    "nsg/test_second_engine.py",
    "nsg/test_templates.py::test_values_that_multiply_come_to_an_end",
    "nsg/test_two_engines.py",
    "alerts/test_lifecycle.py::test_a_huge_alert_still_fits_into_a_queue_message",
    "alerts/test_lifecycle.py::test_any_evidence_becomes_short_lines",
    "alerts/test_alerts_and_causes.py",
    "api/test_alerts.py",
    "api/test_changes.py",
    "api/test_runs.py",
    "config/test_marked_yaml.py::test_what_is_not_meant_is_refused_with_its_line[text10-2]",
    "controller/test_asking_again.py",
    "controller/test_changes_in_trouble.py",
    "controller/test_expired_exemptions.py",
    "controller/test_runs.py",
    "controller/test_runs_in_trouble.py",
    "controller/test_waiting_for_the_time.py",
    "driftward/test_explain_nsg.py::test_a_batch_without_errors_is_exit_0_and_can_come_from_a_file",
    "driftward/test_explain_nsg.py::test_every_line_is_answered_in_its_place_and_only_json_is_printed",
    "driftward/test_explain_nsg.py::test_nothing_heavy_is_imported_for_a_question",
    "driftward/test_explain_nsg.py::test_whoever_stops_reading_ends_the_batch_quietly",
    "driftward/test_policies.py",
    "functions/test_imports.py",
    "controller/test_restore.py",
    "nsg/test_agreement.py",
    "nsg/test_fix.py",
    "nsg/test_change.py",
    "nsg/test_document_laws.py",
    "nsg/test_laws.py",
    "policies/test_nsg_advice.py",
    "nsg/test_explain.py::test_readings_that_differ_in_too_many_ways_are_refused_in_time",
    "test_architecture.py",
    "state/coalescing/test_histories.py::test_no_short_history_loses_an_event",
    "guardrails/test_laws_reach.py",
)
"""Pure tests under tests/ that go to lengths: large logs, the answers of z3 and of a plain loop beside the
engine's, hours told minute by minute, documents of any shape, inputs that explode, the source of the whole
project, every short history, how often the laws' examples meet a plan, commands in processes of their own."""
_RUNS_THE_ENGINE = ("engine",)
_STANDS_ON_THE_ENGINE = ("e2e", "local/host", "local/dev/test_emulator.py", "local/dev/test_processes.py")
_NO_TESTS = 5
"""pytest's exit code when nothing was collected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """One call of pytest: on which Python, what, and with which Hypothesis profile.

    ``shares`` are what several processes run side by side, each beside the arguments; none is one process.
    """

    name: str
    python: str
    arguments: Sequence[str]
    profile: str
    shares: Sequence[Sequence[str]] = ((),)


def main(argv: Sequence[str]) -> int:
    match list(argv):
        case ["unit"]:
            return 0 if _passed(unit(sys.executable)) else 1
        case ["test"]:
            return _test()
        case ["long"]:
            return _long()
    print("usage: python -m local.dev.suite unit|test|long", file=sys.stderr)
    return 2


def cores() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def unit(python: str) -> Selection:
    """The pure tests that are quick."""
    single = [f"--deselect=tests/{place}" for place in _TAKES_LONG if "::" in place]
    marked = ("-m", "not azurite and not engine and not az and not postgres and not long")
    return Selection(
        name="unit tests",
        python=python,
        arguments=(*single, *marked, "-p", "no:xdist"),
        profile="unit",
        shares=dealt(unit_files(), cores()),
    )


def unit_files() -> list[Path]:
    """The files with quick pure tests; what is left out is not even imported."""
    left_out = [ROOT / "tests" / place for place in (*_STARTS_SERVERS, *_TAKES_LONG) if "::" not in place]
    every = sorted((ROOT / "tests").rglob("test_*.py"))
    return [file for file in every if not left_out_by(file, left_out)]


def left_out_by(file: Path, left_out: Sequence[Path]) -> bool:
    return any(place in (file, *file.parents) for place in left_out)


def dealt(files: Sequence[Path], hands: int) -> list[list[str]]:
    """The files in as many shares, each to the lightest one so far; laws weigh more than their text."""
    shares: list[list[str]] = [[] for _ in range(hands)]
    weights = [0] * hands
    for file in sorted(files, key=_weight, reverse=True):
        lightest = weights.index(min(weights))
        shares[lightest].append(str(file.relative_to(ROOT)))
        weights[lightest] += _weight(file)
    return [share for share in shares if share]


_MEASURED = {"tests/guardrails/test_laws.py": 12}
"""How many times as long a file takes as its length lets one think."""


def _weight(file: Path) -> int:
    return file.stat().st_size * _MEASURED.get(file.relative_to(ROOT).as_posix(), 1)


def everything(python: str) -> Selection:
    """All tests but the long ones; a file stays in one process: what a module starts is started once."""
    return Selection(
        name="all tests", python=python, arguments=("-m", "not long", *_spread()), profile="test"
    )


def _spread() -> tuple[str, ...]:
    return ("-n", str(cores()), "--dist", "loadfile")


def long_tests(python: str) -> list[Selection]:
    """What is marked as long, and every property once more with more examples."""
    laws = ("-m", "hypothesis and not long", "-n", str(cores()), "--dist", "worksteal")
    z3 = ("tests/nsg/test_two_engines.py", "tests/nsg/test_second_engine.py", "-m", "not long")
    return [
        Selection(name="long tests", python=python, arguments=("-m", "long", *_spread()), profile="long"),
        Selection(name="properties with more examples", python=python, arguments=laws, profile="long"),
        Selection(name="all lines beside z3", python=python, arguments=(*z3, *_spread()), profile="long"),
    ]


def engine_only(python: str) -> Selection:
    """What runs the app in the Functions engine."""
    return _of("engine tests", python, _RUNS_THE_ENGINE)


def around_the_engine(python: str) -> Selection:
    """What runs the engine in the local host: the closed loop, and the host itself."""
    return _of("host and closed loop", python, _STANDS_ON_THE_ENGINE)


def _of(name: str, python: str, places: Sequence[str]) -> Selection:
    folders = [f"tests/{place}" for place in places]
    return Selection(name=name, python=python, arguments=(*folders, *_spread()), profile="test")


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
        selections = [everything(sys.executable), *map(engine_only, _pythons_313())]
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


def _long() -> int:
    try:
        ensure_azure_cli()
        install_azurite()
        selections = [*long_tests(sys.executable), *map(around_the_engine, _pythons_313())]
    except (InstallFailed, AzureCliUnavailable, SetupFailed) as error:
        print(f"set-up failed: {error}", file=sys.stderr)
        return 2
    results = [_passed(selection) for selection in selections]
    return 0 if all(results) else 1


def _pythons_313() -> list[str]:
    """The interpreter of an environment on 3.13; nothing when this is 3.13 itself, or there is none."""
    if sys.version_info[:2] == (3, 13):
        return []
    python = find_313(os.environ)
    return [str(ensure(ROOT / ".venv-3.13", python))] if python else []


def _passed(selection: Selection) -> bool:
    print(f"── {selection.name} on Python {_version(selection.python)}", flush=True)
    with ExitStack() as stack:
        running = [stack.enter_context(_started(selection, share)) for share in selection.shares]
        codes = [_ended(one) for one in running]
    if _NO_TESTS in codes:
        print("no test was collected", file=sys.stderr)
    return not any(codes)


def _started(selection: Selection, share: Sequence[str]) -> subprocess.Popen[str]:
    """One pytest; where it is one of several, what it prints is kept until it has ended."""
    inherited = {name: text for name, text in os.environ.items() if name not in _NOT_INHERITED}
    return subprocess.Popen(
        [selection.python, "-m", "pytest", *share, *selection.arguments],
        cwd=ROOT,
        env={**inherited, "HYPOTHESIS_PROFILE": selection.profile},
        stdout=subprocess.PIPE if len(selection.shares) > 1 else None,
        text=True,
    )


_NOT_INHERITED = frozenset({"PYTHONPATH", "PYTHONDONTWRITEBYTECODE"})


def _ended(running: subprocess.Popen[str]) -> int:
    printed, _ = running.communicate()
    if printed:
        print(printed, end="", flush=True)
    return running.returncode


def _version(python: str) -> str:
    told = subprocess.run([python, "-V"], capture_output=True, text=True, check=False).stdout
    return told.removeprefix("Python").strip() or Path(python).name


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
