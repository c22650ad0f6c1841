"""Bicep's resource declarations, as far as they say what is set where.

Read with tree-sitter's grammar of Bicep. A declaration is matched with a resource by its type and by its
name, in which everything that is not plain text may be anything; where several match, none is taken. What
must not live here: which line decides a finding.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from driftward.scanning.documents.source.lines import (
    Block,
    Setting,
    children,
    files_in,
    first,
    line_of,
    text_of,
    unquoted,
)
from shared.model.resource_id import ResourceId
from shared.model.values import value

if TYPE_CHECKING:
    from tree_sitter import Node, Parser

_INTERPOLATION: Final = re.compile(r"\$\{[^}]*\}")
_ANYTHING: Final = ".+"


@value
class Declared:
    """One ``resource``. ``name`` is a pattern of the whole path of names; ``type`` is in lower case."""

    symbol: str
    type: str
    name: str
    block: Block

    @property
    def is_exact(self) -> bool:
        return _ANYTHING not in self.name


class Templates:
    """The Bicep files below a folder."""

    def __init__(self, folder: Path) -> None:
        files = [(path, path.relative_to(folder).as_posix()) for path in files_in(folder, "*.bicep")]
        self._declared = [one for path, file in files for one in _resources(path, file)]
        self._values = {file: dict(_values(path, file)) for path, file in files}
        self._given = list(_given(folder))

    def declared(self, resource: ResourceId) -> Declared | None:
        """The declaration that a resource comes from; None where it is not one alone."""
        names = "/".join(_names(resource))
        found = [
            one
            for one in self._declared
            if one.type == resource.type and re.fullmatch(one.name, names, re.IGNORECASE)
        ]
        exact = [one for one in found if one.is_exact]
        best = exact or found
        return best[0] if len(best) == 1 else None

    def origin(self, setting: Setting) -> Setting:
        """What gives a property its value: of a parameter what is given, where that is one alone, or else its
        default; of a variable its own."""
        name = setting.text
        given = [one for file, one in self._given if file == setting.file and one.name == name]
        if len(given) > 1 or not name.isidentifier():
            return setting
        return given[0] if given else self._values.get(setting.file, {}).get(name, setting)


def _names(resource: ResourceId) -> list[str]:
    parents = _names(resource.parent) if resource.parent is not None else []
    return [*parents, resource.name]


def _values(path: Path, file: str) -> Iterator[tuple[str, Setting]]:
    """The defaults of parameters, and the variables; a value without one is not there."""
    for node in children(_root(path), "parameter_declaration", "variable_declaration"):
        name, *_, held = node.named_children
        if held.type not in {"type", "ERROR"} and len(node.named_children) > 1:
            called = text_of(name)
            yield called, Setting(name=called, file=file, line=line_of(node), text=text_of(held))


def _given(folder: Path) -> Iterator[tuple[str, Setting]]:
    """What files of parameters give, each with the template that it is for."""
    for path in files_in(folder, "*.bicepparam"):
        root = _root(path)
        using = first(children(root, "using_statement"))
        named = unquoted(text_of(using.named_children[0])) if using is not None else ""
        template = (path.parent / named).resolve()
        if named and template.is_relative_to(folder.resolve()):
            for node in children(root, "parameter_declaration"):
                name = text_of(node.named_children[0])
                held = text_of(node.named_children[-1])
                file = path.relative_to(folder).as_posix()
                found = Setting(name=name, file=file, line=line_of(node), text=held)
                yield template.relative_to(folder.resolve()).as_posix(), found


def _root(path: Path) -> Node:
    return _parser().parse(path.read_bytes()).root_node


def _resources(path: Path, file: str) -> Iterator[Declared]:
    root = _root(path)
    known: dict[str, Declared] = {}
    for node in children(root, "resource_declaration"):
        for one in _declaration(node, file, None, known):
            known[one.symbol] = one
            yield one


def _declaration(
    node: Node, file: str, around: Declared | None, known: dict[str, Declared]
) -> Iterator[Declared]:
    """A resource and those that are declared within it."""
    symbol, kind = (text_of(one) for one in node.named_children[:2])
    body = _object(node)
    if body is None:
        return
    block = _block(body, line_of(node), file)
    parent = around or known.get(block.text("parent"))
    own = unquoted(kind).partition("@")[0].lower()
    whole = f"{parent.type}/{own}" if parent is not None and "." not in own.partition("/")[0] else own
    name = _pattern(block.settings.get(("name",)))
    found = Declared(
        symbol=symbol,
        type=whole,
        name=f"{parent.name}/{name}" if parent is not None else name,
        block=block,
    )
    yield found
    for one in _nested(body):
        yield from _declaration(one, file, found, known)


def _nested(body: Node) -> Iterator[Node]:
    for one in children(body, "object_property"):
        yield from children(one, "resource_declaration")


def _object(node: Node) -> Node | None:
    """The body of a resource, also below a condition or a loop."""
    for one in node.named_children:
        if one.type == "object":
            return one
        if one.type in {"for_statement", "if_statement"}:
            return _object(one)
    return None


def _pattern(name: Setting | None) -> str:
    """What a name may be: plain text as it stands, all else anything."""
    if name is None or not name.text.startswith("'"):
        return _ANYTHING
    plain = _INTERPOLATION.split(unquoted(name.text))
    return _ANYTHING.join(map(re.escape, plain))


def _block(body: Node, line: int, file: str) -> Block:
    """An object with every value in it, by the path to it; objects of lists stand among its blocks."""
    settings: dict[tuple[str, ...], Setting] = {}
    blocks: list[tuple[str, Block]] = []
    for one in children(body, "object_property"):
        if len(one.named_children) < 2:
            continue
        name, held = unquoted(text_of(one.named_children[0])), one.named_children[-1]
        if held.type == "object":
            inner = _block(held, line_of(one), file)
            settings |= {(name, *path): found for path, found in inner.settings.items()}
            blocks += inner.blocks
        else:
            settings[(name,)] = Setting(name=name, file=file, line=line_of(one), text=text_of(held))
        if held.type == "array":
            blocks += [(name, _block(item, line_of(item), file)) for item in children(held, "object")]
    return Block(file=file, line=line, settings=settings, blocks=tuple(blocks))


@cache
def _parser() -> Parser:
    import tree_sitter_bicep
    from tree_sitter import Language, Parser

    return Parser(Language(tree_sitter_bicep.language()))
