"""A file in pieces, and how far it was handed out: the place of a fault where JSON itself is broken."""

from __future__ import annotations

from typing import Final, Protocol

from driftward.flows.faults import BadLog
from driftward.flows.tuples import shown


class Source(Protocol):
    """What is read: a file opened for bytes."""

    def read(self, size: int, /) -> bytes: ...


class Pieces:
    """The file's bytes, and how far they were handed out."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._last = 0
        self._read = 0
        self._ended = False

    def read(self, size: int) -> bytes:
        piece = self._source.read(size)
        if not self._read:
            piece = _without_mark(piece)
        self._last = self._read
        self._read += len(piece)
        self._ended = not piece
        return piece

    @property
    def place(self) -> str:
        return f"byte {self._read}" if self._ended else f"between bytes {self._last} and {self._read}"

    def reason(self, told: str) -> str:
        """yajl shows the text around the fault between its reason and a line with an arrow."""
        if self._ended:
            return "the file is empty" if not self._read else "the file ends in the middle: it is truncated"
        told = told.removeprefix("b'").replace("\\n", "\n")  # ijson shows what is no UTF-8 as Python would
        reason, _, around = told.partition("\n")
        text = around.rpartition("(right here)")[0].strip()
        return f"no JSON: {reason}" + (f" near {shown(text)}" if text else "")


_MARK: Final = b"\xef\xbb\xbf"
_NOT_UTF8: Final = {
    b"\xff\xfe": "the text is UTF-16: save it as UTF-8",
    b"\xfe\xff": "the text is UTF-16: save it as UTF-8",
    b"\x1f\x8b": "the file is compressed: unpack it first",
}


def _without_mark(piece: bytes) -> bytes:
    if reason := _NOT_UTF8.get(piece[:2]):
        raise BadLog(reason)
    return piece.removeprefix(_MARK)
