"""Which of the NSGs that a document holds is meant: by name, id, symbolic name or position.

Names need not tell NSGs apart: a list may hold two of one name from two resource groups, and modules compiled
from Bicep call theirs ``[parameters('name')]`` one like the other. Who has to choose is shown each in a form
that can be pasted.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from shlex import quote
from typing import Final

from shared.model.resource_id import ResourceId, parse_resource_id
from shared.model.values import value
from shared.nsg.documents.doubts import Body
from shared.nsg.documents.places import UNKNOWN_GROUP, UNKNOWN_SUBSCRIPTION
from shared.nsg.rules.reading import NsgError

_MOST_SHOWN: Final = 30
_POSITION: Final = re.compile(r"#?(\d{1,6})", re.ASCII)
_UNKNOWN_GROUP_NAME: Final = UNKNOWN_GROUP.rpartition("/")[2]


@value
class Held:
    """An NSG that a document holds."""

    name: str
    body: Callable[[], Body]
    id: ResourceId | None = None
    """Where the document says it."""
    symbol: str = ""
    """The symbolic names that lead to it in a template, with dots."""


def choose(held: Sequence[Held], name: str | None, field: str) -> Held:
    """The one that ``name`` means; the only one where that is None. Raises ``NsgError`` for ``field``."""
    found = [*held] if name is None else _meant(held, name.strip())
    if len(found) == 1:
        return found[0]
    reason = "several network security groups" if found else f"no network security group named {name!r}"
    asked = "; say which with name: " if found else ": "
    raise NsgError(f"{reason}{asked}{_listed(held, found or held)}", rule="", field=field)


def _meant(held: Sequence[Held], wanted: str) -> list[Held]:
    """Those that the text means in the first way in which it means any."""
    ways = (_named, _identified, _symbolic, _positioned)
    return next((found for way in ways if (found := way(held, wanted))), [])


def _named(held: Sequence[Held], wanted: str) -> list[Held]:
    return [group for group in held if group.name.lower() == wanted.lower()]


def _identified(held: Sequence[Held], wanted: str) -> list[Held]:
    """By an id; one that the document does not give is known by its name only."""
    identity = parse_resource_id(wanted)
    return [] if identity is None else [group for group in held if _is_it(group, identity)]


def _is_it(group: Held, identity: ResourceId) -> bool:
    if group.id is None:
        return group.name.lower() == identity.name.lower()
    return (
        group.id.type == identity.type
        and group.id.name.lower() == identity.name.lower()
        and _same(group.id.resource_group, identity.resource_group, _UNKNOWN_GROUP_NAME)
        and _same(group.id.subscription, identity.subscription, UNKNOWN_SUBSCRIPTION)
    )


def _same(one: str, other: str, unknown: str) -> bool:
    """Two names that are one, or of which one stands for whatever a deployment will say."""
    return one.lower() == other.lower() or unknown in {one, other}


def _symbolic(held: Sequence[Held], wanted: str) -> list[Held]:
    """By all symbolic names on the way, or by the last ones."""
    symbol = wanted.lower()
    whole = [group for group in held if group.symbol.lower() == symbol]
    return whole or [group for group in held if symbol and f".{group.symbol.lower()}".endswith(f".{symbol}")]


def _positioned(held: Sequence[Held], wanted: str) -> list[Held]:
    """By ``#2`` or ``2``, counted from one."""
    found = _POSITION.fullmatch(wanted)
    place = int(found[1]) if found else 0
    return [held[place - 1]] if 0 < place <= len(held) else []


# --- showing ---------------------------------------------------------------------------------------


def _listed(held: Sequence[Held], found: Sequence[Held]) -> str:
    """Each by what means it alone, as a shell and a person can take it."""
    names = Counter(group.name.lower() for group in held)
    symbols = Counter(group.symbol.lower() for group in held)
    places = {id(group): place for place, group in enumerate(held, 1)}
    shown = [_pasteable(group, names, symbols, places[id(group)]) for group in found[:_MOST_SHOWN]]
    more = len(found) - len(shown)
    return ", ".join([*shown, *([f"{more} more"] if more else [])])


def _pasteable(group: Held, names: Counter[str], symbols: Counter[str], place: int) -> str:
    name = group.name or "no name"
    if names[group.name.lower()] == 1 and re.fullmatch(r"[\w.-]+", group.name):
        return group.name
    if group.id is not None and re.fullmatch(r"[\w./()-]+", str(group.id)):
        return str(group.id)
    if group.symbol and symbols[group.symbol.lower()] == 1:
        return f"{quote(group.symbol)} ({name})"
    return f"'#{place}' ({name})"
