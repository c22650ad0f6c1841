"""A scan on a terminal: what was found by target, the worst first, and what it comes to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from rich.console import Console
from rich.text import Text

from driftward.catalogue.table import SEVERITIES
from driftward.refusing import plain
from shared.model import ComplianceState, Severity
from shared.report.rows import Report, Row

MOST_ROWS: Final = 100


def show(page: Console, report: Report, *, fix: bool) -> None:
    """Draw what is wrong, with ``fix`` and the commands that mend it, then what is not known; what is exempt
    is counted."""
    wrong = [row for row in report.rows if row.is_wrong]
    for row in wrong[:MOST_ROWS]:
        for line in (*_row(row), *(_commands(row) if fix else ())):
            page.print(line, soft_wrap=True)
    if len(wrong) > MOST_ROWS:
        page.print(Text(f"… and {len(wrong) - MOST_ROWS} more: -o json, csv or markdown have all of them"))
    if wrong:
        page.print()
    for text in _unknown([row for row in report.rows if row.is_open]):
        page.print(Text(text), soft_wrap=True)
    for text in _summary(report):
        page.print(Text(text), soft_wrap=True)


def _row(row: Row) -> Iterator[Text]:
    known = "" if row.is_new else "  (in the baseline)"
    yield Text.assemble(
        (row.severity.value.ljust(13), SEVERITIES[row.severity]), " ", (row.policy, "bold"), known
    )
    yield Text(f"    {plain(row.origin.said or str(row.finding.resource_id))}")
    yield Text(f"    {plain(row.finding.reason)}")


def _commands(row: Row) -> Iterator[Text]:
    if row.origin.edit:
        yield Text(f"      {plain(row.origin.edit)}", style="dim")
    for command in () if row.origin.address else row.commands:
        yield Text(f"      {plain(command)}", style="dim")


def _unknown(rows: list[Row]) -> Iterator[str]:
    """By target: of one that cannot be read every policy would say the same."""
    said: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        where = row.origin.said or str(row.finding.target.id)
        said.setdefault((where, row.finding.reason), []).append(row.policy)
    for (target, reason), policies in said.items():
        whose = policies[0] if len(policies) == 1 else f"{len(policies)} policies"
        yield f"Unknown       {whose}"
        yield f"    {plain(target)}"
        yield f"    {plain(reason)}"
    if said:
        yield ""


def _summary(report: Report) -> Iterator[str]:
    counts = report.counts
    by = [f"{counts.by_severity[one]} {one}" for one in Severity if counts.by_severity[one]]
    states = counts.by_state
    yield f"{counts.targets} servers and subnets, {counts.compliant_targets} of them as they should be"
    yield f"found: {', '.join(by) or 'nothing'}"
    if counts.is_new != states[ComplianceState.NON_COMPLIANT]:
        yield f"new: {counts.is_new}"
    if states[ComplianceState.EXEMPT]:
        yield f"exempt: {states[ComplianceState.EXEMPT]}"
    if counts.unread:
        yield f"could not be read: {counts.unread}"
    for one in report.estate.unlisted:
        yield f"not all of {plain(one.scope)} could be listed: {plain(one.reason)}"
