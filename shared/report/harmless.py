"""Texts of strangers without what no form can hold."""

from __future__ import annotations


def printable(said: str) -> str:
    """Without control characters, which move a terminal's cursor and which XML 1.0 has not even escaped, and
    without halves of characters, which UTF-8 has not."""
    if said.isprintable():
        return said
    return "".join(char if char.isprintable() or char in "\n\t" else "\ufffd" for char in said)
