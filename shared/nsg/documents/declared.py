"""What a template declares, as the scope of its expressions: parameters, variables, functions.

Values for its parameters come from a person (a parameter file) or from the deployment that holds it.
Source: "Parameters", "Variables", "User-defined functions in ARM templates", "Create parameter file"
(Microsoft Learn).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

from shared.model import Json
from shared.nsg.documents.expressions import resolve
from shared.nsg.documents.scope import Scope, Unknown
from shared.nsg.rules.reading import NsgError
from shared.nsg.rules.resources import folded

FIELD: Final = "parameters"
"""The field of errors about values that a person gives."""
_TYPES: Final[Mapping[str, type | tuple[type, ...]]] = {
    "string": str,
    "securestring": str,
    "int": int,
    "bool": bool,
    "array": list,
    "object": Mapping,
    "secureobject": Mapping,
}
_WRAPPERS: Final = frozenset({"value", "reference", "expression"})


def outer_scope(template: Mapping[str, Json], given: Json = None) -> Scope:
    """The scope of a template by itself, with the values that a person gives. Raises ``NsgError``."""
    scope = _scope(template)
    values = given_values(given)
    for name, item in values.items():
        _check(name, item, scope.parameters)
    return replace(scope, given={name.lower(): item for name, item in values.items()})


def _scope(template: Mapping[str, Json]) -> Scope:
    found = folded(template)
    definitions = folded(found.get("definitions"))
    declared = {
        name: _with_its_type(item, definitions) for name, item in folded(found.get("parameters")).items()
    }
    functions = dict(_functions(found.get("functions")))
    return Scope(parameters=declared, variables=_variables(found), functions=functions)


def _with_its_type(declared: Json, definitions: Mapping[str, Json]) -> Json:
    """A declaration with what the type says that it refers to: whether the parameter may be null."""
    if not isinstance(declared, Mapping):
        return declared
    reference = declared.get("$ref")
    kind = reference.strip().lower().rpartition("/")[2] if isinstance(reference, str) else ""
    return {**folded(definitions.get(kind)), **declared}


def _variables(template: Mapping[str, Json]) -> Mapping[str, Json]:
    """The variables by name in lower case; a ``copy`` among them makes one variable of each loop."""
    found = folded(template.get("variables"))
    loops = found.get("copy")
    if not isinstance(loops, list):
        return found
    names = [
        loop["name"] for loop in loops if isinstance(loop, Mapping) and isinstance(loop.get("name"), str)
    ]
    made = {name.lower(): f"[variables('copy').{name}]" for name in names}
    return {**found, **made, "copy": {"copy": loops}}


def _functions(namespaces: Json) -> Iterator[tuple[str, Json]]:
    """The functions that the template declares: the names of their arguments and what they come to."""
    for item in namespaces if isinstance(namespaces, list) else ():
        space = folded(item)
        for name, member in folded(space.get("members")).items():
            body = folded(member)
            listed = body.get("parameters")
            names = [folded(part).get("name") for part in listed] if isinstance(listed, list) else []
            if all(isinstance(one, str) for one in names):
                called = f"{space.get('namespace')}.{name}".lower()
                value = folded(body.get("output")).get("value")
                yield called, {"parameters": [str(one).lower() for one in names], "value": value}


# --- values that a person gives --------------------------------------------------------------------


def given_values(given: Json) -> Mapping[str, Json]:
    """The values by name, of a parameter file (ARM's or one made of Bicep's) or an object of plain values.

    What a file does not hold, such as a secret from a vault, is ``Unknown``. Raises ``NsgError``.
    """
    found = {} if given is None else _unpacked(given)
    if not isinstance(found, Mapping):
        raise _unfit("parameters are an object: a parameter file, or {name: value}")
    folded(found)  # two names that differ in letter case only are nobody's to choose from
    if found and all(_is_wrapped(item) for item in found.values()):
        return {name: _value(item, name, "") for name, item in found.items()}
    return found


def _unpacked(given: Json) -> Json:
    """What a file wraps around the parameters; ``bicep build-params`` prints the file as a text."""
    outer = folded(given)
    text = outer.get("parametersjson")
    if isinstance(text, str):
        try:
            outer = folded(json.loads(text))
        except (ValueError, RecursionError) as error:
            raise _unfit(f"parametersJson holds no JSON: {error}") from error
    held = outer.get("parameters")
    is_file = {"$schema", "contentversion"} & outer.keys() or isinstance(text, str)
    if is_file:
        return {} if held is None else held
    whole = isinstance(held, Mapping) and len(outer) == 1 and all(_is_wrapped(item) for item in held.values())
    return held if whole else given


def _is_wrapped(item: Json) -> bool:
    found = folded(item)
    return bool(_WRAPPERS & found.keys()) and found.keys() <= _WRAPPERS | {"metadata", "type"}


def _value(item: Json, name: str, origin: str) -> Json:
    """The value of a handed-in parameter; a secret from a vault is not in the document."""
    if isinstance(item, Unknown):
        return item
    found = folded(item)
    return found["value"] if "value" in found else Unknown(text=f"[parameters('{name}')]", origin=origin)


def _check(name: str, item: Json, declared: Mapping[str, Json]) -> None:
    """What a deployment checks before it computes anything. Raises ``NsgError``."""
    if name.lower() not in declared:
        names = ", ".join(sorted(declared)) or "none"
        raise _unfit(f"the template has no parameter {name!r}; it has {names[:500]}")
    if item is None or isinstance(item, Unknown):
        return
    declaration = folded(declared[name.lower()])
    kind = declaration.get("type")
    wanted = _TYPES.get(kind.lower()) if isinstance(kind, str) else None
    if wanted is not None and (not isinstance(item, wanted) or (wanted is int and isinstance(item, bool))):
        raise _unfit(f"parameter {name!r} is of type {kind}")
    allowed = declaration.get("allowedvalues")
    if isinstance(allowed, list) and wanted is not list and item not in allowed:
        raise _unfit(f"parameter {name!r} is none of its allowed values: {json.dumps(allowed)[:200]}")


def _unfit(said: str) -> NsgError:
    return NsgError(said, rule="", field=FIELD)


# --- values that a deployment gives ----------------------------------------------------------------


def inner_scope(body: Mapping[str, Json], template: Mapping[str, Json], outer: Scope, origin: str) -> Scope:
    """Of a template inside a deployment, which computes in its own scope only where that says so."""
    properties = folded(body.get("properties"))
    outer = replace(
        outer,
        group=_named(body.get("resourcegroup"), outer) or outer.group,
        subscription=_named(body.get("subscriptionid"), outer) or outer.subscription,
    )
    options = folded(properties.get("expressionevaluationoptions"))
    if str(options.get("scope")).strip().lower() != "inner":
        return outer
    given = resolve(properties.get("parameters"), outer)
    return replace(
        _scope(template),
        steps=outer.steps,
        group=outer.group,
        subscription=outer.subscription,
        origin=origin,
        given=_handed(given, template, origin),
    )


def _handed(given: Json, template: Mapping[str, Json], origin: str) -> Mapping[str, Json]:
    if isinstance(given, Unknown):
        return dict.fromkeys(folded(folded(template).get("parameters")), given)
    return {name: _value(item, name, origin) for name, item in folded(given).items()}


def _named(found: Json, scope: Scope) -> str | None:
    name = resolve(found, scope)
    return name if isinstance(name, str) and name.strip() else None
