"""A line for each finding that is not compliant, for spreadsheets. Columns are only ever added at the end.

A cell that a spreadsheet would take for a formula is begun with an apostrophe (OWASP, CSV injection): names
are chosen by strangers.
"""

from __future__ import annotations

import csv
from typing import Final

from shared.report.harmless import printable
from shared.report.rows import Report, Row

COLUMNS: Final = (
    *("id", "policy", "title", "family", "severity", "state", "new", "decision", "decisionReason"),
    *("subscription", "resourceGroup", "target", "resourceId", "reason", "controls"),
    *("address", "file", "line"),
)
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""The last four are the first four in full width, which spreadsheets read alike."""


class _Written:
    """What the library writes to."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def write(self, line: str) -> None:
        self.lines.append(line)


def text(report: Report) -> str:
    written = _Written()
    lines = csv.writer(written)
    lines.writerow(COLUMNS)
    lines.writerows([_harmless(cell) for cell in _cells(row)] for row in report.rows)
    return "".join(written.lines)


def _cells(row: Row) -> tuple[str, ...]:
    finding, decision = row.finding, row.decision
    controls = (f"{one.framework} {one.version} {one.id}" for one in row.controls)
    return (
        *(row.id, row.policy, row.title, row.family, row.severity.value, row.state.value),
        "true" if row.is_new else "false",
        decision.action.value if decision is not None else "",
        decision.reason.value if decision is not None else "",
        *(finding.target.id.subscription, finding.target.id.resource_group or ""),
        *(str(finding.target.id), str(finding.resource_id), finding.reason, "; ".join(controls)),
        *(row.origin.address, row.origin.file, str(row.origin.line or "")),
    )


def _harmless(cell: str) -> str:
    cell = printable(cell)
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
