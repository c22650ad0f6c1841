"""A Bicep parameter file as it is written (``.bicepparam``): its values, without Bicep at hand.

Literals, lists, objects and variables of the file are read. What Bicep would have to compute (a function, a
text with ``${…}``, an operator) stays ``Unknown``. Source: "Create parameters files for Bicep deployment",
"Data types in Bicep" (Microsoft Learn).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple, NoReturn

from shared.model import Json
from shared.nsg.documents.scope import Unknown
from shared.nsg.rules.reading import NsgError

_DEEPEST: Final = 60
_TOKEN: Final = re.compile(
    r"(?P<skip>[ \t\r\ufeff]+|//[^\n]*|/\*.*?\*/)"
    r"|(?P<line>\n)"
    r"|(?P<block>'''.*?''')"
    r"|(?P<text>'(?:[^'\\\n]|\\.)*')"
    r"|(?P<number>-?\d{1,18}\b)"
    r"|(?P<word>[A-Za-z_]\w*)"
    r"|(?P<mark>.)",
    re.ASCII | re.DOTALL,
)
_ESCAPES: Final = {"n": "\n", "r": "\r", "t": "\t"}
_WORDS: Final[Mapping[str, Json]] = {"true": True, "false": False, "null": None}
_OPENING: Final = frozenset("{[(")
_CLOSING: Final = frozenset("}])")


class _Token(NamedTuple):
    kind: str
    text: str
    place: int


def values_of(text: str) -> Mapping[str, Json]:
    """The values by the names of the parameters. Raises ``NsgError`` for a text that is no such file."""
    return _Reader(text).values()


class _Reader:
    """Reads one file from beginning to end."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = [*_tokens(text), _Token("end", "", len(text))]
        self._next = 0
        self._depth = 0
        self._variables: dict[str, Json] = {}

    def values(self) -> Mapping[str, Json]:
        found: dict[str, Json] = {}
        while (token := self._take()).kind != "end":
            match token:
                case ("line", _, _):
                    continue
                case (_, "param", _):
                    name, found[name] = self._assigned()
                case (_, "var", _):
                    name, self._variables[name] = self._assigned()
                case (_, "using" | "import", _):
                    self._rest()
                case _:
                    self._refuse(token)
        return found

    def _assigned(self) -> tuple[str, Json]:
        name, mark = self._take(), self._take()
        if name.kind != "word" or mark.text != "=":
            self._refuse(name)
        return name.text, self._value()

    def _value(self) -> Json:
        """A value up to the end of its line or item; what is no literal is ``Unknown`` as a whole."""
        start = self._next
        found = self._literal()
        if not isinstance(found, Unknown) and self._peek().text in {"\n", ",", "}", "]", ""}:
            return found
        self._next = start
        return Unknown(text=f"[{self._rest()}]")

    def _literal(self) -> Json:
        match self._take():
            case ("block", text, _):
                return text[3:-3].removeprefix("\r").removeprefix("\n")
            case ("text", text, _) if "${" not in text.replace("\\$", ""):
                return re.sub(r"\\(.)", lambda found: _ESCAPES.get(found[1], found[1]), text[1:-1])
            case ("number", text, _):
                return int(text)
            case ("word", text, _) if text in _WORDS or text in self._variables:
                return _WORDS[text] if text in _WORDS else self._variables[text]
            case (_, "[", _):
                return [self._value() for _ in self._items("]")]
            case (_, "{", _):
                return {self._key(): self._value() for _ in self._items("}")}
            case _:
                return Unknown(text="")

    def _items(self, end: str) -> Iterator[None]:
        """Once before each item up to the closing bracket; lines and commas part them."""
        self._depth += 1
        if self._depth > _DEEPEST:
            raise NsgError("values nested too deeply", rule="", field="parameters")
        while self._peek().text != end:
            if self._peek().text in {"\n", ","}:
                self._next += 1
            elif self._peek().kind == "end":
                self._refuse(self._peek())
            else:
                yield
        self._next += 1
        self._depth -= 1

    def _key(self) -> str:
        token, mark = self._take(), self._take()
        if token.kind not in {"word", "text"} or mark.text != ":":
            self._refuse(token)
        return token.text.strip("'")

    def _rest(self) -> str:
        """What stands up to the end of the line or item, brackets and what is in them included."""
        start, depth = self._peek().place, 0
        while self._peek().kind != "end":
            text = self._peek().text
            if depth == 0 and (text in {"\n", ","} or text in _CLOSING):
                break
            depth += (text in _OPENING) - (text in _CLOSING)
            self._next += 1
        return " ".join(self._text[start : self._peek().place].split())

    def _peek(self) -> _Token:
        return self._tokens[self._next]

    def _take(self) -> _Token:
        token = self._peek()
        self._next += token.kind != "end"
        return token

    def _refuse(self, token: _Token) -> NoReturn:
        line = self._text.count("\n", 0, token.place) + 1
        said = f"no Bicep parameter file that can be read: {token.text[:50]!r} in line {line}"
        raise NsgError(said, rule="", field="parameters")


def _tokens(text: str) -> Iterator[_Token]:
    for found in _TOKEN.finditer(text):
        kind = found.lastgroup or ""
        if kind != "skip":
            yield _Token(kind, found[0], found.start())
