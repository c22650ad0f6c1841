"""Frameworks as an estate stands to them: each control that policies cite, and whether it is met.

Met is said only where something was judged and nothing speaks against it: a control of which a target is not
known, or which a policy cites that was not asked (switched off, or left out of the scan), is unknown. What a
framework asks of people and not of resources stands in docs/coverage.md and is not judged here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field
from enum import StrEnum
from typing import Final, NamedTuple

from shared.model import ComplianceState, Finding, TargetKind
from shared.model.results import TargetResult
from shared.model.values import value
from shared.posture.concerned import concerns
from shared.posture.controls import Control
from shared.posture.policy import AnyPolicy, unmet_controls
from shared.report.catalogue import discover, find
from shared.report.manual_controls import MANUAL


class Standing(StrEnum):
    """The graver first."""

    UNMET = "not met"
    UNKNOWN = "unknown"
    EXEMPT = "exempt"
    MET = "met"
    MANUAL = "manual"
    """A person answers it, and no reading of Azure."""
    SILENT = "nothing to judge"


@value
class ControlState:
    """One control. The counts are of targets; ``not_asked`` are policies that cite it and were not judged."""

    control: Control
    standing: Standing
    unmet: int = 0
    unknown: int = 0
    exempt: int = 0
    met: int = 0
    policies: tuple[str, ...] = ()
    not_asked: tuple[str, ...] = ()


@value
class Framework:
    """A framework in one version, its controls in their order."""

    name: str
    version: str
    controls: tuple[ControlState, ...]

    def count(self, standing: Standing) -> int:
        return sum(one.standing is standing for one in self.controls)


_FIRST: Final = (
    "CIS Microsoft Azure Database Services",
    "CIS Microsoft Azure Foundations",
    "MCSB",
    "Azure Policy",
    "Datadog",
)
_OF_STATE: Final[Mapping[ComplianceState, Standing]] = {
    ComplianceState.COMPLIANT: Standing.MET,
    ComplianceState.NON_COMPLIANT: Standing.UNMET,
    ComplianceState.EXEMPT: Standing.EXEMPT,
    ComplianceState.UNKNOWN: Standing.UNKNOWN,
    ComplianceState.ERROR: Standing.UNKNOWN,
}


@value
class _Tally:
    """The targets of one control, by how they stand to it."""

    seen: dict[Standing, set[str]] = field(default_factory=lambda: defaultdict(set))


class _Key(NamedTuple):
    framework: str
    version: str
    id: str


def frameworks_of(results: Iterable[TargetResult]) -> list[Framework]:
    """Every framework that policies cite, those that are asked for most first."""
    results = list(results)
    tallies = _tallies(results)
    asked = {finding.policy for result in results for finding in result.findings}
    kinds = {result.target.kind for result in results}
    found: dict[tuple[str, str], list[ControlState]] = defaultdict(list)
    for key, control in sorted(_cited().items(), key=lambda one: _order(one[0])):
        found[key.framework, key.version].append(_state(control, tallies[key], asked, kinds))
    return [
        Framework(name=name, version=version, controls=tuple(states))
        for (name, version), states in found.items()
    ]


def _tallies(results: Iterable[TargetResult]) -> Mapping[_Key, _Tally]:
    tallies: dict[_Key, _Tally] = defaultdict(_Tally)
    known: dict[tuple[str, TargetKind], tuple[_Key, ...]] = {}
    for finding in (one for result in results for one in result.findings if one.applies):
        about = finding.policy, finding.target.kind
        if about not in known:
            known[about] = tuple(_concerned(*about))
        unmet = _unmet(finding)
        for key in known[about]:
            standing = _OF_STATE[finding.state] if unmet is None or key in unmet else Standing.MET
            tallies[key].seen[standing].add(finding.target.key)
    return tallies


def _concerned(policy: str, kind: TargetKind) -> Iterator[_Key]:
    held = find(policy)
    return (_key(one) for one in (held.controls if held is not None else ()) if concerns(one, kind))


def _unmet(finding: Finding) -> frozenset[_Key] | None:
    """Of a drift the controls that it breaks; None where all of them stand alike."""
    policy = find(finding.policy)
    if finding.state is not ComplianceState.NON_COMPLIANT or policy is None:
        return None
    return frozenset(_key(one) for one in unmet_controls(policy, finding))


def _cited() -> Mapping[_Key, Control]:
    cited = (control for policy in discover() for control in policy.controls)
    return {_key(control): control for control in (*MANUAL, *cited)}


def _key(control: Control) -> _Key:
    return _Key(control.framework, control.version, control.id)


def _state(control: Control, tally: _Tally, asked: set[str], kinds: set[TargetKind]) -> ControlState:
    citing = [one for one in discover() if _key(control) in map(_key, one.controls)]
    silent = tuple(one.id for one in citing if _should_ask(one, control, kinds) and one.id not in asked)
    seen = {standing: len(tally.seen[standing]) for standing in Standing}
    return ControlState(
        control=control,
        standing=_standing(seen, is_whole=not silent) if citing else Standing.MANUAL,
        unmet=seen[Standing.UNMET],
        unknown=seen[Standing.UNKNOWN],
        exempt=seen[Standing.EXEMPT],
        met=seen[Standing.MET],
        policies=tuple(one.id for one in citing),
        not_asked=silent,
    )


def _should_ask(policy: AnyPolicy, control: Control, kinds: set[TargetKind]) -> bool:
    """Whether it is on by default and there is something that it would judge for this control."""
    return not policy.opt_in and any(concerns(control, kind) for kind in kinds & policy.targets)


def _standing(seen: Mapping[Standing, int], *, is_whole: bool) -> Standing:
    if seen[Standing.UNMET]:
        return Standing.UNMET
    if seen[Standing.UNKNOWN] or not is_whole:
        return Standing.UNKNOWN
    return next((one for one in (Standing.EXEMPT, Standing.MET) if seen[one]), Standing.SILENT)


def _order(key: _Key) -> tuple[int, str, list[int], list[int], str]:
    """Frameworks by how often they are asked for, newer versions first; numbers as numbers."""
    first = _FIRST.index(key.framework) if key.framework in _FIRST else len(_FIRST)
    return first, key.framework, [-part for part in _numbers(key.version)], _numbers(key.id), key.id


def _numbers(said: str) -> list[int]:
    """``5.2.10`` and ``NS-10`` by their numbers; a GUID has none that mean anything."""
    parts = said.replace("-", ".").split(".")
    return [int(part) for part in parts if part.isdecimal()] if len(said) < 20 else []
