"""What the sweep does about what is old: the next bit of the retention's work, by ``policies.yaml``."""

from __future__ import annotations

from datetime import timedelta

from shared.controller.deps import Deps
from shared.model.retention import Terms


def retire_what_is_old(deps: Deps) -> None:
    """Let go of some of what is over for longer than ``retentionDays``; of nothing where that is 0."""
    days = deps.configuration.file.retention_days
    if not days:
        return
    stage, count = deps.store.retention.step(Terms(now=deps.clock.now(), kept=timedelta(days=days)))
    if count:
        deps.log({"message": "retired", "what": str(stage), "count": count})
