"""What ARM template functions do with lists and objects.

Source: "Array functions", "Object functions", "Lambda functions for ARM templates" (Microsoft Learn). Objects
have no order there; where one is needed, keys come in the order of the alphabet, as ``items`` gives them.
Each function raises ``TypeError``, ``ValueError`` or ``LookupError`` for arguments that it does not take.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from functools import cmp_to_key, reduce
from typing import Final

from shared.model import Json
from shared.nsg.documents.grammar import Faulty
from shared.nsg.documents.numbers import as_truth
from shared.nsg.documents.scope import Unknown, unknown_part
from shared.nsg.documents.texts import as_text, joined, whole

_MOST_NUMBERS: Final = 10_000
"""How many numbers ``range`` makes at most."""
_MOST_COMPARED: Final = 1000
"""More items than an NSG has rules are not compared one by one."""


def sequence(found: Json) -> str | list[Json]:
    """A text or a list. Raises ``TypeError``."""
    if not isinstance(found, (str, list)):
        raise TypeError("neither a text nor a list")
    return found


def listed(found: Json) -> list[Json]:
    """A list. Raises ``TypeError``."""
    if not isinstance(found, list):
        raise TypeError("no list")
    return found


def _mapping(found: Json) -> Mapping[str, Json]:
    if not isinstance(found, Mapping):
        raise TypeError("no object")
    return found


def _known(found: Json) -> str:
    """What two equal values share. Raises ``TypeError`` where a part of it is not known."""
    if unknown_part(found) is not None:
        raise TypeError("not comparable")
    return json.dumps(found, sort_keys=True)


def _concat(*parts: Json) -> Json:
    if parts and all(isinstance(part, list) for part in parts):
        return [item for part in parts for item in part]
    return joined(map(as_text, parts))


def _length(found: Json) -> int:
    if not isinstance(found, (str, list, Mapping)):
        raise TypeError("no length")
    return len(found)


def _contains(held: Json, item: Json) -> bool:
    if isinstance(held, Mapping):
        return as_text(item).lower() in {name.lower() for name in held}
    if isinstance(held, str):
        return as_text(item) in held
    return _known(item) in {_known(found) for found in listed(held)}


def _first(found: Json) -> Json:
    """The first item or character; of an empty text an empty one (array functions, ``first``)."""
    return sequence(found)[0] if found != "" else ""


def _last(found: Json) -> Json:
    return sequence(found)[-1] if found != "" else ""


def _take(found: Json, number: Json) -> Json:
    return sequence(found)[: max(0, whole(number))]


def _skip(found: Json, number: Json) -> Json:
    return sequence(found)[max(0, whole(number)) :]


def _from_end(found: Json, number: Json) -> Json:
    """``indexFromEnd``, counted from one."""
    place = len(listed(found)) - whole(number)
    if not 0 <= place < len(listed(found)):
        raise IndexError("outside the list")
    return found[place]


def _index(found: Json, item: Json) -> int:
    """The place of the first equal item, or -1; in a text the case of letters means nothing."""
    if isinstance(found, str):
        return found.lower().find(as_text(item).lower())
    places = [_known(part) for part in listed(found)]
    return places.index(_known(item)) if _known(item) in places else -1


def _last_index(found: Json, item: Json) -> int:
    if isinstance(found, str):
        return found.lower().rfind(as_text(item).lower())
    place = _index(listed(found)[::-1], item)
    return place if place < 0 else len(found) - 1 - place


def _range(start: Json, count: Json) -> list[Json]:
    if not 0 <= whole(count) <= _MOST_NUMBERS:
        raise Faulty(f"range makes from 0 to {_MOST_NUMBERS} numbers")
    return [*range(whole(start), whole(start) + whole(count))]


def _union(*parts: Json) -> Json:
    if len(parts) < 2:
        raise TypeError("union takes two values or more")
    if all(isinstance(part, list) for part in parts):
        return _different([item for part in parts for item in part])
    return reduce(_merged, map(_mapping, parts))


def _different(items: list[Json]) -> list[Json]:
    """Each item once. Raises ``TypeError`` where nobody knows whether two are equal."""
    known = {_known(item): item for item in items if unknown_part(item) is None}
    unknown = [item for item in items if unknown_part(item) is not None]
    if not unknown:
        return [*known.values()]
    if len(items) > _MOST_COMPARED or len(known) + len(unknown) < len(items):
        raise TypeError("not comparable")
    for item in unknown:
        if any(other is not item and not _surely_differ(item, other) for other in items):
            raise TypeError("not comparable")
    return items


def _surely_differ(one: Json, other: Json) -> bool:
    """Whether two objects have different texts under one key, as rules have in their names."""
    if not (isinstance(one, Mapping) and isinstance(other, Mapping)):
        return False
    pairs = ((one[key], other[key]) for key in one.keys() & other.keys())
    return any(isinstance(a, str) and isinstance(b, str) and a != b for a, b in pairs)


def _merged(left: Mapping[str, Json], right: Mapping[str, Json]) -> Mapping[str, Json]:
    """Objects within objects are merged too; of anything else the later one counts."""
    spelled = {name.lower(): name for name in left}
    found = dict(left)
    for name, item in right.items():
        own = spelled.setdefault(name.lower(), name)
        held = found.get(own)
        if isinstance(held, Unknown) and isinstance(item, Mapping):
            continue  # parts of it may stay
        found[own] = _merged(held, item) if isinstance(held, Mapping) and isinstance(item, Mapping) else item
    return found


def _shallow_merge(parts: Json) -> Mapping[str, Json]:
    found: dict[str, Json] = {}
    for part in listed(parts):
        spelled = {name.lower(): name for name in found}
        found |= {spelled.get(name.lower(), name): item for name, item in _mapping(part).items()}
    return found


def _intersection(*parts: Json) -> Json:
    if parts and all(isinstance(part, list) for part in parts):
        return _common(parts)
    first, *others = map(_mapping, parts)
    return {name: item for name, item in first.items() if all(_has(other, name, item) for other in others)}


def _common(parts: Iterable[list[Json]]) -> list[Json]:
    first, *others = ({_known(item): item for item in part} for part in parts)
    return [item for key, item in first.items() if all(key in other for other in others)]


def _has(held: Mapping[str, Json], name: str, item: Json) -> bool:
    return name in held and _known(held[name]) == _known(item)


def _object(*parts: Json) -> Mapping[str, Json]:
    return {as_text(key): item for key, item in zip(parts[::2], parts[1::2], strict=True)}


def _keys(found: Json) -> list[Json]:
    return sorted(_mapping(found))


def _items(found: Json) -> list[Json]:
    return [{"key": key, "value": found[key]} for key in _keys(found)]


def _flat(found: Json) -> list[Json]:
    return [item for part in listed(found) for item in listed(part)]


# --- with a function of the template's own ---------------------------------------------------------


def _map(items: Json, change: Callable[..., Json]) -> list[Json]:
    return [change(item, place) for place, item in enumerate(listed(items))]


def _filter(items: Json, wanted: Callable[..., Json]) -> list[Json]:
    return [item for place, item in enumerate(listed(items)) if as_truth(wanted(item, place))]


def _reduce(items: Json, start: Json, merge: Callable[..., Json]) -> Json:
    for place, item in enumerate(listed(items)):
        start = merge(start, item, place)
    return start


def _sort(items: Json, before: Callable[..., Json]) -> list[Json]:
    def order(left: Json, right: Json) -> int:
        return -1 if as_truth(before(left, right)) else int(as_truth(before(right, left)))

    return sorted(listed(items), key=cmp_to_key(order))


def _to_object(items: Json, key: Callable[..., Json], item: Callable[..., Json] | None = None) -> Json:
    return {as_text(key(part)): part if item is None else item(part) for part in listed(items)}


def _group_by(items: Json, key: Callable[..., Json]) -> Json:
    found: dict[str, list[Json]] = {}
    for item in listed(items):
        found.setdefault(as_text(key(item)), []).append(item)
    return found


def _map_values(found: Json, change: Callable[..., Json]) -> Json:
    return {key: change(item) for key, item in _mapping(found).items()}


WITH_LAMBDAS: Final[Mapping[str, Callable[..., Json]]] = {
    "filter": _filter,
    "groupby": _group_by,
    "map": _map,
    "mapvalues": _map_values,
    "reduce": _reduce,
    "sort": _sort,
    "toobject": _to_object,
}
"""Functions that take a ``lambda``, which comes as a function that leaves aside what it has no name for."""

FUNCTIONS: Final[Mapping[str, Callable[..., Json]]] = {
    "array": lambda part: part if isinstance(part, list) else [part],
    "concat": _concat,
    "contains": _contains,
    "createarray": lambda *parts: list(parts),
    "createobject": _object,
    "empty": lambda part: part is None or _length(part) == 0,
    "first": _first,
    "flatten": _flat,
    "indexfromend": _from_end,
    "indexof": _index,
    "intersection": _intersection,
    "items": _items,
    "last": _last,
    "lastindexof": _last_index,
    "length": _length,
    "objectkeys": _keys,
    "range": _range,
    "shallowmerge": _shallow_merge,
    "skip": _skip,
    "take": _take,
    "union": _union,
}
