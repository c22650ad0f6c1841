"""SARIF 2.1.0 (OASIS), as GitHub's code scanning and Azure DevOps take it.

A rule for each policy, a result for each finding that is not compliant. A result of a resource has no file:
its address is the resource's id as a relative path. ``partialFingerprints`` holds the alert's id, so that a
result is the same one from scan to scan. What is exempt is suppressed with its reason, what is not known has
the kind ``open``. Limits of GitHub: 25,000 results of a run, of which 5,000 are shown (docs.github.com, SARIF
support for code scanning); the gravest stand first.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final
from urllib.parse import quote

from shared.model import ComplianceState, Json, Severity
from shared.model.resource_id import ResourceId
from shared.posture.policy import AnyPolicy
from shared.report.catalogue import find
from shared.report.estate import Origin
from shared.report.harmless import printable
from shared.report.rows import Report, Row

SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"
MOST_RESULTS: Final = 25_000
_LEVELS: Final = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "note",
    Severity.INFORMATIONAL: "note",
}
_SCORES: Final = {
    Severity.CRITICAL: "9.5",
    Severity.HIGH: "8.0",
    Severity.MEDIUM: "5.0",
    Severity.LOW: "2.0",
    Severity.INFORMATIONAL: "0.5",
}
"""On the scale of CVSS, by which GitHub sorts: 9.0 and more is critical, 7.0 high, 4.0 medium."""


def text(report: Report) -> str:
    return json.dumps(document(report), indent=1) + "\n"


def document(report: Report) -> dict[str, Json]:
    shown = report.rows[:MOST_RESULTS]
    rules = list(dict.fromkeys(row.policy for row in shown))
    run: dict[str, Json] = {
        "tool": {"driver": _driver(rules, report.version)},
        "columnKind": "utf16CodeUnits",
        "results": [_result(row, rules.index(row.policy)) for row in shown],
        "invocations": [_invocation(report)],
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _driver(rules: list[str], version: str) -> dict[str, Json]:
    policies = (find(rule) for rule in rules)
    described: list[Json] = [_rule(policy) for policy in policies if policy is not None]
    return {"name": "Driftward", "semanticVersion": version, "rules": described}


def _rule(policy: AnyPolicy) -> dict[str, Json]:
    tags: list[Json] = [f"{one.framework} {one.version} {one.id}" for one in policy.controls[:19]]
    return {
        "id": policy.id,
        "name": "".join(part.capitalize() for part in policy.id.split("-")),
        "shortDescription": {"text": f"{policy.title}."},
        "fullDescription": {"text": policy.why or f"{policy.title}."},
        "help": {"text": policy.why or f"{policy.title}."},
        "defaultConfiguration": {"level": _LEVELS[policy.severity]},
        "properties": {"tags": ["security", *tags], "security-severity": _SCORES[policy.severity]},
    }


def _result(row: Row, rule: int) -> dict[str, Json]:
    finding = row.finding
    result: dict[str, Json] = {
        "ruleId": row.policy,
        "ruleIndex": rule,
        "kind": "open" if row.is_open else "fail",
        "level": "none" if row.is_open else _LEVELS[row.severity],
        "message": {"text": _message(row)},
        "locations": [_location(finding.resource_id, row.origin)],
        "partialFingerprints": {"driftwardAlert/v1": row.id},
        "baselineState": "new" if row.is_new else "unchanged",
        "properties": {"state": row.state, "severity": row.severity, "target": str(finding.target.id)},
    }
    if row.state is ComplianceState.EXEMPT:
        said = row.decision.detail if row.decision is not None else ""
        result["suppressions"] = [
            {"kind": "external", "status": "accepted", "justification": said or "exempt"}
        ]
    return result


def _message(row: Row) -> str:
    where = row.origin.address or str(row.finding.resource_id)
    edit = f" Edit: {row.origin.edit}" if row.origin.edit else ""
    return _plain(f"{row.finding.reason} ({where}){edit}")


def _plain(said: str) -> str:
    """Without what a viewer makes a link of (SARIF 3.11.6, embedded links), whoever wrote it."""
    return printable(said).replace("](", "] (")


def _location(resource: ResourceId, origin: Origin) -> dict[str, Json]:
    """GitHub takes no result without a file: where none is known the id's path stands for one."""
    address = quote(origin.file or str(resource).lstrip("/"), safe="/-._~")
    return {
        "physicalLocation": {
            "artifactLocation": {"uri": address},
            "region": {"startLine": origin.line or 1},
        },
        "logicalLocations": [{"fullyQualifiedName": origin.address or str(resource), "kind": "resource"}],
    }


def _invocation(report: Report) -> dict[str, Json]:
    told: list[Json] = list(_notifications(report))
    made: dict[str, Json] = {
        "executionSuccessful": not report.estate.unlisted,
        "endTimeUtc": report.estate.taken_at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }
    return {**made, "toolExecutionNotifications": told} if told else made


def _notifications(report: Report) -> Iterator[Json]:
    for one in report.estate.unlisted:
        yield {"level": "error", "message": {"text": f"{one.scope}: not all could be listed: {one.reason}"}}
    for result in report.estate.unread:
        yield {"level": "warning", "message": {"text": f"{result.target.id}: {result.error}"}}
    hidden = len(report.rows) - MOST_RESULTS
    if hidden > 0:
        yield {"level": "warning", "message": {"text": f"{hidden} results are left out: the limit of a run"}}
