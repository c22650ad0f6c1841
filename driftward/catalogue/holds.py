"""`policies --explain RESOURCE_ID [--policy ID] [--tags k=v,…]`: what holds, what comes of it, and who says
so.

For every policy that is about that kind of resource: each setting with the line of `policies.yaml` that it
comes from (or what stands behind the file), the exemptions that cover the resource now, and its freezes and
maintenance windows. Nothing is read from Azure: a server's tags are given by `--tags`, and what the app
remembers (rollbacks, since when a tag is known) is not in the file and not shown.

The answers are `shared.config.configuration`'s, the same that decide; here they are only spelled. What
comes of them is ``driftward.catalogue.outcome``'s, with ENFORCEMENT_MODE and SCOPES as this environment has
them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from driftward.catalogue.file import Chosen
from driftward.catalogue.outcome import Situation, outcome_of
from shared.config.configuration import Configuration
from shared.config.marked_yaml import Path
from shared.config.policies_file import PoliciesFile
from shared.config.sayings import DEFAULT, Said, Sayings
from shared.config.tag_exemptions import read_tag, tag_text
from shared.controller.event_targets import locate
from shared.model import EnforcementMode, Json, Target, TargetKind
from shared.model.memory import Exemption
from shared.model.resource_id import InvalidResourceId, ResourceId
from shared.model.values import value
from shared.posture.policy import AnyPolicy


class Unexplainable(ValueError):
    """The question names no resource that policies look at, or no policy that looks at it."""


@value
class SettingView:
    """A setting and its source: `place` (file and line) and `section`, or `builtIn` in words."""

    value: Json
    place: str | None
    section: str | None
    built_in: str


@value
class ExemptionView:
    reason: str
    approver: str
    expires: datetime
    place: str


@value
class FreezeView:
    reason: str
    starts: datetime
    ends: datetime
    holds_now: bool
    place: str


@value
class WindowView:
    days: tuple[str, ...]
    opens: str
    closes: str
    timezone: str
    place: str


@value
class PolicyExplanation:
    id: str
    title: str
    outcome: str
    """What happens to a drift now: ``would revert; mode is audit``."""
    effect: SettingView
    adopt: SettingView
    without_approval: SettingView
    settle_seconds: SettingView
    during_freeze: SettingView
    outside_window: SettingView
    parameters: Mapping[str, SettingView]
    exemptions: tuple[ExemptionView, ...]
    exempt_by_tag: str | None
    """The text of the tag that lowers reverts of this policy, where tags may."""


@value
class Explanation:
    """Everything that `policies.yaml` says of one resource at one time."""

    resource_id: ResourceId
    kind: TargetKind
    tags: Mapping[str, str]
    time: datetime
    enforcement_mode: EnforcementMode
    in_scope: bool
    """Whether events of the resource are looked at: SCOPES is empty, or names something around it."""
    freezes: tuple[FreezeView, ...]
    windows: tuple[WindowView, ...]
    closed_until: datetime | None
    policies: tuple[PolicyExplanation, ...]


@value
class Asked:
    """What is to be explained."""

    resource: str
    tags: Mapping[str, str]
    policy: str | None
    now: datetime


def explain(asked: Asked, chosen: Chosen, policies: Sequence[AnyPolicy]) -> Explanation:
    """What holds for the resource. Raises Unexplainable."""
    target, configuration = _target(asked.resource), chosen.configuration
    if asked.tags and target.kind is TargetKind.SUBNET:
        raise Unexplainable("a subnet has no tags in Azure")
    about = [p for p in policies if target.kind in p.targets and asked.policy in (None, p.id)]
    if not about:
        raise Unexplainable(f"there is no policy {asked.policy!r} that looks at a {target.kind}")
    return Explanation(
        resource_id=target.id,
        kind=target.kind,
        tags=asked.tags,
        time=asked.now,
        enforcement_mode=chosen.settings.mode,
        in_scope=chosen.settings.covers(target.id),
        freezes=_freezes(target, configuration, asked.now),
        windows=_windows(target, configuration),
        closed_until=configuration.closed_until(target.id, asked.now),
        policies=tuple(_policy(policy, target, asked, chosen) for policy in about),
    )


def parse_tags(text: str) -> dict[str, str]:
    """`env=prod,team=data`. Raises Unexplainable."""
    tags: dict[str, str] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, separator, said = part.partition("=")
        if not (separator and name.strip()):
            raise Unexplainable(f"--tags: {part!r} is not name=value")
        tags[name.strip()] = said.strip()
    return tags


def _target(text: str) -> Target:
    try:
        found = locate(ResourceId(text))
    except InvalidResourceId as error:
        raise Unexplainable(str(error)) from None
    if not isinstance(found, Target):
        raise Unexplainable(f"policies look at servers and at subnets, and {text} is neither")
    return found


def _policy(policy: AnyPolicy, target: Target, asked: Asked, chosen: Chosen) -> PolicyExplanation:
    configuration, file = chosen.configuration, chosen.configuration.file
    said = configuration.sayings(policy, target.id, asked.tags)
    exemptions = [*configuration.exemptions(policy.id, target.id, asked.now)]
    tag = _exempting_tag(policy, asked.tags, file)
    situation = _situation(target, asked, chosen, [given for given, _ in exemptions], tag)
    return PolicyExplanation(
        id=policy.id,
        title=policy.title,
        outcome=outcome_of(policy, said, situation),
        effect=_setting(said.effect, file),
        adopt=_setting(said.adopt, file),
        without_approval=_setting(said.without_approval, file),
        settle_seconds=_setting(said.settle_seconds, file),
        during_freeze=_setting(said.during_freeze, file),
        outside_window=_setting(said.outside_window, file),
        parameters=_parameters(policy, said, file),
        exemptions=tuple(_exemption(given, file.place(path)) for given, path in exemptions),
        exempt_by_tag=tag,
    )


def _situation(
    target: Target, asked: Asked, chosen: Chosen, exemptions: Sequence[Exemption], tag: str | None
) -> Situation:
    configuration, now = chosen.configuration, asked.now
    freeze = configuration.freeze(target.id, now)
    return Situation(
        mode=chosen.settings.mode,
        in_scope=chosen.settings.covers(target.id),
        exempt_until=exemptions[0].expires_at if exemptions else None,
        exempt_by_tag=tag is not None and _still_says(tag, now),
        frozen_until=freeze.ends if freeze is not None else None,
        closed_until=configuration.closed_until(target.id, now),
    )


def _still_says(tag: str, now: datetime) -> bool:
    said = read_tag(tag)
    return said is not None and (said.until is None or now < said.until)


def _exemption(given: Exemption, place: str) -> ExemptionView:
    return ExemptionView(reason=given.reason, approver=given.approver, expires=given.expires_at, place=place)


def _parameters(policy: AnyPolicy, said: Sayings, file: PoliciesFile) -> dict[str, SettingView]:
    return {
        p.name: _setting(said.parameters.get(p.name, Said(setting=p.default, built_in=DEFAULT)), file)
        for p in policy.parameters
    }


def _setting(said: Said[Json], file: PoliciesFile) -> SettingView:
    path = said.path
    return SettingView(
        value=said.setting,
        place=file.place(path) if path is not None else None,
        section=_section(path, file) if path is not None else None,
        built_in=said.built_in,
    )


def _section(path: Path, file: PoliciesFile) -> str:
    """`defaults`, `policies`, or the scope with its tags."""
    head, *rest = path
    if head != "scopes" or not isinstance(rest[0], int):
        return str(head)
    section = file.scopes[rest[0]]
    tags = "".join(f" {name}={text}" for name, text in section.tags.items())
    return f"scope {section.scope.name}{tags}"


def _exempting_tag(policy: AnyPolicy, tags: Mapping[str, str], file: PoliciesFile) -> str | None:
    text = tag_text(tags, file.tag_exemptions)
    said = read_tag(text) if text is not None else None
    return text if said is not None and said.names(policy.id) else None


def _freezes(target: Target, configuration: Configuration, now: datetime) -> tuple[FreezeView, ...]:
    """Those that hold or are still to come."""
    return tuple(
        FreezeView(
            reason=section.reason,
            starts=section.starts,
            ends=section.ends,
            holds_now=section.starts <= now,
            place=configuration.file.place(path),
        )
        for section, path in configuration.freezes(target.id)
        if now < section.ends
    )


def _windows(target: Target, configuration: Configuration) -> tuple[WindowView, ...]:
    return tuple(
        WindowView(
            days=section.days,
            opens=f"{section.opens:%H:%M}",
            closes=f"{section.closes:%H:%M}",
            timezone=section.timezone.key,
            place=configuration.file.place(path),
        )
        for section, path in configuration.windows(target.id)
    )
