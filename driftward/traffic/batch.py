"""Questions as JSON Lines: an answer for each line, whatever it holds.

What an answer holds is decided in ``shared.nsg.explain``; here lines are read and time is taken.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from time import perf_counter
from typing import Final

from driftward.documents import NotJson, read_json
from shared.model import Json
from shared.nsg.explain import explain

_MARK: Final = "\ufeff".encode()


def answer_lines(lines: Iterable[bytes]) -> Iterator[dict[str, Json]]:
    """An answer for each line that is not blank, as soon as the line is there."""
    for line in lines:
        if line.removeprefix(_MARK).strip():
            yield answer_line(line)


def answer_line(line: bytes) -> dict[str, Json]:
    """The answer to one line: never an exception, whatever the line holds, and always JSON."""
    try:
        question = read_json(line.strip().decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        return failure(None, f"no UTF-8: {error.reason} at byte {error.start}")
    except NotJson as error:
        return failure(None, str(error))
    started = perf_counter()
    try:
        answer = explain(question)
        json.dumps(answer["id"])  # the one part that is echoed, and so may be nested as deep as the line
    except RecursionError:
        number = question.get("id") if isinstance(question, Mapping) else None
        return failure(number if isinstance(number, str | int | float) else None, "nested too deeply")
    return answer if "error" in answer else {**answer, "ms": since(started)}


def failure(number: Json, error: str, *, field: str = "", rule: str = "") -> dict[str, Json]:
    return {"id": number, "error": error, "field": field, "rule": rule or None}


def since(started: float) -> float:
    """Milliseconds."""
    return round((perf_counter() - started) * 1000, 3)
