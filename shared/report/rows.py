"""Findings one by one, with what their policy says of itself: what every form is written from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final

from shared.alerts.lifecycle import alert_id
from shared.model import ComplianceState, Decision, Finding, Severity
from shared.model.results import TargetResult
from shared.model.values import value
from shared.posture.controls import Control
from shared.posture.policy import unmet_controls
from shared.report.catalogue import family_of, find
from shared.report.estate import Estate, Origin, Seen
from shared.report.history import History

WRONG: Final = frozenset({ComplianceState.NON_COMPLIANT})
OPEN: Final = frozenset({ComplianceState.UNKNOWN, ComplianceState.ERROR})


@value
class Row:
    """One finding that is not compliant. ``id`` is that of the alert that a deployed app opens for it."""

    id: str
    title: str
    family: str
    finding: Finding
    decision: Decision | None
    controls: tuple[Control, ...]
    """Those that are not met."""
    commands: tuple[str, ...]
    """What mends it, in the order in which they are pasted."""
    is_new: bool
    """False for what a baseline holds."""
    origin: Origin = Origin()
    is_exposure: bool = False
    """Whether it lets somebody in who should not be."""
    open_since: datetime | None = None
    """Of an exposure: when it was first seen; None where that is not known."""

    @property
    def policy(self) -> str:
        return self.finding.policy

    @property
    def severity(self) -> Severity:
        return self.finding.severity

    @property
    def state(self) -> ComplianceState:
        return self.finding.state

    @property
    def is_wrong(self) -> bool:
        return self.state in WRONG

    @property
    def is_open(self) -> bool:
        """Whether it is not known."""
        return self.state in OPEN


def rows_of(estate: Estate, known: Collection[str] = ()) -> list[Row]:
    """Everything that is not compliant: what is wrong before what is not known and what is exempt, the worst
    first, then by policy and target. ``known`` are the ids of a baseline."""
    rows = [row for seen in estate.seen for row in _rows(seen, known)]
    found = (replace(row, origin=estate.origins.get(row.id, row.origin)) for row in rows)
    return sorted(found, key=_order)


def _rows(seen: Seen, known: Collection[str]) -> Iterator[Row]:
    decided = {decision.policy: decision for decision in seen.result.decisions}
    for finding in seen.result.findings:
        if finding.state is not ComplianceState.COMPLIANT:
            row = _row(finding, decided.get(finding.policy))
            yield replace(
                row,
                is_new=row.id not in known,
                commands=seen.commands.get(row.id, ()),
                is_exposure=row.id in seen.exposed,
                open_since=seen.exposed.get(row.id),
            )


def _row(finding: Finding, decision: Decision | None) -> Row:
    policy = find(finding.policy)
    if policy is None:
        raise ValueError(f"no policy is named {finding.policy!r}")
    return Row(
        id=alert_id(finding.policy, finding.target, finding.fingerprint),
        title=policy.title,
        family=family_of(policy.id),
        finding=finding,
        decision=decision,
        controls=tuple(unmet_controls(policy, finding)),
        commands=(),
        is_new=True,
    )


_STATES: Final = (
    *(ComplianceState.NON_COMPLIANT, ComplianceState.UNKNOWN, ComplianceState.ERROR),
    *(ComplianceState.EXEMPT, ComplianceState.COMPLIANT),
)


def _order(row: Row) -> tuple[int, int, str, str]:
    return _STATES.index(row.state), -row.severity.rank, row.policy, row.finding.target.key


# --- counts ----------------------------------------------------------------------------------------


@value
class Counts:
    """How many of what. ``by_severity`` counts what is wrong, the gravest first."""

    targets: int
    unread: int
    compliant_targets: int
    """Targets of which something was judged, with nothing wrong and nothing unknown."""
    by_state: Mapping[ComplianceState, int]
    """Findings, compliant ones among them."""
    by_severity: Mapping[Severity, int]
    is_new: int
    """Of what is wrong, what no baseline holds."""


def counts_of(estate: Estate, rows: Iterable[Row]) -> Counts:
    rows = list(rows)
    states = Counter(finding.state for result in estate.results for finding in result.findings)
    severities = Counter(row.severity for row in rows if row.is_wrong)
    touched = {row.finding.target.key for row in rows if row.is_wrong or row.is_open}
    unread = [one for one in estate.unread if not one.gone]
    return Counts(
        targets=len(estate.results),
        unread=len(unread),
        compliant_targets=sum(_is_fine(one) and one.target.key not in touched for one in estate.results),
        by_state={state: states[state] for state in _STATES},
        by_severity={severity: severities[severity] for severity in Severity},
        is_new=sum(row.is_wrong and row.is_new for row in rows),
    )


def _is_fine(result: TargetResult) -> bool:
    """As far as it goes without what was found: of what no policy was asked about nothing is known."""
    return bool(result.findings) and not result.error


@value
class Report:
    """What every form is written from. ``version`` is Driftward's, ``""`` where it is not known."""

    estate: Estate
    rows: tuple[Row, ...]
    counts: Counts
    version: str
    history: History | None = None
    """What a memory adds; None for a scan, which has none."""


def report_of(
    estate: Estate, version: str, known: Collection[str] = (), history: History | None = None
) -> Report:
    rows = tuple(rows_of(estate, known))
    counts = counts_of(estate, rows)
    return Report(estate=estate, rows=rows, counts=counts, version=version, history=history)
