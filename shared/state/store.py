"""The store: everything Driftward remembers, over tables, blobs and one queue.

One class, because callers ask one thing and a claim spans several; its parts have modules of their own in
this package, and ``table_layout`` says where everything lies. Records carry the etag with which they were
read; writing one that has changed since raises ``EntityChanged``, and the caller reads again. Nothing here
decides, nothing here waits.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import datetime
from uuid import uuid4

from shared.guardrails.budget import Budget, Limits, Purchase
from shared.model import Locator, Outcome, Proof, Snapshot, Target, codec
from shared.model.alert_records import AlertRecord, AlertStatus
from shared.model.change_records import ChangeRecord
from shared.model.interfaces import Blobs, Queue, Relation, Tables
from shared.model.letters import Letter
from shared.model.memory import TargetRecord
from shared.model.messages import Message
from shared.model.resource_id import ResourceId
from shared.model.results import RunRecord, TargetResult
from shared.state.alert_rows import Alerts
from shared.state.blob_archive import Archive, reference
from shared.state.change_rows import Changes
from shared.state.claims import Claims
from shared.state.coalescing import Coalesced, Coalescing, Started
from shared.state.exempt_rows import ExemptTargets
from shared.state.exemption_rows import ScopeExemptions
from shared.state.first_passes import FirstPasses
from shared.state.heard_rows import Heard
from shared.state.incident_rows import IncidentRows
from shared.state.journal import Journal
from shared.state.journal_copy import JournalCopy
from shared.state.journal_evidence import EvidenceReader
from shared.state.ledger import Ledger
from shared.state.letters import Letters
from shared.state.listings import Page, Wanted
from shared.state.names import Names
from shared.state.outbox import Outbox
from shared.state.page_key import PageKey
from shared.state.pass_rows import PassRows
from shared.state.probe import probe
from shared.state.relation_rows import Relations
from shared.state.retention import Retention
from shared.state.run_rows import Runs
from shared.state.table_layout import TARGET_PREFIX, TARGETS, queue_place, target_place
from shared.state.table_rows import Rows
from shared.state.target_rows import TargetRows
from shared.state.unknown_rows import UnknownTargets
from shared.state.upkeep import Upkeep


class Store:
    """State of the whole app. Every method may raise ``StoreError``; see the module for the layout.

    ``notices`` is the queue of what sinks are told; without it that goes with everything else. ``new_token``
    gives the tokens of messages: unique for ever, without meaning.
    """

    def __init__(
        self,
        tables: Tables,
        blobs: Blobs,
        queue: Queue,
        new_token: Callable[[], str] = lambda: uuid4().hex,
        notices: Queue | None = None,
    ) -> None:
        self._tables = tables
        self._archive = Archive(blobs)
        self.break_glass_switches = self._archive.break_glass_switches
        self.set_break_glass = self._archive.set_break_glass
        self.remove_ended_switches = self._archive.remove_ended_switches
        self._outbox = Outbox(queue, notices or queue, self._archive)
        self._rows = Rows(tables, self._archive)
        self.evidence = EvidenceReader(tables, self._rows, self._archive)
        self.copy = JournalCopy(tables, self._rows, blobs)
        self.journal = Journal(tables, self._rows, self._archive)
        self.exemptions = ScopeExemptions(tables, self._rows, self.journal)
        self._relations = Relations(tables, self._rows)
        self._targets = TargetRows(self._rows, self.journal, self._relations)
        self._claims = Claims(Ledger(tables, self._rows), self._archive, self._targets)
        self._changes = Changes(tables, self._rows)
        self._alerts = Alerts(tables, self._rows)
        self.letters = Letters(tables, self._rows)
        self.incidents = IncidentRows(tables, self._rows, self._alerts, self.letters)
        self._runs = Runs(tables, self._rows)
        self.names = Names(tables, self._rows)
        self.first_passes = FirstPasses(tables, self._rows)
        self.retention = Retention(tables, self._rows, self._archive)
        self.upkeep = Upkeep(self._relations, self._alerts, self._changes)
        self.new_token = new_token
        self.page_key = PageKey(tables, new_token)
        self.unknown = UnknownTargets(tables, self._rows)
        self.passes = PassRows(tables, self._rows)
        self.exempt = ExemptTargets(tables, self._rows)
        self.heard = Heard(self._rows)
        self._coalescing = Coalescing(tables, self._rows, self.send, new_token, self.heard)

    # --- messages ----------------------------------------------------------------------------------

    def probe(self, row: str) -> None:
        """Write, read and delete a row of no meaning."""
        probe(self._tables, row)

    def send(self, message: Message, delay_seconds: float = 0) -> None:
        """Enqueue a message as it is."""
        self._outbox.send(message, delay_seconds)

    def read_message(self, body: str) -> Message:
        """The message that ``send`` enqueued; raises ``StoreError`` where it is none that we know."""
        return codec.load(Message, self.message_text(body))

    def message_text(self, body: str) -> str:
        """The text that ``send`` enqueued or put aside; see ``Outbox.text``."""
        return self._outbox.text(body)

    def arm(self, message: Message, now: datetime, delay_seconds: float) -> bool:
        """Ask for a reading that begins after now; one message per queue key is on its way at a time.

        True when a message was sent, False when one that is on its way took the cause along. Raises
        ``ValueError`` for a message that may not be merged: not a look, or with options of its own."""
        return self._coalescing.arm(queue_place(message), message, now, delay_seconds)

    def coalesced(self, target: Target) -> Coalesced:
        """What has arrived about a target, whether or not its record tells of it yet, and how many readings
        have begun."""
        return self._coalescing.state_of(target)

    def start(self, message: Message, now: datetime) -> Started | None:
        """Begin the reading that a look asks for, with its merged cause; None when a younger one did."""
        return self._coalescing.start(queue_place(message), message, now)

    def finish(self, message: Message, began: Started) -> None:
        """The reading has ended and all that follows from it is done."""
        self._coalescing.finish(queue_place(message), message, began)

    # --- memory of targets -------------------------------------------------------------------------

    def recall(self, target: Target, now: datetime) -> TargetRecord:
        """What is known of a target; a record without etag when nothing is."""
        record = self._rows.find(TargetRecord, target_place(target))
        return record or TargetRecord(target=target, first_seen=now)

    def save(self, record: TargetRecord) -> TargetRecord:
        """Write what is known and what happened; raises ``EntityChanged`` when somebody else was faster."""
        return self._targets.put(record)

    def forget(self, target: Target, etag: str | None = None) -> None:
        """Remove the memory of a target that is gone; raises ``EntityChanged`` where it has another etag."""
        place = target_place(target)
        self._tables.delete(place.table, place.partition, place.row, etag)

    def known_targets(self, subscription: str) -> Iterator[TargetRecord]:
        """Every target remembered in a subscription."""
        for entity in self._tables.query(TARGETS, subscription.lower(), TARGET_PREFIX):
            yield self._rows.record(TargetRecord, entity)

    # --- claims ------------------------------------------------------------------------------------

    def claim(
        self,
        record: TargetRecord,
        change: ChangeRecord,
        *,
        lease_until: datetime,
        purchase: Purchase,
        limits: Limits,
        now: datetime,
    ) -> TargetRecord:
        """Reserve target and budget for a change, which the record holds then; see ``Claims.claim``. Raises
        ``EntityChanged`` when somebody else was faster or holds the target, ``BudgetExhausted``."""
        claimed = self._claims.claim(
            record, change, lease_until=lease_until, purchase=purchase, limits=limits, now=now
        )
        self.project(change)
        return claimed

    def give_back(self, record: TargetRecord, change: ChangeRecord, now: datetime) -> TargetRecord:
        """Save the record and return what the change's claim has spent: Azure took none of its writes."""
        return self._claims.give_back(record, change, now)

    def budget(self, subscription: str, now: datetime) -> Budget:
        """What was spent in a subscription in the last hour."""
        return self._claims.ledger.spent(subscription, now)

    # --- changes -----------------------------------------------------------------------------------

    def put_change(self, record: ChangeRecord) -> ChangeRecord:
        """Write a change; a new one (no etag) is entered under its id too."""
        return self._changes.put(record)

    def project(self, record: ChangeRecord) -> None:
        """Copy a change from its target's row, unless what is there is as new."""
        self._changes.project(record)

    def change(self, change_id: str) -> ChangeRecord | None:
        return self._changes.find(change_id)

    def changes(
        self,
        limit: int = 100,
        target: Target | None = None,
        policy: str | None = None,
        outcome: Outcome | None = None,
    ) -> list[ChangeRecord]:
        """The newest changes that fit, newest first."""
        return self._changes.newest(limit, target, policy, outcome)

    def change_page(self, wanted: Wanted, limit: int, after: str = "") -> Page[ChangeRecord]:
        """The changes that are wanted behind a place in their listing, newest first."""
        return self._changes.page(wanted, limit, after)

    # --- alerts ------------------------------------------------------------------------------------

    def put_alert(self, record: AlertRecord, letters: Iterable[Letter] = ()) -> AlertRecord:
        """Write an alert and the letters that tell of it; raises ``EntityChanged`` after somebody else."""
        return self._alerts.put(record, self.letters.writes(letters))

    def alert(self, alert_id: str) -> AlertRecord | None:
        return self._alerts.find(alert_id)

    def alerts(
        self,
        status: AlertStatus | None = None,
        policy: str | None = None,
        target: Target | None = None,
        limit: int | None = 100,
    ) -> list[AlertRecord]:
        """The alerts that fit, last seen first; all of them without a limit."""
        return self._alerts.last_seen(limit, status, policy, target)

    def alert_page(self, wanted: Wanted, limit: int, after: str = "") -> Page[AlertRecord]:
        """The alerts that are wanted behind a place in their listing, last seen first."""
        return self._alerts.page(wanted, limit, after)

    def alert_count(self, wanted: Wanted) -> int:
        """How many alerts are wanted, up to a hundred; no record is read."""
        return self._alerts.count(wanted)

    # --- runs --------------------------------------------------------------------------------------

    def put_run(self, record: RunRecord) -> RunRecord:
        """Write a run; see ``Runs.put`` for its results."""
        return self._runs.put(record)

    def add_result(self, run_id: str, result: TargetResult) -> None:
        """Add what one target came to; a later result of the same target takes its place."""
        self._runs.add_result(run_id, result)

    def run(self, run_id: str) -> RunRecord | None:
        """A run with the results that have arrived, in the order of their rows."""
        return self._runs.find(run_id)

    # --- relations ---------------------------------------------------------------------------------

    def relate(self, relations: Iterable[Relation], now: datetime) -> None:
        """Remember what targets depend on; known relations stay as they are."""
        self._relations.relate(relations, now)

    def related(self, locator: Locator) -> tuple[Target, ...]:
        """The targets that were ever seen to depend on something."""
        return self._relations.related(locator)

    def known_in(self, group: ResourceId) -> tuple[Target, ...]:
        """The targets that are known in a resource group, or were ever seen to depend on something in it."""
        return self._relations.known_in(group)

    def unrelate(self, target: Target) -> None:
        """Forget what a target depended on: it is gone."""
        self._relations.unrelate(target)

    # --- blobs -------------------------------------------------------------------------------------

    def keep(self, value: object, kept: Collection[str | None] = ()) -> str:
        """Keep a value and return its reference, which equal values share. One that is among ``kept`` was
        written lately, and is not written again."""
        text = codec.dump(value)
        name = reference(text)
        return name if name in kept else self._archive.keep_text(text)

    def snapshot(self, reference: str) -> Snapshot | None:
        return self._archive.value(Snapshot, reference)

    def proof(self, reference: str) -> Proof | None:
        return self._archive.value(Proof, reference)

    def dead_letter(self, reason: str, body: str | bytes, now: datetime) -> str:
        """Put aside what cannot be processed, with the reason; returns the blob's name."""
        return self._archive.dead_letter(reason, body, now)

    def break_glass(
        self, subscription: str, scopes: Collection[ResourceId], now: datetime | None = None
    ) -> bool:
        """Whether somebody forbade all writes. An error means that nobody knows, hence no writes."""
        return self._archive.break_glass(subscription, scopes, now)
