"""A small, honest part of KQL: what the project's Resource Graph queries use, and a refusal of all else.

`resources | where … | mv-expand x = path | extend a = e | project a, b = e | order by x asc, y desc |
take n | count`, with `and or not ( )`, `== != =~ !~ in in~ !in !in~ contains !contains startswith
endswith`, the functions `tolower toupper tostring isempty isnotempty isnull isnotnull array_length`,
`todatetime` and `datetime(…)`, paths with dots and brackets, texts and numbers. `==` and `in` compare with
case, as in Kusto; `order by` without a direction is descending; `mv-expand` of nothing leaves one row with
null, and stops at 128 items of a row unless `limit` says otherwise. Pure: rows in, rows out.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from local.simulator.values import JsonObject, JsonValue, as_object

Expression: TypeAlias = Callable[[JsonObject], JsonValue]
Stage: TypeAlias = Callable[[list[JsonObject]], list[JsonObject]]

_TOKEN = re.compile(
    r"\s*(?:(?P<moment>datetime\([0-9TZ:.+-]+\))|(?P<text>'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")|(?P<number>\d+(?:\.\d+)?)"
    r"|(?P<word>!?[A-Za-z_][A-Za-z0-9_]*(?:-expand)?~?)|(?P<sign>=~|!~|==|!=|<=|>=|[|(),=.\[\]<>]))"
)

# Resource Graph's own limits: what lies beyond is silently dropped.
_EXPANDED_ROWS = 128
_MOST_EXPANDED_ROWS = 2000


class Unsupported(ValueError):
    """A part of the query that is not simulated, named in the message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Token:
    kind: str
    text: str


def run(query: str, rows: list[JsonObject]) -> list[JsonObject]:
    """What a query makes of the rows of `resources`. Raises Unsupported."""
    return ask(query, {"resources": lambda: rows})


def ask(query: str, tables: Mapping[str, Callable[[], list[JsonObject]]]) -> list[JsonObject]:
    """The rows that a query gives. Raises Unsupported, also for a table that is not there."""
    parser = _Parser(_tokens(query))
    table = parser.table()
    if table not in tables:
        raise Unsupported(f"table '{table}' is not simulated; {' and '.join(tables)} are")
    stages = parser.stages()
    rows = tables[table]()
    for stage in stages:
        rows = stage(rows)
    return rows


def _tokens(query: str) -> list[_Token]:
    tokens: list[_Token] = []
    position = 0
    text = query.strip()
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise Unsupported(f"cannot read the query at '{text[position : position + 20]}'")
        position = match.end()
        kind = match.lastgroup or ""
        tokens.append(_Token(kind=kind, text=match[kind]))
    return tokens


def _fold(value: JsonValue) -> str:
    return _as_string(value).lower()


def _as_string(value: JsonValue) -> str:
    if value is None:
        return ""
    if isinstance(value, dict | list):
        return json.dumps(value, separators=(",", ":"))
    return str(value).lower() if isinstance(value, bool) else str(value)


def _is_empty(value: JsonValue) -> bool:
    return value is None or value == ""


def _number_of(value: JsonValue) -> float:
    """A number; what is none compares with nothing."""
    return float(value) if isinstance(value, int | float) else math.nan


def _moment(text: str) -> JsonValue:
    """A time as seconds since the epoch; null for what is none."""
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        return None


_FUNCTIONS: dict[str, Callable[[JsonValue], JsonValue]] = {
    "tolower": _fold,
    "toupper": lambda value: _as_string(value).upper(),
    "tostring": _as_string,
    "todatetime": lambda value: _moment(_as_string(value)),
    "isempty": _is_empty,
    "isnotempty": lambda value: not _is_empty(value),
    "isnull": lambda value: value is None,
    "isnotnull": lambda value: value is not None,
    "array_length": lambda value: len(value) if isinstance(value, list) else None,
}
_COMPARISONS: dict[str, Callable[[JsonValue, JsonValue], bool]] = {
    "==": lambda left, right: left == right,
    ">": lambda left, right: _number_of(left) > _number_of(right),
    "!=": lambda left, right: left != right,
    "=~": lambda left, right: _fold(left) == _fold(right),
    "!~": lambda left, right: _fold(left) != _fold(right),
    "contains": lambda left, right: _fold(right) in _fold(left),
    "!contains": lambda left, right: _fold(right) not in _fold(left),
    "startswith": lambda left, right: _fold(left).startswith(_fold(right)),
    "endswith": lambda left, right: _fold(left).endswith(_fold(right)),
}
_MEMBERSHIPS: dict[str, Callable[[JsonValue, Sequence[JsonValue]], bool]] = {
    "in": lambda left, right: left in right,
    "!in": lambda left, right: left not in right,
    "in~": lambda left, right: _fold(left) in [_fold(one) for one in right],
    "!in~": lambda left, right: _fold(left) not in [_fold(one) for one in right],
}


class _Parser:
    """Recursive descent over the tokens of one query; each method takes what it names."""

    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._at = 0

    def table(self) -> str:
        """The table that is asked, in lower case."""
        return self._take("a table").text.lower()

    def stages(self) -> list[Stage]:
        stages: list[Stage] = []
        while self._at < len(self._tokens):
            self._expect("|")
            stages.append(self._stage(self._take("an operator").text.lower()))
        return stages

    def _stage(self, operator: str) -> Stage:
        match operator:
            case "where":
                return self._where()
            case "mv-expand":
                return self._expand()
            case "project" | "extend":
                return self._columns(keep=operator == "extend")
            case "order" | "sort":
                return self._order()
            case "take" | "limit":
                count = self._number()
                return lambda rows: rows[:count]
            case "count":
                return lambda rows: [{"Count": len(rows)}]
            case _:
                raise Unsupported(f"operator '{operator}' is not simulated")

    def _where(self) -> Stage:
        holds = self._either()
        return lambda rows: [row for row in rows if holds(row) is True]

    def _expand(self) -> Stage:
        name, path = self._column()
        limit = _EXPANDED_ROWS
        if self._next_is("limit"):
            self._at += 1
            limit = min(self._number(), _MOST_EXPANDED_ROWS)

        def expand(rows: list[JsonObject]) -> list[JsonObject]:
            return [{**row, name: item} for row in rows for item in _items(path(row))[:limit]]

        return expand

    def _columns(self, *, keep: bool) -> Stage:
        columns = [self._column()]
        while self._next_is(","):
            self._at += 1
            columns.append(self._column())

        def project(rows: list[JsonObject]) -> list[JsonObject]:
            return [(row if keep else {}) | {name: value(row) for name, value in columns} for row in rows]

        return project

    def _column(self) -> tuple[str, Expression]:
        """`name = expression`, or a path, which names its column by its last step or, with dots, by all
        of them.
        """
        start = self._at
        if self._tokens[start + 1 : start + 2] == [_Token(kind="sign", text="=")]:
            name = self._take("a name").text
            self._expect("=")
            return name, self._either()
        value = self._operand()
        words = [token.text for token in self._tokens[start : self._at] if token.kind == "word"]
        return "_".join(words), value

    def _order(self) -> Stage:
        self._expect("by")
        keys = [self._order_key()]
        while self._next_is(","):
            self._at += 1
            keys.append(self._order_key())

        def order(rows: list[JsonObject]) -> list[JsonObject]:
            for value, descending in reversed(keys):
                rows = sorted(rows, key=lambda row, value=value: _as_string(value(row)), reverse=descending)  # type: ignore[misc]
            return rows

        return order

    def _order_key(self) -> tuple[Expression, bool]:
        value = self._operand()
        if self._next_is("asc") or self._next_is("desc"):
            return value, self._take("a direction").text.lower() == "desc"
        return value, True

    def _either(self) -> Expression:
        left = self._both()
        while self._next_is("or"):
            self._at += 1
            left = _or(left, self._both())
        return left

    def _both(self) -> Expression:
        left = self._condition()
        while self._next_is("and"):
            self._at += 1
            left = _and(left, self._condition())
        return left

    def _condition(self) -> Expression:
        if self._next_is("("):
            self._at += 1
            inner = self._either()
            self._expect(")")
            return inner
        if self._next_is("not"):
            self._at += 1
            inner = self._condition()
            return lambda row: inner(row) is not True
        return self._comparison()

    def _comparison(self) -> Expression:
        left = self._operand()
        if (
            self._at >= len(self._tokens)
            or self._next_is("|")
            or self._next_is(")")
            or self._next_is(",")
            or self._next_is("limit")
            or self._next_is("and")
            or self._next_is("or")
        ):
            return left
        operator = self._take("a comparison").text.lower()
        if operator in _COMPARISONS:
            compare, right = _COMPARISONS[operator], self._operand()
            return lambda row: compare(left(row), right(row))
        if operator in _MEMBERSHIPS:
            member, listed = _MEMBERSHIPS[operator], self._list()
            return lambda row: member(left(row), [one(row) for one in listed])
        raise Unsupported(f"comparison '{operator}' is not simulated")

    def _list(self) -> list[Expression]:
        self._expect("(")
        values = [self._operand()]
        while self._next_is(","):
            self._at += 1
            values.append(self._operand())
        self._expect(")")
        return values

    def _operand(self) -> Expression:
        token = self._take("a value")
        if token.kind == "text":
            text = re.sub(r"\\(.)", r"\1", token.text[1:-1])
            return lambda _: text
        if token.kind == "number":
            number = float(token.text) if "." in token.text else int(token.text)
            return lambda _: number
        if token.kind == "moment":
            moment = _moment(token.text.removeprefix("datetime(").removesuffix(")"))
            return lambda _: moment
        if token.kind != "word":
            raise Unsupported(f"'{token.text}' is not simulated here")
        if token.text.lower() in ("true", "false"):
            return lambda _: token.text.lower() == "true"
        return self._call(token.text) if self._next_is("(") else self._path(token.text)

    def _call(self, name: str) -> Expression:
        function = _FUNCTIONS.get(name.lower())
        if function is None:
            raise Unsupported(f"function '{name}' is not simulated")
        self._expect("(")
        argument = self._operand()
        self._expect(")")
        return lambda row: function(argument(row))

    def _path(self, first: str) -> Expression:
        steps: list[str] = [first]
        while self._next_is(".") or self._next_is("["):
            bracket = self._take("a step").text == "["
            token = self._take("a step")
            steps.append(token.text[1:-1] if token.kind == "text" else token.text)
            if bracket:
                self._expect("]")
        return lambda row: _follow(row, steps)

    def _number(self) -> int:
        token = self._take("a number")
        if not token.text.isdigit():
            raise Unsupported(f"'{token.text}' stands where a number is expected")
        return int(token.text)

    def _next_is(self, text: str) -> bool:
        return self._at < len(self._tokens) and self._tokens[self._at].text.lower() == text

    def _take(self, what: str) -> _Token:
        if self._at >= len(self._tokens):
            raise Unsupported(f"the query ends where {what} is expected")
        self._at += 1
        return self._tokens[self._at - 1]

    def _expect(self, text: str) -> None:
        token = self._take(f"'{text}'")
        if token.text.lower() != text:
            raise Unsupported(f"'{token.text}' stands where '{text}' is expected")


def _and(left: Expression, right: Expression) -> Expression:
    return lambda row: left(row) is True and right(row) is True


def _or(left: Expression, right: Expression) -> Expression:
    return lambda row: left(row) is True or right(row) is True


def _items(value: JsonValue) -> Sequence[JsonValue]:
    if isinstance(value, list):
        return value or [None]
    return [value]


def _follow(row: JsonObject, steps: list[str]) -> JsonValue:
    value: JsonValue = row
    for step in steps:
        if isinstance(value, list):
            value = value[int(step)] if step.isdigit() and int(step) < len(value) else None
        else:
            value = as_object(value).get(step)
    return value
