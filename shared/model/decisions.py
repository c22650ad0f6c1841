"""What one policy finds on one target, and what is decided about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from shared.model.kinds import Action, ComplianceState, Reason, Severity
from shared.model.resource_id import ResourceId
from shared.model.targets import Target
from shared.model.values import Json, value


@value
class Finding:
    """What one policy says of one target. ``fingerprint`` is equal for the same drift, whatever its name."""

    policy: str
    target: Target
    state: ComplianceState
    severity: Severity
    reason: str
    resource_id: ResourceId
    evidence: Mapping[str, Json] = field(default_factory=dict)
    fingerprint: str = ""
    applies: bool = True
    """False for a target that the policy has nothing to say about: such a reading is no baseline."""
    undecided: tuple[str, ...] = ()
    """What of the reading is odd and could be wrong, or else right, whatever is done about the rest; of an
    Unknown finding with it, nothing is surely wrong and nothing else is unknown."""

    @property
    def nothing_surely_wrong(self) -> bool:
        """Whether it is compliant, or would be but for what is odd."""
        odd_only = self.state is ComplianceState.UNKNOWN and bool(self.undecided)
        return self.state is ComplianceState.COMPLIANT or odd_only


@value
class Decision:
    policy: str
    action: Action
    reason: Reason
    detail: str = ""
    dry_run: bool = False
    look_again_seconds: float | None = None
    """When the same question should be asked again, for example after settling."""


def reason_text(decision: Decision) -> str:
    """``settling`` or ``settling: <detail>``."""
    return f"{decision.reason}: {decision.detail}" if decision.detail else str(decision.reason)
