"""A visit: one target that was read, with everything that the steps after the reading need.

A look is what somebody asks for; it becomes a visit when the target could be read. Values only: a
``Visit``, and the ``Judgement`` of one policy on it; the steps are in the modules beside this one.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from shared.controller.deps import Deps
from shared.controller.exempted_scopes import ExemptedScopes
from shared.controller.switch import Switch
from shared.model import (
    Action,
    Cause,
    Change,
    ComplianceState,
    Decision,
    DeleteFirewallRule,
    Edit,
    Finding,
    Proof,
    Purse,
    PutFirewallRule,
    Reason,
    SetPublicAccess,
    Snapshot,
    Target,
)
from shared.model.exposure import Exposure
from shared.model.memory import TargetRecord
from shared.model.messages import RunOptions
from shared.model.values import value
from shared.posture.policy import AnyPolicy
from shared.state.baseline import Baseline

BUSY: Final = "another operation is running: look again"
"""Why a finding is Unknown that would be compliant, were the target not busy."""

MOMENTS: Final = frozenset({Reason.TARGET_BUSY, Reason.SETTLING})
"""What is over in a moment. A freeze, a window or a tag's time may take days."""


@value
class Visit:
    target: Target
    cause: Cause
    deps: Deps
    options: RunOptions
    snapshot: Snapshot
    policies: tuple[AnyPolicy, ...]
    """Every enabled policy that applies to the snapshot, parameters bound."""
    now: datetime
    switch: Switch
    """Whether writes are switched off, for all that this visit decides."""
    exempted: ExemptedScopes
    """What people have exempted, for all that this visit decides."""
    known: TargetRecord | None = None
    """What is saved of the target, as it was read before this visit."""


@value
class Judgement:
    """What one policy found and what was decided; ``decision`` is None for a compliant finding."""

    policy: AnyPolicy
    finding: Finding
    change: Change | None
    proof: Proof | None
    decision: Decision | None
    edits: tuple[Edit, ...] = ()
    """Those of the change; without one, what the policy suggests to people."""
    baseline: Baseline = Baseline()
    """The last compliant reading; looked up only for what is not compliant."""
    restored_from: datetime | None = None
    """The time of the reading whose rules the change puts back; None where it puts none back."""
    was_sure: bool = False
    """Of what is unknown: whether it is so by what somebody wrote since the last compliant reading."""
    exposure: Exposure = Exposure()
    """The clock after this look."""
    purse: Purse = Purse.ORDINARY
    """What the change is spent from."""

    @property
    def will_write(self) -> bool:
        return self._reverts and self.decision is not None and not self.decision.dry_run

    @property
    def would_write(self) -> bool:
        """Whether enforce would write what audit only reports."""
        return self._reverts and self.decision is not None and self.decision.dry_run

    @property
    def is_exempt(self) -> bool:
        return self.decision is not None and self.decision.reason is Reason.EXEMPT

    @property
    def waits_to_write(self) -> bool:
        """Whether the change is right and its time comes in a moment; what waits longer holds up nothing."""
        waits = self.decision is not None and self.decision.reason in MOMENTS
        return waits and self.change is not None

    def shuts_out(self, other: Judgement) -> bool:
        """Whether its change would make the other's impossible: public access closed over a firewall rule
        leaves the rule dormant, and then nobody can delete it."""
        edits, waiting = (one.change.edits if one.change else () for one in (self, other))
        closes = any(isinstance(edit, SetPublicAccess) for edit in edits)
        return closes and any(isinstance(edit, PutFirewallRule | DeleteFirewallRule) for edit in waiting)

    @property
    def awaits_target(self) -> bool:
        """Whether nothing is found because the target is busy, and for no other reason."""
        busy = self.decision is not None and self.decision.reason is Reason.TARGET_BUSY
        return busy and self.finding.state is ComplianceState.UNKNOWN and self.finding.reason == BUSY

    @property
    def _reverts(self) -> bool:
        return self.decision is not None and self.decision.action is Action.REVERT
