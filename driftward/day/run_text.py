"""What a run came to, in words and as an exit code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from enum import IntEnum
from typing import Final

from driftward.day.saying import objects, of, text_of
from shared.model import ComplianceState, Json, Outcome
from shared.model.results import RunStatus

ENDED: Final = frozenset({RunStatus.DONE, RunStatus.FAILED})
_COMPLIANT, _DRIFTED, _EXEMPT, _UNKNOWN = "compliant", "drifted", "exempt", "unknown"
_VERDICTS: Final = (_COMPLIANT, _DRIFTED, _EXEMPT, _UNKNOWN)
_SAID: Final[Mapping[str, str]] = {
    ComplianceState.COMPLIANT: _COMPLIANT,
    ComplianceState.NON_COMPLIANT: _DRIFTED,
    ComplianceState.EXEMPT: _EXEMPT,
}
"""Everything else is not known."""
_WELL: Final = frozenset({Outcome.REVERTED, Outcome.ALREADY_COMPLIANT, Outcome.COMPLIANT})
_OPEN: Final = frozenset({ComplianceState.UNKNOWN, ComplianceState.ERROR})


class Came(IntEnum):
    """What a run came to, as its exit code."""

    CLEAN = 0
    DRIFT = 1
    """Something is not compliant and was not put right, or a part of the run failed."""
    NOT_KNOWN = 3
    """It goes on, or it could not be told of something whether it is compliant."""


def came_to(run: dict[str, Json]) -> Came:
    """What is wrong weighs more than what is not known."""
    parts = list(_parts(run))
    if run.get("status") == RunStatus.FAILED or any(_is_amiss(part) for part in parts):
        return Came.DRIFT
    if run.get("status") not in ENDED or any(_states(part) & _OPEN for part in parts):
        return Came.NOT_KNOWN
    return Came.CLEAN


def lines(run: dict[str, Json]) -> Iterator[str]:
    """Each target with what was found there and what became of it."""
    yield f"run {run.get('id')}: {run.get('status')}{_counted(run.get('progress'))}"
    if run.get("error"):
        yield f"    {run.get('error')}"
    if run.get("status") in ENDED:
        yield f"    {_verdicts(run)}"
    for part in _parts(run):
        yield from _of_target(part)


def progress_of(run: dict[str, Json]) -> tuple[int, int | None]:
    """How many targets are done, of how many; a run on one target has one."""
    done, total = of(run, "progress", "done"), of(run, "progress", "total")
    if isinstance(done, int):
        return done, total if isinstance(total, int) else None
    return int(run.get("status") in ENDED), 1


def _parts(run: dict[str, Json]) -> list[dict[str, Json]]:
    """A run of a scope has a part for each target; one on a target is its own."""
    return objects(run["targets"]) if isinstance(run.get("targets"), list) else [run]


def _states(part: dict[str, Json]) -> set[str]:
    return {str(finding.get("state")) for finding in objects(part.get("findings"))}


def _is_amiss(part: dict[str, Json]) -> bool:
    return bool(part.get("error")) or any(_stays(finding, part) for finding in objects(part.get("findings")))


def _stays(finding: dict[str, Json], part: dict[str, Json]) -> bool:
    """Whether a drift was found that was not put right, nor is being."""
    is_drift = finding.get("state") == ComplianceState.NON_COMPLIANT
    return is_drift and _outcome(finding, part) not in {*_WELL, Outcome.IN_PROGRESS}


def _verdicts(run: dict[str, Json]) -> str:
    """How many are compliant: of a scope's targets, or of one target's policies."""
    parts, done = _parts(run), of(run, "progress", "done")
    if isinstance(run.get("targets"), list) and isinstance(done, int):
        said = Counter(_worst(_states(part), bool(part.get("error"))) for part in parts)
        said[_COMPLIANT] += max(done - len(parts), 0)  # those that have nothing else to tell are left out
        counted, what = said, "targets"
    else:
        counted = Counter(_verdict(str(finding.get("state"))) for finding in objects(run.get("findings")))
        what = "policies"
    return (
        f"{what}: {', '.join(f'{counted[one]} {one}' for one in _VERDICTS if counted[one]) or 'none asked'}"
    )


def _worst(states: set[str], failed: bool) -> str:
    """A target's verdict is that of its worst finding."""
    said = {_verdict(state) for state in states} | ({_UNKNOWN} if failed else set())
    return next((one for one in (_DRIFTED, _UNKNOWN, _EXEMPT) if one in said), _COMPLIANT)


def _verdict(state: str) -> str:
    return _SAID.get(state, _UNKNOWN)


def _counted(progress: Json) -> str:
    total = of(progress, "total")
    return f", {of(progress, 'done')} of {total} targets" if total is not None else ""


def _of_target(part: dict[str, Json]) -> Iterator[str]:
    findings = [one for one in objects(part.get("findings")) if _tells(one, part)]
    if findings or part.get("error"):
        yield text_of(of(part, "target", "id"))
    if part.get("error"):
        yield f"    {part.get('error')}"
    for finding in findings:
        outcome = text_of(_outcome(finding, part) or finding.get("state"))
        yield f"    {text_of(finding.get('severity')).ljust(13)} {outcome.ljust(16)} {finding.get('policy')}"
        yield f"        {finding.get('reason')}"


def _tells(finding: dict[str, Json], part: dict[str, Json]) -> bool:
    """What was put right is compliant by now, and is told all the same."""
    well = {finding.get("state"), _outcome(finding, part)} <= {ComplianceState.COMPLIANT, None}
    return not well


def _outcome(finding: dict[str, Json], part: dict[str, Json]) -> Json:
    found = part.get("outcomes")
    return found.get(str(finding.get("policy"))) if isinstance(found, dict) else None
