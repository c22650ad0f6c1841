"""Approvals that ended unused: no alert shows one that does not count any more, and machines hear of that."""

from __future__ import annotations

from contextlib import suppress

from shared.alerts.approving import without_ended
from shared.controller.deps import Deps
from shared.controller.for_machines import write_for_machines
from shared.model import Cause, CauseKind
from shared.model.alert_records import AlertRecord, NotificationType
from shared.model.errors import EntityChanged


def end_approval(alert: AlertRecord, deps: Deps) -> AlertRecord:
    """The alert as it is, without an approval that has ended."""
    now = deps.clock.now()
    ended = without_ended(alert, now)
    if ended is not None:
        cause = Cause(kind=CauseKind.SWEEP, time=now)
        with suppress(EntityChanged):  # whoever was faster has seen it anew
            return write_for_machines(ended, NotificationType.ALERT_UPDATED, cause, deps)
    return alert
