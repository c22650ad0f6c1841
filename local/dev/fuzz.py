"""`python -m local.dev.fuzz [--cases N] [--seed S]`: plays odd input to every way in, on every core.

The cases are those of `tests/fuzz`, 200,000 where `make test-long` plays 5,000. The seed is printed first:
the same seed and the same number of cases play the same again. Exit codes: pytest's, 0 where nothing broke.
"""

from __future__ import annotations

import argparse
import os
import secrets
import subprocess
import sys
from collections.abc import Sequence
from typing import Final

from local.dev.environments import ROOT
from local.dev.suite import cores

CASES: Final = 200_000


def main(argv: Sequence[str] | None = None) -> int:
    """Print the seed, then play."""
    parser = argparse.ArgumentParser(prog="python -m local.dev.fuzz", description="Odd input, much of it")
    parser.add_argument("--cases", type=int, default=CASES, help=f"how many; {CASES} where nothing is said")
    parser.add_argument("--seed", type=int, default=None, help="plays those of an earlier time again")
    asked = parser.parse_args(argv)
    seed = secrets.randbelow(10**9) if asked.seed is None else asked.seed
    print(f"{asked.cases} cases of seed {seed}: make fuzz CASES={asked.cases} SEED={seed}", flush=True)
    return _played(asked.cases, seed)


def _played(cases: int, seed: int) -> int:
    command = [sys.executable, "-m", "pytest", "tests/fuzz", "-m", "long"]
    spread = ["-n", str(cores()), "--dist", "worksteal"]
    environment = {**os.environ, "FUZZ_CASES": str(cases), "FUZZ_SEED": str(seed)}
    return subprocess.run([*command, *spread], cwd=ROOT, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
