"""Everything as one JSON object: what a later scan takes for its baseline.

``findings`` holds what is not compliant; of what is compliant each target names the policies alone, which
keeps a report on thousands of targets readable.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from shared.model import ComplianceState, Json
from shared.model.codec import to_json
from shared.model.results import TargetResult
from shared.report.estate import Origin
from shared.report.forms.piecewise import document
from shared.report.rows import Report, Row

FORM: Final = "driftward-findings"
FORM_VERSION: Final = 1


def pieces(report: Report) -> Iterator[str]:
    yield from document(_parts(report))
    yield "\n"


def _parts(report: Report) -> dict[str, Json | Iterator[Json]]:
    estate = report.estate
    return {
        "form": FORM,
        "formVersion": FORM_VERSION,
        "driftward": report.version,
        "takenAt": _time(report),
        "scopes": list(estate.scopes),
        "counts": to_json(report.counts),
        "unlisted": [{"scope": one.scope, "reason": one.reason} for one in estate.unlisted],
        "targets": map(_target, estate.results),
        "findings": map(_finding, report.rows),
    }


def _time(report: Report) -> str:
    return report.estate.taken_at.isoformat().replace("+00:00", "Z")


def _target(result: TargetResult) -> dict[str, Json]:
    compliant = [one.policy for one in result.findings if one.state is ComplianceState.COMPLIANT]
    return {
        "id": str(result.target.id),
        "kind": result.target.kind,
        "location": result.location,
        "error": result.error,
        "gone": result.gone,
        "compliant": list(compliant),
    }


def _finding(row: Row) -> dict[str, Json]:
    finding, decision = row.finding, row.decision
    return {
        "id": row.id,
        "policy": row.policy,
        "title": row.title,
        "family": row.family,
        "state": row.state,
        "severity": row.severity,
        "target": str(finding.target.id),
        "resourceId": str(finding.resource_id),
        "reason": finding.reason,
        "evidence": to_json(finding)["evidence"],
        "decision": to_json(decision) if decision is not None else None,
        "commands": list(row.commands),
        "controls": [to_json(control) for control in row.controls],
        "new": row.is_new,
        "origin": to_json(row.origin) if row.origin != Origin() else None,
    }
