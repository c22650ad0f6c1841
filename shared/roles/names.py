"""Names in SQL and in sentences. Whoever may create a role may choose its name to end a quotation, to move a
terminal's cursor or to look like another one.

A name that is printable stands between quotes. Any other one is spelled with Unicode escapes (``U&"…"``,
PostgreSQL manual, 4.1.2.3), so that what is shown is what is meant and works as it is pasted. psql's own
commands know no such spelling: there the name is put into a variable first.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

_MOST: Final = 3
_VARIABLE: Final = "driftward_name"
_URIS: Final = ("postgresql://", "postgres://")


def identifier(name: str) -> str:
    """A role, database or schema in SQL: always quoted, so that neither letter case nor a keyword matters."""
    doubled = name.replace('"', '""')
    return f'"{doubled}"' if name.isprintable() else f'U&"{_escaped(doubled)}"'


def literal(text: str) -> str:
    """A text in SQL, whatever ``standard_conforming_strings`` says."""
    doubled = text.replace("'", "''")
    if text.isprintable() and "\\" not in text:
        return f"'{doubled}'"
    return f"U&'{_escaped(doubled)}'"


def _escaped(text: str) -> str:
    return "".join(map(_escape, text))


def _escape(char: str) -> str:
    if char == "\\":
        return "\\\\"
    if char.isascii() and char.isprintable():
        return char
    return f"\\{ord(char):04X}" if ord(char) <= 0xFFFF else f"\\+{ord(char):06X}"


def psql(command: str, name: str) -> tuple[str, ...]:
    r"""A command of psql about one name, ``\connect "shop"``, and what has to stand before it."""
    if name.isprintable():
        doubled = name.replace('"', '""')
        return (f'{command} "{doubled}"',)
    return (f"SELECT {literal(name)} AS {_VARIABLE} \\gset", f'{command} :"{_VARIABLE}"')


def listed(names: Iterable[str]) -> str:
    """`"a", "b" and 4 more`, for a sentence."""
    shown = [identifier(name) for name in names]
    if len(shown) <= _MOST:
        return ", ".join(shown)
    return f"{', '.join(shown[: _MOST - 1])} and {len(shown) - _MOST + 1} more"


def connect(database: str) -> tuple[str, ...]:
    r"""psql goes to another database of the same server.

    A name with ``=`` in it, or one that begins as a URI does, is a connection string to ``\connect``, quoted
    or not: a database may be called ``host=…``, and psql would sign in there. Inside a connection string of
    our own it is a name (psql manual, ``\connect``; libpq, 34.1.1).
    """
    if "=" not in database and not database.startswith(_URIS):
        return psql("\\connect", database)
    escaped = database.replace("\\", "\\\\").replace("'", "\\'")
    return psql("\\connect -reuse-previous=on", f"dbname='{escaped}'")
