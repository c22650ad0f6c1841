"""The form of ``policies.yaml``: its sections and their keys. ``docs/configuration.md`` says what each means.

The published JSON Schema is made from these models. How a file is read, and what is wrong with one that
does not have this form, is in ``file_reading``; what it answers for a target, in ``configuration``.
"""

from __future__ import annotations

from typing import Any, Final
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr

from shared.config.file_values import (
    EndOfDay,
    HeldBack,
    Moment,
    Retention,
    Scope,
    SinksWithDigests,
    SinksWithHours,
    Tags,
    TimeOfDay,
    Zone,
)
from shared.config.marked_yaml import Path, Places
from shared.guardrails.schedule import Weekday, WhenClosed
from shared.model import Effect, Severity
from shared.model.cuts import LEAST_KEPT
from shared.model.scope_exemptions import LONGEST_EXEMPTION
from shared.model.values import camel_case

LONGEST_TAG_EXEMPTION: Final = 7
"""Days. Whoever may tag may not thereby exempt a breach."""


class _Strict(BaseModel):
    model_config = ConfigDict(
        extra="forbid", frozen=True, alias_generator=camel_case, arbitrary_types_allowed=True
    )


class PolicySection(_Strict):
    """What a section says of one policy; absent keys say nothing."""

    effect: Effect | None = Field(default=None, description="What is done about a finding.")
    adopt: bool | None = Field(default=None, description="Revert what was never seen compliant, too.")
    without_approval: bool | None = Field(
        default=None, description="Make reverts without the approval that they would need."
    )
    settle_seconds: float | None = Field(
        default=None, ge=0, le=86_400, description="Quiet time after the last foreign write before a revert."
    )
    during_freeze: WhenClosed | None = Field(
        default=None, description="`revert` writes in spite of a change freeze; `alert` (default) does not."
    )
    outside_window: WhenClosed | None = Field(
        default=None,
        description="`revert` writes outside the maintenance windows as well; `alert` (default) waits.",
    )
    parameters: dict[str, Any] = Field(default_factory=dict, description="The policy's own settings.")


class Defaults(_Strict):
    """What holds where nothing else is said."""

    effect: Effect = Field(default=Effect.REVERT, description="Advice and opt-in policies have their own.")
    adopt: bool = Field(default=False, description="Revert what was never seen compliant, too.")
    without_approval: bool = Field(
        default=False, description="Make reverts without the approval that they would need."
    )


class ScopeSection(_Strict):
    """What holds below a scope, where the resource has these tags."""

    scope: Scope = Field(description="A subscription, a resource group or a resource.")
    tags: Tags = Field(
        default_factory=dict,
        description="Only servers with all of these tags. Names are compared without case, values with it.",
    )
    effect: Effect | None = Field(default=None, description="For every policy that is on anyway.")
    adopt: bool | None = Field(default=None, description="Revert what was never seen compliant, too.")
    without_approval: bool | None = Field(
        default=None, description="Make reverts without the approval that they would need."
    )
    tags_may_lower: bool = Field(
        default=False,
        description="Allow a section with tags to switch off or to lower effects: whoever may tag decides.",
    )
    policies: dict[str, PolicySection] = Field(default_factory=dict, description="By policy.")


class ExemptionSection(_Strict):
    """A stated reason not to act on a policy, with an end."""

    scope: Scope = Field(description="A subscription, a resource group or a resource.")
    policy: str = Field(description="The policy's id.")
    reason: str = Field(min_length=3, description="Why; people will read it.")
    approver: str = Field(min_length=1, description="Who answers for it.")
    expires: Moment = Field(description="When it ends: an alert says so. Without a zone it is UTC.")


class TagExemptions(_Strict):
    """Whether a tag on a server may lower reverts to alerts for a while."""

    enabled: bool = Field(default=False, description="Off unless it is switched on here.")
    tag: str = Field(default="driftward-exempt", min_length=1, max_length=512, description="The tag's name.")
    days: int = Field(
        default=LONGEST_TAG_EXEMPTION, ge=1, le=LONGEST_TAG_EXEMPTION, description="For how long at most."
    )


class GivenExemptions(_Strict):
    """Whether people may exempt while the app runs (`driftward exemptions add`), and from what."""

    enabled: bool = Field(default=True, description="`false`: exemptions stand in this file alone.")
    days: int = Field(
        default=LONGEST_EXEMPTION.days, ge=1, le=LONGEST_EXEMPTION.days, description="For how long at most."
    )
    never: tuple[str, ...] = Field(default=(), description="Policies from which this file alone exempts.")


class FreezeSection(_Strict):
    """A time without writes."""

    scope: Scope = Field(description="A subscription, a resource group or a resource.")
    starts: Moment = Field(alias="from", description="Without a zone it is UTC.")
    ends: Moment = Field(alias="to", description="Writes are made again from this moment on.")
    reason: str = Field(min_length=3, description="Why; people will read it.")


class WindowSection(_Strict):
    """When reverts are made; where a scope has none, always."""

    scope: Scope = Field(description="A subscription, a resource group or a resource.")
    days: tuple[Weekday, ...] = Field(
        default=tuple(Weekday), min_length=1, description="The days on which it opens."
    )
    opens: TimeOfDay = Field(alias="from", description="Local time.")
    closes: EndOfDay = Field(alias="to", description="Local time; at or before `from`: on the next day.")
    timezone: Zone = Field(default=ZoneInfo("UTC"), description="For example Europe/Berlin.")


class Budgets(_Strict):
    """Writes and reverts that are too many to be right.

    Exposures have a purse of their own: what lets somebody in is not left open because harmless things were
    mended before.
    """

    writes_per_target: int = Field(default=10, ge=0, description="Per hour.")
    writes_per_resource_group: int | None = Field(
        default=None, ge=0, description="Per hour; absent: half of the subscription's."
    )
    writes_per_subscription: int = Field(default=100, ge=0, description="Per hour.")
    exposure_writes_per_target: int | None = Field(
        default=None, ge=0, description="Against exposures, per hour; absent: as many as for everything else."
    )
    exposure_writes_per_resource_group: int | None = Field(
        default=None, ge=0, description="Against exposures, per hour; absent: as above."
    )
    exposure_writes_per_subscription: int | None = Field(
        default=None, ge=0, description="Against exposures, per hour; absent: as above."
    )
    flapping_reverts: int = Field(default=3, ge=1, description="Reverts of the same drift…")
    flapping_minutes: int = Field(
        default=60, ge=1, description="…within this time: it is left. Exposures are reverted on, with pauses."
    )
    settle_cap_seconds: float = Field(
        default=300,
        ge=0,
        le=86_400,
        description="How long an exposure may have been open in a day until nobody's writes delay its revert "
        "any more; `settleSeconds` where that is longer.",
    )


class MassDrift(_Strict):
    """When so many targets of a subscription drift at once that people are told once instead of of each."""

    enabled: bool = Field(default=True, description="`false` tells of every drift singly, however many.")
    targets: int = Field(default=10, ge=2, description="At least so many targets…")
    share_percent: int = Field(
        default=20,
        ge=0,
        le=100,
        description="…and this share of those that the last sweep found; before one the number counts.",
    )
    enough: int = Field(
        default=100, ge=2, description="So many are enough whatever the share; below `targets` it is that."
    )
    minutes: int = Field(default=10, ge=1, le=60, description="Within this time.")


class RouteSection(_Strict):
    """What some sinks hear of; a sink that no route names hears of everything."""

    sinks: tuple[str, ...] = Field(
        min_length=1, description="Kinds (`slack`, `pagerduty`), places in `ALERT_URLS` (`1`) or whole names."
    )
    severity: Severity = Field(default=Severity.INFORMATIONAL, description="This one and graver ones.")
    scope: Scope | None = Field(
        default=None, description="A subscription, a resource group or a resource; absent: everywhere."
    )
    tags: Tags = Field(
        default_factory=dict,
        description="Only servers with all of these tags. Of what is High or graver it adds sinks and takes "
        "none away.",
    )


class QuietHoursSection(_Strict):
    """When some sinks are told only of what is graver; the rest waits until they end."""

    sinks: SinksWithHours = Field(
        default=(),
        description="As in `routes`; absent: every chat and mail. One that is told of each alert by itself "
        "(`pagerduty`, `opsgenie`, web hooks) waits where it is named, with Medium or milder.",
    )
    days: tuple[Weekday, ...] = Field(
        default=tuple(Weekday), min_length=1, description="The days on which they begin."
    )
    begins: TimeOfDay = Field(alias="from", description="Local time.")
    ends: EndOfDay = Field(alias="to", description="Local time; at or before `from`: on the next day.")
    timezone: Zone = Field(default=ZoneInfo("UTC"), description="For example Europe/Berlin.")
    severity: HeldBack = Field(
        default=Severity.MEDIUM, description="Held back: this one and milder ones. Critical never waits."
    )


class DigestSection(_Strict):
    """When chats and mail are told of what is mild, all in one message."""

    sinks: SinksWithDigests = Field(min_length=1, description="As in `routes`.")
    at: TimeOfDay = Field(description="Local time.")
    days: tuple[Weekday, ...] = Field(default=tuple(Weekday), min_length=1, description="On which days.")
    timezone: Zone = Field(default=ZoneInfo("UTC"), description="For example Europe/Berlin.")
    severity: HeldBack = Field(
        default=Severity.LOW, description="Held back: this one and milder ones. Critical never waits."
    )


class AlertsSection(_Strict):
    """Who hears of what, and when. What is High or graver and would reach nobody goes to every sink."""

    routes: tuple[RouteSection, ...] = Field(default=(), description="Each lets something through.")
    merge_seconds: int = Field(
        default=60,
        ge=0,
        le=600,
        description="So long chats and mail wait for what else one deployment does, and are told once; 0: "
        "not at all. Critical alerts wait for nothing.",
    )
    quiet_hours: tuple[QuietHoursSection, ...] = Field(default=(), description="When nobody is woken.")
    digests: tuple[DigestSection, ...] = Field(default=(), description="What is told once a day, say.")


class PoliciesFile(_Strict):
    """Effects, scopes, parameters, exemptions, freezes, windows, budgets, incidents and routes."""

    version: int = Field(ge=1, le=1)
    defaults: Defaults = Field(default=Defaults())
    policies: dict[str, PolicySection] = Field(default_factory=dict, description="Per policy, everywhere.")
    scopes: tuple[ScopeSection, ...] = Field(default=(), description="Per scope; the most specific wins.")
    exemptions: tuple[ExemptionSection, ...] = Field(default=(), description="Stated reasons not to act.")
    tag_exemptions: TagExemptions = Field(default=TagExemptions())
    given_exemptions: GivenExemptions = Field(default=GivenExemptions())
    freezes: tuple[FreezeSection, ...] = Field(default=(), description="Times without writes.")
    maintenance_windows: tuple[WindowSection, ...] = Field(default=(), description="Times for reverts.")
    budgets: Budgets = Field(default=Budgets())
    mass_drift: MassDrift = Field(default=MassDrift())
    retention_days: Retention = Field(
        default=400,
        description=f"How many days what is over is kept, at least {LEAST_KEPT.days}; 0 keeps everything for "
        "good.",
    )
    alerts: AlertsSection = Field(default=AlertsSection())

    _places: Places = PrivateAttr(default_factory=Places)
    _name: str = PrivateAttr(default="policies.yaml")

    def place(self, path: Path) -> str:
        """``policies.yaml:12`` for a part of the file."""
        return f"{self._name}:{self._places.line_of(path)}"
