"""How a policy tells what it found about a subnet beside its NSG: routes, delegation, size, endpoints.

``Judged`` is what a policy says; ``finding`` makes a finding of it. What depends on the NSG's rules is told
by ``subnet_questions``. Pure; no policy's judgement lives here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, replace

from shared.model import ComplianceState, Finding, Json, Severity, SubnetSnapshot
from shared.model.resource_id import ResourceId
from shared.model.values import value


@value
class Judged:
    """What a policy says of a subnet. ``resource_id`` is what is wrong, where it is not the subnet itself."""

    state: ComplianceState
    reason: str
    fingerprint: str = ""
    resource_id: ResourceId | None = None
    applies: bool = True
    severity: Severity | None = None
    """Where the situation is less grave than the policy's worst."""
    evidence: Mapping[str, Json] = field(default_factory=dict)


def compliant(reason: str, *, applies: bool = True) -> Judged:
    return Judged(state=ComplianceState.COMPLIANT, reason=reason, applies=applies)


def unknown(reason: str) -> Judged:
    return Judged(state=ComplianceState.UNKNOWN, reason=reason)


def drift(reason: str, fingerprint: str) -> Judged:
    return Judged(state=ComplianceState.NON_COMPLIANT, reason=reason, fingerprint=fingerprint)


def with_evidence(judged: Judged, evidence: Mapping[str, Json]) -> Judged:
    return replace(judged, evidence={**judged.evidence, **evidence})


def finding(policy: str, severity: Severity, subnet: SubnetSnapshot, judged: Judged) -> Finding:
    return Finding(
        policy=policy,
        target=subnet.target,
        resource_id=judged.resource_id or subnet.id,
        state=judged.state,
        severity=judged.severity or severity,
        reason=judged.reason,
        evidence=judged.evidence,
        fingerprint=judged.fingerprint,
        applies=judged.applies,
    )
