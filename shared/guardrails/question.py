"""What a decision is asked about: one finding, what was prepared for it, and what is known besides."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from shared.guardrails.budget import Budget, Limits
from shared.guardrails.schedule import Freeze, WhenClosed
from shared.model import (
    Action,
    Change,
    Decision,
    Effect,
    Finding,
    Proof,
    Purse,
    Reason,
    ServerSnapshot,
    ServerState,
    Snapshot,
)
from shared.model.alert_records import Approval
from shared.model.exposure import REMEMBERED, Exposure
from shared.model.memory import Attempt, Exemption, TagExemption
from shared.model.resource_id import ResourceId
from shared.model.values import value
from shared.posture.policy import AnyPolicy, Assessment


class BreakGlass(StrEnum):
    OFF = "off"
    ON = "on"
    UNREADABLE = "unreadable"


class Readiness(StrEnum):
    """Whether the target takes writes now."""

    READY = "ready"
    BUSY = "busy"
    STOPPED = "stopped"


def readiness_of(snapshot: Snapshot) -> Readiness:
    """Whether the target takes writes, and whether what it shows can be relied on."""
    if isinstance(snapshot, ServerSnapshot):
        return {
            ServerState.READY: Readiness.READY,
            ServerState.BUSY: Readiness.BUSY,
            ServerState.STOPPED: Readiness.STOPPED,
        }[snapshot.state]
    group = snapshot.security_group
    updating = snapshot.updating or (group is not None and group.updating)
    return Readiness.BUSY if updating else Readiness.READY


@value
class Context:
    """What the decision needs to know beyond the snapshot."""

    now: datetime
    dry_run: bool
    effect: Effect
    limits: Limits
    break_glass: BreakGlass = BreakGlass.OFF
    exemption: Exemption | None = None
    tag_exemption: TagExemption | None = None
    was_compliant: bool = False
    created_after_first_pass: bool = False
    outside: tuple[ResourceId, ...] = ()
    """What the change would edit outside of the scopes."""
    adopt: bool = False
    without_approval: bool = False
    """The scope opted in to reverts that need approval."""
    approval: Approval | None = None
    beyond_approval: str = ""
    """What is planned that the approval does not cover, in words."""
    freeze: Freeze | None = None
    """The change freeze that holds now."""
    closed_until: datetime | None = None
    """When the next maintenance window opens; None while reverts may be made."""
    during_freeze: WhenClosed = WhenClosed.ALERT
    outside_window: WhenClosed = WhenClosed.ALERT
    readiness: Readiness = Readiness.READY
    last_foreign_write: datetime | None = None
    """The newest write by somebody else that changed what is judged."""
    waiting_since: datetime | None = None
    """Since when the finding has been what it is; None when it is new."""
    asked_at: datetime | None = None
    """When an operator asked for this look; None when nobody did."""
    settle_seconds: float = 60.0
    exposure: Exposure | None = None
    """The clock of what was found, this look included; None for what lets nobody in."""
    attempts: tuple[Attempt, ...] = ()
    budget: Budget = Budget()
    """What was spent in the subscription."""


@value
class Question:
    """One finding with everything that was prepared for deciding about it."""

    policy: AnyPolicy
    finding: Finding
    change: Change | None
    proof: Proof | None
    assessment: Assessment
    context: Context

    @property
    def is_approved(self) -> bool:
        """Whether a person consented to reverting this very drift by this or more, and not too long ago."""
        approval = self.context.approval
        return (
            approval is not None
            and approval.fingerprint == self.finding.fingerprint
            and approval.expires_at > self.context.now
            and not self.context.beyond_approval
        )

    @property
    def waited(self) -> timedelta:
        """How long the finding has been what it is."""
        since = self.context.waiting_since
        return self.context.now - since if since is not None else timedelta(0)

    @property
    def purse(self) -> Purse:
        """What the change would be spent from."""
        return Purse.ORDINARY if self.context.exposure is None else Purse.EXPOSURE

    def answered(
        self, action: Action, reason: Reason, detail: str = "", again: float | None = None
    ) -> Decision:
        """The decision about this question; ``again`` is in how many seconds it should be asked again."""
        return Decision(
            policy=self.policy.id,
            action=action,
            reason=reason,
            detail=detail,
            dry_run=self.context.dry_run,
            look_again_seconds=again,
        )

    @property
    def attempts_of_a_day(self) -> list[Attempt]:
        """Reverts of anything on the target in the last day."""
        since = self.context.now - REMEMBERED
        return [attempt for attempt in self.context.attempts if attempt.at > since]

    @property
    def attempts_at_this_drift(self) -> list[Attempt]:
        """Reverts of this very drift within the flapping window."""
        since = self.context.now - self.context.limits.flapping_window
        drift = (self.policy.id, self.finding.fingerprint)
        return [a for a in self.context.attempts if (a.policy, a.fingerprint) == drift and a.at > since]
