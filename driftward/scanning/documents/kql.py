"""As much of Resource Graph's language as the looks of a scan ask in, over rows in memory.

``resources | where … | project a, b = … | order by …`` with ``and``, ``or`` and brackets, ``=~``, ``in~``,
``contains`` and ``startswith``, which all compare without case, paths with dots, texts, and ``tostring``. All
else raises ``NotUnderstood``: a question that is half understood would leave rows out (Azure Resource Graph,
"Understanding the query language"; Kusto, string operators). Pure; what must not live here: where rows come
from.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Final, TypeAlias

from shared.model import Json
from shared.model.values import value

Row: TypeAlias = Mapping[str, Json]
_Reads: TypeAlias = Callable[[Row], Json]
_TOKEN: Final = re.compile(r"\s*(?:'((?:[^'\\]|\\.)*)'|([A-Za-z_$][\w.$]*~?)|(=~|[|(),=]))")
_TYPE: Final = "type"


class NotUnderstood(ValueError):
    """What stands in a question that is not known here."""


@value
class Question:
    """``types`` are those that it asks about, in lower case."""

    types: frozenset[str]
    stages: tuple[Callable[[list[Row]], list[Row]], ...]

    def of(self, rows: Iterable[Row]) -> list[Row]:
        found = [*rows]
        for stage in self.stages:
            found = stage(found)
        return found


def question(query: str) -> Question:
    """Raises ``NotUnderstood``."""
    reader = _Reader(_tokens(query))
    reader.expect("resources")
    stages = []
    while reader.has_more:
        reader.expect("|")
        stages.append(reader.stage())
    return Question(types=frozenset(reader.types), stages=tuple(stages))


@value
class _Token:
    text: str
    is_text: bool = False


def _tokens(query: str) -> list[_Token]:
    found, at, query = list[_Token](), 0, query.rstrip()
    while at < len(query):
        match = _TOKEN.match(query, at)
        if match is None:
            raise NotUnderstood(query[at : at + 40])
        at, quoted = match.end(), match[1]
        if quoted is not None:
            found.append(_Token(text=re.sub(r"\\(.)", r"\1", quoted), is_text=True))
        else:
            found.append(_Token(text=match[2] or match[3]))
    return found


class _Reader:
    """Recursive descent, left to right."""

    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._at = 0
        self.types: set[str] = set()

    @property
    def has_more(self) -> bool:
        return self._at < len(self._tokens)

    def expect(self, word: str) -> None:
        if not self._takes(word):
            raise NotUnderstood(f"{word!r} is expected, not {self._shown()!r}")

    def stage(self) -> Callable[[list[Row]], list[Row]]:
        if self._takes("where"):
            holds = self._either()
            return lambda rows: [row for row in rows if holds(row)]
        if self._takes("project"):
            columns = dict(self._columns())
            return lambda rows: [{name: read(row) for name, read in columns.items()} for row in rows]
        self.expect("order")
        return self._order()

    # --- columns and order

    def _columns(self) -> Iterable[tuple[str, _Reads]]:
        yield self._column()
        while self._takes(","):
            yield self._column()

    def _column(self) -> tuple[str, _Reads]:
        name = self._next()
        if self._takes("="):
            return name.text, self._either()
        return name.text, _path(name.text)

    def _order(self) -> Callable[[list[Row]], list[Row]]:
        self.expect("by")
        keys = [self._ascending()]
        while self._takes(","):
            keys.append(self._ascending())
        return lambda rows: sorted(rows, key=lambda row: [_folded(key(row)) for key in keys])

    def _ascending(self) -> _Reads:
        name = self._next().text
        self.expect("asc")
        return _path(name)

    # --- what holds

    def _either(self) -> _Reads:
        parts = [self._both()]
        while self._takes("or"):
            parts.append(self._both())
        return parts[0] if len(parts) == 1 else lambda row: any(part(row) for part in parts)

    def _both(self) -> _Reads:
        parts = [self._one()]
        while self._takes("and"):
            parts.append(self._one())
        return parts[0] if len(parts) == 1 else lambda row: all(part(row) for part in parts)

    def _one(self) -> _Reads:
        if self._takes("("):
            inner = self._either()
            self.expect(")")
            return inner
        name, read = self._operand()
        for word, compare in _COMPARISONS.items():
            if self._takes(word):
                return self._compared(name, read, compare)
        if self._takes("in~"):
            return self._among(name, read)
        return read

    def _operand(self) -> tuple[str, _Reads]:
        if self._takes("tostring"):
            self.expect("(")
            name = self._next().text
            self.expect(")")
            return name, _path(name)
        name = self._next().text
        return name, _path(name)

    def _compared(self, name: str, read: _Reads, compare: Callable[[str, str], bool]) -> _Reads:
        wanted = self._text(name)
        return lambda row: compare(_folded(read(row)), wanted)

    def _among(self, name: str, read: _Reads) -> _Reads:
        self.expect("(")
        wanted = [self._text(name)]
        while self._takes(","):
            wanted.append(self._text(name))
        self.expect(")")
        return lambda row: _folded(read(row)) in wanted

    def _text(self, compared_with: str) -> str:
        token = self._next()
        if not token.is_text:
            raise NotUnderstood(f"a text is expected, not {token.text!r}")
        if compared_with == _TYPE:
            self.types.add(token.text.lower())
        return token.text.lower()

    # --- tokens

    def _next(self) -> _Token:
        if not self.has_more:
            raise NotUnderstood("the question ends too early")
        self._at += 1
        return self._tokens[self._at - 1]

    def _takes(self, word: str) -> bool:
        found = self.has_more and self._tokens[self._at] == _Token(text=word)
        self._at += found
        return found

    def _shown(self) -> str:
        return self._tokens[self._at].text if self.has_more else "the end"


_COMPARISONS: Final[Mapping[str, Callable[[str, str], bool]]] = {
    "=~": lambda found, wanted: found == wanted,
    "contains": lambda found, wanted: wanted in found,
    "startswith": lambda found, wanted: found.startswith(wanted),
}


def _path(name: str) -> _Reads:
    steps = name.split(".")

    def read(row: Row) -> Json:
        found: Json = row
        for step in steps:
            found = found.get(step) if isinstance(found, Mapping) else None
        return found

    return read


def _folded(found: Json) -> str:
    """As ``tostring`` has it, in lower case."""
    if found is None:
        return ""
    text = found if isinstance(found, str) else json.dumps(found, separators=(",", ":"))
    return text.lower()
