"""What the tests of the store stand on: tables, blobs and a queue, in memory or on the emulator."""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TypeVar

import pytest

from shared.guardrails.budget import Limits, Purchase
from shared.model import Purse
from shared.model.interfaces import Blobs, Tables
from shared.model.memory import TargetRecord
from shared.state.store import Store
from tests.adapters.storage.examples import NOW, change
from tests.adapters.storage.storage import QueueProbe

_T = TypeVar("_T")


HOUR = timedelta(hours=1)


LATER = NOW + timedelta(minutes=10)


EVERYWHERE = pytest.mark.parametrize(
    "backend", ["memory", pytest.param("azurite", marks=pytest.mark.azurite)], indirect=True
)


@dataclass
class Bench:
    """A store, and what it stands on."""

    tables: Tables
    blobs: Blobs
    probe: QueueProbe

    @property
    def store(self) -> Store:
        return Store(self.tables, self.blobs, self.probe.queue)

    def store_over(self, tables: Tables) -> Store:
        return Store(tables, self.blobs, self.probe.queue)


def claim(
    store: Store, record: TargetRecord, change_id: str = "change-1", limit: int = 10, writes: int = 1
) -> TargetRecord:
    return store.claim(
        record,
        change(change_id, record.target),
        lease_until=LATER,
        purchase=Purchase(target=record.target, writes=writes, purse=Purse.ORDINARY),
        limits=Limits(writes_per_group=limit, writes_per_subscription=limit),
        now=NOW,
    )


def released(store: Store, record: TargetRecord) -> TargetRecord:
    return store.save(replace(record, change=None, active_change=None, lease_until=None))
