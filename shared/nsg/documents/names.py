"""The names of resources in a template: what is known of them, and which are the same.

What is unknown in a name stays there as it is written. Two names that are written alike are one only where
their expressions are of one template and one turn of its loops: each has a key beside what people see.
"""

from __future__ import annotations

from typing import Final

from shared.model import Json
from shared.model.values import value
from shared.nsg.documents.expressions import named
from shared.nsg.documents.grammar import Call, Node, Unresolved, is_expression, unescaped
from shared.nsg.documents.scope import Scope, Unknown
from shared.nsg.documents.texts import as_text, filled, joined

_ORIGIN: Final = "\0"
"""Stands in keys of names before the origin of what is unknown; no name holds it."""


@value
class Name:
    """A resource's name; unknown parts stay as they are, in brackets."""

    text: str
    key: str
    """Equal for names that are equal in every deployment: unknown parts with where they are from."""

    @property
    def certain(self) -> bool:
        """Whether all of it is known."""
        return self.text == self.key


def name_of(found: Json, scope: Scope) -> Name:
    if not isinstance(found, str):
        return Name(text="", key="")
    if not is_expression(found):
        return Name(text=unescaped(found), key=unescaped(found))
    try:
        return _shown(scope.steps.tree(found), scope)
    except Unresolved:
        return Name(text=found, key=f"{found}{_ORIGIN}")


def _shown(node: Node, scope: Scope) -> Name:
    text = origin = ""
    try:
        whole = named(node, scope)
        if not isinstance(whole, Unknown):
            return Name(text=as_text(whole), key=as_text(whole))
        text, origin = whole.text, f"{whole.origin}{_ORIGIN}{scope.origin if whole.varies else ''}"
    except Unresolved:
        if isinstance(node, Call) and node.name in {"concat", "format"} and node.arguments:
            parts = [_shown(argument, scope) for argument in node.arguments]
            texts, keys = [part.text for part in parts], [part.key for part in parts]
            return Name(text=_put_together(node, texts), key=_put_together(node, keys))
        text, origin = f"[{node.text}]", f"{scope.origin}{_ORIGIN}"
    turns = sorted(scope.turns.items()) if node.turning else ""
    return Name(text=text, key=f"{text}{_ORIGIN}{origin}{turns}".replace("/", "|"))


def _put_together(node: Call, parts: list[str]) -> str:
    try:
        return joined(parts) if node.name == "concat" else filled(parts[0], parts[1:])
    except Unresolved:
        return f"[{node.text}]"
