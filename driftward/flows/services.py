"""Whose an address is, by the prefixes of service tags: which tags hold it, the narrowest first.

The tags' prefixes are cut into stretches of the address line on which the same tags hold, so that an address
costs one search whatever the number of tags; Azure's list has some 3,000 tags with 80,000 prefixes.

Pure. What a tag means to the service is said in ``driftward.flows.labels``.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from typing import Final

from shared.model.values import value
from shared.nsg.packets.spans import Spans
from shared.nsg.rules.published_tags import PUBLISHED_TAGS

STORAGE: Final = "Storage"
ENTRA: Final = "AzureActiveDirectory"
KEY_VAULT: Final = "AzureKeyVault"
MONITOR: Final = "AzureMonitor"
PLATFORM: Final = (STORAGE, ENTRA, KEY_VAULT, MONITOR)
"""The tags of what a flexible server may call; the first one that holds an address names it."""
VIRTUAL_NETWORK: Final = "virtualnetwork"
_NO_SERVICES: Final = frozenset({VIRTUAL_NETWORK, "internet", "azureloadbalancer"})
_SPELLED: Final = {name.lower(): name for name in PUBLISHED_TAGS}


@value
class Services:
    """Tags by stretches of the address line: ``names[i]`` hold from ``starts[i]`` to the next start."""

    starts: tuple[int, ...]
    names: tuple[tuple[str, ...], ...]
    missing: tuple[str, ...]
    """Platform tags whose prefixes are not known: an address in no tag may be theirs."""

    def at(self, place: int) -> tuple[str, ...]:
        """The tags that hold the address, the one with the fewest addresses first."""
        number = bisect_right(self.starts, place) - 1
        return self.names[number] if number >= 0 else ()


def services_of(closed: Mapping[str, Spans]) -> Services:
    """The services that ``closed`` (see ``shared.nsg.Tags``) lists; what names no service is left out."""
    listed = {key: spans for key, spans in closed.items() if key not in _NO_SERVICES and spans}
    sizes = {key: sum(last - first + 1 for first, last in spans) for key, spans in listed.items()}
    starts: list[int] = []
    names: list[tuple[str, ...]] = []
    for start, holding in _stretches(listed):
        starts.append(start)
        names.append(tuple(spelled(key) for key in sorted(holding, key=lambda key: (sizes[key], key))))
    missing = tuple(name for name in PLATFORM if name.lower() not in closed)
    return Services(starts=tuple(starts), names=tuple(names), missing=missing)


def _stretches(listed: Mapping[str, Spans]) -> Iterator[tuple[int, frozenset[str]]]:
    """Where the set of tags changes, in ascending order, and which tags hold from there."""
    changes = sorted(
        change
        for key, spans in listed.items()
        for first, last in spans
        for change in ((first, True, key), (last + 1, False, key))
    )
    holding: set[str] = set()
    for number, (place, begins, key) in enumerate(changes):
        (holding.add if begins else holding.discard)(key)
        if number + 1 == len(changes) or changes[number + 1][0] != place:
            yield place, frozenset(holding)


def spelled(key: str) -> str:
    """A tag's name as Azure publishes it; the region keeps its spelling."""
    name, dot, region = key.rpartition(".")
    if key in _SPELLED or not dot:
        return _SPELLED.get(key, key)
    return f"{_SPELLED.get(name, name)}.{region}"


def without_region(name: str, among: tuple[str, ...]) -> str:
    """The whole tag of a regional one, where that holds the address as well."""
    whole = name.rpartition(".")[0]
    return whole if whole in among else name
