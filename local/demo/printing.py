"""How the demonstration looks: headings, one card per deed, the last table. Printing and nothing else.

On a terminal there are colours and a line that says what is being waited for; in a pipe there is plain text
of 100 columns (or `COLUMNS`). Everything that came from outside (names, reasons) is printed as text, never
as markup.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Final

from rich.console import Console
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from local.demo.watching import Episode, moment
from shared.alerts.decision_words import decision_text
from shared.alerts.edit_words import describe_edit
from shared.model import Decision, Edit, Json, codec
from shared.model.values import value
from shared.policies import find

_WIDEST: Final = 120
_PIPED: Final = 100
_INDENT: Final = " " * 12
_LABEL: Final = 11
_OUTCOMES: Final[Mapping[str, str]] = {
    "Reverted": "bold green",
    "RolledBack": "bold green",
    "WouldRevert": "bold yellow",
    "Alerted": "bold magenta",
}
_UNINTERESTING: Final = re.compile(
    r" --(?:subscription|resource-group|source-port-ranges|description) (?:'[^']*'|\S+)"
)
_KINDS: Final = (("read", "read"), ("write", "write"), ("delete", "delete"), ("poll", "poll"))


@value
class Check:
    """One line of the last table."""

    what: str
    why: str
    expected: str
    actual: str

    @property
    def holds(self) -> bool:
        return self.expected == self.actual


class Printer:
    """Prints to standard output."""

    def __init__(self) -> None:
        tty = sys.stdout.isatty()
        self._console = Console(highlight=False, width=None if tty else _piped_width())
        if tty and self._console.width > _WIDEST:
            self._console = Console(highlight=False, width=_WIDEST)

    @contextmanager
    def waiting(self, what: str) -> Iterator[None]:
        """A spinner on a terminal, nothing in a pipe."""
        with self._console.status(what):
            yield

    def heading(self, text: str) -> None:
        self._console.print()
        self._console.print(Rule(Text(f" {text} ", style="bold"), align="left", characters="─"))

    def say(self, text: str, style: str = "") -> None:
        self._console.print(Text(text, style=style))

    def note(self, text: str, style: str = "", *, gap: bool = False) -> None:
        """A sentence between the cards, wrapped; with `gap` after an empty line."""
        if gap:
            self._console.print()
        self._wrapped(("", ""), Text(text, style=style), 2)

    def step(self, text: str, seconds: float) -> None:
        """Something that was set up, and how long it took."""
        self._wrapped(("  ✓ ", "green"), Text.assemble(text, (f"  {seconds:.1f} s", "dim")), 4)

    def card(self, episode: Episode) -> None:
        """One deed and what became of it."""
        deed = episode.started.deed
        self._header(episode.started.at, deed.actor.name, deed.words)
        rows: list[tuple[str, Text]] = []
        if episode.changes:
            for number, change in enumerate(episode.changes):
                rows += [("", Text())] if number else []
                rows += _change_rows(change, episode.started.at)
        else:
            for alert in episode.alerts:
                rows += _alert_rows(alert)
        if not episode.answered:
            rows.append(("waited", Text("in vain: not every policy has its answer", style="bold red")))
        rows.append(("ARM calls", Text(told_calls(episode.calls), style="dim")))
        self._rows(rows)

    def rollback(self, asked_at: datetime, who: str, words: str, change: Json, again: str) -> None:
        """The rollback, and what the next look at the target decided."""
        self._header(asked_at, who, words)
        rows = [
            ("changed", _edits(change)),
            ("verified", _outcome(str(change["outcome"]), str(change["detail"]))),
            ("exempt", Text(f"the next look at the server decides: {again}")),
        ]
        self._rows(rows)

    def inherited(self, alerts: Sequence[Json]) -> None:
        """What was there before Driftward came."""
        for alert in alerts:
            name = str(alert["target"]["id"]).rsplit("/", 1)[-1]
            self._wrapped(("", ""), Text.assemble((name, "bold"), f": {alert['reason']}"), 2)

    def table(self, checks: Sequence[Check]) -> None:
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
        table.add_column("")
        table.add_column("what", no_wrap=True)
        for heading in ("expected", "actual", "because"):
            table.add_column(heading, overflow="fold")
        for check in checks:
            mark = Text("✓", style="green") if check.holds else Text("✗ WRONG", style="bold red")
            actual = Text(check.actual, style="" if check.holds else "bold red")
            table.add_row(mark, Text(check.what), Text(check.expected), actual, Text(check.why, style="dim"))
        self._console.print(table)

    def _header(self, at: datetime, who: str, words: str) -> None:
        self._console.print()
        time = f"{at.astimezone():%H:%M:%S.%f}"[:-5]
        self._wrapped((time, "cyan"), Text.assemble((who, "bold"), f" {words}"), len(_INDENT))

    def _rows(self, rows: Sequence[tuple[str, Text]]) -> None:
        for label, text in rows:
            self._wrapped((f"{_INDENT}{label}", "dim"), text, len(_INDENT) + _LABEL)

    def _wrapped(self, label: tuple[str, str], text: Text, column: int) -> None:
        """A label, and a text beside it from `column` on; wrapped here so that no line ends in blanks."""
        lines = text.wrap(self._console, self._console.width - column) or [Text()]
        for number, line in enumerate(lines):
            line.rstrip()
            shown, style = label if number == 0 else ("", "")
            row = Text.assemble((shown.ljust(column), style), line)
            row.rstrip()
            self._console.print(row, soft_wrap=True)


def told_calls(calls: Mapping[str, int]) -> str:
    """`4 reads, 1 write, 2 polls`; reads and writes are told even when there were none."""
    parts = []
    for kind, word in _KINDS:
        count = calls.get(kind, 0)
        if count or kind in {"read", "write"}:
            parts.append(f"{count} {word}{'' if count == 1 else 's'}")
    return ", ".join(parts)


def _change_rows(change: Json, since: datetime) -> list[tuple[str, Text]]:
    policy = find(change["policy"])
    rows = [
        (
            "found",
            _found(str(policy.severity) if policy else "", policy.title if policy else change["policy"]),
        ),
        ("decided", Text(f"Revert: {_grounds(change)}")),
        ("proved", _proved(change["proof"]["steps"])),
        ("changed", _edits(change)),
        ("verified", _outcome(str(change["outcome"]), str(change["detail"]))),
    ]
    if change["finishedAt"]:
        seconds = (moment(change["finishedAt"]) - since).total_seconds()
        rows.append(("fixed in", Text(f"{seconds:.1f} s", style="bold")))
    return rows


def _alert_rows(alert: Json) -> list[tuple[str, Text]]:
    would = alert["decision"]["dryRun"] and alert["decision"]["action"] == "Revert"
    rows = [
        ("found", _found(alert["severity"], alert["reason"])),
        ("decided", _outcome("WouldRevert" if would else "Alerted", _grounds(alert))),
    ]
    if alert["commands"]:
        label, shown = ("would do", _shortened) if would else ("by hand", str)
        rows.append((label, Text("\n".join(shown(command) for command in alert["commands"]), style="dim")))
    return rows


def _shortened(command: str) -> str:
    """A command without what only a shell needs."""
    return _UNINTERESTING.sub("", command)


def _proved(steps: Sequence[Json]) -> Text:
    return Text(f"{len(steps)} claims, the last: {steps[-1]['claim']}", style="dim")


def _grounds(record: Json) -> str:
    """Why it was decided, in words: without the action, which is shown beside it."""
    decision = codec.load(Decision, json.dumps(record["decision"]))
    return decision_text(decision).partition(": ")[2].replace("`", "")


def _found(severity: str, text: str) -> Text:
    return Text.assemble((severity, "red"), f": {text}")


def _outcome(outcome: str, detail: str) -> Text:
    return Text.assemble((outcome, _OUTCOMES.get(outcome, "bold red")), f": {detail}" if detail else "")


def _edits(change: Json) -> Text:
    edits = [codec.load(Edit, json.dumps(edit)) for edit in change["edits"]]
    return Text("; ".join(describe_edit(edit).replace("`", "") for edit in edits))


def _piped_width() -> int:
    columns = os.environ.get("COLUMNS", "")
    return max(60, int(columns)) if columns.isdigit() else _PIPED
