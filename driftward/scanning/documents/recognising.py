"""What a JSON document holds, known by what stands in it and not by its file's name.

Read are what `az … show` and `list` write, a list with the address that it was read at (``{"id":
"…/firewallRules", "value": […]}``), ARM's own answers (``az rest``), rows of Resource Graph (``az graph
query``), and the list of service tags. A bare list of children (firewall rules) is taken for all of their
parent's; a bare list of servers or networks may be a group's only, and says nothing of what is not in it. An
empty list without an address says nothing at all. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field
from typing import Final

from driftward.scanning.documents.holdings import FLEXIBLE, NETWORKS
from driftward.scanning.documents.shapes import as_arm_has_it
from shared.model import Json
from shared.model.resource_id import ResourceId, parse_resource_id
from shared.model.values import value

_STUB: Final = frozenset({"provisioningstate"})
_ESSENTIAL: Final[Mapping[str, frozenset[str]]] = {
    FLEXIBLE: frozenset({"network"}),
    NETWORKS: frozenset({"subnets", "virtualnetworkpeerings"}),
}
"""What ARM shows of each, also where it is empty: without it somebody has picked fields, and others lack."""


@value
class Held:
    """What one document holds. ``says`` is what somebody ought to know of it, in words."""

    bodies: tuple[Mapping[str, Json], ...] = ()
    lists: Mapping[str, tuple[Json, ...]] = field(default_factory=dict)
    tags: Mapping[str, Json] | None = None
    is_copy: bool = False
    """Rows of Resource Graph, which lags behind: ARM's own body goes before."""
    says: tuple[str, ...] = ()


def held_in(document: Json) -> Held:
    """What a document holds; nothing, with the reason, where it is none that is known."""
    if isinstance(document, list):
        return _bare_list(document)
    if not isinstance(document, Mapping):
        return Held(says=("this is neither a resource nor a list of them",))
    if isinstance(document.get("values"), list) and _says_tags(document):
        return _tags(document)
    if isinstance(document.get("data"), list):
        return _rows(document)
    if isinstance(document.get("value"), list):
        return _list_with_address(document)
    return _one(document)


def _one(document: Mapping[str, Json]) -> Held:
    if parse_resource_id(document.get("id")) is None:
        return Held(says=("this is no resource: it has no id",))
    return Held(bodies=(as_arm_has_it(document),))


def _says_tags(document: Mapping[str, Json]) -> bool:
    return "changeNumber" in document or "servicetags" in str(document.get("type")).lower()


def _tags(document: Mapping[str, Json]) -> Held:
    if document.get("nextLink"):
        return Held(says=("the list of service tags goes on elsewhere (nextLink): it is not used",))
    values = [as_arm_has_it(one) for one in document["values"] if isinstance(one, Mapping)]
    number = str(document.get("changeNumber") or "")
    return Held(tags={"changeNumber": number, "values": values})


def _rows(document: Mapping[str, Json]) -> Held:
    rows = [one if _has_properties(one) else _name_alone(one) for one in document["data"]]
    found = _resources(rows)
    told = ("this is not all that Resource Graph found (skip_token)",)
    return Held(bodies=found, is_copy=True, says=told if document.get("skip_token") else ())


def _has_properties(row: Json) -> bool:
    return isinstance(row, Mapping) and isinstance(row.get("properties"), Mapping)


def _name_alone(row: Json) -> Json:
    """A row without ``properties`` shows columns that somebody picked."""
    return {"id": row.get("id")} if isinstance(row, Mapping) else row


def _list_with_address(document: Mapping[str, Json]) -> Held:
    """ARM's own answer does not say of what it is the list, unless the address was written beside it."""
    items, address = document["value"], document.get("id")
    if document.get("nextLink"):
        told = "the list goes on elsewhere (nextLink): what is not in it is not known"
        return Held(bodies=_resources(items), says=(told,))
    if not isinstance(address, str) or not address.lower().startswith("/subscriptions/"):
        return _bare_list(items)
    bodies = _resources(items)
    return Held(bodies=bodies, lists={address.rstrip("/").lower(): _items(items)})


def _bare_list(items: list[Json]) -> Held:
    if not items:
        return Held(says=("an empty list that does not say of what: it is not believed",))
    bodies = _resources(items)
    told = f"{len(items) - len(bodies)} of {len(items)} items have no id"
    says = (told,) if len(bodies) < len(items) else ()
    parents = {_collection(ResourceId(str(one["id"]))) for one in bodies}
    whole = next(iter(parents)) if len(parents) == 1 and not says else None
    return Held(bodies=bodies, lists={whole: _items(items)} if whole else {}, says=says)


def _collection(named: ResourceId) -> str | None:
    """The list that a child stands in; None for a resource of its own."""
    return None if named.parent is None else named.key.rpartition("/")[0]


def _items(items: Iterable[Json]) -> tuple[Json, ...]:
    return tuple(as_arm_has_it(one) if isinstance(one, Mapping) else one for one in items)


def _resources(items: Iterable[Json]) -> tuple[Mapping[str, Json], ...]:
    return tuple(_named(items))


def _named(items: Iterable[Json]) -> Iterator[Mapping[str, Json]]:
    for one in items:
        if isinstance(one, Mapping) and parse_resource_id(one.get("id")) is not None:
            yield as_arm_has_it(one)


def is_stub(body: Mapping[str, Json]) -> bool:
    """Whether it names a resource and shows nothing of it, as `az resource list` does, or not all of it."""
    held = body.get("properties")
    shown = {str(one).lower() for one in held} if isinstance(held, Mapping) else set()
    essential = _ESSENTIAL.get(ResourceId(str(body["id"])).type, frozenset())
    return shown <= _STUB or not essential <= shown
