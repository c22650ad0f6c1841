"""A summary in Markdown, for a pipeline's job page and for a pull request.

Names are chosen by strangers: they stand in code, without what could end it, a cell or a line.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from shared.alerts.phrases import clip, code
from shared.model import ComplianceState
from shared.report.rows import Counts, Report, Row

MOST_ROWS: Final = 200
"""GitHub shows a job summary of 1 MiB at most; a table that nobody reads helps nobody."""
_REASON: Final = 240


def text(report: Report) -> str:
    return "\n".join(_lines(report)) + "\n"


def _lines(report: Report) -> Iterator[str]:
    counts = report.counts
    yield f"# Driftward: {_verdict(report)}"
    yield ""
    yield f"{counts.targets} servers and subnets, {counts.compliant_targets} of them as they should be."
    if counts.unread:
        yield f"**{counts.unread} could not be read.**"
    for one in report.estate.unlisted:
        yield f"**Not all of {code(one.scope)} could be listed:** {_cell(one.reason)}"
    yield ""
    yield from _severities(counts)
    yield from _findings("Findings", [row for row in report.rows if row.is_wrong])
    yield from _findings("Not known", [row for row in report.rows if row.is_open])
    yield from _findings("Exempt", [row for row in report.rows if row.state is ComplianceState.EXEMPT])


def _verdict(report: Report) -> str:
    counts, wrong = report.counts, report.counts.by_state[ComplianceState.NON_COMPLIANT]
    if not wrong:
        return (
            "nothing is wrong" if _is_known(report) else "nothing wrong was seen, and not everything is known"
        )
    findings = "1 finding" if wrong == 1 else f"{wrong} findings"
    return f"{findings}, {counts.is_new} new" if counts.is_new != wrong else findings


def _is_known(report: Report) -> bool:
    """Whether everything was seen and could be judged."""
    is_open = any(row.is_open for row in report.rows)
    return bool(report.counts.targets) and not (report.counts.unread or report.estate.unlisted or is_open)


def _severities(counts: Counts) -> Iterator[str]:
    found = {severity: count for severity, count in counts.by_severity.items() if count}
    if found:
        yield f"| {' | '.join(found)} |"
        yield f"|{'---|' * len(found)}"
        yield f"| {' | '.join(map(str, found.values()))} |"
        yield ""


def _findings(heading: str, rows: list[Row]) -> Iterator[str]:
    if not rows:
        return
    yield f"## {heading}"
    yield ""
    yield "| Severity | Policy | Resource | What was found |"
    yield "|---|---|---|---|"
    yield from map(_row, rows[:MOST_ROWS])
    if len(rows) > MOST_ROWS:
        yield f"| | | | and {len(rows) - MOST_ROWS} more |"
    yield ""


def _row(row: Row) -> str:
    known = "" if row.is_new or not row.is_wrong else " (in the baseline)"
    resource = code(_short(row)).replace("|", "\\|")
    reason = _cell(clip(row.finding.reason, _REASON))
    return f"| {row.severity} | `{row.policy}` | {resource} | {reason}{known} |"


def _short(row: Row) -> str:
    """`shop/flexibleServers/orders/firewallRules/open`: the group, and what stands in it; or its origin."""
    if row.origin.said:
        return row.origin.said
    where = row.finding.resource_id
    _, _, within = str(where).partition("/providers/")
    return f"{where.resource_group or where.subscription}/{within.partition('/')[2]}".rstrip("/")


def _cell(said: str) -> str:
    return code(said).strip("`").replace("|", "\\|").replace("*", "\\*").replace("_", "\\_")
