"""JUnit's XML, which every pipeline shows: a suite for each policy, a case for each target.

What is wrong is a failure, what could not be told is skipped with its reason, and so is what is exempt: a run
that stays green hides neither. What a baseline holds is a case that passes and says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree import ElementTree

from shared.model import Finding
from shared.report.catalogue import find
from shared.report.forms.harmless import printable
from shared.report.rows import Report, Row


def text(report: Report) -> str:
    rows = {(row.policy, row.finding.target.key): row for row in report.rows}
    found: dict[str, list[Finding]] = {}
    for result in report.estate.results:
        for finding in result.findings:
            found.setdefault(finding.policy, []).append(finding)
    root = ElementTree.Element("testsuites", name="driftward")
    for policy in sorted(found):
        root.append(_suite(policy, found[policy], rows))
    if report.estate.unlisted:
        root.append(_unlisted(report))
    _count(root, list(root))
    ElementTree.indent(root)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{ElementTree.tostring(root, encoding="unicode")}\n'


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
    _count(suite, list(suite))
    return suite


def _outcome(row: Row, title: str) -> Iterator[ElementTree.Element]:
    reason = printable(row.finding.reason)
    if row.is_wrong and row.is_new:
        failure = ElementTree.Element("failure", type=row.severity.value, message=title)
        failure.text = f"{reason}\n{printable(str(row.finding.resource_id))}"
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
    _count(suite, list(suite))
    return suite


def _count(parent: ElementTree.Element, children: list[ElementTree.Element]) -> None:
    """Sums as attributes, of cases or of suites."""
    for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        parent.set(name, str(sum(_number(child, name, tag) for child in children)))
    parent.set("tests", str(sum(int(child.get("tests", "1")) for child in children)))


def _number(child: ElementTree.Element, name: str, tag: str) -> int:
    return int(child.get(name, "0")) if child.tag == "testsuite" else int(child.find(tag) is not None)
