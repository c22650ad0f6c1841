"""What holds for one resource, for people: what comes of each policy, and where each setting is from."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Final

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from driftward.catalogue.holds import Explanation, PolicyExplanation, SettingView
from driftward.catalogue.outcome import at
from driftward.refusing import plain
from shared.config.sayings import DEFAULT
from shared.model import Effect, Json, TargetKind

_COLOURS: Final[Mapping[Effect, str]] = {Effect.REVERT: "green", Effect.ALERT: "yellow", Effect.OFF: "dim"}
_INDENT: Final = 2


def show_explanation(console: Console, explanation: Explanation, source: str) -> None:
    """Draw it; ``source`` says where the settings are from."""
    for part in _parts(explanation, source):
        console.print(part)


def _parts(explanation: Explanation, source: str) -> Iterator[Text | Table | Padding]:
    yield Text(f"{explanation.kind} {explanation.resource_id.name}", style="bold")
    yield Text(str(explanation.resource_id), style="dim")
    tags = ", ".join(f"{name}={text}" for name, text in explanation.tags.items())
    if explanation.kind is not TargetKind.SUBNET:
        yield Text(f"tags: {tags or 'none (give them with --tags, or sections by tag do not hold)'}")
    yield Text(f"by {plain(source)}; ENFORCEMENT_MODE is {explanation.enforcement_mode}", style="dim")
    yield from _times(explanation)
    for policy in explanation.policies:
        yield Text()
        yield Text.assemble((policy.id, "bold"), f"  {policy.title}")
        yield _settings(policy)
        yield Padding(_left_open(policy), (0, 0, 0, _INDENT))


def _times(explanation: Explanation) -> Iterator[Text]:
    for freeze in explanation.freezes:
        when = f"frozen until {at(freeze.ends)}" if freeze.holds_now else f"freeze from {at(freeze.starts)}"
        yield Text(f"{when}: {freeze.reason}  [{freeze.place}]", style="yellow")
    for window in explanation.windows:
        span = f"{window.opens}–{window.closes} {window.timezone}"
        yield Text(f"reverts {', '.join(window.days)} {span}  [{window.place}]")
    if explanation.closed_until is not None:
        yield Text(f"closed now, opens at {at(explanation.closed_until)}", style="yellow")


def _settings(policy: PolicyExplanation) -> Table:
    """Outcome, effect and what the file says on lines of their own; what it leaves open on one."""
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(ratio=1)
    table.add_column(ratio=1)
    effect = Text(policy.effect.value, style=_COLOURS[policy.effect.value])
    table.add_row(Text("  outcome"), Text(policy.outcome, style="bold"), Text())
    table.add_row(Text("  effect"), effect, _source(policy.effect))
    for name, setting in _named(policy).items():
        if setting.place is not None:
            table.add_row(Text(f"  {name}"), Text(_spelled(setting.value)), _source(setting))
    for exemption in policy.exemptions:
        until = f"until {at(exemption.expires)}: {exemption.reason} ({exemption.approver})"
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
