"""The catalogue for people: a line for each policy, by family, within 80 columns; and one policy in full."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from driftward.catalogue.entries import Entry, by_family
from driftward.catalogue.file import Chosen
from driftward.catalogue.outcome import Verb
from driftward.refusing import plain
from shared.model import EnforcementMode, Severity
from shared.posture.policy import remedy_lines

SEVERITIES: Final[Mapping[Severity, str]] = {
    Severity.CRITICAL: "bold red",
    Severity.HIGH: "red",
    Severity.MEDIUM: "yellow",
    Severity.LOW: "cyan",
    Severity.INFORMATIONAL: "dim",
}
VERBS: Final[Mapping[Verb, str]] = {
    Verb.REVERTS: "green",
    Verb.REVERTS_AFTER_APPROVAL: "green",
    Verb.ALERTS: "yellow",
    Verb.OFF: "dim",
}
_ID_WIDTH: Final = 42
"""Longer ids push what stands behind them: an id is never broken, and none is common that is longer."""
_SEVERITY_WIDTH: Final = 13


def show_table(console: Console, listed: Sequence[Entry], chosen: Chosen) -> None:
    """Draw the lines, and say what they go by."""
    for family, found in by_family(listed):
        console.print(Text(family, style="bold"))
        for entry in found:
            console.print(_line(entry), soft_wrap=True)
        console.print()
    for text in _caption(len(listed), chosen):
        console.print(Text(text))


def _line(entry: Entry) -> Text:
    """`nsg-blocks-postgres-clients                High          reverts after approval`."""
    severity, policy_id = entry.view.severity, entry.policy.id
    width = _SEVERITY_WIDTH if len(policy_id) <= _ID_WIDTH else 0
    return Text.assemble(
        policy_id.ljust(_ID_WIDTH),
        " ",
        (severity.value.ljust(width), SEVERITIES[severity]),
        " ",
        (entry.verb.value, VERBS[entry.verb]),
    )


def _caption(number: int, chosen: Chosen) -> Iterator[str]:
    policies = "1 policy" if number == 1 else f"{number} policies"
    yield f"{policies}; what is done about each: {plain(chosen.source)}; scopes may say otherwise."
    if chosen.settings.mode is EnforcementMode.AUDIT:
        yield "ENFORCEMENT_MODE is audit: nothing is written, reverts are only told."
    yield "One of them in full: driftward policies show ID"


# --- one policy ------------------------------------------------------------------------------------


def show_entry(console: Console, entry: Entry, chosen: Chosen) -> None:
    """Draw everything that is known of one policy."""
    for part in (*_head(entry, chosen), *_texts(entry), *_lists(entry)):
        console.print(part)


def _head(entry: Entry, chosen: Chosen) -> Iterator[RenderableType]:
    view = entry.view
    yield Text.assemble((entry.policy.id, "bold"), f"  {view.title}")
    yield Text.assemble(
        (view.severity.value, SEVERITIES[view.severity]),
        f", {view.safety}, effect {view.effect}: ",
        (entry.verb.value, VERBS[entry.verb]),
    )
    yield Text(f"{entry.family}; looks at {', '.join(view.targets)}; raised by {view.raised_by}", style="dim")
    yield Text(f"by {plain(chosen.source)}", style="dim")


def _texts(entry: Entry) -> Iterator[RenderableType]:
    if entry.policy.why:
        yield Text()
        yield Text(entry.policy.why)
    for paragraph in (*entry.docstring.split("\n\n"), *remedy_lines(entry.policy)):
        yield Text()
        yield _paragraph(" ".join(paragraph.replace("``", "`").split()))


def _paragraph(text: str) -> Text:
    """`*What it finds.* A firewall rule …`: the heading of a section is bold."""
    heading, closing, rest = text.removeprefix("*").partition("*")
    if not (text.startswith("*") and closing):
        return Text(text)
    return Text.assemble((heading, "bold"), rest)


def _lists(entry: Entry) -> Iterator[RenderableType]:
    view = entry.view
    parameters = [
        f"{one.name} = {json.dumps(one.value)}"
        + (f" (default {json.dumps(one.default)})" if one.value != one.default else "")
        + f": {one.description}"
        for one in view.parameters
    ]
    controls = [f"{one.framework} {one.version} {one.id}: {one.title}" for one in view.controls]
    yield from _listed("Parameters", parameters)
    yield from _listed("Controls", controls)
    yield from _listed("Permissions", view.permissions)
    yield from _listed("Documentation", [view.docs])


def _listed(heading: str, texts: Sequence[str]) -> Iterator[RenderableType]:
    if not texts:
        return
    table = Table.grid(padding=(0, 1, 0, 0))
    table.add_column()
    table.add_column(overflow="fold")
    for text in texts:
        table.add_row("·", Text(text))
    yield Text()
    yield Text(heading, style="bold")
    yield Padding(table, (0, 0, 0, 2), expand=False)
