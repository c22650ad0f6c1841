"""`python -m local explain-nsg`: one question about an NSG in a file, or many as JSON Lines.

What an answer holds is decided in `shared.nsg.explain`; here files are read, time is taken, and the answer
is written: as JSON for machines, through `driftward.explain_print` for people. Nothing talks to Azure, and
nothing heavy is imported: a question should be answered before anybody waits.

Exit codes of one question: 0 answered, and what was wanted holds or nothing was; 1 it does not hold; 2 the
input is unusable. Of a batch: 0 every line was answered, 1 some line got an error, 2 the call is unusable.
"""

from __future__ import annotations

import json
import os
import sys
from argparse import Namespace
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from time import perf_counter
from typing import BinaryIO, Final

from shared.model import Access, Json, SecurityGroup
from shared.model.values import value
from shared.nsg.asking import Asked, BadInput, read_question
from shared.nsg.documents.document import decode, read_program
from shared.nsg.explain import answer_about, explain
from shared.nsg.rules.reading import NsgError

_STANDARD_INPUT: Final = "-"
_MET: Final = {Access.ALLOW: "allowed", Access.DENY: "denied"}
_FIELDS: Final[Mapping[str, str]] = {
    "direction": "direction",
    "protocol": "protocol",
    "source": "source",
    "source_ports": "sourcePorts",
    "destination": "destination",
    "ports": "ports",
    "want": "want",
    "private_endpoint_policies": "privateEndpointNetworkPolicies",
}
"""Options of one question, and the fields of a batch line that they are."""
_REQUIRED: Final = ("nsg", "direction", "source", "destination", "ports")


@value
class Answered:
    """The answer to one question, with what it was about."""

    out: dict[str, Json]
    group: SecurityGroup
    asked: Asked
    line: Mapping[str, Json]
    """The question's fields, as they were given."""

    @property
    def is_met(self) -> bool:
        """Whether what was wanted holds; nothing wanted always does."""
        return self.asked.want is None or self.out["verdict"] == _MET[self.asked.want]


def explain_nsg(given: Namespace) -> int:
    """Answer the question, or the batch, that the command line gives."""
    try:
        return _batch(given) if given.batch else _one(given)
    except BrokenPipeError:
        # Whoever read the answers has left (`| head`). Python would fail once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


# --- one question ----------------------------------------------------------------------------------


def _one(given: Namespace) -> int:
    try:
        answered = _answered(given)
    except (BadInput, NsgError) as error:
        return _refused(error, as_json=given.json)
    except RecursionError:
        return _refused(BadInput("the document is nested too deeply", field="nsg"), as_json=given.json)
    if given.json:
        print(json.dumps(answered.out, indent=2))
    else:
        from driftward.explain_print import show

        show(answered)
    return 0 if answered.is_met else 1


def _answered(given: Namespace) -> Answered:
    """Raises ``BadInput`` and ``NsgError``."""
    _require(given)
    line = {field: _given(given, option) for option, field in _FIELDS.items()}
    line = {field: found for field, found in line.items() if found is not None}
    tags = {} if given.tags is None else _document(given.tags, "tags")
    asked = read_question({**line, "tags": tags, "openTags": True})
    document = _document(given.nsg, "nsg")
    started = perf_counter()
    group, program = read_program(document, asked.tags, name=given.name)
    answer = answer_about(group, program, asked)
    out = {"id": None, **answer, "ms": _since(started)}
    return Answered(out=out, group=group, asked=asked, line=line)


def _require(given: Namespace) -> None:
    if given.lines is not None:
        raise BadInput(f"{given.lines}: a file of questions goes with --batch", field="batch")
    for option in _REQUIRED:
        if getattr(given, option) is None:
            raise BadInput(f"--{option} is missing", field=option)
    if given.nsg == given.tags == _STANDARD_INPUT:
        raise BadInput("the NSG and the tags cannot both be standard input", field="tags")


def _given(given: Namespace, option: str) -> Json:
    """An option as a batch line would have it: those that may be repeated are lists, split at commas."""
    found = getattr(given, option)
    if not isinstance(found, list):
        return found
    return [part.strip() for text in found for part in text.split(",") if part.strip()]


def _refused(error: BadInput | NsgError, *, as_json: bool) -> int:
    """Say what is wrong, in words and with the names of field and rule."""
    if as_json:
        print(json.dumps(_failure(None, str(error), field=error.field, rule=error.rule), indent=2))
    place = [f"rule {error.rule!r}"] if error.rule else []
    place += [f"field {error.field}"] if error.field else []
    print(f"{error} [{', '.join(place)}]" if place else str(error), file=sys.stderr)
    return 2


# --- a batch ---------------------------------------------------------------------------------------


def _batch(given: Namespace) -> int:
    beside = [option for option in ("nsg", "tags", "name", *_FIELDS) if getattr(given, option) is not None]
    if beside:
        print(f"--{beside[0].replace('_', '-')} does not go with --batch", file=sys.stderr)
        return 2
    try:
        source = _lines(given.lines)
    except OSError as error:
        print(f"{given.lines}: {error.strerror}", file=sys.stderr)
        return 2
    failed = False
    with source as lines:
        for answer in answer_lines(lines):
            print(json.dumps(answer), flush=True)
            failed = failed or "error" in answer
    return 1 if failed else 0


def _lines(path: str | None) -> AbstractContextManager[BinaryIO]:
    if path in {None, _STANDARD_INPUT}:
        return nullcontext(sys.stdin.buffer)
    return Path(str(path)).open("rb")


def answer_lines(lines: Iterable[bytes]) -> Iterator[dict[str, Json]]:
    """An answer for each line that is not blank, as soon as the line is there."""
    for line in lines:
        if line.removeprefix(_MARK).strip():
            yield answer_line(line)


_MARK: Final = "\ufeff".encode()


def answer_line(line: bytes) -> dict[str, Json]:
    """The answer to one line: never an exception, whatever the line holds, and always JSON."""
    try:
        question = _read_json(line.strip().decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        return _failure(None, f"no UTF-8: {error.reason} at byte {error.start}")
    except NotJson as error:
        return _failure(None, str(error))
    started = perf_counter()
    try:
        answer = explain(question)
        json.dumps(answer["id"])  # the one part that is echoed, and so may be nested as deep as the line
    except RecursionError:
        number = question.get("id") if isinstance(question, Mapping) else None
        return _failure(number if isinstance(number, str | int | float) else None, "nested too deeply")
    return answer if "error" in answer else {**answer, "ms": _since(started)}


def _failure(number: Json, error: str, *, field: str = "", rule: str = "") -> dict[str, Json]:
    return {"id": number, "error": error, "field": field, "rule": rule or None}


def _since(started: float) -> float:
    """Milliseconds."""
    return round((perf_counter() - started) * 1000, 3)


# --- JSON ------------------------------------------------------------------------------------------


class NotJson(ValueError):
    """A text is no JSON, or holds what JSON cannot hand on."""


def _document(path: str, field: str) -> Json:
    """The JSON of a file. Raises ``BadInput`` that names the file and, where it is no JSON, the place."""
    try:
        data = sys.stdin.buffer.read() if path == _STANDARD_INPUT else Path(path).read_bytes()
        return _read_json(decode(data).removeprefix("\ufeff"))
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror}", field=field) from error
    except (NsgError, NotJson) as error:
        raise BadInput(f"{path}: {error}", field=field) from error


def _read_json(text: str) -> Json:
    """The JSON in ``text``. Raises ``NotJson``, with line and column where they are known."""
    try:
        return _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise NotJson(f"no JSON: {error.msg} at line {error.lineno}, column {error.colno}") from error
    except RecursionError as error:
        raise NotJson("no JSON that can be read: nested too deeply") from error
    except ValueError as error:
        raise NotJson(f"no JSON that can be read: {error}") from error


def _finite(text: str) -> float:
    """JSON has no infinity: a number that is too large to be one could not be written back."""
    number = float(text)
    if number in {float("inf"), float("-inf")}:
        raise ValueError("a number is too large")
    return number


def _whole(text: str) -> int:
    """Python neither reads nor writes a number of many thousand digits."""
    try:
        return int(text)
    except ValueError as error:
        raise ValueError("a number is too large") from error


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no JSON")


_DECODER: Final = json.JSONDecoder(parse_float=_finite, parse_int=_whole, parse_constant=_no_number)
