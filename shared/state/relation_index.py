"""The relation index: which targets depend on an NSG, an endpoint, a zone …, as far as was ever seen.

Every reconcile and sweep adds what it saw; ``depends_on`` says what a reading shows. A relation that no
longer holds is harmless (one reading too many), a missing one is not: after a delete, the index is all
that can say who is concerned. So relations go only with their target, and then all of them: a relation lies
in the partition of what is depended on, and where that is another subscription (a zone in the hub) a row
beside the target says so. Otherwise the rows of servers that come and go would pile up at the hub's zone.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final, assert_never

from shared.model import Locator, LocatorKind, ServerSnapshot, Snapshot, SubnetSnapshot, Target
from shared.model.errors import EntityExists
from shared.model.interfaces import Insert, Relation, Tables
from shared.model.parts import PrivateDns
from shared.model.resource_id import ResourceId
from shared.state.table_layout import (
    RELATION_PREFIX,
    TARGETS,
    elsewhere_prefix,
    partition_of,
    relation_prefix,
)
from shared.state.table_rows import Rows, digest, timestamp

_TRANSACTION: Final = 100


def depends_on(snapshot: Snapshot) -> tuple[Locator, ...]:
    """What the events are about that concern this target, as far as its reading shows; each once.

    A part that was not read adds nothing, and takes nothing from what is known already.
    """
    match snapshot:
        case ServerSnapshot():
            named = _of_server(snapshot)
        case SubnetSnapshot():
            named = _of_subnet(snapshot)
        case _:
            assert_never(snapshot)
    return tuple({locator.key: locator for locator in named}.values())


def _of_server(server: ServerSnapshot) -> list[Locator]:
    endpoints = (connection.endpoint for connection in server.private_endpoints or ())
    return [
        *_locators(LocatorKind.PRIVATE_ENDPOINT, endpoints),
        *_locators(LocatorKind.PRIVATE_DNS_ZONE, [server.private_dns_zone]),
        *(_of_private_dns(server.private_dns) if server.private_dns is not None else ()),
    ]


def _of_private_dns(names: PrivateDns) -> list[Locator]:
    """The zones that hold or should hold the server's name, and the networks whose DNS servers matter."""
    grouped = (zone for endpoint in names.endpoints for zone in endpoint.group_zones or ())
    networks = [endpoint.network for endpoint in names.endpoints] + [names.network]
    return [
        *_locators(LocatorKind.PRIVATE_DNS_ZONE, [zone.id for zone in names.zones]),
        *_locators(LocatorKind.PRIVATE_DNS_ZONE, [*grouped, *(names.found or ())]),
        *_locators(LocatorKind.VIRTUAL_NETWORK, [network.id for network in networks if network is not None]),
    ]


def _of_subnet(subnet: SubnetSnapshot) -> list[Locator]:
    group = subnet.security_group.id if subnet.security_group is not None else None
    table = subnet.route_table.id if subnet.route_table is not None else None
    return [
        *_locators(LocatorKind.VIRTUAL_NETWORK, [subnet.id.parent]),
        *_locators(LocatorKind.NSG, [group]),
        *_locators(LocatorKind.ROUTE_TABLE, [subnet.route_table_id, table]),
        *_locators(LocatorKind.PRIVATE_ENDPOINT, (held.id for held in subnet.private_endpoints or ())),
    ]


def _locators(kind: LocatorKind, ids: Iterable[ResourceId | None]) -> list[Locator]:
    return [Locator(kind=kind, id=found) for found in ids if found is not None]


class Relations:
    """The index over the table of targets."""

    def __init__(self, tables: Tables, rows: Rows) -> None:
        self._tables = tables
        self._rows = rows

    def relate(self, relations: Iterable[Relation], now: datetime) -> None:
        """See ``Store.relate``. One query per source, and writes only for what is new."""
        by_source: dict[str, list[Relation]] = {}
        for relation in relations:
            by_source.setdefault(relation.source.key, []).append(relation)
        for group in by_source.values():
            missing = self._missing(group, now)
            for relation, _ in missing:
                self._note_elsewhere(relation)
            inserts = [insert for _, insert in missing]
            for at in range(0, len(inserts), _TRANSACTION):
                self._insert_absent(inserts[at : at + _TRANSACTION])

    def related(self, locator: Locator) -> tuple[Target, ...]:
        """See ``Store.related``."""
        entities = self._tables.query(TARGETS, partition_of(locator), relation_prefix(locator))
        return tuple(self._rows.value(Relation, entity).target for entity in entities)

    def related_within(self, scope: ResourceId) -> tuple[Target, ...]:
        """See ``Store.related_within``."""
        entities = self._tables.query(TARGETS, scope.subscription.lower(), RELATION_PREFIX)
        relations = (self._rows.value(Relation, entity) for entity in entities)
        return tuple({r.target: None for r in relations if r.source.id.within(scope)})

    def unrelate(self, target: Target) -> None:
        """See ``Store.unrelate``. The notes go last: what is interrupted can be done again."""
        notes = list(self._tables.query(TARGETS, partition_of(target), elsewhere_prefix(target)))
        elsewhere = (entity.row.removeprefix(elsewhere_prefix(target)) for entity in notes)
        for partition in (partition_of(target), *elsewhere):
            for entity in list(self._tables.query(TARGETS, partition, RELATION_PREFIX)):
                if entity.row.endswith(digest(target.key)):
                    self._tables.delete(TARGETS, entity.partition, entity.row)
        for note in notes:
            self._tables.delete(TARGETS, note.partition, note.row)

    def _note_elsewhere(self, relation: Relation) -> None:
        """Say beside the target that a relation of it lies in another partition."""
        there, here = partition_of(relation.source), partition_of(relation.target)
        if there != here:
            row = elsewhere_prefix(relation.target) + there
            self._insert_absent([Insert(partition=here, row=row, properties={})])

    def _missing(self, relations: list[Relation], now: datetime) -> list[tuple[Relation, Insert]]:
        source = relations[0].source
        partition, prefix = partition_of(source), relation_prefix(source)
        known = {entity.row for entity in self._tables.query(TARGETS, partition, prefix)}
        by_row = {prefix + digest(relation.target.key): relation for relation in relations}
        since = {"since": timestamp(now)}
        return [
            (
                relation,
                Insert(partition=partition, row=row, properties=self._rows.properties(relation, since)),
            )
            for row, relation in by_row.items()
            if row not in known
        ]

    def _insert_absent(self, inserts: list[Insert]) -> None:
        """All at once; one by one when another worker has inserted some of them meanwhile."""
        try:
            self._tables.write(TARGETS, *inserts)
        except EntityExists:
            if len(inserts) > 1:
                for insert in inserts:
                    self._insert_absent([insert])
