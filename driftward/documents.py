"""JSON as it is given: read strictly, and with the place of what is wrong."""

from __future__ import annotations

import errno
import json
import sys
from pathlib import Path
from typing import BinaryIO, Final

from shared.model import Json
from shared.nsg.asking import BadInput
from shared.nsg.documents.document import decode
from shared.nsg.rules.reading import NsgError

STANDARD_INPUT: Final = "-"


class NotJson(ValueError):
    """A text is no JSON, or holds what JSON cannot hand on."""


def standard_input() -> BinaryIO:
    """What is piped in. Raises ``OSError`` where the caller closed it."""
    if sys.stdin is None:
        raise OSError(errno.EBADF, "standard input is closed", STANDARD_INPUT)
    return sys.stdin.buffer


def document(path: str, field: str) -> Json:
    """The JSON of a file. Raises ``BadInput`` that names the file and, where it is no JSON, the place."""
    try:
        return read_json(text_of(path, field))
    except NotJson as error:
        raise BadInput(f"{path}: {error}", field=field) from error


def text_of(path: str, field: str) -> str:
    """The text of a file. Raises ``BadInput`` that names it."""
    try:
        data = standard_input().read() if path == STANDARD_INPUT else Path(path).read_bytes()
        return decode(data).removeprefix("\ufeff")
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror}", field=field) from error
    except NsgError as error:
        raise BadInput(f"{path}: {error}", field=field) from error


def read_json(text: str) -> Json:
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
