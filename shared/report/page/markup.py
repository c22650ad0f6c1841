"""HTML whose texts are escaped: what is no ``Markup`` is a text, whoever wrote it. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Final, TypeAlias

from shared.report.harmless import printable


class Markup(str):
    """HTML made here."""

    __slots__ = ()


Part: TypeAlias = "str | Markup | Iterable[str | Markup]"
_VOID: Final = frozenset({"meta", "br", "hr", "input"})


def el(tag: str, *parts: Part, **attributes: str | int | float | None) -> Markup:
    """An element. ``class_`` is ``class``, ``aria_label`` ``aria-label``; one that is None is left out, one
    that is ``""`` stands without a value."""
    said = "".join(_attribute(name, text) for name, text in attributes.items() if text is not None)
    closing = "" if tag in _VOID else f"{joined(*parts)}</{tag}>"
    return Markup(f"<{tag}{said}>{closing}")


def joined(*parts: Part) -> Markup:
    """Parts one after the other."""
    return Markup("".join(map(_part, parts)))


def _part(part: Part) -> str:
    if isinstance(part, Markup):
        return part
    if isinstance(part, str):
        return escape(printable(part), quote=False)
    return "".join(map(_part, part))


def _attribute(name: str, text: str | int | float) -> str:
    spelled = name.rstrip("_").replace("_", "-")
    return f' {spelled}="{escape(printable(str(text)))}"' if text != "" else f" {spelled}"


def name(text: str) -> Markup:
    """A name that a stranger chose: its direction of writing stays within it."""
    return el("bdi", text)
