"""What a policy says of a server or a subnet, and the finding that is made of it.

A policy's predicate answers with one ``Judged``; ``finding`` adds who asks and of whom. The verbs
(``compliant``, ``drifted``, …) are the words it answers with. Pure.

What must not live here: which value is right, and why.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, replace
from types import MappingProxyType
from typing import Final, TypeAlias

from shared.model import (
    ComplianceState,
    Finding,
    Json,
    Severity,
    Snapshot,
    SubnetSnapshot,
)
from shared.model.resource_id import ResourceId
from shared.model.values import value
from shared.posture.steps import Step, as_json

Facts: TypeAlias = Mapping[str, Json]
"""What evidence tells, by name."""
NOTHING: Final[Facts] = MappingProxyType({})


@value
class Judged:
    """What a policy says. ``fingerprint`` belongs to a drift and is equal for the same drift.

    ``resource_id`` is what is wrong, where it is not the target itself; ``severity`` is set where the
    situation is less grave than the policy's worst. ``applies`` is False where the policy has nothing to ask
    of the target: such a reading is no baseline.
    """

    state: ComplianceState
    reason: str
    fingerprint: str = ""
    evidence: Facts = field(default_factory=dict)
    resource_id: ResourceId | None = None
    severity: Severity | None = None
    applies: bool = True
    undecided: tuple[str, ...] = ()
    """What is odd and could be wrong; see ``Finding``."""
    what_to_do: str | tuple[Step, ...] = ""
    """A command or a step for a person, or several; it is told among the evidence."""

    @property
    def is_drift(self) -> bool:
        return self.state is ComplianceState.NON_COMPLIANT

    @property
    def steps(self) -> tuple[Step, ...]:
        """What to do, as a list of steps."""
        if isinstance(self.what_to_do, str):
            return (self.what_to_do,) if self.what_to_do else ()
        return self.what_to_do


def compliant(reason: str, evidence: Facts = NOTHING) -> Judged:
    return Judged(state=ComplianceState.COMPLIANT, reason=reason, evidence=evidence)


def beside_the_point(reason: str) -> Judged:
    """The policy has nothing to ask of this target; such a reading is no baseline."""
    return Judged(state=ComplianceState.COMPLIANT, reason=reason, applies=False)


def unknown(reason: str, evidence: Facts = NOTHING) -> Judged:
    """It cannot be told now."""
    return Judged(state=ComplianceState.UNKNOWN, reason=reason, evidence=evidence)


def drifted(
    reason: str,
    fingerprint: str,
    *,
    what_to_do: str | tuple[Step, ...] = "",
    evidence: Facts = NOTHING,
) -> Judged:
    """``fingerprint`` is equal for the same drift; ``what_to_do`` is a command or a step for a person."""
    return Judged(
        state=ComplianceState.NON_COMPLIANT,
        reason=reason,
        fingerprint=fingerprint,
        evidence=evidence,
        what_to_do=what_to_do,
    )


def is_drift(found: Finding) -> bool:
    """Whether there is something to plan, to suggest or to restore."""
    return found.state is ComplianceState.NON_COMPLIANT


def with_evidence(judged: Judged, evidence: Facts) -> Judged:
    return replace(judged, evidence={**judged.evidence, **evidence})


def _beside_odd_fields(judged: Judged, snapshot: Snapshot) -> Judged:
    """What is said of a subnet of which a prefix or a delegation cannot be read: right as far as it is known
    is not right, and what is wrong stays so. A delegation that is odd may be the one that is asked for."""
    odd = snapshot.odd_fields if isinstance(snapshot, SubnetSnapshot) else {}
    said = [odd[name] for name in ("addressPrefix", "delegations") if name in odd]
    if not said or said[0] in judged.reason:
        return judged
    told = replace(judged, reason=f"{judged.reason}; {'; '.join(said)}, and cannot be judged")
    if judged.state is not ComplianceState.COMPLIANT:
        return told
    matters = judged.applies or "delegations" in odd
    return unknown(told.reason, judged.evidence) if matters else judged


def finding(
    policy: str,
    severity: Severity,
    snapshot: Snapshot,
    judged: Judged,
    facts: Facts = NOTHING,
) -> Finding:
    """The finding of ``policy``, whose worst is ``severity``; ``facts`` are told whatever was judged."""
    judged = _beside_odd_fields(judged, snapshot)
    steps = judged.what_to_do
    remedy = {"whatToDo": steps if isinstance(steps, str) else as_json(steps)} if steps != "" else NOTHING
    return Finding(
        policy=policy,
        target=snapshot.target,
        resource_id=judged.resource_id or snapshot.id,
        state=judged.state,
        severity=judged.severity or severity,
        reason=judged.reason,
        evidence={**facts, **judged.evidence, **remedy},
        fingerprint=judged.fingerprint,
        applies=judged.applies,
        undecided=judged.undecided,
    )
