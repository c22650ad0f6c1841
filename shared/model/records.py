"""What is remembered between runs: the journal, the alerts, the changes, the runs, the messages.

These are values; how they are stored is ``shared.state.store``'s business (tables hold keys, hashes and
states; snapshots, proofs and inverses are blobs addressed by their hash). Times are UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from enum import StrEnum

from shared.model import (
    Actor,
    ArmCall,
    Cause,
    Change,
    ComplianceState,
    Decision,
    EnforcementMode,
    Finding,
    Json,
    Locator,
    Operation,
    Outcome,
    Proof,
    Severity,
    Target,
)
from shared.model.resource_id import ResourceId
from shared.model.values import value

# --- messages --------------------------------------------------------------------------------------


class MessageKind(StrEnum):
    """What a message on the queue ``reconcile`` asks for.

    ``look``: coalesced, carries a token. ``recheck``: the same question again, later. ``check``: a
    change in progress. ``scope``: enumerate and fan out. ``notify``: deliver to one sink.
    """

    LOOK = "look"
    RECHECK = "recheck"
    CHECK = "check"
    SCOPE = "scope"
    NOTIFY = "notify"


@value
class RunOptions:
    """What an operator asked for; events and the sweep use the defaults."""

    run_id: str | None = None
    enforcement: EnforcementMode | None = None
    """The stricter of this and the global mode wins; None means the global mode."""
    policies: tuple[str, ...] | None = None
    """Only these policies; None means all."""
    adopt: bool = False


@value
class Message:
    """One message of the queue: a target or a locator, and why. ``attempt`` counts our own re-enqueues."""

    kind: MessageKind
    cause: Cause
    target: Target | None = None
    locator: Locator | None = None
    token: str | None = None
    change_id: str | None = None
    notification: Notification | None = None
    sink: str | None = None
    options: RunOptions = field(default_factory=RunOptions)
    attempt: int = 0

    @property
    def queue_key(self) -> str:
        """What messages are coalesced by."""
        if self.locator is not None:
            return self.locator.key
        return self.target.key if self.target is not None else ""


# --- memory of a target ----------------------------------------------------------------------------


@value
class Attempt:
    """One revert that was begun: for flapping and for the budget of the resource."""

    policy: str
    fingerprint: str
    at: datetime
    writes: int = 1
    outcome: Outcome | None = None
    """``Ineffective``: accepted, and the drift was still there. ``Failed``: refused for good."""


@value
class PolicyMemory:
    """What is known of one policy on one target since we have known the target."""

    state: ComplianceState
    since: datetime
    last_compliant_at: datetime | None = None
    baseline: str | None = None
    """Blob reference of the last compliant reading."""
    baseline_is_newest: bool = False
    """Whether the target was not read since the baseline was."""
    unknown_runs: int = 0
    unknown_since: datetime | None = None
    fingerprint: str = ""
    tag_exempt_since: datetime | None = None
    """When a tag first lowered a revert of this policy to an alert; kept until the policy has been compliant
    for as long as a tag may exempt."""


@value
class Exemption:
    """A stated reason not to act on a policy for a while; the expiry is required."""

    policy: str
    reason: str
    approver: str
    expires_at: datetime
    change_id: str | None = None
    """The rollback that the exemption came with; it goes when that fails."""


@value
class ExemptTag:
    """The text of the tag that exempts, as it was last seen on a server. It is not forgotten when the tag
    goes: the same text put back is nothing new."""

    text: str
    first_seen: datetime
    actor: Actor | None = None
    """Who wrote to the server before it was first seen; None where no event told."""


@value
class TagExemption:
    """A tag that lowers a revert to an alert, for a while."""

    tag: str
    seen: ExemptTag
    until: datetime


@value
class TargetRecord:
    """The journal's entry for one target. ``etag`` is the store's, None for a target not yet known."""

    target: Target
    first_seen: datetime
    memories: Mapping[str, PolicyMemory] = field(default_factory=dict)
    attempts: tuple[Attempt, ...] = ()
    exemptions: tuple[Exemption, ...] = ()
    exempt_tag: ExemptTag | None = None
    last_foreign: Cause | None = None
    """The newest write by somebody else that we know of."""
    recheck_at: datetime | None = None
    refusals: int = 0
    """Writes in a row that were refused because the target was busy."""
    active_change: str | None = None
    lease_until: datetime | None = None
    etag: str | None = None


# --- changes ---------------------------------------------------------------------------------------


@value
class TrafficDifference:
    """What passes otherwise than before, one text for each box of packets or range of addresses.

    A packet is open where a service tag or an application security group decides it.
    """

    newly_allowed: tuple[str, ...] = ()
    newly_denied: tuple[str, ...] = ()
    newly_open: tuple[str, ...] = ()


class ChangeKind(StrEnum):
    REMEDIATION = "remediation"
    ROLLBACK = "rollback"


@value
class ChangeRecord:
    """A change that was claimed: everything needed to finish, explain and undo it.

    ``before`` and ``after`` are blob references of the whole snapshots; ``next_edit`` is the index of
    the edit that ``operation`` belongs to.
    """

    id: str
    kind: ChangeKind
    change: Change
    proof: Proof
    decision: Decision
    cause: Cause
    outcome: Outcome
    fingerprint: str
    created_at: datetime
    before: str
    after: str | None = None
    next_edit: int = 0
    nothing_there: bool = False
    """What was to be changed did not exist when the edit was sent: somebody else was faster."""
    operation: Operation | None = None
    finished_at: datetime | None = None
    detail: str = ""
    run_id: str | None = None
    reason: str | None = None
    """A rollback's reason, given by the operator."""
    rollback_of: str | None = None
    rolled_back_by: str | None = None
    difference: TrafficDifference | None = None
    """What the change makes of the traffic; None in records older than the field, and unreadable."""
    restored_from: datetime | None = None
    """When the rules that the change puts back were last read; None when it restores nothing."""
    etag: str | None = None

    @property
    def ended_at_once(self) -> bool:
        """Whether every edit was answered as done, so that a reading can verify the change now."""
        answered = self.nothing_there or self.next_edit == len(self.change.edits)
        return self.outcome is Outcome.IN_PROGRESS and self.operation is None and answered


# --- alerts ----------------------------------------------------------------------------------------


class AlertStatus(StrEnum):
    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


@value
class Approval:
    """A person's consent to one drift, for a short time; proved again before writing."""

    by: str
    at: datetime
    expires_at: datetime
    fingerprint: str


@value
class AlertRecord:
    """An alert: what, where, who, when, why it matters, what was decided and how to fix it.

    ``id`` is the hash of policy, target and drift fingerprint, so the same drift is one alert however
    often it is seen; ``count`` says how often it opened or recurred.
    """

    id: str
    status: AlertStatus
    policy: str
    title: str
    severity: Severity
    target: Target
    resource_id: ResourceId
    portal: str
    cause: Cause
    why: str
    controls: tuple[Mapping[str, str], ...]
    reason: str
    evidence: Mapping[str, Json]
    decision: Decision
    commands: tuple[str, ...]
    fingerprint: str
    first_seen: datetime
    last_seen: datetime
    count: int = 1
    resolved_at: datetime | None = None
    resolution: str = ""
    acknowledged_by: str | None = None
    approval: Approval | None = None
    unsent: tuple[str, ...] = ()
    """Event types whose notification has not been queued yet; the sweep queues them again."""
    etag: str | None = None


class NotificationType(StrEnum):
    """The event types that we publish (CloudEvents 1.0)."""

    ALERT_OPENED = "Driftward.Alert.Opened"
    ALERT_UPDATED = "Driftward.Alert.Updated"
    ALERT_RESOLVED = "Driftward.Alert.Resolved"
    CHANGE_APPLIED = "Driftward.Change.Applied"
    CHANGE_ROLLED_BACK = "Driftward.Change.RolledBack"


@value
class Notification:
    """What the sinks are told. ``data`` is the alert or change as in the HTTP API."""

    id: str
    type: NotificationType
    subject: str
    time: datetime
    title: str
    body: str
    severity: Severity
    data: Mapping[str, Json]


# --- runs ------------------------------------------------------------------------------------------


class RunStatus(StrEnum):
    QUEUED = "Queued"
    RUNNING = "Running"
    IN_PROGRESS = "InProgress"
    DONE = "Done"
    FAILED = "Failed"


@value
class ChangeView:
    """A change as a run shows it."""

    id: str
    resource_id: ResourceId
    edits: tuple[Json, ...]
    inverse: tuple[Json, ...]
    proof: Proof | None
    outcome: Outcome
    policy: str
    detail: str = ""
    difference: TrafficDifference | None = None
    restored_from: datetime | None = None


@value
class TargetResult:
    """What one reconcile of one target found, decided and did."""

    target: Target
    findings: tuple[Finding, ...] = ()
    decisions: tuple[Decision, ...] = ()
    changes: tuple[ChangeView, ...] = ()
    outcomes: Mapping[str, Outcome] = field(default_factory=dict)
    """Per policy."""
    arm_calls: tuple[ArmCall, ...] = ()
    duration_ms: int = 0
    error: str = ""
    gone: bool = False
    """The resource does not exist."""

    @property
    def in_progress(self) -> bool:
        return any(outcome is Outcome.IN_PROGRESS for outcome in self.outcomes.values())


@value
class RunRecord:
    """A run as ``GET /api/runs/{id}`` shows it; for a scope ``targets`` fills up as results arrive."""

    id: str
    status: RunStatus
    cause: Cause
    enforcement: EnforcementMode
    created_at: datetime
    target: Target | None = None
    scope: ResourceId | None = None
    policies: tuple[str, ...] | None = None
    adopt: bool = False
    total: int | None = None
    """How many targets the run has; None until they are enumerated."""
    results: tuple[TargetResult, ...] = ()
    error: str = ""
    etag: str | None = None


def look(target: Target, cause: Cause) -> Message:
    return Message(kind=MessageKind.LOOK, target=target, cause=cause)


def reason_text(decision: Decision) -> str:
    """``settling`` or ``settling: <detail>``."""
    return f"{decision.reason}: {decision.detail}" if decision.detail else str(decision.reason)
