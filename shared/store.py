"""The store: everything Driftward remembers, over tables, blobs and one queue.

The only place that knows tables and keys::

    targets  partition = subscription   t-… memory of a target       q-… coalescing of a queue key
                                        b-… budget of a scope        r-…-… relation
                                        p-first-pass
    changes  partition "changes"        n-<newest first>-<id> record  i-<id> where it is
    alerts   partition "alerts"         <id>
    runs     partition = run id         run                           t-… result of a target
    containers snapshots, deadletters, control; queue reconcile

A target, its budget and its lease share a partition because ``claim`` must change them in one
transaction. Hashes stand for ids in keys: an id may be longer than a key, and holds forbidden
characters. Records carry the etag with which they were read; writing one that has changed since raises
``EntityChanged``, and the caller reads again. Nothing here decides, and nothing here waits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Final, TypeVar
from uuid import uuid4

from shared import codec
from shared.archive import Archive, reference
from shared.coalescing import Coalescing
from shared.errors import EntityChanged, EntityExists, StoreError
from shared.interfaces import Blobs, Entity, Insert, Queue, Relation, Row, Tables, TableWrite
from shared.model import Cause, Locator, Outcome, Proof, Snapshot, Target
from shared.records import (
    AlertRecord,
    AlertStatus,
    Attempt,
    ChangeRecord,
    Message,
    RunRecord,
    TargetRecord,
    TargetResult,
)
from shared.rows import Place, Rows, conditional, digest, newest_first, timestamp
from shared.values import value

_Record = TypeVar("_Record", TargetRecord, ChangeRecord, AlertRecord)

_TARGETS: Final = "targets"
_CHANGES: Final = "changes"
_ALERTS: Final = "alerts"
_RUNS: Final = "runs"
_RUN_ROW: Final = "run"
_FIRST_PASS: Final = "p-first-pass"
_BUDGET_WINDOW: Final = timedelta(hours=1)
_LONGEST_MESSAGE: Final = 48_000
"""Bytes: the service takes 64 KiB, and base64 makes four of three."""
_MESSAGE_REFERENCE: Final = "messageBlob"
_TRANSACTION: Final = 100


class BudgetExhausted(StoreError):
    """The writes of the last hour leave no room for this change. Nothing was claimed."""


@value
class _Spent:
    at: datetime
    writes: int


@value
class _Budget:
    """The writes of one scope within the window that slides behind now."""

    spent: tuple[_Spent, ...] = ()

    def since(self, time: datetime) -> _Budget:
        return _Budget(spent=tuple(entry for entry in self.spent if entry.at > time))

    @property
    def used(self) -> int:
        return sum(entry.writes for entry in self.spent)


class Store:
    """State of the whole app. Every method may raise ``StoreError``; see the module for the layout.

    ``new_token`` gives the tokens of coalesced messages: unique for ever, without meaning.
    """

    def __init__(
        self, tables: Tables, blobs: Blobs, queue: Queue, new_token: Callable[[], str] = lambda: uuid4().hex
    ) -> None:
        self._tables = tables
        self._queue = queue
        self._archive = Archive(blobs)
        self._rows = Rows(tables, self._archive)
        self._coalescing = Coalescing(tables, self._rows, self.send, new_token)

    # --- messages ----------------------------------------------------------------------------------

    def send(self, message: Message, delay_seconds: float = 0) -> None:
        """Enqueue a message as it is. One that is too long for the queue travels as a reference."""
        body = codec.dump(message)
        if len(body) > _LONGEST_MESSAGE:
            body = codec.canonical({_MESSAGE_REFERENCE: self._archive.keep_text(body)})
        self._queue.send(body, delay_seconds)

    def read_message(self, body: str) -> Message:
        """The message that ``send`` enqueued."""
        if not body.startswith(f'{{"{_MESSAGE_REFERENCE}":"'):
            return codec.load(Message, body)
        name = codec.load(dict[str, str], body)[_MESSAGE_REFERENCE]
        message = self._archive.value(Message, name)
        if message is None:
            raise StoreError(f"the text {name} of a message is gone")
        return message

    def arm(self, message: Message, now: datetime, delay_seconds: float) -> bool:
        """Ask for a reading that begins after now; one message per queue key is on its way at a time.

        True when a message was sent, False when one that is on its way took the cause along. Raises
        ``ValueError`` for a message that may not be merged: not a look, or with options of its own.
        """
        return self._coalescing.arm(_queue_place(message), message, now, delay_seconds)

    def start(self, message: Message, now: datetime) -> Cause | None:
        """Begin the reading that a look asks for: its merged cause, or None when a younger one did."""
        return self._coalescing.start(_queue_place(message), message, now)

    def finish(self, message: Message) -> None:
        """The reading has ended and all that follows from it is done."""
        self._coalescing.finish(_queue_place(message), message)

    # --- memory of targets -------------------------------------------------------------------------

    def recall(self, target: Target, now: datetime) -> TargetRecord:
        """What is known of a target; a record without etag when nothing is."""
        record = self._find(TargetRecord, _target_place(target))
        return record or TargetRecord(target=target, first_seen=now)

    def save(self, record: TargetRecord) -> TargetRecord:
        """Write what is known; raises ``EntityChanged`` when somebody else was faster."""
        return self._rows.put(_target_place(record.target), record, _target_row(record))

    def forget(self, target: Target) -> None:
        """Remove the memory of a target that is gone."""
        place = _target_place(target)
        self._tables.delete(place.table, place.partition, place.row)

    def known_targets(self, subscription: str) -> Iterator[TargetRecord]:
        """Every target remembered in a subscription."""
        for entity in self._tables.query(_TARGETS, subscription.lower(), "t-"):
            yield self._rows.record(TargetRecord, entity)

    # --- claims ------------------------------------------------------------------------------------

    def claim(
        self,
        record: TargetRecord,
        change: ChangeRecord,
        *,
        lease_until: datetime,
        scope_limit: int,
        writes: int,
        now: datetime,
    ) -> TargetRecord:
        """Reserve target and budget for a change and put it into the journal, before anything is written.

        Inverse and proof are kept as blobs first. Then one transaction takes the lease, notes the
        attempt and spends the budget, so of two claims at most one succeeds and no two overshoot.
        Last comes the journal entry; a lease whose ``active_change`` has none belongs to a claim that
        died before it could act. Raises ``EntityChanged`` when somebody else was faster or holds the
        lease, ``BudgetExhausted`` when ``scope_limit`` writes per hour are spent.
        """
        _refuse_if_leased(record, change, now)
        budget_write = self._spend(record.target.id.subscription, writes, scope_limit, now)
        self._archive.keep_text(codec.dump(change.change))
        self._archive.keep_text(codec.dump(change.proof))
        attempt = Attempt(policy=change.change.policy, fingerprint=change.fingerprint, at=now, writes=writes)
        claimed = replace(
            record,
            active_change=change.id,
            lease_until=lease_until,
            attempts=(*record.attempts, attempt),
        )
        record_write = self._rows.write_of(_target_place(record.target), claimed, _target_row(claimed))
        etag, _ = self._rows.write(_TARGETS, record_write, budget_write)
        self.put_change(change)
        return replace(claimed, etag=etag)

    def release(self, record: TargetRecord) -> TargetRecord:
        """Give the lease back."""
        return self.save(replace(record, active_change=None, lease_until=None))

    def budget_used(self, subscription: str, now: datetime) -> int:
        """Writes of the last hour in a subscription."""
        _, budget = self._budget(_budget_place(subscription), now)
        return budget.used

    def _spend(self, subscription: str, writes: int, limit: int, now: datetime) -> TableWrite:
        place = _budget_place(subscription)
        etag, budget = self._budget(place, now)
        if budget.used + writes > limit:
            raise BudgetExhausted(f"{budget.used} of {limit} writes of this hour are spent")
        spent = _Budget(spent=(*budget.spent, _Spent(at=now, writes=writes)))
        return conditional(place, self._rows.properties(spent), etag)

    def _budget(self, place: Place, now: datetime) -> tuple[str | None, _Budget]:
        entity = self._get(place)
        if entity is None:
            return None, _Budget()
        return entity.etag, self._rows.value(_Budget, entity).since(now - _BUDGET_WINDOW)

    # --- changes -----------------------------------------------------------------------------------

    def put_change(self, record: ChangeRecord) -> ChangeRecord:
        """Write a change; a new one (no etag) is entered under its id too."""
        place = _change_place(record)
        write = self._rows.write_of(place, record, _change_row(record))
        if record.etag is not None:
            (etag,) = self._rows.write(_CHANGES, write)
            return replace(record, etag=etag)
        entry = Insert(partition=_CHANGES, row=f"i-{record.id}", properties={"row": place.row})
        etag, _ = self._rows.write(_CHANGES, write, entry)
        return replace(record, etag=etag)

    def change(self, change_id: str) -> ChangeRecord | None:
        entry = self._tables.get(_CHANGES, _CHANGES, f"i-{change_id}")
        if entry is None:
            return None
        place = Place(table=_CHANGES, partition=_CHANGES, row=str(entry.properties["row"]))
        return self._find(ChangeRecord, place)

    def changes(
        self,
        limit: int = 100,
        target: Target | None = None,
        policy: str | None = None,
        outcome: Outcome | None = None,
    ) -> list[ChangeRecord]:
        """The newest changes that fit, newest first."""
        wanted = _wanted(target=target.key if target else None, policy=policy, outcome=outcome)
        entities = self._tables.query(_CHANGES, _CHANGES, "n-")
        fitting = (entity for entity in entities if _fits(entity, wanted))
        return [self._rows.record(ChangeRecord, entity) for entity in islice(fitting, limit)]

    # --- alerts ------------------------------------------------------------------------------------

    def put_alert(self, record: AlertRecord) -> AlertRecord:
        """Write an alert; raises ``EntityChanged`` when somebody else was faster."""
        return self._rows.put(_alert_place(record.id), record, _alert_row(record))

    def alert(self, alert_id: str) -> AlertRecord | None:
        return self._find(AlertRecord, _alert_place(alert_id))

    def alerts(
        self,
        status: AlertStatus | None = None,
        policy: str | None = None,
        target: Target | None = None,
        limit: int = 100,
    ) -> list[AlertRecord]:
        """The alerts that fit, last seen first."""
        wanted = _wanted(status=status, policy=policy, target=target.key if target else None)
        fitting = [entity for entity in self._tables.query(_ALERTS, _ALERTS) if _fits(entity, wanted)]
        fitting.sort(key=lambda entity: str(entity.properties["lastSeen"]), reverse=True)
        return [self._rows.record(AlertRecord, entity) for entity in fitting[:limit]]

    def unsent_alerts(self) -> list[AlertRecord]:
        """Alerts with a notification that has not been queued."""
        entities = self._tables.query(_ALERTS, _ALERTS)
        return [self._rows.record(AlertRecord, entity) for entity in entities if entity.properties["unsent"]]

    # --- runs --------------------------------------------------------------------------------------

    def put_run(self, record: RunRecord) -> RunRecord:
        """Write a run. Results have rows of their own (``add_result``): they are written with a new
        run, and not touched by an update, which may know fewer of them than have arrived."""
        stored = self._rows.put(_run_place(record.id), replace(record, results=()), {})
        if record.etag is None:
            for result in record.results:
                self.add_result(record.id, result)
        return replace(stored, results=record.results)

    def add_result(self, run_id: str, result: TargetResult) -> None:
        """Add what one target came to; a later result of the same target takes its place."""
        row = f"t-{digest(result.target.key)}"
        present = self._tables.get(_RUNS, run_id, row)
        place = Place(table=_RUNS, partition=run_id, row=row)
        etag = None if present is None else present.etag
        self._rows.write(_RUNS, conditional(place, self._rows.properties(result), etag))

    def run(self, run_id: str) -> RunRecord | None:
        """A run with the results that have arrived, in the order of their rows."""
        record: RunRecord | None = None
        results: list[TargetResult] = []
        for entity in self._tables.query(_RUNS, run_id):
            if entity.row == _RUN_ROW:
                record = self._rows.record(RunRecord, entity)
            else:
                results.append(self._rows.value(TargetResult, entity))
        return None if record is None else replace(record, results=tuple(results))

    # --- relations ---------------------------------------------------------------------------------

    def relate(self, relations: Iterable[Relation], now: datetime) -> None:
        """Remember what targets depend on; known relations stay as they are."""
        by_source: dict[str, list[Relation]] = {}
        for relation in relations:
            by_source.setdefault(relation.source.key, []).append(relation)
        for group in by_source.values():
            self._relate_source(group, now)

    def related(self, locator: Locator) -> tuple[Target, ...]:
        """The targets that were ever seen to depend on something."""
        entities = self._tables.query(_TARGETS, _partition(locator), f"r-{digest(locator.key)}-")
        return tuple(self._rows.value(Relation, entity).target for entity in entities)

    def unrelate(self, target: Target) -> None:
        """Forget what a target depended on: it is gone."""
        for entity in list(self._tables.query(_TARGETS, _partition(target), "r-")):
            if entity.row.endswith(digest(target.key)):
                self._tables.delete(_TARGETS, entity.partition, entity.row)

    def _relate_source(self, relations: list[Relation], now: datetime) -> None:
        source = relations[0].source
        partition, prefix = _partition(source), f"r-{digest(source.key)}-"
        known = {entity.row for entity in self._tables.query(_TARGETS, partition, prefix)}
        rows = {prefix + digest(relation.target.key): relation for relation in relations}
        missing = [
            Insert(
                partition=partition,
                row=row,
                properties=self._rows.properties(relation, {"since": timestamp(now)}),
            )
            for row, relation in rows.items()
            if row not in known
        ]
        for at in range(0, len(missing), _TRANSACTION):
            self._insert_absent(missing[at : at + _TRANSACTION])

    def _insert_absent(self, inserts: list[Insert]) -> None:
        """All at once; one by one when another worker has inserted some of them meanwhile."""
        try:
            self._tables.write(_TARGETS, *inserts)
        except EntityExists:
            if len(inserts) > 1:
                for insert in inserts:
                    self._insert_absent([insert])

    # --- first pass --------------------------------------------------------------------------------

    def first_pass(self, subscription: str) -> datetime | None:
        """When the first complete pass over a subscription began; None before there was one."""
        entity = self._tables.get(_TARGETS, subscription.lower(), _FIRST_PASS)
        return None if entity is None else datetime.fromisoformat(str(entity.properties["startedAt"]))

    def complete_first_pass(self, subscription: str, started_at: datetime) -> None:
        """Note the first complete pass; later calls change nothing."""
        row = {"startedAt": timestamp(started_at)}
        self._insert_absent([Insert(partition=subscription.lower(), row=_FIRST_PASS, properties=row)])

    # --- blobs -------------------------------------------------------------------------------------

    def keep(self, value: object) -> str:
        """Keep a value for good; equal values share one reference."""
        return self._archive.keep_text(codec.dump(value))

    def snapshot(self, reference: str) -> Snapshot | None:
        return self._archive.value(Snapshot, reference)

    def proof(self, reference: str) -> Proof | None:
        return self._archive.value(Proof, reference)

    def dead_letter(self, reason: str, body: str | bytes, now: datetime) -> str:
        """Put aside what cannot be processed, with the reason; returns the blob's name."""
        return self._archive.dead_letter(reason, body, now)

    def break_glass(self, subscription: str) -> bool:
        """Whether somebody forbade all writes. An error means that nobody knows, hence no writes."""
        return self._archive.break_glass(subscription)

    def set_break_glass(
        self, on: bool, subscription: str | None = None, *, by: str, reason: str, now: datetime
    ) -> None:
        """Throw the switch for one subscription, or for everything, and note who did it and why."""
        self._archive.set_break_glass(on, subscription, by=by, reason=reason, now=now)

    # --- rows --------------------------------------------------------------------------------------

    def _get(self, place: Place) -> Entity | None:
        return self._tables.get(place.table, place.partition, place.row)

    def _find(self, form: type[_Record], place: Place) -> _Record | None:
        entity = self._get(place)
        return None if entity is None else self._rows.record(form, entity)


def _partition(what: Target | Locator) -> str:
    return what.id.subscription.lower()


def _target_place(target: Target) -> Place:
    return Place(table=_TARGETS, partition=_partition(target), row=f"t-{digest(target.key)}")


def _budget_place(subscription: str) -> Place:
    scope = subscription.lower()
    return Place(table=_TARGETS, partition=scope, row=f"b-{digest(scope)}")


def _change_place(record: ChangeRecord) -> Place:
    row = f"n-{newest_first(record.created_at)}-{record.id}"
    return Place(table=_CHANGES, partition=_CHANGES, row=row)


def _alert_place(alert_id: str) -> Place:
    return Place(table=_ALERTS, partition=_ALERTS, row=alert_id)


def _run_place(run_id: str) -> Place:
    return Place(table=_RUNS, partition=run_id, row=_RUN_ROW)


def _queue_place(message: Message) -> Place:
    what = message.locator or message.target
    if what is None:
        raise ValueError("a message that is coalesced names a target or a locator")
    return Place(table=_TARGETS, partition=_partition(what), row=f"q-{digest(message.queue_key)}")


def _target_row(record: TargetRecord) -> Row:
    return {"target": record.target.key, "activeChange": record.active_change or ""}


def _change_row(record: ChangeRecord) -> Row:
    return {
        "target": record.change.target.key,
        "policy": record.change.policy,
        "outcome": str(record.outcome),
        "changeBlob": reference(codec.dump(record.change)),
        "proofBlob": reference(codec.dump(record.proof)),
    }


def _alert_row(record: AlertRecord) -> Row:
    return {
        "target": record.target.key,
        "policy": record.policy,
        "status": str(record.status),
        "lastSeen": timestamp(record.last_seen),
        "unsent": bool(record.unsent),
    }


def _wanted(**properties: str | None) -> Row:
    return {name: text for name, text in properties.items() if text is not None}


def _fits(entity: Entity, wanted: Row) -> bool:
    return all(entity.properties.get(name) == text for name, text in wanted.items())


def _refuse_if_leased(record: TargetRecord, change: ChangeRecord, now: datetime) -> None:
    held = record.active_change not in (None, change.id)
    if held and (record.lease_until is None or record.lease_until > now):
        raise EntityChanged(f"{record.target.key} is leased to change {record.active_change}")
