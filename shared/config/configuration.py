"""What ``policies.yaml`` says of a target: effect, parameters, exemptions, freezes, windows, budgets.

For one target the most specific section that says something wins, setting by setting: a longer scope
before a shorter one, at the same scope a section with more tags before one with fewer, and of two with
as many tags the one that stands first. What such sections then say of one policy is in ``sayings``.

Every answer keeps the part of the file that it comes from, so that it can be explained. Nothing here
decides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import cached_property
from typing import Final

from shared.config.marked_yaml import Path
from shared.config.policies_file import (
    ExemptionSection,
    FreezeSection,
    PoliciesFile,
    ScopeSection,
    WindowSection,
)
from shared.config.sayings import (
    DEFAULT,
    Layer,
    PolicySettings,
    Said,
    Sayings,
    effect_after,
    effect_said,
    last_said,
    parameters_followed,
    parameters_said,
    settings_of,
)
from shared.config.waiting import waits_of
from shared.guardrails.budget import Limits
from shared.guardrails.routes import Route
from shared.guardrails.schedule import Freeze, WhenClosed, Window, closed_until, freeze_at
from shared.guardrails.slots import Waits
from shared.model import Effect, ServerSnapshot, Snapshot
from shared.model.memory import Exemption
from shared.model.resource_id import ResourceId
from shared.posture.policy import AnyPolicy, bound

NO_TAGS: Final[Mapping[str, str]] = {}


def tags_of(snapshot: Snapshot) -> Mapping[str, str]:
    """The tags that sections select by: a server's own. A subnet has none in Azure."""
    return snapshot.tags if isinstance(snapshot, ServerSnapshot) else NO_TAGS


class Configuration:
    """The file's answers for targets. ``settle_seconds`` is the global setting behind everything."""

    def __init__(self, file: PoliciesFile, *, settle_seconds: float = 60.0) -> None:
        self.file = file
        self._settle_seconds = settle_seconds

    @cached_property
    def limits(self) -> Limits:
        budgets = self.file.budgets
        return Limits(
            flapping_reverts=budgets.flapping_reverts,
            flapping_window=timedelta(minutes=budgets.flapping_minutes),
            writes_per_target=budgets.writes_per_target,
            writes_per_group=budgets.writes_per_resource_group,
            writes_per_subscription=budgets.writes_per_subscription,
            exposure_writes_per_target=budgets.exposure_writes_per_target,
            exposure_writes_per_group=budgets.exposure_writes_per_resource_group,
            exposure_writes_per_subscription=budgets.exposure_writes_per_subscription,
            settle_cap=timedelta(seconds=budgets.settle_cap_seconds),
        )

    @cached_property
    def routes(self) -> tuple[Route, ...]:
        """Which sinks hear of what."""
        return tuple(
            Route(sinks=section.sinks, severity=section.severity, scope=section.scope, tags=section.tags)
            for section in self.file.alerts.routes
        )

    def routed_tags(self, snapshot: Snapshot) -> Mapping[str, str]:
        """Those of its tags that a route names, their names in lower case."""
        wanted = {name.lower() for route in self.routes for name in route.tags}
        return {name.lower(): text for name, text in tags_of(snapshot).items() if name.lower() in wanted}

    @cached_property
    def waits(self) -> Waits:
        """What waits for quiet hours, a digest or others of its kind."""
        return waits_of(self.file.alerts)

    # --- settings ----------------------------------------------------------------------------------

    def settings_for(
        self, policy: AnyPolicy, target: ResourceId, tags: Mapping[str, str] = NO_TAGS
    ) -> PolicySettings:
        """What holds for ``policy`` on ``target`` with these tags."""
        return settings_of(self.sayings(policy, target, tags))

    def effect(self, policy: AnyPolicy, target: ResourceId, tags: Mapping[str, str] = NO_TAGS) -> Effect:
        """The effect alone."""
        layers = [
            *self._general(policy.id),
            *self._scoped(policy.id, target, lambda section: _has_tags(section, tags)),
        ]
        return effect_said(layers, policy).setting

    @cached_property
    def selecting_tags(self) -> frozenset[str]:
        """The names of the tags that sections select by, in lower case."""
        return frozenset(name.lower() for section in self.file.scopes for name in section.tags)

    def everywhere(self, policy: AnyPolicy) -> PolicySettings:
        """What holds for ``policy`` where no scope says otherwise."""
        return settings_of(self._sayings(policy, lambda policy_id: [*self._general(policy_id)]))

    def sayings(self, policy: AnyPolicy, target: ResourceId, tags: Mapping[str, str] = NO_TAGS) -> Sayings:
        """What holds for ``policy`` on ``target`` with these tags, and which part of the file says so."""

        def layers_of(policy_id: str) -> list[Layer]:
            scoped = self._scoped(policy_id, target, lambda section: _has_tags(section, tags))
            return [*self._general(policy_id), *scoped]

        return self._sayings(policy, layers_of)

    def bind(self, policy: AnyPolicy, target: ResourceId, tags: Mapping[str, str] = NO_TAGS) -> AnyPolicy:
        """The policy with the parameters that hold for ``target``."""
        return bound(policy, self.settings_for(policy, target, tags).parameters)

    def may_be_on(self, policy: AnyPolicy, target: ResourceId) -> bool:
        """Whether the policy is on for some tags: which the target has is known only after reading it."""
        return self._possible(policy, target) != {Effect.OFF}

    def possible_within(self, policy: AnyPolicy, scope: ResourceId) -> set[Effect]:
        """The effects that the policy may have on something in a scope, whatever its tags."""
        inside = [section.scope for section in self.file.scopes if section.scope.within(scope)]
        return {effect for place in (scope, *inside) for effect in self._possible(policy, place)}

    def _possible(self, policy: AnyPolicy, target: ResourceId) -> set[Effect]:
        layers = [*self._general(policy.id), *self._scoped(policy.id, target, lambda _: True)]
        possible = {Effect.OFF}
        for layer in layers:
            after = {effect_after(effect, layer, policy) for effect in possible}
            possible = after | possible if layer.for_tags else after
        return possible

    def _sayings(self, policy: AnyPolicy, layers_of: Callable[[str], list[Layer]]) -> Sayings:
        layers = layers_of(policy.id)
        settle = Said(setting=self._settle_seconds, built_in="SETTLE_SECONDS")
        if policy.settle_seconds is not None:
            settle = Said(setting=policy.settle_seconds, built_in="the policy's own")
        alert = Said(setting=WhenClosed.ALERT, built_in=DEFAULT)
        return Sayings(
            effect=effect_said(layers, policy),
            adopt=last_said(layers, "adopt", Said(setting=False, built_in=DEFAULT)),
            without_approval=last_said(layers, "without_approval", Said(setting=False, built_in=DEFAULT)),
            settle_seconds=last_said(layers, "settle_seconds", settle),
            during_freeze=last_said(layers, "during_freeze", alert),
            outside_window=last_said(layers, "outside_window", alert),
            parameters={**parameters_followed(policy, layers_of), **parameters_said(layers)},
        )

    def _general(self, policy_id: str) -> Iterator[Layer]:
        """What is said of the policy without a scope, the most specific last."""
        yield Layer(section=self.file.defaults, path=("defaults",))
        if policy_id in self.file.policies:
            yield Layer(section=self.file.policies[policy_id], path=("policies", policy_id), named=True)

    def _scoped(
        self, policy_id: str, target: ResourceId, fits: Callable[[ScopeSection], bool]
    ) -> Iterator[Layer]:
        """What is said of the policy by the scopes around the target, the most specific last."""
        around = [
            (len(section.scope.key), len(section.tags), -i)
            for i, section in enumerate(self.file.scopes)
            if target.within(section.scope) and fits(section)
        ]
        for *_, position in sorted(around):
            section, path = self.file.scopes[-position], ("scopes", -position)
            yield Layer(section=section, path=path, for_tags=bool(section.tags))
            if policy_id in section.policies:
                yield Layer(
                    section=section.policies[policy_id],
                    path=(*path, "policies", policy_id),
                    named=True,
                    for_tags=bool(section.tags),
                )

    # --- exemptions --------------------------------------------------------------------------------

    def exemption(self, policy_id: str, target: ResourceId, now: datetime) -> Exemption | None:
        """The exemption that covers the target now, or None."""
        return next((given for given, _ in self.exemptions(policy_id, target, now)), None)

    def exemptions(
        self, policy_id: str, target: ResourceId, now: datetime
    ) -> Iterator[tuple[Exemption, Path]]:
        """The exemptions that cover the target now, and where they stand."""
        for i, section in enumerate(self.file.exemptions):
            if section.policy == policy_id and target.within(section.scope) and section.expires > now:
                yield _exemption(section), ("exemptions", i)

    def lets_exempt(self, policy_id: str) -> bool:
        """Whether people may exempt from a policy while the app runs."""
        given = self.file.given_exemptions
        return given.enabled and policy_id not in given.never

    def expired_exemptions(self, now: datetime) -> tuple[tuple[ExemptionSection, Path], ...]:
        """Entries that have ended and that none for the same scope and policy has renewed; of several
        that have ended, the last."""
        newest: dict[tuple[ResourceId, str], tuple[ExemptionSection, Path]] = {}
        for i, section in enumerate(self.file.exemptions):
            known = newest.get((section.scope, section.policy))
            if known is None or known[0].expires < section.expires:
                newest[section.scope, section.policy] = section, ("exemptions", i)
        return tuple(entry for entry in newest.values() if entry[0].expires <= now)

    # --- freezes and windows -----------------------------------------------------------------------

    def freeze(self, target: ResourceId, now: datetime) -> Freeze | None:
        """The change freeze that holds for the target now."""
        return freeze_at((_freeze(section) for section, _ in self.freezes(target)), now)

    def freezes(self, target: ResourceId) -> Iterator[tuple[FreezeSection, Path]]:
        """Every freeze around the target, and where it stands."""
        for i, section in enumerate(self.file.freezes):
            if target.within(section.scope):
                yield section, ("freezes", i)

    def closed_until(self, target: ResourceId, now: datetime) -> datetime | None:
        """When the target's next maintenance window opens; None while reverts may be made."""
        return closed_until([_window(section) for section, _ in self.windows(target)], now)

    def windows(self, target: ResourceId) -> list[tuple[WindowSection, Path]]:
        """The maintenance windows of the most specific scope around the target that has any."""
        around: list[tuple[WindowSection, Path]] = [
            (section, ("maintenanceWindows", i))
            for i, section in enumerate(self.file.maintenance_windows)
            if target.within(section.scope)
        ]
        nearest = max((len(section.scope.key) for section, _ in around), default=0)
        return [entry for entry in around if len(entry[0].scope.key) == nearest]


def _has_tags(section: ScopeSection, tags: Mapping[str, str]) -> bool:
    """Azure compares the names of tags without case, their values with it."""
    present = {(name.lower(), text) for name, text in tags.items()}
    return all((name.lower(), text) in present for name, text in section.tags.items())


def _exemption(section: ExemptionSection) -> Exemption:
    return Exemption(
        policy=section.policy,
        reason=section.reason,
        approver=section.approver,
        expires_at=section.expires,
    )


def _freeze(section: FreezeSection) -> Freeze:
    return Freeze(starts=section.starts, ends=section.ends, reason=section.reason)


def _window(section: WindowSection) -> Window:
    return Window(
        days=frozenset(section.days), opens=section.opens, closes=section.closes, zone=section.timezone
    )
