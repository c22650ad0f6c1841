"""What was known before: the findings of an earlier scan, by the ids of their alerts."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from driftward.documents import document
from shared.model import ComplianceState, Json
from shared.nsg.asking import BadInput
from shared.report.forms.as_json import FORM, FORM_VERSION

_FIELD: Final = "baseline"


def known_by(path: Path | None) -> frozenset[str]:
    """The ids of what an earlier scan found wrong. Raises ``BadInput`` that names the file."""
    if path is None:
        return frozenset()
    found = document(str(path), _FIELD)
    if not isinstance(found, dict) or found.get("form") != FORM:
        raise BadInput(f"{path}: these are no findings of `driftward scan -o json`", field=_FIELD)
    if found.get("formVersion") != FORM_VERSION:
        raise BadInput(f"{path}: form version {found.get('formVersion')} is not known", field=_FIELD)
    findings = found.get("findings")
    if not isinstance(findings, list):
        raise BadInput(f"{path}: there is no list of findings in it", field=_FIELD)
    return frozenset(str(one["id"]) for one in findings if _is_known(one))


def _is_known(finding: Json) -> bool:
    """What was not known, or exempt, is new when it turns out to be wrong."""
    if not isinstance(finding, dict) or not isinstance(finding.get("id"), str):
        return False
    return finding.get("state") == ComplianceState.NON_COMPLIANT
