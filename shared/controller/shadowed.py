"""An Unknown that somebody's rule made of a sure verdict: found by the compliant reading, told at once.

Whoever wants to do something unseen puts such a rule in front first. So it does not wait for the third look,
as a read that failed does. What makes a verdict unknown is in ``shared.guardrails.shadow``.
"""

from __future__ import annotations

from dataclasses import replace

from shared.controller.visit import Visit
from shared.guardrails.question import Readiness, readiness_of
from shared.guardrails.shadow import shadows
from shared.model import Actor, Finding
from shared.model.memory import TargetRecord
from shared.posture.policy import AnyPolicy
from shared.state.baseline import recorded_baseline


def shadowed(visit: Visit, policy: AnyPolicy, record: TargetRecord) -> tuple[str, ...]:
    """The rules that make an unknown finding so; nothing where it is so for another reason."""
    memory = record.memories.get(policy.id)
    ready = readiness_of(visit.snapshot) is Readiness.READY
    if memory is None or not ready or policy.reads & visit.snapshot.unread.keys():
        return ()
    former = recorded_baseline(memory, visit.deps.store).snapshot
    return shadows(policy, visit.snapshot, former) if former is not None else ()


def said_of(finding: Finding, rules: tuple[str, ...], record: TargetRecord) -> Finding:
    """The finding with what makes it unknown, and who wrote last of those of whom an event told."""
    if not rules:
        return finding
    last = record.last_foreign
    actor = (last.actor if last else None) or Actor()
    writer = actor.name or actor.object_id or actor.app_id or "nobody whom an event names"
    named = ", ".join(rules)
    since = f"it was certain at the last compliant reading, before {named}; last writer {writer}"
    evidence = {**finding.evidence, "madeUnknownBy": list(rules), "lastWriter": writer}
    return replace(finding, reason=f"{finding.reason}; {since}", evidence=evidence)
