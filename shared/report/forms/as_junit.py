"""JUnit's XML, which every pipeline shows: a suite for each policy, a case for each target.

What is wrong is a failure, what could not be told is skipped with its reason, and so is what is exempt: a run
that stays green hides neither. What a baseline holds is a case that passes and says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree import ElementTree

from shared.model import Finding
from shared.report.catalogue import find
from shared.report.harmless import printable
from shared.report.rows import Report, Row


def pieces(report: Report) -> Iterator[str]:
    """A suite at a time."""
    yield f'<?xml version="1.0" encoding="utf-8"?>\n{_head(report)}\n'
    for suite in _suites(report):
        ElementTree.indent(suite, level=1)
        yield f"  {ElementTree.tostring(suite, encoding='unicode').rstrip()}\n"
    yield "</testsuites>\n"


def _head(report: Report) -> str:
    counts = {
        "failures": sum(row.is_wrong and row.is_new for row in report.rows),
        "errors": len(report.estate.unlisted),
        "skipped": sum(not row.is_wrong for row in report.rows),
        "tests": sum(len(one.findings) for one in report.estate.results) + len(report.estate.unlisted),
    }
    said = " ".join(f'{name}="{number}"' for name, number in counts.items())
    return f'<testsuites name="driftward" {said}>'


def _suites(report: Report) -> Iterator[ElementTree.Element]:
    rows = {(row.policy, row.finding.target.key): row for row in report.rows}
    found: dict[str, list[Finding]] = {}
    for result in report.estate.results:
        for finding in result.findings:
            found.setdefault(finding.policy, []).append(finding)
    for policy in sorted(found):
        yield _suite(policy, found[policy], rows)
    if report.estate.unlisted:
        yield _unlisted(report)


def _suite(policy: str, findings: list[Finding], rows: dict[tuple[str, str], Row]) -> ElementTree.Element:
    known = find(policy)
    suite = ElementTree.Element("testsuite", name=policy)
    for finding in findings:
        case = ElementTree.SubElement(
            suite, "testcase", classname=policy, name=printable(str(finding.target.id)), time="0"
        )
        row = rows.get((policy, finding.target.key))
        if row is not None:
            case.extend(_outcome(row, known.title if known is not None else policy))
    _count(suite)
    return suite


def _outcome(row: Row, title: str) -> Iterator[ElementTree.Element]:
    reason = printable(row.finding.reason)
    if row.is_wrong and row.is_new:
        failure = ElementTree.Element("failure", type=row.severity.value, message=title)
        failure.text = f"{reason}\n{printable(row.origin.said or str(row.finding.resource_id))}"
        yield failure
    elif row.is_wrong:
        said = ElementTree.Element("system-out")
        said.text = f"in the baseline: {reason}"
        yield said
    else:
        yield ElementTree.Element("skipped", message=f"{row.state.value}: {reason}")


def _unlisted(report: Report) -> ElementTree.Element:
    """A scope that could not be listed is an error: what lies in it was not looked at."""
    suite = ElementTree.Element("testsuite", name="scopes")
    for one in report.estate.unlisted:
        case = ElementTree.SubElement(
            suite, "testcase", classname="scopes", name=printable(one.scope), time="0"
        )
        ElementTree.SubElement(case, "error", type="Unlisted", message=printable(one.reason))
    _count(suite)
    return suite


def _count(suite: ElementTree.Element) -> None:
    """Sums of the cases as attributes."""
    for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(name, str(sum(case.find(tag) is not None for case in suite)))
    suite.set("tests", str(len(suite)))
