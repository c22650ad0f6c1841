"""The programs that a page calls beside a shell: each is a few lines of bash that ask this process.

What is called is told by a connection on this machine: who (`az`), where, the words, what is exported, and
for `curl` what comes by a pipe. The answer is an exit code and two texts. A program that is started for each
call would cost more than all that it does.
"""

from __future__ import annotations

import os
import re
import socketserver
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from io import BufferedIOBase
from pathlib import Path
from typing import ClassVar, Final

from shared.model.values import value

_ASKS: Final = """#!/bin/bash
input=
if [ {name} = curl ] && [ -p /dev/stdin ]; then IFS= read -r -d '' input; fi
exec 3<>/dev/tcp/127.0.0.1/{port} || exit 70
{{
  printf '%s\\0' {name} "$PWD" "$#" "$@"
  for one in $(compgen -e); do printf '%s\\0' "$one=${{!one}}"; done
  printf '\\0%s\\0' "$input"
}} >&3
IFS= read -r -d '' code <&3; IFS= read -r -d '' out <&3; IFS= read -r -d '' errors <&3
printf %s "$out"
printf %s "$errors" >&2
exit "$code"
"""


_SET: Final = re.compile(r"(?m)^(?:export )?([A-Za-z_]\w*)=")
_DECLARED: Final = re.compile(r'declare -[-x] (\w+)=".*"')


@value
class Call:
    """A program with its words, where it was called, and what it was given."""

    name: str
    words: tuple[str, ...]
    folder: Path
    environment: Mapping[str, str]
    input: str = ""

    def __str__(self) -> str:
        return " ".join((self.name, *self.words))


@value
class Said:
    """How a call ended."""

    out: str = ""
    code: int = 0
    errors: str = ""


Answering = Callable[[Call], Said]


class _Handler(socketserver.StreamRequestHandler):
    answers: ClassVar[Answering]

    def handle(self) -> None:
        said = type(self).answers(_call(self.rfile))
        self.wfile.write(b"".join(f"{part}\0".encode() for part in (said.code, said.out, said.errors)))


def _call(stream: BufferedIOBase) -> Call:
    name, folder, count = (_field(stream) for _ in range(3))
    words = tuple(_field(stream) for _ in range(int(count)))
    exported = dict(one.split("=", 1) for one in iter(lambda: _field(stream), ""))
    return Call(name=name, words=words, folder=Path(folder), environment=exported, input=_field(stream))


def _field(stream: BufferedIOBase) -> str:
    return b"".join(iter(lambda: stream.read(1), b"\0")).decode()


@contextmanager
def programs(folder: Path, names: tuple[str, ...], answers: Answering) -> Iterator[Path]:
    """A folder for the path in which every name is a program that asks ``answers``."""
    handler = type("Handler", (_Handler,), {"answers": staticmethod(answers)})
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler) as server:
        folder.mkdir()
        for name in names:
            (folder / name).write_text(_ASKS.format(name=name, port=server.server_address[1]), "utf-8")
            (folder / name).chmod(0o755)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield folder
        finally:
            server.shutdown()
            thread.join()


@value
class Pasted:
    """How a shell ended: its code, all that was printed, and what its variables are then."""

    code: int
    printed: str
    errors: str
    variables: Mapping[str, str]


def paste(text: str, path: Path, project: Path, variables: Mapping[str, str]) -> Pasted:
    """Paste into one shell, where nothing may fail and no variable be used before it is set.

    It sees the programs of ``path`` before all others; ``variables`` are those of an earlier paste.
    """
    kept = project.parent / "variables"
    kept.unlink(missing_ok=True)
    given = "\n".join(variables.values())
    ends = f"trap 'declare -p > \"{kept}\"' EXIT"
    done = subprocess.run(
        ["bash", "-c", "\n".join(["set -euo pipefail", given, ends, text])],
        cwd=project,
        env={"PATH": f"{path}{os.pathsep}{os.defpath}", "HOME": str(project.parent)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    named = {*variables, *_SET.findall(text)}
    return Pasted(
        code=done.returncode, printed=done.stdout, errors=done.stderr, variables=_variables(kept, named)
    )


def _variables(kept: Path, named: set[str]) -> dict[str, str]:
    """What declares each of the variables anew; one of several lines is for its own block."""
    lines = kept.read_text("utf-8").splitlines() if kept.exists() else []
    declared = (_DECLARED.fullmatch(line) for line in lines)
    return {found[1]: found[0] for found in declared if found is not None and found[1] in named}
