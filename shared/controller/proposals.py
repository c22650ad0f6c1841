"""What is proposed for an NSG or a server and not done yet: by this look, and by the alerts that are open.

Alerts of one NSG are planned together, also those of other subnets that have it: what one proposes is left
alone by the others, so that people can paste the commands of all of them in any order. Reads the store where
something is to be planned, and never writes.
"""

from __future__ import annotations

from collections.abc import Iterator

from shared.alerts.lifecycle import alert_id
from shared.controller.visit import Judgement, Visit
from shared.model import Edit, SubnetSnapshot, Target, TargetKind
from shared.model.alert_records import AlertRecord, AlertStatus
from shared.model.memory import TargetRecord


class Proposals:
    """``record`` is the memory of the visit's target before this look."""

    def __init__(self, visit: Visit, record: TargetRecord) -> None:
        self._visit = visit
        self._record = record
        self._planned: list[Edit] = []
        self._open: list[AlertRecord] | None = None

    def add(self, judgement: Judgement) -> None:
        """What was planned or suggested for one policy in this look; nobody is told of what is exempt."""
        if not judgement.is_exempt:
            self._planned += judgement.edits

    def beside(self, policy: str) -> tuple[Edit, ...]:
        """What is proposed for others than ``policy`` on the visit's target."""
        own = (policy, self._visit.target)
        stored = (alert.edits for alert in self._open_alerts() if (alert.policy, alert.target) != own)
        return (*(edit for edits in stored for edit in edits), *self._planned)

    def _open_alerts(self) -> list[AlertRecord]:
        """Read when it is first asked for; no ``cached_property``, whose lock all looks would share."""
        if self._open is None:
            store, now = self._visit.deps.store, self._visit.now
            others = (store.recall(target, now) for target in _sharing(self._visit))
            self._open = [alert for record in (self._record, *others) for alert in self._alerts_of(record)]
        return self._open

    def _alerts_of(self, record: TargetRecord) -> Iterator[AlertRecord]:
        """The open alerts about drifts that the memory names."""
        for policy, memory in record.memories.items():
            if memory.fingerprint:
                name = alert_id(policy, record.target, memory.fingerprint)
                known = self._visit.deps.store.alert(name)
                if known is not None and known.status is not AlertStatus.RESOLVED:
                    yield known


def _sharing(visit: Visit) -> Iterator[Target]:
    """The other subnets with the NSG of the visit's."""
    if isinstance(visit.snapshot, SubnetSnapshot) and visit.snapshot.security_group is not None:
        for subnet in visit.snapshot.security_group.subnets:
            if subnet != visit.target.id:
                yield Target(kind=TargetKind.SUBNET, id=subnet)
