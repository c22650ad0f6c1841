"""What is kept of a run, as one JSON document: enough to judge it again without running it.

``counters`` reads nothing else. Times are seconds since the epoch.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from local.chaos.landscape import Place, PlaceKind
from local.simulator.values import JsonObject
from shared.model.values import value


@value
class Recording:
    """One run."""

    seed: int
    scope: str
    began: float
    seconds: float
    cpu_seconds: float
    """Processor time of everything that ran."""
    last_deed: float
    """When the last operator's write was answered."""
    places: tuple[Place, ...]
    deeds: tuple[JsonObject, ...]
    """The operators' writes: `target`, `method`, `path`, `by`, `at`, `status`."""
    calls: tuple[JsonObject, ...]
    """Every write, deletion and action that reached ARM, by anybody, as the simulator's log has it."""
    raised: tuple[JsonObject, ...]
    """Every event that Azure raised, once."""
    grid: JsonObject
    """Of the deliveries of these: `delivered`, `refused`, `waiting`."""
    faults: tuple[JsonObject, ...]
    """What was injected, each with its `hits`."""
    happened: tuple[JsonObject, ...]
    """Outages and kills: `what`, `at`."""
    early: JsonObject
    """Before the last sweep: `resources`, `alerts`."""
    resources: tuple[JsonObject, ...]
    """Everything that Azure holds at the end."""
    alerts: tuple[JsonObject, ...]
    changes: tuple[JsonObject, ...]
    exemptions: tuple[JsonObject, ...]
    kept: JsonObject
    """What the storage holds at the end: `targets`, `coalesced`, `messages`, `visible`."""
    deliveries: tuple[JsonObject, ...]
    """What the sink took: `at`, `event`."""
    journal: JsonObject
    """What `driftward verify-journal` said: `exit`, `said`."""
    policies: tuple[JsonObject, ...]
    """The catalogue, as `driftward policies --json` has it."""

    @property
    def kills(self) -> list[float]:
        """When a host was killed."""
        return [float(str(one["at"])) for one in self.happened if one["what"] == "kill"]


def write(recording: Recording, path: Path) -> None:
    path.write_text(json.dumps(asdict(recording)), encoding="utf-8")


def read(path: Path) -> Recording:
    document = json.loads(path.read_text(encoding="utf-8"))
    standing = document.pop("places")
    lists: dict[str, Any] = {
        name: tuple(part) if isinstance(part, list) else part for name, part in document.items()
    }
    places = tuple(Place(**{**one, "kind": PlaceKind(one["kind"])}) for one in standing)
    return Recording(**lists, places=places)
