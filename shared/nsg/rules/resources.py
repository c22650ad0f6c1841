"""ARM resources as documents and answers hold them: keys in any letter case, fields in either place.

Fields stand below ``properties`` (REST, templates) or beside the name (``az``, PowerShell). What must not
live here: what an NSG or a rule is made of.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final

from shared.model import Json
from shared.model.values import value
from shared.nsg.rules.reading import NsgError

_SETTLED: Final = frozenset({"", "succeeded", "failed", "canceled"})
MOST_NUMBER: Final = 10**9
"""No number of a rule is as large; Python refuses to print numbers of thousands of digits."""


@value
class Resource:
    """An ARM resource with its keys in lower case; read it with the functions of this class only."""

    own: Mapping[str, Json]
    """What stands beside the name."""
    fields: Mapping[str, Json]
    """What the resource is: below ``properties``, or beside the name where the output is flattened."""

    def get(self, name: str) -> Json:
        return self.fields.get(name.lower())

    def text(self, name: str) -> str:
        """A text beside the name (``name``, ``id``, ``type``, ``etag``) without blanks; ``""`` if none."""
        found = self.own.get(name)
        return found.strip() if isinstance(found, str) else ""

    def has(self, name: str) -> bool:
        return name.lower() in self.fields

    @property
    def updating(self) -> bool:
        state = self.get("provisioningState")
        return isinstance(state, str) and state.strip().lower() not in _SETTLED


def resource(body: Json) -> Resource:
    """``body`` as a resource; one without fields when it is no object. Raises ``NsgError``."""
    own = folded(body)
    return Resource(own=own, fields={**own, **folded(own.get("properties"))})


def folded(body: Json) -> Mapping[str, Json]:
    """An object with its keys in lower case; {} for anything else.

    Raises ``NsgError`` where two keys differ in letter case only: which one counts nobody could say.
    """
    if not isinstance(body, Mapping):
        return {}
    found = {str(key).lower(): item for key, item in body.items()}
    if len(found) < len(body):
        twice = next(name for name, times in Counter(str(key).lower() for key in body).items() if times > 1)
        raise NsgError(f"{twice} is given twice, in different letter case", rule="", field=twice)
    return found


def objects(found: Json, field: str, rule: str = "") -> Iterator[Mapping[str, Json]]:
    """The objects of a list; none where it is absent or null. Raises ``NsgError`` for anything else."""
    if found is not None and not isinstance(found, list):
        raise unusable(rule, field, found)
    for item in found or ():
        if not isinstance(item, Mapping):
            raise unusable(rule, field, item)
        yield item


def unusable(rule: str, field: str, found: Json) -> NsgError:
    """The error for a value that is missing or cannot be used; a list or an object is named, not shown."""
    place = f"rule {rule!r}: {field}" if rule else field
    match found:
        case None:
            return NsgError(f"{place} is missing", rule=rule, field=field)
        case Mapping():
            shown = "an object"
        case list():
            shown = "a list"
        case int() if abs(found) >= MOST_NUMBER:
            shown = "a number of that size"
        case _:
            shown = repr(found)[:100]
    return NsgError(f"{place} cannot be used: {shown}", rule=rule, field=field)
