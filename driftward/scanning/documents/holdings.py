"""What documents hold of an estate, as ARM would show it: bodies, lists, and what of it is not known.

A list is believed only where a document holds that list: that no document shows a resource does not say that
there is none. Addresses are compared without case, as ARM compares them. What must not live here: forms of
documents, requests.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field
from typing import Final

from shared.model import Json
from shared.model.resource_id import ResourceId, parse_resource_id
from shared.model.values import value

NETWORKS: Final = "microsoft.network/virtualnetworks"
FLEXIBLE: Final = "microsoft.dbforpostgresql/flexibleservers"
SINGLE: Final = "microsoft.dbforpostgresql/servers"
ENDPOINTS: Final = "microsoft.network/privateendpoints"
ZONES: Final = "microsoft.network/privatednszones"
FOUND_BY: Final = (FLEXIBLE, SINGLE, ENDPOINTS, NETWORKS)
LOCKS: Final = "microsoft.authorization/locks"


@value
class Holdings:
    """``bodies`` and ``lists`` are by their address in lower case."""

    source: str
    """What holds them, as a sentence begins: ``the export``."""
    bodies: Mapping[str, Mapping[str, Json]] = field(default_factory=dict)
    lists: Mapping[str, tuple[Json, ...]] = field(default_factory=dict)
    """Lists that are whole: of children by their path, of a subscription by ``…/providers/<type>``."""
    why_not: Mapping[str, str] = field(default_factory=dict)
    """Why what lies at an address is not known, where there is more to say than that no document holds it."""
    named: tuple[Mapping[str, Json], ...] = ()
    """Resources that are known to exist, and of which nothing else is."""
    tags: Mapping[str, Json] | None = None
    """The list of service tags."""

    @property
    def subscriptions(self) -> tuple[str, ...]:
        """Those that any body or list belongs to."""
        keys = (*self.bodies, *self.lists, *(str(one["id"]) for one in self.named))
        return tuple(sorted({key.lower().split("/")[2] for key in keys}))

    def is_whole(self, subscription: str, resource_type: str) -> bool:
        """Whether every resource of a type is held; where one that is only named stands is not known."""
        place = f"/subscriptions/{subscription.lower()}/"
        if f"{place}providers/{resource_type}" not in self.lists:
            return False
        bare = (str(one["id"]).lower() for one in self.named if not one.get("properties"))
        return resource_type == SINGLE or not any(
            one.startswith(place) and ResourceId(one).type == resource_type for one in bare
        )

    def unlisted(self, subscription: str) -> tuple[str, ...]:
        """The kinds that targets are found by and of which not all are listed."""
        return tuple(one for one in FOUND_BY if not self.is_whole(subscription, one))

    def listed(self, path: str) -> tuple[Json, ...] | None:
        """The list at a path; None where no document holds it."""
        return self.lists.get(path.lower())

    def lacks(self, path: str) -> str:
        """Why what lies at a path is not known."""
        return self.why_not.get(path.lower()) or f"{self.source} holds no {_called(path)}"


def key_of(path: str) -> str:
    return path.rstrip("/").lower()


def _called(path: str) -> str:
    """A resource or a list in words: its kind, its name, and whose it is."""
    parts = path.strip("/").split("/")
    kind, name = (parts[-1], "") if _is_list(parts) else (parts[-2], f" {parts[-1]}")
    owner = parse_resource_id("/".join(_owner(parts)))
    return f"{kind}{name}" + (f" of {owner.name}" if owner is not None and not _is_top(parts) else "")


def _is_list(parts: list[str]) -> bool:
    """Whether a path ends with a type: after the last namespace types and names take turns."""
    at = max((place for place, part in enumerate(parts) if part.lower() == "providers"), default=2)
    return (len(parts) - at) % 2 == 1


def _owner(parts: list[str]) -> list[str]:
    kept = parts[:-1] if _is_list(parts) else parts[:-2]
    return kept[:-2] if len(kept) > 1 and kept[-2].lower() == "providers" else kept


def _is_top(parts: list[str]) -> bool:
    return len(_owner(parts)) <= 4


def with_children(bodies: Iterable[Mapping[str, Json]]) -> dict[str, Mapping[str, Json]]:
    """Bodies by their address, with the subnets that networks show in their own."""
    found: dict[str, Mapping[str, Json]] = {}
    for body in bodies:
        named = ResourceId(str(body["id"]))
        found[named.key] = body
        if named.type == NETWORKS:
            found.update(_subnets(body))
    return found


def _subnets(network: Mapping[str, Json]) -> dict[str, Mapping[str, Json]]:
    held = network.get("properties") or {}
    shown = held.get("subnets") if isinstance(held, dict) else None
    listed = shown if isinstance(shown, list) else []
    named = [(parse_resource_id(one.get("id")), one) for one in listed if isinstance(one, dict)]
    return {where.key: one for where, one in named if where is not None}
