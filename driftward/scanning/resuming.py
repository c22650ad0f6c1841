"""A scan that was broken off goes on: every look is written down as it ends.

The file lies beside the results, a line for each look below one that says what was asked. A scan that asks
something else, by another version or another ``policies.yaml``, does not go on with it. A last line that
was cut in the middle is left out: its target is looked at again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Final

from driftward import __version__
from driftward.scanning.errors import CannotGoOn
from driftward.scanning.whole_file import write_whole
from shared.config.configuration import Configuration
from shared.model.codec import canonical, dump, load
from shared.model.errors import NotReadable
from shared.model.resource_id import ResourceId
from shared.model.values import value
from shared.policies import discover, find
from shared.report.estate import Seen

FILE: Final = "scan.partial.jsonl"


@value
class Asked:
    """What a scan was asked for."""

    scopes: tuple[str, ...]
    policies: tuple[str, ...] | None
    judged_by: str
    began: datetime


def asked_for(
    scopes: tuple[ResourceId, ...],
    policies: tuple[str, ...] | None,
    configuration: Configuration,
    now: datetime,
) -> Asked:
    said = configuration.file.model_dump_json()
    digest = hashlib.sha256(
        "\n".join([said, __version__, *(policy.id for policy in discover())]).encode()
    ).hexdigest()
    return Asked(scopes=tuple(map(str, scopes)), policies=policies, judged_by=digest, began=now)


class Notes:
    """The looks of one scan on disk."""

    def __init__(self, folder: Path, asked: Asked) -> None:
        self._path = folder / FILE
        self._asked = asked

    def begin(self) -> None:
        """Begin anew; what another scan has left is given up."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(self._path, [f"{dump(self._asked)}\n"])

    def go_on(self) -> tuple[Asked, list[Seen]]:
        """What was asked and seen. Raises ``CannotGoOn``."""
        if not self._path.exists():
            raise CannotGoOn(f"{self._path}: there is no scan that was broken off")
        first, *rest = self._path.read_text(encoding="utf-8", errors="replace").split("\n")
        try:
            before = load(Asked, first)
        except NotReadable as error:
            raise CannotGoOn(f"{self._path}: this is no scan that was broken off") from error
        if not self._is_same(before):
            raise CannotGoOn(
                f"{self._path}: the scan that was broken off was asked for other scopes or policies, or "
                "judged by others: begin anew without --resume"
            )
        seen = list(_whole(rest))
        write_whole(self._path, (f"{dump(line)}\n" for line in (before, *seen)))
        return before, seen

    def note(self, seen: Seen) -> None:
        with self._path.open("a", encoding="utf-8") as file:
            file.write(f"{dump(seen)}\n")

    def _is_same(self, before: Asked) -> bool:
        mine, its = json.loads(dump(self._asked)), json.loads(dump(before))
        return canonical({**mine, "began": ""}) == canonical({**its, "began": ""})


def remove_notes(folder: Path) -> None:
    """The results are written: nothing is to be gone on with."""
    (folder / FILE).unlink(missing_ok=True)


def _whole(lines: list[str]) -> Iterator[Seen]:
    """What was written to its end, of policies that there are."""
    for line in lines:
        with suppress(NotReadable):
            if line:
                seen = load(Seen, line)
                if all(find(one.policy) for one in seen.result.findings):
                    yield seen
