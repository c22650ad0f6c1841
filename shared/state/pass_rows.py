"""What the sweep remembers: its last pass over a subscription, and what lists showed of everything then.

The rows of lists are read whole once a pass and written a hundred in a transaction, and only where something
is new. Whoever loses a race for them loses nothing: what was not noted counts as changed in the next pass.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final

from shared.guardrails.attention import ALWAYS
from shared.model import Locator, LocatorKind, Target, TargetKind
from shared.model.errors import EntityChanged, EntityExists
from shared.model.interfaces import Entity, Tables, TableWrite
from shared.model.resource_id import ResourceId, parse_resource_id
from shared.model.sweeping import Listed, PassRecord, Watched
from shared.model.values import value
from shared.state.table_layout import LISTED_PREFIX, TARGET_PREFIX, TARGETS, listed_row, pass_place
from shared.state.table_rows import Place, Rows, conditional

_TRANSACTION: Final = 100
_KINDS: Final[Mapping[str, TargetKind]] = {
    "microsoft.dbforpostgresql/flexibleservers": TargetKind.FLEXIBLE_SERVER,
    "microsoft.dbforpostgresql/servers": TargetKind.SINGLE_SERVER,
    "microsoft.network/virtualnetworks/subnets": TargetKind.SUBNET,
}


@value
class Noted:
    """What the lists of the last pass showed, by key."""

    rows: Mapping[str, Entity]

    def shows(self, key: str, digest: str) -> bool:
        """Whether it was the same then."""
        row = self.rows.get(key)
        return row is not None and row.properties.get("digest") == digest

    def gone(self, listed: Collection[str]) -> Iterator[Target | Locator]:
        """What was listed then and is not now."""
        return (what for key in self.rows.keys() - listed if (what := named_by(key)) is not None)


class PassRows:
    """The rows of the sweep; see ``Store`` for what all of them promise."""

    def __init__(self, tables: Tables, rows: Rows) -> None:
        self._tables = tables
        self._rows = rows

    def last(self, subscription: str) -> PassRecord | None:
        """The last pass over a subscription that came to its end."""
        entity = self._rows.get(pass_place(subscription))
        return None if entity is None else replace(self._rows.value(PassRecord, entity), etag=entity.etag)

    def keep(self, subscription: str, record: PassRecord) -> None:
        """Write the pass that has come to its end. Raises ``EntityChanged`` when another has meanwhile."""
        place = pass_place(subscription)
        properties = self._rows.properties(replace(record, etag=None))
        self._rows.write(place.table, conditional(place, properties, record.etag))

    def noted(self, subscription: str) -> Noted:
        """What lists showed in the last pass."""
        found = self._tables.query(TARGETS, subscription.lower(), LISTED_PREFIX)
        return Noted(rows={str(entity.properties.get("what", "")): entity for entity in found})

    def note(self, subscription: str, listed: Iterable[Listed], noted: Noted) -> None:
        """Note what lists show now, where it is another than was ``noted``."""
        news = [one for one in listed if not noted.shows(one.what.key, one.digest)]
        writes = [_written(subscription, one, noted) for one in news]
        for at in range(0, len(writes), _TRANSACTION):
            self._write(writes[at : at + _TRANSACTION])

    def forget(self, subscription: str, what: Iterable[Target | Locator]) -> None:
        """Forget what is listed no more."""
        for one in what:
            self._tables.delete(TARGETS, subscription.lower(), listed_row(one.key))

    def watched(self, subscription: str) -> Iterator[Watched]:
        """Every remembered target, at the cost of two properties each."""
        columns = ("target", "lookAt")
        for entity in self._tables.query(TARGETS, subscription.lower(), TARGET_PREFIX, columns):
            target = named_by(str(entity.properties.get("target", "")))
            if isinstance(target, Target):
                yield Watched(target=target, look_at=_time(entity.properties.get("lookAt")))

    def _write(self, writes: list[TableWrite]) -> None:
        try:
            self._tables.write(TARGETS, *writes)
        except (EntityChanged, EntityExists):
            return


def named_by(key: str) -> Target | Locator | None:
    """The target or locator with a key; None for a key of neither. Its id is in lower case."""
    kind, colon, rest = key.partition(":")
    if colon and kind in set(LocatorKind):
        found = parse_resource_id(rest)
        return Locator(kind=LocatorKind(kind), id=found) if found is not None else None
    named = parse_resource_id(key)
    return _target(named) if named is not None else None


def _target(named: ResourceId) -> Target | None:
    kind = _KINDS.get(named.type)
    return Target(kind=kind, id=named) if kind is not None else None


def _written(subscription: str, listed: Listed, noted: Noted) -> TableWrite:
    known = noted.rows.get(listed.what.key)
    place = Place(table=TARGETS, partition=subscription.lower(), row=listed_row(listed.what.key))
    properties = {"what": listed.what.key, "digest": listed.digest}
    return conditional(place, properties, known.etag if known is not None else None)


def _time(text: object) -> datetime | None:
    """From when on it is looked at; a row from before there was such a time is looked at always."""
    if text is None:
        return ALWAYS
    return datetime.fromisoformat(str(text)) if text else None
