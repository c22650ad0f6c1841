"""What sections say of one policy on one target, and which of them wins, setting by setting.

What a section says of a policy goes before what it says of all. A policy that has to be asked for
(``opt_in``) is switched on only by name, and advice (severity Informational) reverts only by name; a word
for all policies never does either.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, Generic, TypeVar

from shared.config.marked_yaml import Path
from shared.config.policies_file import Defaults, PolicySection, ScopeSection
from shared.guardrails.schedule import WhenClosed
from shared.model import Effect, Json, Severity
from shared.model.values import value
from shared.posture.policy import AnyPolicy

T = TypeVar("T")
DEFAULT: Final = "default"


@value
class Said(Generic[T]):
    """A setting and where it comes from: a part of the file, or ``built_in`` in words."""

    setting: T
    path: Path | None = None
    built_in: str = ""


@value
class Sayings:
    """What holds for one policy on one target, each part with its source."""

    effect: Said[Effect]
    adopt: Said[bool]
    without_approval: Said[bool]
    settle_seconds: Said[float]
    during_freeze: Said[WhenClosed]
    outside_window: Said[WhenClosed]
    parameters: Mapping[str, Said[Json]]
    """Those that the file sets; the others have the policy's defaults."""


@value
class PolicySettings:
    """What holds for one policy on one target."""

    effect: Effect
    adopt: bool
    without_approval: bool
    settle_seconds: float
    during_freeze: WhenClosed
    outside_window: WhenClosed
    parameters: dict[str, Json]


@value
class Layer:
    """A section that may say something. ``named``: of this policy alone, not of all."""

    section: PolicySection | ScopeSection | Defaults
    path: Path
    named: bool = False
    for_tags: bool = False


def effect_after(before: Effect, layer: Layer, policy: AnyPolicy) -> Effect:
    """The effect after one more section, given in the order of growing specificity."""
    said: Effect | None = layer.section.effect
    if said is None or layer.named or said is Effect.OFF:
        return before if said is None else said
    if policy.opt_in and before is Effect.OFF:
        return before
    if policy.severity is Severity.INFORMATIONAL and before is not Effect.REVERT:
        return Effect.ALERT
    return said


def effect_said(layers: list[Layer], policy: AnyPolicy) -> Said[Effect]:
    """The effect that wins, and the section that said so."""
    built_in = "it has to be asked for by name" if policy.opt_in else DEFAULT
    said = Said(setting=Effect.OFF, built_in=built_in)
    for layer in layers:
        effect = effect_after(said.setting, layer, policy)
        is_word = "effect" in layer.section.model_fields_set
        held_back = effect is not layer.section.effect
        if is_word and not held_back:
            said = Said(setting=effect, path=(*layer.path, "effect"))
        elif effect is not said.setting:
            advice = "advice alerts unless it is named" if held_back else DEFAULT
            said = Said(setting=effect, built_in=advice)
    return said


def last_said(layers: list[Layer], name: str, otherwise: Said[Any]) -> Said[Any]:
    """What the most specific section says; what stands in the file goes before what does not."""
    for layer in reversed(layers):
        if name in layer.section.model_fields_set and getattr(layer.section, name) is not None:
            return Said(setting=getattr(layer.section, name), path=(*layer.path, _key(layer.section, name)))
    return otherwise


def _key(section: PolicySection | ScopeSection | Defaults, name: str) -> str:
    return type(section).model_fields[name].alias or name


def parameters_said(layers: list[Layer]) -> dict[str, Said[Json]]:
    """Parameters are merged one by one."""
    merged: dict[str, Said[Json]] = {}
    for layer in layers:
        if isinstance(layer.section, PolicySection):
            for name, setting in layer.section.parameters.items():
                merged[name] = Said(setting=setting, path=(*layer.path, "parameters", name))
    return merged


def parameters_followed(policy: AnyPolicy, layers_of: Callable[[str], list[Layer]]) -> dict[str, Said[Json]]:
    """What is said to other policies that parameters of this one follow; ``layers_of`` a policy by its id."""
    followed = (
        (one.name, parameters_said(layers_of(one.follows))) for one in policy.parameters if one.follows
    )
    return {name: said[name] for name, said in followed if name in said}


def settings_of(sayings: Sayings) -> PolicySettings:
    """What holds, without where it comes from."""
    return PolicySettings(
        effect=sayings.effect.setting,
        adopt=sayings.adopt.setting,
        without_approval=sayings.without_approval.setting,
        settle_seconds=sayings.settle_seconds.setting,
        during_freeze=sayings.during_freeze.setting,
        outside_window=sayings.outside_window.setting,
        parameters={name: said.setting for name, said in sayings.parameters.items()},
    )
