"""The expressions of ARM templates, as far as a document alone can answer them.

A text in brackets is an expression: ``[format('{0}-nsg', parameters('name'))]``. What the template itself
says is computed (default values, variables, texts put together, conditions, loops, ``resourceId``); what
only a deployment knows (``resourceGroup()``, ``reference(…)``, a parameter without a default value) and every
function that is not listed here is ``Unresolved``, never guessed. Source of the functions: "ARM template
functions" (Microsoft Learn); the grammar is in ``shared.nsg.documents.grammar``.

Nothing here knows resources or rules.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field, replace
from typing import Final

from shared.model import Json
from shared.model.values import value
from shared.nsg.documents.grammar import (
    Call,
    Literal,
    Member,
    Node,
    Unresolved,
    is_expression,
    parse,
    unescaped,
)

UNKNOWN_GROUP: Final = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/unknown"
"""Stands in ids for the resource group that only a deployment knows."""

_DEEPEST: Final = 60
"""How deep values and calls may be nested; a template stays far below, a hostile one must not recurse."""
_MOST_STEPS: Final = 200_000
"""Values and calls that are computed for one document; 1,000 rules in a loop need 130,000."""
_MOST_TURNS: Final = 1000
"""More turns than there can be rules in an NSG; ARM itself stops a loop at 800."""
_LONGEST: Final = 20_000
"""The longest text that a function makes; ARM takes expressions of 24,576 characters."""

_LARGEST: Final = 10**18
"""Python refuses to print numbers of thousands of digits; ARM's are of 64 bits."""


@value
class Unknown:
    """Stands in a resolved value where an expression could not be answered."""

    text: str


class Steps:
    """Counts what is computed, so that a template that doubles its values again and again comes to an end."""

    __slots__ = ("_left",)

    def __init__(self) -> None:
        self._left = _MOST_STEPS

    def take(self, number: int) -> None:
        self._left -= number
        if self._left < 0:
            raise Unresolved("more values than a template holds")


@value
class Scope:
    """What expressions of one template can ask for."""

    parameters: Mapping[str, Json] = field(default_factory=dict)
    """By name in lower case: the declaration, an object with ``defaultValue``."""
    given: Mapping[str, Json] = field(default_factory=dict)
    """By name in lower case: values that an outer template hands in."""
    variables: Mapping[str, Json] = field(default_factory=dict)
    """By name in lower case."""
    turns: Mapping[str, int] = field(default_factory=dict)
    """The turn of each loop around the expression; ``""`` is the innermost."""
    bound: Mapping[str, Json] = field(default_factory=dict)
    """The items of the lists around the expression, by the name that ``lambda`` gives them."""
    asked: frozenset[str] = frozenset()
    """The parameters and variables whose values are being computed."""
    depth: int = 0
    steps: Steps = field(default_factory=Steps)

    def turned(self, loop: str, turn: int) -> Scope:
        return replace(self, turns={**self.turns, "": turn, loop.lower(): turn})

    def deeper(self) -> Scope:
        if self.depth >= _DEEPEST:
            raise Unresolved("values nested too deeply")
        self.steps.take(1)
        return replace(self, depth=self.depth + 1)

    def of(self, name: str) -> Scope:
        """For the value of a parameter or variable, which does not know the loops around those who ask."""
        if name in self.asked:
            raise Unresolved(f"{name}, which asks for itself")
        return replace(self, turns={}, bound={}, asked=self.asked | {name})


# --- values ----------------------------------------------------------------------------------------


def resolve(found: Json, scope: Scope) -> Json:
    """``found`` with every expression computed and every ``copy`` loop unrolled.

    What could not be answered stands there as ``Unknown``.
    """
    try:
        match found:
            case str() if is_expression(found):
                return evaluate(parse(found[1:-1]), scope)
            case str():
                return unescaped(found)
            case list():
                scope.steps.take(len(found))
                inner = scope.deeper()
                return [resolve(item, inner) for item in found]
            case Mapping():
                scope.steps.take(len(found))
                return _resolve_object(found, scope.deeper())
            case _:
                return found
    except Unresolved:
        return Unknown(text=found if isinstance(found, str) else "[…]")


def _resolve_object(found: Mapping[str, Json], scope: Scope) -> Json:
    loops = found.get("copy")
    if not isinstance(loops, list):
        return {key: resolve(item, scope) for key, item in found.items()}
    plain = {key: resolve(item, scope) for key, item in found.items() if key != "copy"}
    for loop in loops:
        if not isinstance(loop, Mapping) or not isinstance(loop.get("name"), str):
            raise Unresolved("copy")
        name: str = loop["name"]
        plain[name] = [resolve(loop.get("input"), scope.turned(name, turn)) for turn in turns(loop, scope)]
    return plain


def turns(loop: Mapping[str, Json], scope: Scope) -> range:
    """The turns of a ``copy`` loop. Raises ``Unresolved`` where its count is not known."""
    count = resolve(loop.get("count"), scope)
    if not isinstance(count, int) or isinstance(count, bool) or not 0 <= count <= _MOST_TURNS:
        written = loop.get("count")
        raise Unresolved(written if isinstance(written, str) else "count")
    scope.steps.take(count)
    return range(count)


def unknown_part(found: Json) -> str | None:
    """The expression in a resolved value that could not be answered; None where all of it is known."""
    match found:
        case Unknown():
            return found.text
        case list():
            parts = found
        case Mapping():
            parts = [*found.values()]
        case _:
            return None
    return next((text for text in map(unknown_part, parts) if text is not None), None)


def name_of(found: Json, scope: Scope) -> tuple[str, bool]:
    """A resource's name, and whether all of it is known; unknown parts stay as they are, in brackets."""
    if not isinstance(found, str) or not is_expression(found):
        return (unescaped(found), True) if isinstance(found, str) else ("", False)
    try:
        return _shown(parse(found[1:-1]), scope.deeper())
    except Unresolved:
        return found, False


def _shown(node: Node, scope: Scope) -> tuple[str, bool]:
    try:
        return _text(evaluate(node, scope)), True
    except Unresolved:
        pass
    if isinstance(node, Call) and node.name in {"concat", "format"} and node.arguments:
        parts = [_shown(argument, scope.deeper())[0] for argument in node.arguments]
        return ("".join(parts) if node.name == "concat" else _formatted(parts[0], parts[1:])), False
    return f"[{node.text}]", False


# --- computing -------------------------------------------------------------------------------------


def evaluate(node: Node, scope: Scope) -> Json:
    """What ``node`` is; its members may hold ``Unknown``. Raises ``Unresolved``."""
    found, where = _located(node, scope)
    if where is not None:
        found = resolve(found, where)
    if isinstance(found, Unknown):
        raise Unresolved(found.text)
    return found


def _located(node: Node, scope: Scope) -> tuple[Json, Scope | None]:
    """What ``node`` names, and where its expressions are still to be computed; None when they were.

    A rule in a loop asks for one member of a long list in every field: only that member is computed.
    """
    scope = scope.deeper()
    match node:
        case Literal():
            return node.value, None
        case Member():
            return _member(node, scope)
        case Call():
            return _located_call(node, scope)


def _located_call(call: Call, scope: Scope) -> tuple[Json, Scope | None]:
    match call.name, call.arguments:
        case "parameters", (name,):
            return _parameter(_text(evaluate(name, scope)).lower(), scope)
        case "variables", (name,):
            return _variable(_text(evaluate(name, scope)).lower(), scope)
        case "if", (condition, then, otherwise):
            return _located(then if _truth(evaluate(condition, scope)) else otherwise, scope)
        case "map", (items, Call(name="lambda", arguments=(name, body))):
            return _mapped(items, name, body, scope), None
        case "lambdavariables", (name,):
            return _bound(_text(evaluate(name, scope)).lower(), scope), None
        case "coalesce", _:
            return _coalesced(call, scope)
        case "tryget", (of, *keys) if keys:
            return _tried(of, keys, scope)
        case _:
            return _call(call, scope), None


def _opened(node: Node, scope: Scope) -> tuple[Json, Scope | None]:
    """What ``node`` names, with its members to be computed but itself no expression."""
    found, where = _located(node, scope)
    while where is not None and isinstance(found, str) and is_expression(found):
        found, where = _located(parse(found[1:-1]), where.deeper())
    if where is not None and isinstance(found, Mapping) and "copy" in found:
        found, where = resolve(found, where), None
    return found, where


def _member(node: Member, scope: Scope) -> tuple[Json, Scope | None]:
    of, where = _opened(node.of, scope)
    found = _part(of, evaluate(node.key, scope))
    if not found:
        raise Unresolved(node.text)
    return found[0], where


def _part(of: Json, key: Json) -> tuple[Json] | None:
    """The member of an object or list; None where it has none. Raises ``Unresolved`` for other values."""
    if isinstance(of, Mapping) and isinstance(key, str):
        return next(((item,) for name, item in of.items() if name.lower() == key.lower()), None)
    if isinstance(of, list) and isinstance(key, int):
        return (of[key],) if 0 <= key < len(of) else None
    raise Unresolved("a value without members")


def _tried(node: Node, keys: Sequence[Node], scope: Scope) -> tuple[Json, Scope | None]:
    """``tryGet``, which Bicep writes for ``.?``: null where a member is missing."""
    of, where = _opened(node, scope)
    for key in keys:
        found = None if of is None else _part(of, evaluate(key, scope))
        if found is None:
            return None, None
        of = found[0]
        if where is not None and isinstance(of, str) and is_expression(of):
            of, where = _opened(parse(of[1:-1]), where)
    return of, where


def _coalesced(call: Call, scope: Scope) -> tuple[Json, Scope | None]:
    for argument in call.arguments:
        found, where = _opened(argument, scope)
        if found is not None:
            return found, where
    return None, None


def _mapped(items: Node, name: Node, body: Node, scope: Scope) -> list[Json]:
    found, called = evaluate(items, scope), _text(evaluate(name, scope)).lower()
    if not isinstance(found, list):
        raise Unresolved(items.text)
    return [evaluate(body, replace(scope, bound={**scope.bound, called: item})) for item in found]


def _bound(name: str, scope: Scope) -> Json:
    if name not in scope.bound:
        raise Unresolved(f"lambdaVariables('{name}')")
    return scope.bound[name]


def _parameter(name: str, scope: Scope) -> tuple[Json, Scope | None]:
    if name in scope.given:
        return scope.given[name], None
    declared, asked = scope.parameters.get(name), f"parameters('{name}')"
    if isinstance(declared, Mapping) and "defaultValue" in declared:
        return declared["defaultValue"], scope.of(asked)
    if isinstance(declared, Mapping) and declared.get("nullable") is True:
        return None, None
    raise Unresolved(asked)


def _variable(name: str, scope: Scope) -> tuple[Json, Scope | None]:
    asked = f"variables('{name}')"
    if name not in scope.variables:
        raise Unresolved(asked)
    return scope.variables[name], scope.of(asked)


def _call(node: Call, scope: Scope) -> Json:
    arguments = [evaluate(argument, scope) for argument in node.arguments]
    if node.name == "copyindex":
        return _turn(arguments, scope)
    compute = _FUNCTIONS.get(node.name)
    if compute is None:
        raise Unresolved(node.text)
    try:
        found = compute(*arguments)
    except (TypeError, ValueError, LookupError) as error:
        raise Unresolved(node.text) from error
    if isinstance(found, str) and len(found) > _LONGEST:
        raise Unresolved(node.text)
    return found


def _turn(arguments: list[Json], scope: Scope) -> int:
    """``copyIndex()``, ``copyIndex(offset)``, ``copyIndex('loop')``, ``copyIndex('loop', offset)``."""
    loop = arguments[0].lower() if arguments and isinstance(arguments[0], str) else ""
    offset = arguments[-1] if arguments and isinstance(arguments[-1], int) else 0
    if loop not in scope.turns:
        raise Unresolved("copyIndex()")
    return scope.turns[loop] + offset


# --- functions -------------------------------------------------------------------------------------


def _text(found: Json) -> str:
    match found:
        case str():
            return found
        case int() if abs(found) < _LARGEST:
            return str(found)
        case _:
            raise Unresolved("a text is needed")


def _truth(found: Json) -> bool:
    if not isinstance(found, bool):
        raise Unresolved("a condition is needed")
    return found


def _concat(*parts: Json) -> Json:
    if parts and all(isinstance(part, list) for part in parts):
        return [item for part in parts for item in part]
    return "".join(map(_text, parts))


_PLACEHOLDER: Final = re.compile(r"\{(\d{1,3})\}|\{\{|\}\}", re.ASCII)


def _format(pattern: Json, *parts: Json) -> str:
    texts = [_text(part) for part in parts]
    if not isinstance(pattern, str) or re.search(r"\{\d+[,:]", pattern):
        raise TypeError("a format that only .NET knows")
    return _formatted(pattern, texts)


def _formatted(pattern: str, texts: list[str]) -> str:
    def fill(found: re.Match[str]) -> str:
        number = found[1]
        if number is None:
            return found[0][0]
        if int(number) >= len(texts):
            raise Unresolved(pattern)
        return texts[int(number)]

    return _PLACEHOLDER.sub(fill, pattern)


def _resource_id(*parts: Json) -> str:
    """``resourceId([subscription], [resource group], type, name, …)``."""
    texts = [_text(part) for part in parts]
    place = [*("/" in text for text in texts)].index(True)
    kind, names = texts[place].split("/"), texts[place + 1 :]
    if len(kind) != len(names) + 1 or place > 2:
        raise ValueError("names and types differ in number")
    _, _, subscription, _, group = UNKNOWN_GROUP.split("/")
    group = texts[place - 1] if place else group
    subscription = texts[0] if place == 2 else subscription
    path = "/".join(f"{step}/{name}" for step, name in zip(kind[1:], names, strict=True))
    return f"/subscriptions/{subscription}/resourceGroups/{group}/providers/{kind[0]}/{path}"


def _equal(left: Json, right: Json) -> bool:
    """Texts compare with their case (template functions, ``equals``)."""
    if unknown_part([left, right]) is not None:
        raise TypeError("not comparable")
    if type(left) is not type(right) and left is not None and right is not None:
        raise TypeError("not comparable")
    return bool(left == right)


def _length(found: Json) -> int:
    if not isinstance(found, (str, list, Mapping)):
        raise TypeError("no length")
    return len(found)


def _contains(held: Json, item: Json) -> bool:
    if isinstance(held, Mapping):
        return _text(item).lower() in {name.lower() for name in held}
    if isinstance(held, str):
        return _text(item) in held
    if unknown_part(held) is not None:
        raise TypeError("not comparable")
    return any(found == item for found in held if type(found) is type(item))


def _sequence(found: Json) -> str | list[Json]:
    if not isinstance(found, (str, list)):
        raise TypeError("neither a text nor a list")
    return found


def _integer(found: Json) -> int:
    if isinstance(found, bool) or not isinstance(found, (int, str)):
        raise TypeError("no number")
    return int(found)


def _object(*parts: Json) -> Mapping[str, Json]:
    return {_text(key): item for key, item in zip(parts[::2], parts[1::2], strict=True)}


_FUNCTIONS: Final[Mapping[str, Callable[..., Json]]] = {
    "and": lambda *parts: all(map(_truth, parts)),
    "array": lambda part: part if isinstance(part, list) else [part],
    "bool": lambda part: {"true": True, "false": False}[_text(part).lower()],
    "concat": _concat,
    "contains": _contains,
    "createarray": lambda *parts: list(parts),
    "createobject": _object,
    "empty": lambda part: part is None or _length(part) == 0,
    "equals": _equal,
    "false": lambda: False,
    "first": lambda part: _sequence(part)[0],
    "format": _format,
    "int": _integer,
    "last": lambda part: _sequence(part)[-1],
    "length": _length,
    "not": lambda part: not _truth(part),
    "null": lambda: None,
    "or": lambda *parts: any(map(_truth, parts)),
    "replace": lambda text, old, new: _text(text).replace(_text(old), _text(new)),
    "resourceid": _resource_id,
    "split": lambda text, mark: _text(text).split(_text(mark)),
    "string": _text,
    "tolower": lambda text: _text(text).lower(),
    "toupper": lambda text: _text(text).upper(),
    "trim": lambda text: _text(text).strip(),
    "true": lambda: True,
}
