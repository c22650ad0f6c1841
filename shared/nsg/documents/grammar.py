"""The grammar of ARM template expressions: a text becomes a tree of literals, calls and members.

Source: "Syntax and expressions in ARM templates" (Microsoft Learn). A text in brackets is an expression, two
opening brackets are one that is meant as such; texts stand in single quotes, doubled to stand for one. What
an expression is worth is computed in ``shared.nsg.documents.expressions``; functions are only names here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, TypeAlias

from shared.model.values import value

_DEEPEST: Final = 60
"""How deep calls may be nested; a template stays far below, a hostile one must not exhaust the stack."""
_LONGEST: Final = 24_576
"""ARM takes no longer ones ("Template limits", Microsoft Learn)."""
_TURNING: Final = frozenset({"copyindex", "lambdavariables"})


class Unresolved(Exception):
    """The text of an expression that the document alone does not answer."""


class Faulty(Unresolved):
    """Why an expression has no value in any deployment, or one that is out of all proportion."""


def is_expression(text: str) -> bool:
    return text.startswith("[") and text.endswith("]") and not text.startswith("[[")


def unescaped(text: str) -> str:
    return text[1:] if text.startswith("[[") else text


@value
class Literal:
    value: str | int
    text: str
    turning: bool = False


@value
class Call:
    name: str
    """In lower case, with the namespace of a function that the template declares."""
    arguments: tuple[Node, ...]
    text: str
    turning: bool
    """Whether it asks for the turn of a loop or the item of a list: it is another value in the next."""


@value
class Member:
    """``of.key`` or ``of[key]``."""

    of: Node
    key: Node
    text: str
    turning: bool


Node: TypeAlias = Literal | Call | Member

_TOKEN: Final = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<number>[+-]?\d{1,9})|(?P<name>[A-Za-z_]\w*)|(?P<mark>[()\[\],.]))",
    re.ASCII,
)


class _Parser:
    """Reads one expression from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = [*_tokens(text)]
        self._next = 0
        self._depth = 0

    def whole(self) -> Node:
        node = self._expression()
        if self._next < len(self._tokens):
            raise Faulty(f"no expression: {self._text[:100]}")
        return node

    def _expression(self) -> Node:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise Faulty("expressions nested too deeply")
        start = self._next
        node = self._simple()
        while (mark := self._peek()) in {".", "["}:
            self._next += 1
            if mark == ".":
                kind, name = self._take()
                if kind != "name":
                    raise Faulty(f"no expression: {self._text[:100]}")
                key: Node = Literal(value=name, text=name)
            else:
                key = self._expression()
                self._expect("]")
            turning = node.turning or key.turning
            node = Member(of=node, key=key, text=self._since(start), turning=turning)
        self._depth -= 1
        return node

    def _simple(self) -> Node:
        start = self._next
        match self._take():
            case "text", text:
                return Literal(value=text[1:-1].replace("''", "'"), text=text)
            case "number", text:
                return Literal(value=int(text), text=text)
            case "name", text:
                name = self._called(text).lower()
                arguments = tuple(self._arguments())
                turning = name in _TURNING or any(argument.turning for argument in arguments)
                return Call(name=name, arguments=arguments, text=self._since(start), turning=turning)
            case _:
                raise Faulty(f"no expression: {self._text[:100]}")

    def _called(self, name: str) -> str:
        """The name of a call up to its bracket; a function of the template itself is ``namespace.name``."""
        if self._peek() == ".":
            self._next += 1
            kind, own = self._take()
            name = f"{name}.{own}" if kind == "name" else ""
        self._expect("(")
        return name

    def _arguments(self) -> Iterator[Node]:
        if self._peek() == ")":
            self._next += 1
            return
        while True:
            yield self._expression()
            if self._peek() != ",":
                break
            self._next += 1
        self._expect(")")

    def _peek(self) -> str:
        return self._tokens[self._next][1] if self._next < len(self._tokens) else ""

    def _take(self) -> tuple[str, str]:
        if self._next >= len(self._tokens):
            raise Faulty(f"no expression: {self._text[:100]}")
        self._next += 1
        kind, text, _, _ = self._tokens[self._next - 1]
        return kind, text

    def _expect(self, mark: str) -> None:
        if self._take()[1] != mark:
            raise Faulty(f"no expression: {self._text[:100]}")

    def _since(self, token: int) -> str:
        return self._text[self._tokens[token][2] : self._tokens[self._next - 1][3]]


def _tokens(text: str) -> Iterator[tuple[str, str, int, int]]:
    """Kind, text, begin and end of each token. Raises ``Faulty`` at anything else."""
    place, end = 0, len(text.rstrip())
    while place < end:
        found = _TOKEN.match(text, place)
        if found is None or found.lastgroup is None:
            raise Faulty(f"no expression: {text[:100]}")
        kind = found.lastgroup
        yield kind, found[kind], found.start(kind), found.end()
        place = found.end()


def parse(text: str) -> Node:
    """The expression between the brackets. Raises ``Faulty`` for a text that is none."""
    if len(text) > _LONGEST:
        raise Faulty(f"an expression of more than {_LONGEST} characters")
    return _Parser(text).whole()
