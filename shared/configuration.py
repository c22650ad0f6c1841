"""``policies.yaml``: which effect, parameters and scope each policy has, exemptions and budgets.

The file is parsed strictly: an unknown key, an unknown policy, a value of the wrong kind is a
``ConfigurationError`` that names the place, and the app refuses to work rather than guess. For one
target the most specific scope that says something wins, setting by setting.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from shared.decide import Limits
from shared.errors import ConfigurationError
from shared.model import Effect, Json
from shared.policy import AnyPolicy, bound
from shared.records import Exemption
from shared.resource_id import InvalidResourceId, ResourceId
from shared.values import camel_case, value


def _scope(text: object) -> ResourceId:
    try:
        return ResourceId(str(text))
    except InvalidResourceId as error:
        raise ValueError(str(error)) from None


Scope = Annotated[ResourceId, BeforeValidator(_scope)]


def _effect(said: object) -> object:
    """YAML 1.1 reads a bare ``off`` as false, and this is how the effect is written."""
    return Effect.OFF if said is False else said


AnEffect = Annotated[Effect, BeforeValidator(_effect)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=camel_case)


class PolicySection(_Strict):
    """What a section says of one policy; absent keys say nothing."""

    effect: AnEffect | None = None
    adopt: bool | None = None
    without_approval: bool | None = None
    settle_seconds: float | None = Field(default=None, ge=0, le=86_400)
    parameters: dict[str, Any] = Field(default_factory=dict)


class Defaults(_Strict):
    effect: AnEffect = Effect.REVERT
    adopt: bool = False
    without_approval: bool = False


class ScopeSection(_Strict):
    scope: Scope
    effect: AnEffect | None = None
    adopt: bool | None = None
    without_approval: bool | None = None
    policies: dict[str, PolicySection] = Field(default_factory=dict)


class ExemptionSection(_Strict):
    scope: Scope
    policy: str
    reason: str = Field(min_length=3)
    approver: str = Field(min_length=1)
    expires: datetime


class Budgets(_Strict):
    writes_per_target: int = Field(default=10, ge=0)
    writes_per_subscription: int = Field(default=100, ge=0)
    flapping_reverts: int = Field(default=3, ge=1)
    flapping_minutes: int = Field(default=60, ge=1)


class PoliciesFile(_Strict):
    version: int = Field(ge=1, le=1)
    defaults: Defaults = Defaults()
    policies: dict[str, PolicySection] = Field(default_factory=dict)
    scopes: tuple[ScopeSection, ...] = ()
    exemptions: tuple[ExemptionSection, ...] = ()
    budgets: Budgets = Budgets()


@value
class PolicySettings:
    """What holds for one policy on one target."""

    effect: Effect
    adopt: bool
    without_approval: bool
    settle_seconds: float
    parameters: dict[str, Json]


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
            writes_per_subscription=budgets.writes_per_subscription,
        )

    def settings_for(self, policy: AnyPolicy, target: ResourceId) -> PolicySettings:
        """What holds for ``policy`` on ``target``."""
        sections = [*self._sections(policy.id, target)]
        defaults = self.file.defaults
        settle = self._settle_seconds if policy.settle_seconds is None else policy.settle_seconds
        parameters: dict[str, Json] = {}
        for section in reversed(sections):
            parameters.update(getattr(section, "parameters", {}))
        return PolicySettings(
            effect=_first(sections, "effect", defaults.effect),
            adopt=_first(sections, "adopt", defaults.adopt),
            without_approval=_first(sections, "without_approval", defaults.without_approval),
            settle_seconds=_first(sections, "settle_seconds", settle),
            parameters=parameters,
        )

    def bind(self, policy: AnyPolicy, target: ResourceId) -> AnyPolicy:
        """The policy with the parameters that hold for ``target``."""
        return bound(policy, self.settings_for(policy, target).parameters)

    def exemption(self, policy_id: str, target: ResourceId, now: datetime) -> Exemption | None:
        """The exemption that covers the target now, or None."""
        for section in self.file.exemptions:
            expires = _utc(section.expires)
            if section.policy == policy_id and target.within(section.scope) and expires > now:
                return Exemption(
                    policy=policy_id, reason=section.reason, approver=section.approver, expires_at=expires
                )
        return None

    def _sections(self, policy_id: str, target: ResourceId) -> Iterable[PolicySection | ScopeSection]:
        """Everything that is said of the policy for this target, the most specific first."""
        matching = [section for section in self.file.scopes if target.within(section.scope)]
        for section in sorted(matching, key=lambda s: len(s.scope.key), reverse=True):
            if policy_id in section.policies:
                yield section.policies[policy_id]
            yield section
        if policy_id in self.file.policies:
            yield self.file.policies[policy_id]


class _Loader(yaml.SafeLoader):
    """Refuses a key that is given twice: PyYAML would silently forget what the first one said."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key.value!r} is given twice", key.start_mark
                )
            seen.add(str(key.value))
        return super().construct_mapping(node, deep)


def parse_policies_file(text: str, policies: Sequence[AnyPolicy], *, name: str) -> PoliciesFile:
    """Parse the file; raises ``ConfigurationError`` naming ``name``, the place and the reason."""
    try:
        data = yaml.load(text, _Loader)
    except (yaml.YAMLError, ValueError) as error:  # ValueError: a date such as 2027-13-45
        raise ConfigurationError(f"{name}: not YAML: {error}") from None
    try:
        file = PoliciesFile.model_validate(data if data is not None else {})
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the file"
        raise ConfigurationError(f"{name}: {place}: {first['msg']}") from None
    _check_policies(file, {policy.id: policy for policy in policies}, name)
    return file


def _check_policies(file: PoliciesFile, known: dict[str, AnyPolicy], name: str) -> None:
    seen: set[ResourceId] = set()
    for i, section in enumerate(file.scopes):
        if section.scope in seen:
            raise ConfigurationError(f"{name}: scopes.{i}: {section.scope} has a section already")
        seen.add(section.scope)
    mentioned = [("policies", file.policies)]
    mentioned += [(f"scopes.{i}.policies", section.policies) for i, section in enumerate(file.scopes)]
    for place, sections in mentioned:
        for policy_id, said in sections.items():
            if policy_id not in known:
                raise ConfigurationError(f"{name}: {place}: there is no policy {policy_id!r}")
            _check_parameters(known[policy_id], said, f"{name}: {place}.{policy_id}.parameters")
    for i, exemption in enumerate(file.exemptions):
        if exemption.policy not in known:
            raise ConfigurationError(f"{name}: exemptions.{i}: there is no policy {exemption.policy!r}")


def _check_parameters(policy: AnyPolicy, section: PolicySection, place: str) -> None:
    parameters = {parameter.name: parameter for parameter in policy.parameters}
    for key, setting in section.parameters.items():
        if key not in parameters:
            raise ConfigurationError(f"{place}: {policy.id} has no parameter {key!r}")
        wrong = parameters[key].check(setting)
        if wrong:
            raise ConfigurationError(f"{place}.{key}: {wrong}")


def _first(sections: Sequence[PolicySection | ScopeSection], name: str, default: Any) -> Any:
    said = (getattr(section, name, None) for section in sections)
    return next((setting for setting in said if setting is not None), default)


def _utc(time: datetime) -> datetime:
    return time if time.tzinfo else time.replace(tzinfo=UTC)
