"""The expressions of ARM templates, as far as a document alone can answer them.

A text in brackets is an expression: ``[format('{0}-nsg', parameters('name'))]``. What the template itself
says is computed (default values, variables, texts put together, conditions, loops, lambdas, functions of its
own); what only a deployment knows (``reference(…)``, a parameter without any value) and every function that
is not listed here is ``Unresolved``, never guessed. Source of the functions: "ARM template functions"
(Microsoft Learn). The grammar is in ``shared.nsg.documents.grammar``, the functions that need nothing but
their arguments are in ``shared.nsg.documents.functions``.

Nothing here knows resources or rules.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from shared.model import Json
from shared.nsg.documents.functions import FUNCTIONS
from shared.nsg.documents.grammar import (
    Call,
    Faulty,
    Literal,
    Member,
    Node,
    Unresolved,
    is_expression,
    unescaped,
)
from shared.nsg.documents.lists import WITH_LAMBDAS
from shared.nsg.documents.numbers import as_truth
from shared.nsg.documents.scope import Scope, Unknown, unknown_in
from shared.nsg.documents.texts import LONGEST, as_text

_MOST_TURNS: Final = 1000
"""More turns than there can be rules in an NSG; ARM itself stops a loop at 800."""
_HOLDING: Final = frozenset({"createarray", "createobject"})
"""Functions that do nothing with what they are handed but hold it."""


# --- values ----------------------------------------------------------------------------------------


def resolve(found: Json, scope: Scope) -> Json:
    """``found`` with every expression computed and every ``copy`` loop unrolled.

    What could not be answered stands there as ``Unknown``.
    """
    try:
        match found:
            case str() if is_expression(found):
                answer = named(scope.steps.tree(found), scope)
                scope.steps.take_all_of(answer)
                return answer
            case str():
                return unescaped(found)
            case list() | Mapping():
                scope.steps.take(len(found))
                with scope.steps:
                    return _resolve_parts(found, scope)
            case _:
                return found
    except Unresolved as error:
        return scope.unknown(found if isinstance(found, str) else str(error), error)


def _resolve_parts(found: list[Json] | Mapping[str, Json], scope: Scope) -> Json:
    if isinstance(found, list):
        return [resolve(item, scope) for item in found]
    return _resolve_object(found, scope)


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
    if isinstance(count, Unknown):
        raise count.error()
    if not isinstance(count, int) or isinstance(count, bool) or not 0 <= count <= _MOST_TURNS:
        raise Faulty(f"a loop takes from 0 to {_MOST_TURNS} turns")
    scope.steps.take(count)
    return range(count)


# --- computing -------------------------------------------------------------------------------------


def evaluate(node: Node, scope: Scope) -> Json:
    """What ``node`` is; its members may hold ``Unknown``. Raises ``Unresolved``."""
    found = named(node, scope)
    if isinstance(found, Unknown):
        raise found.error()
    return found


def named(node: Node, scope: Scope) -> Json:
    """What ``node`` is, or the ``Unknown`` that it names. Raises ``Unresolved``."""
    if isinstance(node, Call) and not node.turning:
        return _once(node, scope, _looked_up)
    return _looked_up(node, scope)


def _looked_up(node: Node, scope: Scope) -> Json:
    found, where = _located(node, scope)
    return found if where is None else resolve(found, where)


def _once(call: Call, scope: Scope, compute: Callable[[Call, Scope], Json]) -> Json:
    """What a call comes to that is the same in every turn. Raises ``Unresolved``."""
    if call.text not in scope.answers:
        try:
            scope.answers[call.text] = compute(call, scope)
        except Unresolved as error:
            scope.answers[call.text] = error
    found = scope.answers[call.text]
    if isinstance(found, Unresolved):
        raise type(found)(*found.args)
    return found


def _located(node: Node, scope: Scope) -> tuple[Json, Scope | None]:
    """What ``node`` names, and where its expressions are still to be computed; None when they were.

    A rule in a loop asks for one member of a long list in every field: only that member is computed.
    """
    if isinstance(node, Literal):
        return node.value, None
    with scope.steps:
        return _member(node, scope) if isinstance(node, Member) else _located_call(node, scope)


def _located_call(call: Call, scope: Scope) -> tuple[Json, Scope | None]:
    match call.name, call.arguments:
        case "parameters", (name,):
            return _parameter(as_text(evaluate(name, scope)).lower(), scope)
        case "variables", (name,):
            return _variable(as_text(evaluate(name, scope)).lower(), scope)
        case "if", (condition, then, otherwise):
            return _located(then if as_truth(evaluate(condition, scope)) else otherwise, scope)
        case "coalesce", _:
            return _coalesced(call, scope)
        case "tryget", (of, *keys) if keys:
            return _tried(of, keys, scope)
        case _ if call.turning:
            return _answer(call, scope), None
        case _:
            return _once(call, scope, _answer), None


def _answer(call: Call, scope: Scope) -> Json:
    """What a call comes to that names no part of the template."""
    match call.name, call.arguments:
        case "lambdavariables", (name,):
            return _bound(as_text(evaluate(name, scope)).lower(), scope)
        case (("and" | "or"), (_, *_)):
            return _decided(call, scope)
        case "copyindex", _:
            return _turn([evaluate(argument, scope) for argument in call.arguments], scope)
        case _ if call.name in WITH_LAMBDAS:
            return _computed(call, WITH_LAMBDAS[call.name], scope)
        case _ if call.name in scope.functions:
            return _own(call, scope)
        case _ if call.name in FUNCTIONS:
            return _computed(call, FUNCTIONS[call.name], scope)
        case _:
            raise Unresolved(call.text)


def _decided(call: Call, scope: Scope) -> bool:
    """``and``, ``or``: one argument may decide, whatever the others are."""
    decisive, unknown = call.name == "or", None
    for argument in call.arguments:
        try:
            if as_truth(evaluate(argument, scope)) is decisive:
                return decisive
        except Unresolved as error:
            unknown = error
    if unknown is not None:
        raise unknown
    return not decisive


def _computed(call: Call, compute: Callable[..., Json], scope: Scope) -> Json:
    read = _part_of if call.name in _HOLDING else _argument
    arguments = [read(argument, scope) for argument in call.arguments]
    scope.steps.take_all_of(arguments)
    try:
        found = compute(*arguments)
    except (TypeError, ValueError, LookupError, AttributeError) as error:
        unknown = any(unknown_in(argument) is not None for argument in arguments)
        raise (Unresolved if unknown else Faulty)(call.text) from error
    if isinstance(found, str) and len(found) > LONGEST:
        raise Faulty("a text longer than a template")
    scope.steps.take_all_of(found)
    return found


def _part_of(node: Node, scope: Scope) -> Json:
    """What becomes a part of a list or an object, which may stay unknown by itself."""
    try:
        return named(node, scope)
    except Unresolved as error:
        return scope.unknown(f"[{node.text}]", error)


def _argument(node: Node, scope: Scope) -> Json | Callable[..., Json]:
    """What a function is handed: a value, or the function that a ``lambda`` is."""
    if not isinstance(node, Call) or node.name != "lambda" or not node.arguments:
        return evaluate(node, scope)
    *called, body = node.arguments
    names = [as_text(evaluate(name, scope)).lower() for name in called]

    def run(*items: Json) -> Json:
        bound = dict(zip(names, items, strict=False))
        return evaluate(body, replace(scope, bound={**scope.bound, **bound}))

    return run


def _own(call: Call, scope: Scope) -> Json:
    """A function that the template declares, which knows nothing but its arguments."""
    declared = scope.functions[call.name]
    arguments = [evaluate(argument, scope) for argument in call.arguments]
    names, body = declared["parameters"], declared["value"]
    if len(names) != len(arguments):
        raise Unresolved(call.text)
    found = resolve(body, scope.calling(dict(zip(names, arguments, strict=True))))
    if isinstance(found, Unknown):
        raise Faulty(found.fault) if found.fault else Unresolved(call.text)
    return found


def _opened(node: Node, scope: Scope) -> tuple[Json, Scope | None]:
    """What ``node`` names, with its members to be computed but itself no expression."""
    found, where = _located(node, scope)
    while where is not None and isinstance(found, str) and is_expression(found):
        found, where = _located(where.steps.tree(found), where)
    if where is not None and isinstance(found, Mapping) and "copy" in found:
        found, where = resolve(found, where), None
    return found, where


def _member(node: Member, scope: Scope) -> tuple[Json, Scope | None]:
    of, where = _opened(node.of, scope)
    found = _part(of, evaluate(node.key, scope))
    if not found:
        raise Faulty(f"no such member: {node.text}")
    return found[0], where


def _part(of: Json, key: Json) -> tuple[Json] | None:
    """The member of an object or list; None where it has none. Raises ``Unresolved`` for other values."""
    if isinstance(of, Mapping) and isinstance(key, str):
        return next(((item,) for name, item in of.items() if name.lower() == key.lower()), None)
    if isinstance(of, list) and isinstance(key, int):
        return (of[key],) if 0 <= key < len(of) else None
    raise of.error() if isinstance(of, Unknown) else Faulty("a value without members")


def _tried(node: Node, keys: Sequence[Node], scope: Scope) -> tuple[Json, Scope | None]:
    """``tryGet``, which Bicep writes for ``.?``: null where a member is missing."""
    of, where = _opened(node, scope)
    for key in keys:
        found = None if of is None else _part(of, evaluate(key, scope))
        if found is None:
            return None, None
        of = found[0]
        if where is not None and isinstance(of, str) and is_expression(of):
            of, where = _opened(where.steps.tree(of), where)
    return of, where


def _coalesced(call: Call, scope: Scope) -> tuple[Json, Scope | None]:
    """The first that is not null. What is unknown may be null: then what is behind it must add nothing."""
    for place, argument in enumerate(call.arguments, 1):
        found, where = _opened(argument, scope)
        if isinstance(found, Unknown) and _adds(call.arguments[place:], scope):
            raise found.error()
        if found is not None:
            return found, where
    return None, None


def _adds(others: Sequence[Node], scope: Scope) -> bool:
    return any(evaluate(other, scope) not in (None, "", []) for other in others)


def _bound(name: str, scope: Scope) -> Json:
    if name not in scope.bound:
        raise Unresolved(f"lambdaVariables('{name}')")
    return scope.bound[name]


def _parameter(name: str, scope: Scope) -> tuple[Json, Scope | None]:
    if scope.given.get(name) is not None:
        return scope.given[name], None  # null stands for no value, as in a deployment
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


def _turn(arguments: list[Json], scope: Scope) -> int:
    """``copyIndex()``, ``copyIndex(offset)``, ``copyIndex('loop')``, ``copyIndex('loop', offset)``."""
    loop = arguments[0].lower() if arguments and isinstance(arguments[0], str) else ""
    offset = arguments[-1] if arguments and isinstance(arguments[-1], int) else 0
    if loop not in scope.turns:
        raise Unresolved("copyIndex()")
    return scope.turns[loop] + offset
