"""How a check says what it found: one finding a check, with every case of it and the SQL that mends it.

A check judges; here its cases become a finding whose fingerprint is equal as long as the cases are the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Final, TypeAlias

from shared.model import Finding, Json, Kind, Severity
from shared.model.values import value
from shared.posture.controls import Control
from shared.posture.findings import Judged, compliant, drifted, unknown
from shared.posture.policy import FLEXIBLE_SERVERS, AnyPolicy, Policy
from shared.posture.steps import as_json
from shared.roles.names import listed
from shared.roles.reading import Inside, Part

Judge: TypeAlias = Callable[[Inside], Judged]
AZURE_ADMIN: Final = "azure_pg_admin"


@value
class Case:
    """One thing that is wrong: a role, a database, a session. ``sql`` mends it, in the order of its lines."""

    name: str
    sql: tuple[str, ...]
    detail: str = ""
    severity: Severity | None = None
    """Where it is less grave than the check's worst."""


def check(
    check_id: str,
    title: str,
    severity: Severity,
    judge: Judge,
    why: str,
    controls: tuple[Control, ...] = (),
) -> AnyPolicy:
    """A check as report and exports take it."""
    made: Policy[Any] = Policy(
        id=check_id,
        title=title,
        kind=Kind.SETTING,
        targets=FLEXIBLE_SERVERS,
        severity=severity,
        reads=frozenset(),
        controls=controls,
        evaluate=partial(_finding, check_id, severity, judge),
        opt_in=True,
        why=why,
    )
    return made


def _finding(check_id: str, severity: Severity, judge: Judge, inside: Inside) -> Finding:
    judged = judge(inside)
    remedy = {"whatToDo": as_json(judged.steps)} if judged.steps else {}
    return Finding(
        policy=check_id,
        target=inside.target,
        resource_id=inside.target.id,
        state=judged.state,
        severity=judged.severity or severity,
        reason=judged.reason,
        evidence={**judged.evidence, **remedy},
        fingerprint=judged.fingerprint,
        applies=judged.applies,
    )


def told(cases: Iterable[Case], wrong: str, right: str) -> Judged:
    """``wrong`` with ``{}`` for the names and ``right`` where there is no case. The gravest case decides."""
    found = sorted(cases, key=lambda case: (case.name, case.detail))
    if not found:
        return compliant(right)
    judged = drifted(
        wrong.format(listed(dict.fromkeys(case.name for case in found))),
        "; ".join(f"{case.name} {case.detail}".strip() for case in found),
        what_to_do=tuple(dict.fromkeys(line for case in found for line in case.sql)),
        evidence={"found": [_shown(case) for case in found]},
    )
    return replace(judged, severity=gravest(found))


def _shown(case: Case) -> dict[str, Json]:
    detail: dict[str, Json] = {"detail": case.detail} if case.detail else {}
    return {"name": case.name, **detail, "sql": list(case.sql)}


def gravest(cases: Sequence[Case]) -> Severity | None:
    """None where one of them is as grave as its check's worst."""
    severities = [case.severity for case in cases]
    known = [severity for severity in severities if severity is not None]
    return max(known, key=lambda one: one.rank) if len(known) == len(severities) else None


def beside_unread(judged: Judged, unread: Sequence[str]) -> Judged:
    """What is surely wrong stays so, whatever else could not be read; the rest is not known."""
    if not unread:
        return judged
    reason = f"{judged.reason}; not known: {'; '.join(unread)}"
    return replace(judged, reason=reason) if judged.is_drift else unknown(reason)


def not_read(inside: Inside, part: Part) -> Judged:
    return unknown(inside.why_unread(part))
