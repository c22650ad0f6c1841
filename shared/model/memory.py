"""What is remembered of a target between two looks: per policy, attempts, exemptions, the lease."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime

from shared.model.change_records import ChangeRecord
from shared.model.changes import Change
from shared.model.deeds import Deed
from shared.model.exposure import Exposure
from shared.model.kinds import ComplianceState, Outcome, Purse
from shared.model.targets import Actor, Cause, Target
from shared.model.values import value


@value
class Attempt:
    """One revert that was begun: for flapping and for the budget of the resource."""

    policy: str
    fingerprint: str
    at: datetime
    writes: int = 1
    purse: Purse = Purse.ORDINARY
    outcome: Outcome | None = None
    """``Ineffective``: accepted, and the drift was still there. ``Failed``: refused for good. ``Conflicted``:
    interrupted before all of its edits were made, so that nobody undid it."""
    sent_at: datetime | None = None
    """When the newest edit of one with an outcome was sent; None in older rows, as the next."""
    verified_at: datetime | None = None
    """When that outcome was told by a reading, or by Azure."""


@value
class PolicyMemory:
    """What is known of one policy on one target since we have known the target."""

    state: ComplianceState
    since: datetime
    last_compliant_at: datetime | None = None
    """Up to an hour before the last compliant reading, while each of them is as the one before: a look that
    finds nothing new saves nothing."""
    baseline: str | None = None
    """Blob reference of the last compliant reading."""
    baseline_is_newest: bool = False
    """Whether every reading since the baseline was the same."""
    unknown_runs: int = 0
    unknown_since: datetime | None = None
    fingerprint: str = ""
    tag_exempt_since: datetime | None = None
    """When a tag first lowered a revert of this policy to an alert; kept until the policy has been compliant
    for as long as a tag may exempt."""
    exposure: Exposure = Exposure()
    """The clock of what lets somebody in."""
    kept_open: tuple[str, ...] = ()
    """Fingerprints of alerts that are open besides, in records that do not list their open alerts."""
    way_in: str | None = None
    """Blob reference of the last compliant reading in which a rule for some people let them in publicly."""
    way_in_at: datetime | None = None


@value
class Exemption:
    """A stated reason not to act on a policy for a while; the expiry is required."""

    policy: str
    reason: str
    approver: str
    expires_at: datetime
    change_id: str | None = None
    """The rollback that the exemption came with; it goes when that fails."""
    rolled_back: Change | None = None
    """The change that was rolled back: its edits are exempt and nothing else. None exempts from the whole
    policy: what the file says, and records older than the field."""


@value
class ExemptTag:
    """The text of the tag that exempts, as it was last seen on a server. It is not forgotten when the tag
    goes: the same text put back is nothing new."""

    text: str
    first_seen: datetime
    actor: Actor | None = None
    """Who wrote to the server before it was first seen; None where no event told."""


@value
class SelectingTags:
    """The tags by which sections of ``policies.yaml`` select, as they were before one lowered anything."""

    tags: Mapping[str, str]
    """By name in lower case."""
    lowered: bool = False
    """Whether an alert stands because other tags lower an effect since, or did until lately."""
    back_since: datetime | None = None
    """Since when nothing is lowered while the alert still stands."""


@value
class TagExemption:
    """A tag that lowers a revert to an alert, for a while."""

    tag: str
    seen: ExemptTag
    until: datetime


@value
class Unread:
    """What could not be read when the target was last looked at."""

    since: datetime
    why: str
    looks: int = 0
    """In a row, those alone that were asked for because of it."""
    whole: bool = False
    """Whether nothing of the target could be read; False: parts of it, in passing."""
    again_at: datetime | None = None
    """When the message comes that asks again; until then no other is sent."""


@value
class TargetRecord:
    """The journal's entry for one target. ``etag`` is the store's, None for a target not yet known."""

    target: Target
    first_seen: datetime
    memories: Mapping[str, PolicyMemory] = field(default_factory=dict)
    attempts: tuple[Attempt, ...] = ()
    exemptions: tuple[Exemption, ...] = ()
    exempt_tag: ExemptTag | None = None
    selecting_tags: SelectingTags | None = None
    last_foreign: Cause | None = None
    """The newest write by somebody else that we know of."""
    seen: str = ""
    """A digest of what the last reading held of what is judged."""
    unsettled_at: datetime | None = None
    """The newest write by somebody else after which the reading was another one."""
    recheck_at: datetime | None = None
    refusals: int = 0
    """Writes in a row that were refused because the target was busy."""
    change: ChangeRecord | None = None
    """The change in flight, whole: it moves with the rest of the record in one write, or not at all."""
    active_change: str | None = None
    """The id of the change in flight, for versions that look for it among the changes."""
    lease_until: datetime | None = None
    """Until when somebody minds the change in flight: its next check comes before that."""
    not_judged: bool = False
    """Whether the alert is open that the target cannot be judged."""
    unread: Unread | None = None
    """None when the last look read all that it may."""
    open_alerts: tuple[str, ...] | None = None
    """Ids of the alerts that may be open, never fewer than are: one enters before its alert is written and
    leaves after that is over. None in records older than the field (``shared.controller.open_alerts``)."""
    alerts_unsure_until: datetime | None = None
    """Until when a slower worker may still open an alert that it has listed."""
    host_name: str = ""
    """The server's, once it is noted under it whose it is; never that of a subnet."""
    related: str = ""
    """A digest of what the target was last seen to depend on, once the index tells of it."""
    deeds: tuple[Deed, ...] = ()
    """What happened and is entered into the target's chain when the record is saved, in one transaction.
    Never stored with the record itself."""
    etag: str | None = None

    def is_held(self, now: datetime) -> bool:
        """Whether a change of this target is on its way and somebody minds it."""
        return self.lease_until is not None and self.lease_until > now


@value
class NameRecord:
    """Who has a host name, which stays when a server is moved or made anew: its id does not."""

    target: Target
    left: TargetRecord | None = None
    """What was remembered of the target when it was gone; kept for a while."""
    gone_at: datetime | None = None
    etag: str | None = None
