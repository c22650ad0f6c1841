"""The values that a plan gives a resource, with words in the place of what it does not know or may not show.

Beside ``after`` a change has ``after_unknown`` and ``after_sensitive`` in the same shape, with ``true`` for
what is known only when it was applied, or must not be shown (Terraform, JSON output format, change
representation). A readable text stands in both places: no reader takes it for a value, and a finding that
rests on it is Unknown and says whose attribute it is. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from shared.model import Json

_AFTER_APPLY: Final = "(known after apply: "
_SENSITIVE: Final = "(sensitive: "
_HIDDEN: Final = (_AFTER_APPLY, _SENSITIVE)


def filled(after: Json, unknown: Json, sensitive: Json, place: str) -> Json:
    """``after`` with what is not known, or not to be shown, as a text that names its ``place``."""
    if sensitive is True and after is not None:
        return f"{_SENSITIVE}{place})"
    if unknown is True:
        return f"{_AFTER_APPLY}{place})"
    if isinstance(after, Mapping) or (
        after is None and isinstance(unknown, Mapping) and any(unknown.values())
    ):
        return _filled_object(after or {}, unknown, sensitive, place)
    if isinstance(after, list):
        return _filled_list(after, unknown, sensitive, place)
    return after


def _filled_object(after: Mapping[str, Json], unknown: Json, sensitive: Json, place: str) -> Json:
    beside = unknown if isinstance(unknown, Mapping) else {}
    hidden = sensitive if isinstance(sensitive, Mapping) else {}
    names = dict.fromkeys([*after, *beside])
    return {
        name: filled(after.get(name), beside.get(name), hidden.get(name), f"{place}.{name}") for name in names
    }


def _filled_list(after: list[Json], unknown: Json, sensitive: Json, place: str) -> Json:
    return [
        filled(one, _at(unknown, at), _at(sensitive, at), f"{place}[{at}]") for at, one in enumerate(after)
    ]


def _at(found: Json, at: int) -> Json:
    return found[at] if isinstance(found, list) and at < len(found) else None


def is_hidden(found: Json) -> bool:
    """Whether a text stands for what is not known or not shown."""
    return isinstance(found, str) and found.startswith(_HIDDEN)


def is_after_apply(found: Json) -> bool:
    return isinstance(found, str) and found.startswith(_AFTER_APPLY)


def shown(found: Json) -> str | None:
    """A text that is known and not empty."""
    return found if isinstance(found, str) and found and not is_hidden(found) else None


def hidden(values: Mapping[str, Json], name: str) -> str | None:
    """The words that stand for a block or an argument that is not known or not shown."""
    found = values.get(name)
    return found if is_hidden(found) else None


def block(values: Mapping[str, Json], name: str) -> Mapping[str, Json]:
    """The one block of a name, as Terraform writes it: a list with at most one item."""
    found = values.get(name)
    first = found[0] if isinstance(found, list) and found else found
    return first if isinstance(first, Mapping) else {}


def items(found: Json) -> list[Json]:
    """What stands in a list; nothing where there is none."""
    return found if isinstance(found, list) else []


def blocks(values: Mapping[str, Json], name: str) -> list[Mapping[str, Json]]:
    found = values.get(name)
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []


def switch(found: Json) -> Json:
    """A boolean as Azure spells it; what is none stays what it is."""
    return {True: "Enabled", False: "Disabled"}[found] if isinstance(found, bool) else found


def without_nothing(body: Mapping[str, Json]) -> dict[str, Json]:
    """Without what Terraform writes for an argument that is not given."""
    return {name: one for name, one in body.items() if one is not None and one not in ("", [])}
