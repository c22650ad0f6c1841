"""Where everything lies: tables, partitions, rows, and the plain properties that listings select by.

::

    targets  partition = subscription   t-… memory of a target       q-… coalescing of a queue key
                                        u-… a target of which nothing can be read
                                        v-… a target whose memory holds an exemption
                                        b-… part of a budget         r-…-… relation
                                        s-…-… where a target's relations lie
                                        g-…-… target known in a resource group
                                        p-first-pass  p-sweep  p-heard
                                        f-…-… partition with relations of a target, in an old store
                                        j-…-<number> link of a chain h-… the chain's newest link
                                        w-… what a list showed of a target or a locator
                                        i-<minute>-… a target in which something drifted then
             partition "journal"        the same for chains that belong to no target
                                        p-filled-… how far an index has been filled
                                        switches                     anchor
                                        retention                    page-key
                                        e-<id> exemption of a scope
             partition "names"          <hash> whose host name it is
    changes  partition "changes"        n-<newest first>-<id> record  i-<id> where it is
    alerts   partition "alerts"         <id>                          o-…-…-<number> letter to a sink
                                                                      d-…-… mark of one that it has
                                                                      m-…-<id> what an incident tells of
    runs     partition = run id         run                           t-… result of a target
    marks    partition "marks"          <reference> whether a row named the text in a pass of the retention

A target, its budget, its lease and its chain share a partition because a claim changes them in one
transaction. Links are inserted and never written again.
Hashes stand for ids in keys: an id may be longer than a key, and holds forbidden characters. Only
``shared.state.store`` and its parts know this module.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from shared.guardrails.attention import look_at
from shared.model import Locator, Target, codec
from shared.model.alert_records import AlertRecord
from shared.model.change_records import ChangeRecord
from shared.model.interfaces import Row
from shared.model.letters import Letter
from shared.model.memory import TargetRecord
from shared.model.messages import Message
from shared.model.resource_id import ResourceId
from shared.model.values import whole_number
from shared.state.blob_archive import reference
from shared.state.table_rows import Place, digest, newest_first, timestamp

TARGETS: Final = "targets"
NAMES: Final = "names"
"""A partition of the targets."""
CHANGES: Final = "changes"
ALERTS: Final = "alerts"
RUNS: Final = "runs"
MARKS: Final = "marks"
TABLES: Final = (ALERTS, CHANGES, MARKS, RUNS, TARGETS)

RUN_ROW: Final = "run"
TARGET_PREFIX: Final = "t-"
QUEUE_PREFIX: Final = "q-"
UNKNOWN_PREFIX: Final = "u-"
CHANGE_PREFIX: Final = "n-"
LINK_PREFIX: Final = "j-"
HEAD_PREFIX: Final = "h-"
JOURNAL: Final = "journal"
"""The partition of chains that belong to no target."""
RELATION_PREFIX: Final = "r-"
SOURCE_PREFIX: Final = "s-"
ELSEWHERE_PREFIX: Final = "f-"
"""Written by older versions alone."""
LETTER_PREFIX: Final = "o-"
MARK_PREFIX: Final = "d-"
INDEX_PREFIX: Final = "x-"
"""What the rows of lists begin with."""
LISTED_PREFIX: Final = "w-"
DRIFT_PREFIX: Final = "i-"
HELD_PREFIX: Final = "m-"


def partition_of(what: Target | Locator) -> str:
    return what.id.subscription.lower()


def target_place(target: Target) -> Place:
    row = f"{TARGET_PREFIX}{digest(target.key)}"
    return Place(table=TARGETS, partition=partition_of(target), row=row)


def unknown_place(target: Target) -> Place:
    """The row that lists a target of which nothing can be read."""
    return Place(table=TARGETS, partition=partition_of(target), row=f"{UNKNOWN_PREFIX}{digest(target.key)}")


def name_place(host_name: str) -> Place:
    """Where it lies whose host name it is, whichever subscription that is in."""
    return Place(table=TARGETS, partition=NAMES, row=digest(host_name.lower()))


def queue_place(message: Message) -> Place:
    """Where a message is coalesced; raises ``ValueError`` for one that names nothing."""
    what = message.locator or message.target
    if what is None:
        raise ValueError("a message that is coalesced names a target or a locator")
    return queue_place_of(what)


def queue_place_of(what: Target | Locator) -> Place:
    """Where the messages about a target or a locator are coalesced."""
    return Place(table=TARGETS, partition=partition_of(what), row=f"{QUEUE_PREFIX}{digest(what.key)}")


def budget_places(subscription: str, parts: int) -> tuple[Place, ...]:
    """The rows of a subscription's ledger; what all begin with is the first one's key."""
    scope = subscription.lower()
    first = f"b-{digest(scope)}"
    rows = (first, *(f"{first}-{number}" for number in range(1, parts)))
    return tuple(Place(table=TARGETS, partition=scope, row=row) for row in rows)


def first_pass_place(subscription: str) -> Place:
    return Place(table=TARGETS, partition=subscription.lower(), row="p-first-pass")


def pass_place(subscription: str) -> Place:
    return Place(table=TARGETS, partition=subscription.lower(), row="p-sweep")


def listed_row(key: str) -> str:
    """The row of what a list showed of a target or a locator, in the partition of its subscription."""
    return f"{LISTED_PREFIX}{digest(key)}"


def drifts_from(time: datetime) -> str:
    """What sorts before all that drifted in the minute of a time, or later."""
    return f"{DRIFT_PREFIX}{time.astimezone(UTC):%Y%m%d%H%M}"


def drift_place(target: Target, time: datetime) -> Place:
    row = f"{drifts_from(time)}-{digest(target.key)}"
    return Place(table=TARGETS, partition=partition_of(target), row=row)


def relation_prefix(source: Locator) -> str:
    """What the rows of a source's relations begin with; the hash of the target follows."""
    return f"{RELATION_PREFIX}{digest(source.key)}-"


def elsewhere_prefix(target: Target) -> str:
    """What rows of before begin with, in the target's partition, that name others with its relations."""
    return f"{ELSEWHERE_PREFIX}{digest(target.key)}-"


def source_prefix(target: Target) -> str:
    """What the rows begin with, beside a target, that say where its relations lie."""
    return f"{SOURCE_PREFIX}{digest(target.key)}-"


def group_prefix(group: ResourceId) -> str:
    """What the rows of the targets begin with that are known in a resource group, or depend on something
    in it."""
    return f"g-{digest(f'{group.subscription}/{group.resource_group}'.lower())}-"


def group_row(named: ResourceId, target: Target) -> str:
    """The row of a target in the group of ``named``."""
    return group_prefix(named) + digest(target.key)


def filling_row(index: str, part: str) -> str:
    return f"p-filled-{index}-{digest(part)}"


def links_of(chain: str) -> str:
    """What the rows of a chain's links begin with; their number follows."""
    return f"{LINK_PREFIX}{digest(chain)}-"


def link_place(partition: str, chain: str, sequence: int) -> Place:
    return Place(table=TARGETS, partition=partition, row=f"{links_of(chain)}{sequence:020d}")


def link_number(row: str) -> int:
    """The number in the key of a link; -1 where none stands there."""
    number = whole_number(row.rpartition("-")[2])
    return -1 if number is None else number


def head_place(partition: str, chain: str) -> Place:
    return Place(table=TARGETS, partition=partition, row=f"{HEAD_PREFIX}{digest(chain)}")


def switches_place() -> Place:
    return Place(table=TARGETS, partition=JOURNAL, row="switches")


def anchor_place() -> Place:
    return Place(table=TARGETS, partition=JOURNAL, row="anchor")


def retention_place() -> Place:
    return Place(table=TARGETS, partition=JOURNAL, row="retention")


def change_place(record: ChangeRecord) -> Place:
    row = f"{CHANGE_PREFIX}{newest_first(record.created_at)}-{record.id}"
    return Place(table=CHANGES, partition=CHANGES, row=row)


def change_entry(change_id: str) -> Place:
    """The row that says under which key a change lies."""
    return Place(table=CHANGES, partition=CHANGES, row=f"i-{change_id}")


def alert_place(alert_id: str) -> Place:
    return Place(table=ALERTS, partition=ALERTS, row=alert_id)


def letter_place(letter: Letter) -> Place:
    row = f"{letters_about(letter.sink, letter.about)}{letter.number:010d}"
    return Place(table=ALERTS, partition=ALERTS, row=row)


def letters_for(sink: str | None) -> str:
    """What the rows of the letters to a sink begin with, or of those to all."""
    return LETTER_PREFIX if sink is None else f"{LETTER_PREFIX}{digest(sink)}-"


def letters_about(sink: str, about: str) -> str:
    """What the rows of the letters to a sink about one thing begin with; their number follows."""
    return f"{letters_for(sink)}{digest(about)}-"


def behind_letters(sink: str, about: str) -> str:
    """What sorts behind every letter to a sink about one thing, and before those about the next."""
    return f"{letters_about(sink, about)}:"


def mark_place(letter: Letter) -> Place:
    row = f"{MARK_PREFIX}{digest(letter.sink)}-{digest(letter.about)}"
    return Place(table=ALERTS, partition=ALERTS, row=row)


def held_prefix(subscription: str) -> str:
    """What the rows of what is held in a subscription begin with; ids of alerts and changes follow."""
    return f"{HELD_PREFIX}{digest(subscription.lower())}-"


def is_alert(row: str) -> bool:
    """Whether it is the key of an alert."""
    return not row.startswith((LETTER_PREFIX, MARK_PREFIX, INDEX_PREFIX, HELD_PREFIX))


def run_place(run_id: str) -> Place:
    return Place(table=RUNS, partition=run_id, row=RUN_ROW)


def result_place(run_id: str, target: Target) -> Place:
    return Place(table=RUNS, partition=run_id, row=f"{TARGET_PREFIX}{digest(target.key)}")


def target_row(record: TargetRecord) -> Row:
    due = look_at(record)
    return {
        "target": record.target.key,
        "activeChange": record.active_change or "",
        "lookAt": timestamp(due) if due is not None else "",
    }


def change_row(record: ChangeRecord) -> Row:
    return {
        "target": record.change.target.key,
        "policy": record.change.policy,
        "outcome": str(record.outcome),
        "changeBlob": reference(codec.dump(record.change)),
        "proofBlob": reference(codec.dump(record.proof)),
    }


def alert_row(record: AlertRecord) -> Row:
    return {
        "target": record.target.key,
        "policy": record.policy,
        "status": str(record.status),
        "severity": str(record.severity),
        "lastSeen": timestamp(record.last_seen),
    }
