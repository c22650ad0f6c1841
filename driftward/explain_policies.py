"""`python -m local policies --explain RESOURCE_ID [--policy ID] [--tags k=v,…]`: what holds, and who says so.

For every policy that is about that kind of resource: each setting with the line of `policies.yaml` that it
comes from (or what stands behind the file), the exemptions that cover the resource now, and its freezes and
maintenance windows. Nothing is read from Azure: a server's tags are given by `--tags`, and what the app
remembers (rollbacks, since when a tag is known) is not in the file and not shown.

The answers are `shared.config.configuration`'s, the same that decide; here they are only spelled.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from shared.config.configuration import Configuration
from shared.config.marked_yaml import Path
from shared.config.policies_file import PoliciesFile
from shared.config.sayings import DEFAULT, Said, Sayings
from shared.config.tag_exemptions import read_tag, tag_text
from shared.controller.event_targets import locate
from shared.model import Effect, Json, Target, TargetKind
from shared.model.codec import to_json
from shared.model.resource_id import InvalidResourceId, ResourceId
from shared.model.values import value
from shared.posture.policy import AnyPolicy

_COLOURS: Final[Mapping[Effect, str]] = {Effect.REVERT: "green", Effect.ALERT: "yellow", Effect.OFF: "dim"}

_INDENT: Final = 2


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


def explain(asked: Asked, configuration: Configuration, policies: Sequence[AnyPolicy]) -> Explanation:
    """What holds for the resource. Raises Unexplainable."""
    target = _target(asked.resource)
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
        freezes=_freezes(target, configuration, asked.now),
        windows=_windows(target, configuration),
        closed_until=configuration.closed_until(target.id, asked.now),
        policies=tuple(_policy(policy, target, asked, configuration) for policy in about),
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


def _policy(
    policy: AnyPolicy, target: Target, asked: Asked, configuration: Configuration
) -> PolicyExplanation:
    said, file = configuration.sayings(policy, target.id, asked.tags), configuration.file
    return PolicyExplanation(
        id=policy.id,
        title=policy.title,
        effect=_setting(said.effect, file),
        adopt=_setting(said.adopt, file),
        without_approval=_setting(said.without_approval, file),
        settle_seconds=_setting(said.settle_seconds, file),
        during_freeze=_setting(said.during_freeze, file),
        outside_window=_setting(said.outside_window, file),
        parameters=_parameters(policy, said, file),
        exemptions=tuple(
            ExemptionView(
                reason=given.reason,
                approver=given.approver,
                expires=given.expires_at,
                place=file.place(path),
            )
            for given, path in configuration.exemptions(policy.id, target.id, asked.now)
        ),
        exempt_by_tag=_exempting_tag(policy, asked.tags, file),
    )


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


# --- as text -----------------------------------------------------------------------------------------


def show(explanation: Explanation, *, as_json: bool) -> None:
    """Print it; in colour on a terminal."""
    if as_json:
        print(json.dumps(to_json(explanation), indent=2))
        return
    console = Console(highlight=False)
    for part in _parts(explanation):
        console.print(part)


def _parts(explanation: Explanation) -> Iterator[Text | Table | Padding]:
    yield Text(f"{explanation.kind} {explanation.resource_id.name}", style="bold")
    yield Text(str(explanation.resource_id), style="dim")
    tags = ", ".join(f"{name}={text}" for name, text in explanation.tags.items())
    if explanation.kind is not TargetKind.SUBNET:
        yield Text(f"tags: {tags or 'none (give them with --tags, or sections by tag do not hold)'}")
    yield from _times(explanation)
    for policy in explanation.policies:
        yield Text()
        yield Text.assemble((policy.id, "bold"), f"  {policy.title}")
        yield _settings(policy)
        yield Padding(_left_open(policy), (0, 0, 0, _INDENT))


def _times(explanation: Explanation) -> Iterator[Text]:
    for freeze in explanation.freezes:
        when = f"frozen until {_at(freeze.ends)}" if freeze.holds_now else f"freeze from {_at(freeze.starts)}"
        yield Text(f"{when}: {freeze.reason}  [{freeze.place}]", style="yellow")
    for window in explanation.windows:
        span = f"{window.opens}–{window.closes} {window.timezone}"
        yield Text(f"reverts {', '.join(window.days)} {span}  [{window.place}]")
    if explanation.closed_until is not None:
        yield Text(f"closed now, opens at {_at(explanation.closed_until)}", style="yellow")


def _settings(policy: PolicyExplanation) -> Table:
    """The effect and what the file says on lines of their own; what it leaves open on one."""
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(ratio=1)
    table.add_column(ratio=1)
    effect = Text(policy.effect.value, style=_COLOURS[policy.effect.value])
    table.add_row(Text("  effect"), effect, _source(policy.effect))
    for name, setting in _named(policy).items():
        if setting.place is not None:
            table.add_row(Text(f"  {name}"), Text(_spelled(setting.value)), _source(setting))
    for exemption in policy.exemptions:
        until = f"until {_at(exemption.expires)}: {exemption.reason} ({exemption.approver})"
        table.add_row(Text("  exempt", style="yellow"), Text(until), Text(exemption.place))
    if policy.exempt_by_tag is not None:
        table.add_row(
            Text("  exempt by tag", style="yellow"), Text(policy.exempt_by_tag), Text("for a while")
        )
    return table


def _left_open(policy: PolicyExplanation) -> Text:
    open_ones = {name: setting for name, setting in _named(policy).items() if setting.place is None}
    told = (
        f"{name} {_spelled(setting.value)}"
        + (f" ({setting.built_in})" if setting.built_in != DEFAULT else "")
        for name, setting in open_ones.items()
    )
    return Text(f"otherwise: {', '.join(told)}", style="dim")


def _named(policy: PolicyExplanation) -> dict[str, SettingView]:
    """Every setting but the effect, by its name in the file."""
    return {
        "adopt": policy.adopt,
        "withoutApproval": policy.without_approval,
        "settleSeconds": policy.settle_seconds,
        "duringFreeze": policy.during_freeze,
        "outsideWindow": policy.outside_window,
        **policy.parameters,
    }


def _source(setting: SettingView) -> Text:
    if setting.place is None:
        return Text(setting.built_in, style="dim")
    return Text(f"{setting.place} {setting.section}")


def _spelled(setting: Json) -> str:
    return setting if isinstance(setting, str) else json.dumps(setting)


def _at(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M}Z"
