"""The resources that the simulator holds, by id.

A record's body is never changed in place: a write replaces it, so older bodies stay valid and the past
can be shown (Resource Graph lags behind; `as_of` answers how things stood at a moment). Children are
records of their own, kept in the order of their creation; a parent's inline lists are built from them when
it is shown. What must not live here: ARM's rules, HTTP, locks (callers hold the simulator's lock).
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace

from local.simulator.values import JsonObject, as_object, key, parse_address

_KEPT_VERSIONS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One resource. `body` holds what was written (location, tags, sku, properties, …) without id, name,
    type and etag, which are added when it is shown."""

    id: str
    type: str
    body: JsonObject
    etag: str

    @property
    def name(self) -> str:
        return self.id.rsplit("/", 1)[-1]

    @property
    def properties(self) -> JsonObject:
        return as_object(self.body.get("properties"))

    @property
    def parent(self) -> str:
        return parse_address(self.id).parent


def new_etag() -> str:
    return f'W/"{uuid.uuid4()}"'


class Store:
    """Records by id (without case), with an index of children and a short past of each."""

    def __init__(self) -> None:
        self._records: dict[str, Record] = {}
        self._children: dict[str, dict[str, None]] = {}
        self._types: dict[str, dict[str, None]] = {}
        self._past: dict[str, list[tuple[float, Record | None]]] = {}
        self.version = 0
        """Grows with every write."""

    def __iter__(self) -> Iterator[Record]:
        return iter(list(self._records.values()))

    def get(self, resource_id: str) -> Record | None:
        return self._records.get(key(resource_id))

    def put(self, record: Record, now: float) -> None:
        """Insert or replace; the spelling of an id that exists already is kept."""
        known = self._records.get(key(record.id))
        kept = replace(record, id=known.id) if known else record
        self._records[key(kept.id)] = kept
        self._children.setdefault(key(kept.parent), {})[key(kept.id)] = None
        self._types.setdefault(kept.type.lower(), {})[key(kept.id)] = None
        self._remember(key(kept.id), kept, now)

    def touch(self, resource_id: str, now: float) -> None:
        """Give a record a new etag."""
        record = self.get(resource_id)
        if record is not None:
            self.put(replace(record, etag=new_etag()), now)

    def remove(self, resource_id: str, now: float) -> None:
        """Remove a record with everything below it; absent is fine."""
        for child in list(self._children.get(key(resource_id), ())):
            self.remove(child, now)
        record = self._records.pop(key(resource_id), None)
        if record is None:
            return
        self._children.pop(key(resource_id), None)
        self._children.get(key(record.parent), {}).pop(key(resource_id), None)
        self._types.get(record.type.lower(), {}).pop(key(resource_id), None)
        self._remember(key(resource_id), None, now)

    def children(self, parent_id: str, kind: str) -> list[Record]:
        found = (self._records[child] for child in self._children.get(key(parent_id), ()))
        return [record for record in found if record.type.lower() == kind.lower()]

    def of_type(self, kind: str, scope: str) -> list[Record]:
        """All records of a type at or below a scope, in the order of their creation."""
        prefix = key(scope) + "/"
        return [
            self._records[one] for one in self._types.get(kind.lower(), ()) if f"{one}/".startswith(prefix)
        ]

    def as_of(self, moment: float) -> list[Record]:
        """The records as they stood at `moment`, as far as the kept past reaches."""
        shown = (self._at(past, moment) for past in self._past.values())
        return [record for record in shown if record is not None]

    def past(self) -> Iterator[tuple[float, Record, str]]:
        """Every kept version: when it was written, what it was, and `Create`, `Update` or `Delete`."""
        for versions in self._past.values():
            before: Record | None = None
            for written, record in versions:
                shown = record or before
                deed = "Delete" if record is None else "Update" if before is not None else "Create"
                if shown is not None:
                    yield written, shown, deed
                before = record

    def clear(self) -> None:
        for index in (self._records, self._children, self._types, self._past):
            index.clear()
        self.version += 1

    def _remember(self, resource_key: str, record: Record | None, now: float) -> None:
        self.version += 1
        past = self._past.setdefault(resource_key, [])
        past.append((now, record))
        del past[:-_KEPT_VERSIONS]

    @staticmethod
    def _at(past: list[tuple[float, Record | None]], moment: float) -> Record | None:
        for written, record in reversed(past):
            if written <= moment:
                return record
        return None
