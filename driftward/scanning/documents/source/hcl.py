"""Terraform's configuration language, as far as it says what is set where.

Read with tree-sitter's grammar of HCL, which gives lines and goes on after what it does not understand. What
a dynamic block makes has no line of its own. What must not live here: which line decides a finding.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from driftward.scanning.documents.source.lines import (
    Block,
    Setting,
    children,
    first,
    line_of,
    text_of,
    unquoted,
)
from shared.model.values import value

if TYPE_CHECKING:
    from tree_sitter import Node, Parser


@value
class Module:
    """The files of one folder. Blocks are by their labels: ``("azurerm_subnet", "db")``."""

    resources: Mapping[tuple[str, ...], Block] = field(default_factory=dict)
    calls: Mapping[str, Block] = field(default_factory=dict)
    variables: Mapping[str, Block] = field(default_factory=dict)
    locals: Mapping[str, Setting] = field(default_factory=dict)
    given: Mapping[str, Setting] = field(default_factory=dict)
    """What ``terraform.tfvars`` and ``*.auto.tfvars`` set, the last one as Terraform takes them."""


def module_in(folder: Path, root: Path) -> Module:
    """What the files of a folder say; names of files are relative to ``root``."""
    resources: dict[tuple[str, ...], Block] = {}
    calls: dict[str, Block] = {}
    variables: dict[str, Block] = {}
    local: dict[str, Setting] = {}
    for path in sorted(folder.glob("*.tf")):
        for kind, labels, block in _blocks(path, root):
            if kind == "resource" and len(labels) == 2:
                resources[labels] = block
            elif kind == "module" and labels:
                calls[labels[0]] = block
            elif kind == "variable" and labels:
                variables[labels[0]] = block
            elif kind == "locals":
                local |= {name[0]: one for name, one in block.settings.items() if len(name) == 1}
    return Module(
        resources=resources, calls=calls, variables=variables, locals=local, given=_given(folder, root)
    )


def _given(folder: Path, root: Path) -> dict[str, Setting]:
    found: dict[str, Setting] = {}
    for path in [folder / "terraform.tfvars", *sorted(folder.glob("*.auto.tfvars"))]:
        if path.is_file():
            body = first(children(_parsed(path), "body"))
            held = {} if body is None else _block(body, body, _called(path, root)).settings
            found |= {name[0]: one for name, one in held.items() if len(name) == 1}
    return found


def _called(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix()


def _blocks(path: Path, root: Path) -> Iterator[tuple[str, tuple[str, ...], Block]]:
    body = first(children(_parsed(path), "body"))
    for node in () if body is None else children(body, "block"):
        kind, *labels = [text_of(one) for one in children(node, "identifier", "string_lit")]
        inner = first(children(node, "body"))
        yield kind, tuple(map(unquoted, labels)), _block(node, inner, _called(path, root))


def _block(node: Node, body: Node | None, file: str) -> Block:
    settings: dict[tuple[str, ...], Setting] = {}
    blocks: list[tuple[str, Block]] = []
    for one in () if body is None else body.named_children:
        if one.type == "attribute":
            name, held = text_of(one.named_children[0]), text_of(one.named_children[-1])
            settings[(name,)] = Setting(name=name, file=file, line=line_of(one), text=held)
        elif one.type == "block":
            kind = text_of(one.named_children[0])
            inner = _block(one, first(children(one, "body")), file)
            blocks.append((kind, inner))
            settings |= {(kind, *path): held for path, held in inner.settings.items()}
    return Block(file=file, line=line_of(node), settings=settings, blocks=tuple(blocks))


def _parsed(path: Path) -> Node:
    return _parser().parse(path.read_bytes()).root_node


@cache
def _parser() -> Parser:
    import tree_sitter_hcl
    from tree_sitter import Language, Parser

    return Parser(Language(tree_sitter_hcl.language()))
