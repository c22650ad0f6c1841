"""`python -m local.chaos`: play, judge, tell. The last line is one JSON object.

Exit codes: 0 nothing is off, 1 something is (what, stands above the line, and the run's folder is kept), 2
the run could not be made or not be judged. `--judge FOLDER` judges a recording that was kept.
"""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from local.chaos.asking import AskingFailed
from local.chaos.counters import Verdict, figures, judge
from local.chaos.model import CannotJudge
from local.chaos.plan import SIZES, Plan, sized
from local.chaos.play import Play
from local.chaos.recording import Recording, read, write
from local.dev.emulator import install_azurite
from local.dev.environments import ROOT
from local.dev.npm import InstallFailed
from local.dev.processes import ProcessFailed
from local.simulator.client import ArmCallFailed

RECORDING: Final = "recording.json"
_KEPT: Final = ROOT / ".driftward" / "chaos"
_SHOWN: Final = 40
"""So many pieces of evidence of one counter are printed; all are in the folder."""
_FAILURES: Final = (
    AskingFailed,
    CannotJudge,
    InstallFailed,
    ProcessFailed,
    ArmCallFailed,
    OSError,
    subprocess.SubprocessError,
)


def main(argv: Sequence[str]) -> int:
    arguments = _parsed(argv)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    try:
        if arguments.judge is not None:
            return _told(read(arguments.judge / RECORDING), arguments.judge)
        plan = sized(
            arguments.size,
            seed=arguments.seed,
            events=arguments.events,
            hosts=arguments.hosts,
            kills=arguments.kills,
        )
        return _played(plan, keep=arguments.keep)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    except _FAILURES as error:
        print(f"the run could not be made: {type(error).__name__}: {error}", file=sys.stderr)
        return 2


def _parsed(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m local.chaos", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--size", choices=sorted(SIZES), default="full")
    for name in ("seed", "events", "hosts", "kills"):
        parser.add_argument(f"--{name}", type=int, metavar="N")
    parser.add_argument("--keep", action="store_true", help="keep the run's folder in any case")
    parser.add_argument("--judge", type=Path, metavar="FOLDER", help="judge a recording that was kept")
    return parser.parse_args(argv)


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _played(plan: Plan, *, keep: bool) -> int:
    install_azurite()
    _KEPT.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f"seed-{plan.seed}-", dir=_KEPT))
    code = 2
    try:
        write(Play(plan, folder).run(), folder / RECORDING)
        code = _told(read(folder / RECORDING), folder)  # judged as it would be later
    finally:
        if code == 0 and not keep:
            shutil.rmtree(folder, ignore_errors=True)
        else:
            print(f"kept: {folder}", file=sys.stderr)
    return code


def _told(recording: Recording, folder: Path) -> int:
    verdict = judge(recording)
    for line in _evidence(verdict):
        print(line)
    for text in verdict.found_by_sweep:
        print(f"found by the sweep alone  {text}", file=sys.stderr)
    whole = [f"{one.counter}  {one.about}\n    {one.text}" for one in verdict.evidence]
    (folder / "evidence.txt").write_text("\n".join([*whole, ""]), encoding="utf-8")
    if not verdict.chain_valid:
        print(f"chainValid  {json.dumps(recording.journal)[:2000]}")
    print(json.dumps(figures(recording, verdict)), flush=True)
    return 0 if verdict.holds else 1


def _evidence(verdict: Verdict) -> list[str]:
    lines: list[str] = []
    shown: dict[str, int] = {}
    for one in verdict.evidence:
        shown[one.counter] = shown.get(one.counter, 0) + 1
        if shown[one.counter] <= _SHOWN:
            lines.append(f"{one.counter}  {one.about}\n    {one.text}")
    return lines
