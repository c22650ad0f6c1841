"""The report for people: one HTML page that needs nothing else."""

from __future__ import annotations

from shared.report.page import document
from shared.report.rows import Report


def text(report: Report) -> str:
    return document.text(report)
