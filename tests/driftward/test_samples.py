"""What the README shows of the commands that read files is what they print, and its samples are there."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys

import pytest

from local.dev.environments import ROOT

BLOCK = re.compile(r"```bash\n(driftward (?:explain|propose)-[^`]*)```\n\n```text\n(.*?)```", re.DOTALL)
LEFT_OUT = "[…]"
SHOWN = BLOCK.findall((ROOT / "README.md").read_text(encoding="utf-8"))


def test_the_readme_shows_the_commands_that_read_files() -> None:
    assert [command.split()[1] for command, _ in SHOWN] == ["explain-nsg", "explain-flows", "propose-nsg"]


@pytest.mark.parametrize(("command", "shown"), SHOWN, ids=[command.split()[1] for command, _ in SHOWN])
def test_a_command_of_the_readme_prints_what_is_shown_below_it(command: str, shown: str) -> None:
    words = shlex.split(command.replace("\\\n", " "))
    done = subprocess.run(
        [sys.executable, "-m", "driftward", *words[1:]],
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "80", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == (0 if words[1] == "propose-nsg" else 1), done.stderr
    printed = "\n".join(line.rstrip() for line in done.stdout.splitlines())
    for part in shown.split(LEFT_OUT):
        before, found, printed = printed.partition(part.strip("\n"))
        assert found, f"is not printed, or not after what is shown before it:\n{part}\nprinted:\n{before}"
