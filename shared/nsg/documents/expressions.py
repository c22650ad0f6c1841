"""The expressions of ARM templates, as far as a document alone can answer them.

A text in brackets is an expression: ``[format('{0}-nsg', parameters('name'))]``. What the template itself
says is computed (default values, variables, texts put together, conditions, loops, ``resourceId``); what
only a deployment knows (``resourceGroup()``, ``reference(…)``, a parameter without a default value) and every
function that is not listed here is ``Unresolved``, never guessed. Source of the functions: "ARM template
functions" (Microsoft Learn). The grammar is in ``shared.nsg.documents.grammar``, the functions that need
nothing but their arguments are in ``shared.nsg.documents.functions``.

Nothing here knows resources or rules.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from shared.model import Json
from shared.nsg.documents.functions import FUNCTIONS, as_text, as_truth, filled
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
from shared.nsg.documents.scope import Scope, Unknown

_MOST_TURNS: Final = 1000
"""More turns than there can be rules in an NSG; ARM itself stops a loop at 800."""
_LONGEST: Final = 20_000
"""The longest text that a function makes; ARM takes expressions of 24,576 characters."""


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
        return as_text(evaluate(node, scope)), True
    except Unresolved:
        pass
    if isinstance(node, Call) and node.name in {"concat", "format"} and node.arguments:
        parts = [_shown(argument, scope.deeper())[0] for argument in node.arguments]
        return ("".join(parts) if node.name == "concat" else filled(parts[0], parts[1:])), False
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
            return _parameter(as_text(evaluate(name, scope)).lower(), scope)
        case "variables", (name,):
            return _variable(as_text(evaluate(name, scope)).lower(), scope)
        case "if", (condition, then, otherwise):
            return _located(then if as_truth(evaluate(condition, scope)) else otherwise, scope)
        case "map", (items, Call(name="lambda", arguments=(name, body))):
            return _mapped(items, name, body, scope), None
        case "lambdavariables", (name,):
            return _bound(as_text(evaluate(name, scope)).lower(), scope), None
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
    found, called = evaluate(items, scope), as_text(evaluate(name, scope)).lower()
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
    compute = FUNCTIONS.get(node.name)
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
