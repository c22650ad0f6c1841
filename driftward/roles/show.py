"""An audit on a terminal: what is wrong inside, the worst first, each with the SQL that mends it."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console
from rich.text import Text

from driftward.catalogue.table import SEVERITIES
from driftward.refusing import plain
from shared.model import ComplianceState, Severity
from shared.report.rows import Report, Row
from shared.roles.names import identifier


def show(page: Console, report: Report) -> None:
    wrong = [row for row in report.rows if row.is_wrong]
    for text in (*_wrong(wrong), *_unknown(report), *_summary(report)):
        page.print(text, soft_wrap=True)


def _wrong(rows: list[Row]) -> Iterator[Text]:
    for row in rows:
        known = "" if row.is_new else "  (in the baseline)"
        severity = (row.severity.value.ljust(13), SEVERITIES[row.severity])
        yield Text.assemble(severity, " ", (row.policy, "bold"), known)
        yield Text(f"    {plain(row.finding.reason)}")
        yield from (Text(f"    {plain(text)}") for text in _details(row))
        yield from (Text(f"      {plain(line)}", style="dim") for line in row.commands)
    if rows:
        yield Text("")


def _details(row: Row) -> Iterator[str]:
    """What is said of a case beside its name."""
    for case in row.finding.evidence.get("found", ()):
        if case.get("detail"):
            yield f"· {identifier(case['name'])} {case['detail']}"


def _unknown(report: Report) -> Iterator[Text]:
    rows = [row for row in report.rows if row.is_open]
    for row in rows:
        yield Text(f"Unknown       {row.policy}")
        yield Text(f"    {plain(row.finding.reason)}")
    if rows:
        yield Text("")


def _summary(report: Report) -> Iterator[Text]:
    counts = report.counts
    by = [f"{counts.by_severity[one]} {one}" for one in Severity if counts.by_severity[one]]
    right = counts.by_state[ComplianceState.COMPLIANT]
    yield Text(f"{right} of {sum(counts.by_state.values())} checks find nothing wrong")
    yield Text(f"found: {', '.join(by) or 'nothing'}")
    if counts.is_new != counts.by_state[ComplianceState.NON_COMPLIANT]:
        yield Text(f"new: {counts.is_new}")
    if any(row.commands for row in report.rows if row.is_wrong):
        yield Text("SQL is for psql, as an administrator; nothing of it was run")
