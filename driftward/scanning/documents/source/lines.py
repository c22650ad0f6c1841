"""What a file of source sets, and on which line: the same for Terraform and for Bicep. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING

from shared.model.values import value

if TYPE_CHECKING:
    from tree_sitter import Node


@value
class Setting:
    """A value as it is written, with what it is given to and the place where it stands."""

    name: str
    file: str
    line: int
    text: str


@value
class Block:
    """A resource, a block or an object. ``settings`` are by their path within it."""

    file: str
    line: int
    settings: Mapping[tuple[str, ...], Setting] = field(default_factory=dict)
    blocks: tuple[tuple[str, Block], ...] = ()
    """The blocks or objects within it, each with its kind."""

    def text(self, *path: str) -> str:
        """A value without its quotes; ``""`` where it is not set."""
        found = self.settings.get(path)
        return "" if found is None else unquoted(found.text)

    def within(self, kind: str, name: str) -> Block | None:
        """The block of a kind that has a name."""
        found = (one for called, one in self.blocks if called == kind and one.text("name").lower() == name)
        return next(found, None)


def unquoted(text: str) -> str:
    quote = text[:1]
    return text[1:-1] if quote in {'"', "'"} and text.endswith(quote) and len(text) > 1 else text


def files_in(folder: Path, *patterns: str) -> list[Path]:
    """Without what tools keep in folders of their own, which begin with a dot, and what is no file."""
    found = (path for pattern in patterns for path in sorted(folder.rglob(pattern)) if path.is_file())
    return [one for one in found if not any(part.startswith(".") for part in one.relative_to(folder).parts)]


def children(node: Node, *types: str) -> Iterator[Node]:
    return (one for one in node.named_children if one.type in types)


def first(nodes: Iterable[Node]) -> Node | None:
    return next(iter(nodes), None)


def text_of(node: Node) -> str:
    return (node.text or b"").decode("utf-8", "replace")


def line_of(node: Node) -> int:
    return int(node.start_point[0]) + 1
