"""A template deployed: its expressions evaluated, its resources handed to whoever makes them, in order.

A resource is made when something asks what only Azure knows of it (`identity.properties.principalId`), or
when its turn comes; `dependsOn` is kept. Whoever makes them answers with the resource as Azure would show
it. What a template may not ask (a resource that is not made, a name that is not there) raises NotBicep with
file and line.
"""

from __future__ import annotations

import json
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

from tree_sitter import Node

from local.dev.bicep.functions import PLAIN, shown
from local.dev.bicep.reading import Declared, NotBicep, Template, place, read, text, unescaped
from shared.model.values import value

_KNOWN_BEFORE: Final = frozenset({"id", "name", "type", "apiVersion"})
_OF_DEPLOYMENT: Final = frozenset({"name", "parent", "scope", "dependsOn"})


@value
class Scope:
    subscription: str
    group: str = ""

    @property
    def id(self) -> str:
        within = f"/resourceGroups/{self.group}" if self.group else ""
        return f"/subscriptions/{self.subscription}{within}"


@value
class Made:
    """A resource as it is sent: `body` has everything but what the address says."""

    id: str
    type: str
    version: str
    body: Mapping[str, Any]
    source: str
    """File and line."""


class Azure(Protocol):
    """Where resources are made. ``facts`` are what `environment()` and `tenant()` say."""

    facts: Mapping[str, Any]

    def make(self, made: Made) -> Mapping[str, Any]:
        """Make it; the answer is the whole resource as it is then."""

    def show(self, resource_id: str, version: str) -> Mapping[str, Any]:
        """One that is there."""


def deploy(path: Path, scope: Scope, parameters: Mapping[str, Any], azure: Azure) -> dict[str, Any]:
    """Deploy a file; returns its outputs. Raises NotBicep, and what ``azure`` raises."""
    return _Deployment(read(path), scope, parameters, azure).run()


@dataclass(slots=True, kw_only=True)
class _Resource:
    """A resource of a template, made when it must be. `state` is what Azure showed."""

    deployment: _Deployment
    declared: Declared
    node: Node
    names: Mapping[str, Any]
    id: str
    name: str
    is_wanted: bool
    state: Mapping[str, Any] | None = None
    is_being_made: bool = False

    def get(self, member: str, at: Node) -> Any:
        known = {
            "id": self.id,
            "name": self.name,
            "type": self.declared.type,
            "apiVersion": self.declared.version,
        }
        if member in known:
            return known[member]
        return self.deployment.member(self.make(at), member, at)

    def make(self, at: Node) -> Mapping[str, Any]:
        if self.state is None:
            if not self.is_wanted or self.is_being_made:
                raise self.deployment.error(at, f"{self.declared.name} is not deployed, or needs itself")
            self.is_being_made = True
            self.state = self.deployment.make_resource(self)
        return self.state


@dataclass(slots=True, kw_only=True)
class _Module:
    """A module of a template; its outputs are there when it is deployed."""

    deployment: _Deployment
    declared: Declared
    node: Node
    names: Mapping[str, Any]
    is_wanted: bool
    outputs: Mapping[str, Any] | None = None

    def get(self, member: str, at: Node) -> Any:
        if member != "outputs":
            raise self.deployment.error(at, f"a module has no {member}")
        return self.make(at)

    def make(self, at: Node) -> Mapping[str, Any]:
        if self.outputs is None:
            if not self.is_wanted:
                raise self.deployment.error(at, f"{self.declared.name} is not deployed")
            self.outputs = self.deployment.make_module(self)
        return self.outputs


@value
class _Lambda:
    names: tuple[str, ...]
    body: Node


@dataclass(slots=True)
class _Deployment:
    template: Template
    scope: Scope
    given: Mapping[str, Any]
    azure: Azure
    known: dict[str, Any] = field(default_factory=dict)

    # --- the whole --------------------------------------------------------------------------------

    def run(self) -> dict[str, Any]:
        self._take_parameters()
        for name, declared in self.template.declared.items():
            if not declared.is_existing:
                self._make_all(self._named(name, declared.body))
        return {name: self.evaluate(node, {}) for name, node in self.template.outputs.items()}

    def _take_parameters(self) -> None:
        unknown = sorted(set(self.given) - set(self.template.parameters))
        if unknown:
            raise NotBicep(f"{self.template.path}: no parameter is named {', '.join(unknown)}")
        for name, parameter in self.template.parameters.items():
            if name in self.given:
                self.known[name] = self.given[name]
            elif parameter.default is not None:
                self.known[name] = self.evaluate(parameter.default, {})
            else:
                raise NotBicep(f"{self.template.path}: the parameter {name} has no value")
            allowed = parameter.allowed
            if allowed is not None and self.known[name] not in self.evaluate(allowed, {}):
                raise NotBicep(f"{self.template.path}: {self.known[name]!r} is not allowed for {name}")

    def _make_all(self, held: Any) -> None:
        for one in held if isinstance(held, list) else [held]:
            if one.is_wanted:
                one.make(one.node)

    def make_resource(self, resource: _Resource) -> Mapping[str, Any]:
        declared = resource.declared
        if declared.is_existing:
            return self.azure.show(resource.id, declared.version)
        self._make_what_it_depends_on(resource)
        body = {
            name: self.evaluate(node, resource.names)
            for name, node in self._properties(resource.node, resource.names)
            if name not in _OF_DEPLOYMENT
        }
        made = Made(
            id=resource.id,
            type=declared.type,
            version=declared.version,
            body=body,
            source=place(resource.node, self.template.path),
        )
        return self.azure.make(made)

    def make_module(self, module: _Module) -> Mapping[str, Any]:
        self._make_what_it_depends_on(module)
        given = dict(self._properties(module.node, module.names))
        scope = self.evaluate(given["scope"], module.names) if "scope" in given else self.scope
        where = scope if isinstance(scope, Scope) else _scope_of(scope.id)
        if not isinstance(scope, Scope):
            scope.make(module.node)
        template = read((self.template.path.parent / module.declared.of).resolve())
        if bool(where.group) != (template.scope == "resourceGroup"):
            raise self.error(module.node, f"{template.path.name} is for a {template.scope}")
        parameters = self.evaluate(given["params"], module.names) if "params" in given else {}
        return _Deployment(template, where, parameters, self.azure).run()

    def _make_what_it_depends_on(self, one: _Resource | _Module) -> None:
        properties = dict(self._properties(one.node, one.names))
        if "dependsOn" in properties:
            for needed in self.evaluate(properties["dependsOn"], one.names):
                self._make_all(needed)

    # --- names ------------------------------------------------------------------------------------

    def _named(self, name: str, at: Node) -> Any:
        if name in self.known:
            return self.known[name]
        if name in self.template.variables:
            self.known[name] = self.evaluate(self.template.variables[name], {})
        elif name in self.template.declared:
            self.known[name] = self._declare(self.template.declared[name])
        else:
            raise self.error(at, f"{name} is not declared")
        return self.known[name]

    def _declare(self, declared: Declared) -> Any:
        if declared.body.type == "for_statement":
            return [self._one(declared, body, names) for body, names in self._loop(declared.body, {})]
        return self._one(declared, declared.body, {})

    def _one(self, declared: Declared, body: Node, names: Mapping[str, Any]) -> _Resource | _Module:
        is_wanted = True
        if body.type == "if_statement":
            is_wanted, body = bool(self.evaluate(body.named_children[0], names)), body.named_children[1]
        if declared.name in self.template.modules:
            return _Module(deployment=self, declared=declared, node=body, names=names, is_wanted=is_wanted)
        properties = dict(self._properties(body, names))
        if "name" not in properties:
            raise self.error(body, f"{declared.name} has no name")
        name, resource_id = self._address(declared, properties, names)
        return _Resource(
            deployment=self,
            declared=declared,
            node=body,
            names=names,
            id=resource_id,
            name=name,
            is_wanted=is_wanted,
        )

    def _address(
        self, declared: Declared, properties: Mapping[str, Node], names: Mapping[str, Any]
    ) -> tuple[str, str]:
        name = self.evaluate(properties["name"], names)
        if "parent" in properties:
            parent = self.evaluate(properties["parent"], names)
            return name, f"{parent.id}/{declared.type.rsplit('/', 1)[1]}/{name}"
        scope = self.evaluate(properties["scope"], names).id if "scope" in properties else self.scope.id
        if declared.type == "Microsoft.Resources/resourceGroups":
            return name, f"{scope}/resourceGroups/{name}"
        provider, *kinds = declared.type.split("/")
        parts = name.split("/")
        if len(parts) != len(kinds):
            raise self.error(properties["name"], f"{name} has not as many parts as {declared.type}")
        path = "/".join(f"{kind}/{part}" for kind, part in zip(kinds, parts, strict=True))
        return name, f"{scope}/providers/{provider}/{path}"

    def _loop(self, node: Node, names: Mapping[str, Any]) -> Iterator[tuple[Node, Mapping[str, Any]]]:
        """What is repeated, with the names of each turn."""
        inside = [child for child in node.named_children if child.type != "comment"]
        loop, held, body = inside[0], inside[1], inside[2]
        variables = [text(child) for child in loop.named_children] or [text(loop)]
        for number, item in enumerate(self.evaluate(held, names)):
            yield body, {**names, **dict(zip(variables, (item, number), strict=False))}

    # --- expressions ------------------------------------------------------------------------------

    def evaluate(self, node: Node, names: Mapping[str, Any]) -> Any:
        how = _EXPRESSIONS.get(node.type)
        if how is None:
            raise self.error(node, f"{node.type} is not understood")
        return how(self, node, names)

    def error(self, node: Node, said: str) -> NotBicep:
        return NotBicep(f"{place(node, self.template.path)}: {said}")

    def member(self, held: Any, name: str, at: Node) -> Any:
        if isinstance(held, _Resource | _Module):
            return held.get(name, at)
        if isinstance(held, Mapping) and name in held:
            return held[name]
        raise self.error(at, f"there is no {name}")

    def _properties(self, node: Node, names: Mapping[str, Any]) -> Iterator[tuple[str, Node]]:
        for child in node.named_children:
            if child.type == "object_property":
                key, held = child.named_children[0], child.named_children[-1]
                yield (self._string(key, names) if key.type == "string" else text(key)), held

    def _object(self, node: Node, names: Mapping[str, Any]) -> dict[str, Any]:
        return {name: self.evaluate(held, names) for name, held in self._properties(node, names)}

    def _array(self, node: Node, names: Mapping[str, Any]) -> list[Any]:
        return [self.evaluate(child, names) for child in node.named_children if child.type != "comment"]

    def _string(self, node: Node, names: Mapping[str, Any]) -> str:
        """Its pieces by their place in the text: the tree has no node for one that is all blanks."""
        source, at, pieces = node.text or b"", 1, []
        for part in node.named_children:
            if part.type == "interpolation":
                pieces.append(unescaped(source[at : part.start_byte - node.start_byte]))
                pieces.append(shown(self.evaluate(part.named_children[0], names)))
                at = part.end_byte - node.start_byte
        return "".join([*pieces, unescaped(source[at:-1])])

    def _identifier(self, node: Node, names: Mapping[str, Any]) -> Any:
        name = text(node)
        return names[name] if name in names else self._named(name, node)

    def _member_of(self, node: Node, names: Mapping[str, Any]) -> Any:
        held = self.evaluate(node.named_children[0], names)
        return self.member(held, text(node.named_children[-1]), node)

    def _index(self, node: Node, names: Mapping[str, Any]) -> Any:
        held = self.evaluate(node.named_children[0], names)
        at = self.evaluate(node.named_children[-1], names)
        try:
            return held[at]
        except (KeyError, IndexError):
            raise self.error(node, f"there is no {at!r}") from None

    def _ternary(self, node: Node, names: Mapping[str, Any]) -> Any:
        condition, wanted, otherwise = (child for child in node.named_children if child.type != "comment")
        return self.evaluate(wanted if self.evaluate(condition, names) else otherwise, names)

    def _binary(self, node: Node, names: Mapping[str, Any]) -> Any:
        left, right = node.named_children[0], node.named_children[-1]
        sign = text(node.children[1])
        first = self.evaluate(left, names)
        if sign in ("&&", "||"):
            return bool(self.evaluate(right, names)) if bool(first) is (sign == "&&") else bool(first)
        if sign not in _SIGNS:
            raise self.error(node, f"{sign} is not understood")
        return _SIGNS[sign](first, self.evaluate(right, names))

    def _unary(self, node: Node, names: Mapping[str, Any]) -> Any:
        held = self.evaluate(node.named_children[-1], names)
        return not held if text(node.children[0]) == "!" else -held

    def _repeated(self, node: Node, names: Mapping[str, Any]) -> list[Any]:
        return [self.evaluate(body, inner) for body, inner in self._loop(node, names)]

    def _inner(self, node: Node, names: Mapping[str, Any]) -> Any:
        return self.evaluate(node.named_children[0], names)

    def _lambda(self, node: Node, _: Mapping[str, Any]) -> _Lambda:
        *variables, body = node.named_children
        return _Lambda(names=tuple(text(one) for one in variables), body=body)

    # --- functions --------------------------------------------------------------------------------

    def _call(self, node: Node, names: Mapping[str, Any]) -> Any:
        name, arguments = text(node.named_children[0]), self._array(node.named_children[1], names)
        if name in ("filter", "map"):
            return self._over(name, arguments, names)
        how: Callable[..., Any] | None = PLAIN.get(name) or _OF_THE_DEPLOYMENT.get(name)
        if how is None:
            raise self.error(node, f"the function {name} is not understood")
        return how(*arguments) if name in PLAIN else how(self, *arguments)

    def _over(self, name: str, arguments: Sequence[Any], names: Mapping[str, Any]) -> list[Any]:
        held, how = arguments
        results = [self.evaluate(how.body, {**names, how.names[0]: one}) for one in held]
        return results if name == "map" else [one for one, is_in in zip(held, results, strict=True) if is_in]

    def _file(self, name: str) -> str:
        return (self.template.path.parent / name).resolve().read_text(encoding="utf-8")

    def _subscription(self, subscription: str = "") -> Any:
        if subscription:
            return Scope(subscription=subscription)
        return {"id": f"/subscriptions/{self.scope.subscription}", "subscriptionId": self.scope.subscription}

    def _group(self, *names: str) -> Any:
        if names:
            return Scope(
                subscription=names[0] if len(names) > 1 else self.scope.subscription, group=names[-1]
            )
        return {"id": self.scope.id, "name": self.scope.group}


def _scope_of(resource_id: str) -> Scope:
    parts = resource_id.split("/")
    return Scope(subscription=parts[2], group=parts[4] if len(parts) > 4 else "")


_SIGNS: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
    "+": operator.add,
    "-": operator.sub,
}
_EXPRESSIONS: Final[Mapping[str, Callable[[_Deployment, Node, Mapping[str, Any]], Any]]] = {
    "array": _Deployment._array,
    "binary_expression": _Deployment._binary,
    "boolean": lambda _, node, __: text(node) == "true",
    "call_expression": _Deployment._call,
    "for_statement": _Deployment._repeated,
    "identifier": _Deployment._identifier,
    "lambda_expression": _Deployment._lambda,
    "member_expression": _Deployment._member_of,
    "null": lambda *_: None,
    "number": lambda _, node, __: int(text(node)),
    "object": _Deployment._object,
    "parenthesized_expression": _Deployment._inner,
    "string": _Deployment._string,
    "subscript_expression": _Deployment._index,
    "ternary_expression": _Deployment._ternary,
    "unary_expression": _Deployment._unary,
}
_OF_THE_DEPLOYMENT: Final[Mapping[str, Callable[..., Any]]] = {
    "environment": lambda own: own.azure.facts["environment"],
    "loadJsonContent": lambda own, name: json.loads(own._file(name)),
    "loadTextContent": lambda own, name: own._file(name),
    "resourceGroup": _Deployment._group,
    "subscription": _Deployment._subscription,
    "subscriptionResourceId": lambda own, kind, name: (
        f"/subscriptions/{own.scope.subscription}/providers/{kind}/{name}"
    ),
    "tenant": lambda own: {"tenantId": own.azure.facts["tenantId"]},
}
