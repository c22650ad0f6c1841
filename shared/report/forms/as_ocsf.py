"""OCSF 1.8 compliance findings, an array of events (github.com/ocsf/ocsf-schema, class 2003, profile cloud).

``time`` is in milliseconds. The activity is ``Create`` (1): a scan tells of what it sees and follows nothing.
What is compliant is told as well, once for each target and policy, because a compliance view counts both.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from shared.model import ComplianceState, Finding, Json, Severity
from shared.model.codec import to_json
from shared.model.results import TargetResult
from shared.posture.policy import AnyPolicy, unmet_controls
from shared.report.catalogue import find
from shared.report.forms.piecewise import array
from shared.report.rows import Report, Row

VERSION: Final = "1.8.0"
_CLASS: Final = 2003
_CREATE: Final = 1
_AZURE_SUBSCRIPTION: Final = 13
_SEVERITIES: Final = {
    Severity.INFORMATIONAL: (1, "Informational"),
    Severity.LOW: (2, "Low"),
    Severity.MEDIUM: (3, "Medium"),
    Severity.HIGH: (4, "High"),
    Severity.CRITICAL: (5, "Critical"),
}
_NEW, _SUPPRESSED, _RESOLVED = (1, "New"), (3, "Suppressed"), (4, "Resolved")
_UNKNOWN_STATUS: Final = (0, "Unknown")
_VERDICTS: Final = {
    ComplianceState.COMPLIANT: (1, "Pass"),
    ComplianceState.NON_COMPLIANT: (3, "Fail"),
    ComplianceState.EXEMPT: (3, "Fail"),
    ComplianceState.UNKNOWN: (0, "Unknown"),
    ComplianceState.ERROR: (0, "Unknown"),
}
_STATUSES: Final = {
    ComplianceState.COMPLIANT: _RESOLVED,
    ComplianceState.NON_COMPLIANT: _NEW,
    ComplianceState.EXEMPT: _SUPPRESSED,
    ComplianceState.UNKNOWN: _UNKNOWN_STATUS,
    ComplianceState.ERROR: _UNKNOWN_STATUS,
}


def pieces(report: Report) -> Iterator[str]:
    yield from array(events(report))
    yield "\n"


def events(report: Report) -> Iterator[dict[str, Json]]:
    """An event for each finding, in the order of targets."""
    rows = {(row.policy, row.finding.target.key): row for row in report.rows}
    for result in report.estate.results:
        for finding in result.findings:
            policy = find(finding.policy)
            if policy is not None:
                row = rows.get((finding.policy, finding.target.key))
                yield _event(policy, finding, row, _Around(report, result))


class _Around:
    """What all events of a target have in common."""

    def __init__(self, report: Report, result: TargetResult) -> None:
        self.version = report.version
        self.time = _milliseconds(report.estate.taken_at)
        self.location = result.location


def _event(policy: AnyPolicy, finding: Finding, row: Row | None, around: _Around) -> dict[str, Json]:
    severity_id, severity = _SEVERITIES[finding.severity]
    status_id, status = _STATUSES[finding.state]
    event: dict[str, Json] = {
        "category_uid": 2,
        "category_name": "Findings",
        "class_uid": _CLASS,
        "class_name": "Compliance Finding",
        "activity_id": _CREATE,
        "activity_name": "Create",
        "type_uid": _CLASS * 100 + _CREATE,
        "type_name": "Compliance Finding: Create",
        "time": around.time,
        "severity_id": severity_id,
        "severity": severity,
        "status_id": status_id,
        "status": status,
        "message": finding.reason,
        "metadata": _metadata(around.version),
        "cloud": _cloud(finding, around.location),
        "finding_info": _info(policy, finding, row),
        "compliance": _compliance(policy, finding),
        "resources": [_resource(finding, around.location)],
        "unmapped": {"driftward": _own(finding, row)},
    }
    return event


def _metadata(version: str) -> dict[str, Json]:
    product: dict[str, Json] = {"name": "Driftward", "vendor_name": "Driftward", "version": version}
    return {"version": VERSION, "profiles": ["cloud"], "product": product}


def _cloud(finding: Finding, location: str) -> dict[str, Json]:
    account: dict[str, Json] = {
        "uid": finding.target.id.subscription,
        "type_id": _AZURE_SUBSCRIPTION,
        "type": "Azure Subscription",
    }
    return {"provider": "Azure", "account": account, **({"region": location} if location else {})}


def _info(policy: AnyPolicy, finding: Finding, row: Row | None) -> dict[str, Json]:
    """Compliant findings have no alert: they are known by policy and target."""
    uid = row.id if row is not None else f"{policy.id} {finding.target.key}"
    return {"uid": uid, "title": policy.title, "desc": policy.why or policy.title, "types": ["Drift"]}


def _compliance(policy: AnyPolicy, finding: Finding) -> dict[str, Json]:
    status_id, status = _VERDICTS[finding.state]
    controls = unmet_controls(policy, finding)
    standards: list[Json] = list(dict.fromkeys(f"{one.framework} {one.version}" for one in controls))
    requirements: list[Json] = [f"{one.id}: {one.title}" for one in controls]
    return {
        "control": policy.id,
        "status_id": status_id,
        "status": status,
        "status_details": [finding.reason],
        **({"standards": standards, "requirements": requirements} if controls else {}),
    }


def _resource(finding: Finding, location: str) -> dict[str, Json]:
    where = finding.resource_id
    return {
        "uid": str(where),
        "name": where.name,
        "type": where.type,
        "role_id": 3,
        "role": "Affected",
        **({"region": location} if location else {}),
    }


def _own(finding: Finding, row: Row | None) -> dict[str, Json]:
    decision = row.decision if row is not None else None
    own: dict[str, Json] = {"state": finding.state, "target": str(finding.target.id)}
    return {**own, **({"decision": to_json(decision)} if decision is not None else {})}


def _milliseconds(time: datetime) -> int:
    return round(time.timestamp() * 1000)
