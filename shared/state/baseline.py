"""The last compliant reading of one policy on one target, and what is different since.

A baseline is read once for each look that finds a drift: whether to restore from it, how far it lowers
the safety and what an alert tells of it are judged on the same value. A reading that is recorded and
cannot be found any more is ``lost``, which is another thing than never seen compliant.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

from shared.guardrails.traffic_difference import difference_between
from shared.model import Cause, CauseKind, ComplianceState, Finding, Json, Snapshot
from shared.model.memory import PolicyMemory
from shared.model.values import value
from shared.nsg import NsgError
from shared.posture.policy import AnyPolicy
from shared.state.store import Store


@value
class Baseline:
    """``snapshot`` and ``read_at`` are None when the policy was never seen compliant on the target."""

    snapshot: Snapshot | None = None
    read_at: datetime | None = None
    lost: bool = False
    directly_before: bool = False
    """Whether it is the newest reading before the one that is judged now."""


def recorded_baseline(memory: PolicyMemory | None, store: Store) -> Baseline:
    """What the memory of a policy on a target refers to; raises ``StoreError``."""
    if memory is None or memory.baseline is None:
        return Baseline()
    snapshot = store.snapshot(memory.baseline)
    return Baseline(
        snapshot=snapshot,
        read_at=memory.last_compliant_at,
        lost=snapshot is None,
        directly_before=memory.baseline_is_newest,
    )


def found_since(baseline: Baseline, found: Finding, after: Snapshot, policy: AnyPolicy) -> Finding:
    """The finding as the last compliant reading makes it; where that is lost, that is said and no more."""
    if policy.since is None or found.state is not ComplianceState.NON_COMPLIANT or baseline.read_at is None:
        return found
    if baseline.snapshot is not None:
        return policy.since(found, after, baseline.snapshot, baseline.read_at)
    lost = f"the compliant reading of {_timestamp(baseline.read_at)} is not there any more"
    return replace(found, reason=f"{found.reason}; {lost}, so what was taken away since is not known")


def evidence_since(
    baseline: Baseline, after: Snapshot, policy: AnyPolicy, cause: Cause
) -> Mapping[str, Json]:
    """What an alert tells of the traffic since ``baseline``; empty where there is none.

    ``byThisWrite`` says that nothing but the write of ``cause`` lies between the two readings.
    """
    if baseline.snapshot is None or baseline.read_at is None:
        return {}
    one_write = cause.kind is CauseKind.EVENT and cause.count == 1
    compared = {
        "lastCompliantAt": _timestamp(baseline.read_at),
        "byThisWrite": baseline.directly_before and one_write,
    }
    try:
        found = difference_between(baseline.snapshot, after, policy)
    except NsgError as error:
        return {**compared, "differenceError": str(error)}
    return {
        **compared,
        "newlyAllowed": list(found.newly_allowed),
        "newlyDenied": list(found.newly_denied),
        "newlyOpen": list(found.newly_open),
    }


def _timestamp(time: datetime) -> str:
    return time.astimezone(UTC).isoformat().replace("+00:00", "Z")
