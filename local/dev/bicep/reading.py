"""A Bicep file as declarations, over the tree that tree-sitter-bicep makes of it.

Valid code that its grammar does not know (`extension`, object spread, `.bicepparam`) is refused as well: what
cannot be read cannot be checked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Final

import tree_sitter_bicep
from tree_sitter import Language, Node, Parser

from shared.model.values import value

_ESCAPES: Final = {"'": "'", "\\": "\\", "n": "\n", "r": "\r", "t": "\t", "$": "$"}
_ESCAPED: Final = re.compile(r"\\(?:(['\\nrt$])|u\{([0-9A-Fa-f]+)\})")


class NotBicep(Exception):
    """What a file says is not understood. The text begins with the file and the line."""


@value
class Parameter:
    name: str
    type: str
    default: Node | None
    allowed: Node | None
    is_secure: bool


@value
class Declared:
    """A resource or a module. ``of`` is a type with its version, or the path of a module's file."""

    name: str
    of: str
    is_existing: bool
    body: Node

    @property
    def type(self) -> str:
        return self.of.partition("@")[0]

    @property
    def version(self) -> str:
        return self.of.partition("@")[2]


@value
class Template:
    path: Path
    scope: str
    """`resourceGroup` where the file does not say."""
    parameters: Mapping[str, Parameter]
    variables: Mapping[str, Node]
    resources: Mapping[str, Declared]
    modules: Mapping[str, Declared]
    outputs: Mapping[str, Node]

    @property
    def declared(self) -> dict[str, Declared]:
        return {**self.resources, **self.modules}

    def unused(self) -> list[str]:
        """Parameters and variables that nothing names."""
        roots = [
            *self.variables.values(),
            *self.outputs.values(),
            *(one.body for one in self.declared.values()),
        ]
        defaults = [one.default for one in self.parameters.values() if one.default is not None]
        named = {text(node) for root in [*roots, *defaults] for node in walk(root) if _is_name(node)}
        return sorted({*self.parameters, *self.variables} - named)


@cache
def _parser() -> Parser:
    return Parser(Language(tree_sitter_bicep.language()))


def read(path: Path) -> Template:
    """Parse one file. Raises NotBicep for the first thing that is not understood, and OSError."""
    return read_text(path.read_text(encoding="utf-8"), path)


def read_text(source: str, path: Path) -> Template:
    """As ``read``, of a text that stands at ``path``."""
    root = _parser().parse(source.encode()).root_node
    for node in walk(root):
        if node.is_error or node.is_missing:
            raise NotBicep(f"{place(node, path)}: cannot be parsed: {text(node)[:60]!r}")
        if node.type == "array" and _is_torn(node):
            raise NotBicep(
                f"{place(node, path)}: an array's first item is a call or an index: name it before"
            )
    return _template(root, path)


def _template(root: Node, path: Path) -> Template:
    reader = _Reader(path)
    for node in root.named_children:
        reader.take(node)
    return reader.template()


def _is_torn(array: Node) -> bool:
    """The grammar takes `[f(1), 2]` for an array of `f`, `(1)` and `2`."""
    pairs = zip(array.children, array.children[1:], strict=False)
    return any(one.is_named and two.is_named and one.end_byte == two.start_byte for one, two in pairs)


class _Reader:
    """Collects the declarations of one file; decorators belong to the declaration behind them."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._scope = "resourceGroup"
        self._decorators: list[Node] = []
        self._parameters: dict[str, Parameter] = {}
        self._named: dict[str, dict[str, Node]] = {"variable_declaration": {}, "output_declaration": {}}
        self._declared: dict[str, dict[str, Declared]] = {
            "resource_declaration": {},
            "module_declaration": {},
        }

    def take(self, node: Node) -> None:
        match node.type:
            case "comment" | "diagnostic_comment":
                return
            case "decorators":
                self._decorators = list(node.named_children)
                return
            case "target_scope_assignment":
                self._scope = plain_text(node.named_children[-1])
            case "parameter_declaration":
                parameter = self._parameter(node)
                self._parameters[parameter.name] = parameter
            case "variable_declaration" | "output_declaration":
                self._named[node.type][text(_child(node, "identifier"))] = node.named_children[-1]
            case "resource_declaration" | "module_declaration":
                declared = _declared(node)
                self._declared[node.type][declared.name] = declared
            case _:
                raise NotBicep(f"{place(node, self._path)}: {node.type} is not understood")
        self._decorators = []

    def _parameter(self, node: Node) -> Parameter:
        calls = {text(call.named_children[0]): call for call in map(_call_of, self._decorators)}
        allowed = calls.get("allowed")
        last = node.named_children[-1]
        return Parameter(
            name=text(_child(node, "identifier")),
            type=text(_child(node, "type")),
            default=None if last.type == "type" else last,
            allowed=None if allowed is None else allowed.named_children[1].named_children[0],
            is_secure="secure" in calls,
        )

    def template(self) -> Template:
        return Template(
            path=self._path,
            scope=self._scope,
            parameters=self._parameters,
            variables=self._named["variable_declaration"],
            resources=self._declared["resource_declaration"],
            modules=self._declared["module_declaration"],
            outputs=self._named["output_declaration"],
        )


def _call_of(decorator: Node) -> Node:
    return decorator.named_children[0]


def _declared(node: Node) -> Declared:
    return Declared(
        name=text(_child(node, "identifier")),
        of=plain_text(_child(node, "string")),
        is_existing=any(child.type == "existing" for child in node.children),
        body=node.named_children[-1],
    )


def _child(node: Node, kind: str) -> Node:
    return next(child for child in node.named_children if child.type == kind)


def walk(node: Node) -> Iterator[Node]:
    """The node and everything below it, in the order of the text."""
    yield node
    for child in node.children:
        yield from walk(child)


def text(node: Node) -> str:
    """The source of a node."""
    return (node.text or b"").decode()


def _is_name(node: Node) -> bool:
    """Whether it names something, and is no property."""
    above = node.parent
    is_key = above is not None and above.type == "object_property" and above.children[0] == node
    return node.type == "identifier" and not is_key


def plain_text(string: Node) -> str:
    """A string without interpolation."""
    return unescaped((string.text or b"")[1:-1])


def unescaped(source: bytes) -> str:
    """What a piece of a string says."""
    return _ESCAPED.sub(
        lambda found: _ESCAPES[found[1]] if found[1] else chr(int(found[2], 16)), source.decode()
    )


def place(node: Node, path: Path) -> str:
    return f"{path}:{node.start_point[0] + 1}"
