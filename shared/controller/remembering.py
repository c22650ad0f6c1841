"""What is remembered of a target between two looks, and whose write it was that made us look.

The memory of a policy on a target holds when it was last compliant and with which reading: that is what
makes drift differ from what was inherited. Nothing is stored here but the reading of a baseline and the
relations; the record is saved by whoever ends the look, and only where something is news.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from shared.config.tag_exemptions import tag_used_since
from shared.controller.deps import Deps
from shared.controller.not_judged import is_not_judged
from shared.controller.overtaking import must_save
from shared.controller.visit import Judgement, Visit
from shared.guardrails.way_back import has_good_way
from shared.model import (
    Cause,
    CauseKind,
    ComplianceState,
    Decision,
    Finding,
    Outcome,
    Reason,
    ServerSnapshot,
    ServerState,
    Snapshot,
    SubnetSnapshot,
    codec,
)
from shared.model.edits import normalised
from shared.model.exposure import REMEMBERED
from shared.model.interfaces import Relation
from shared.model.memory import Attempt, PolicyMemory, TargetRecord
from shared.state.relation_index import depends_on
from shared.state.table_rows import digest

_SEEMED_SO: Final = frozenset({Outcome.INEFFECTIVE, Outcome.CONFLICTED})
"""What a verdict says of a revert whose undoing nobody had heard of."""
UNTOLD_KEPT: Final = timedelta(days=30)
"""How long an exemption that has ended waits for the sweep that tells of it."""
NOTED_EVERY: Final = timedelta(hours=1)
"""How far the noted time of a compliant reading may lie behind while nothing else changes."""
_NO_TIME: Final = datetime(1970, 1, 1, tzinfo=UTC)


def attributed(cause: Cause, deps: Deps) -> Cause:
    """The cause that matters among those that were coalesced: somebody else's newest write, or what
    an operator asked; our own write only when there is nothing else. Who else wrote stays beside it."""
    candidates = (cause, *cause.earlier)
    foreign = [c for c in candidates if c.kind is CauseKind.EVENT and not is_ours(c, deps)]
    asked = [c for c in candidates if c.kind is CauseKind.OPERATOR]
    chosen = max(foreign or asked or [cause], key=lambda c: c.time)
    beside = tuple(replace(c, earlier=()) for c in foreign if c is not chosen)
    return replace(chosen, count=cause.count, earlier=beside)


def with_foreign_write(record: TargetRecord, cause: Cause, deps: Deps) -> TargetRecord:
    """Remember who else last wrote, and when. No write lies in the future, whatever an event says."""
    if cause.kind is not CauseKind.EVENT or is_ours(cause, deps):
        return record
    record = _with_what_was_overtaken(record, cause)
    cause = replace(cause, time=min(cause.time, deps.clock.now()))
    if record.last_foreign is not None and record.last_foreign.time > cause.time:
        return record
    return replace(record, last_foreign=cause)


def _with_what_was_overtaken(record: TargetRecord, cause: Cause) -> TargetRecord:
    """A revert that seemed to have no effect, or to be interrupted, was undone by somebody whose event came
    after the verdict: it counts as any other revert then. Events beside the newest may be older than it."""
    times = [one.time for one in (cause, *cause.earlier)]
    attempts = (replace(a, outcome=None) if _was_overtaken(a, times) else a for a in record.attempts)
    return replace(record, attempts=tuple(attempts))


def _was_overtaken(attempt: Attempt, writes: list[datetime]) -> bool:
    sent, verified = attempt.sent_at, attempt.verified_at
    if attempt.outcome not in _SEEMED_SO or sent is None or verified is None:
        return False
    return any(sent < write <= verified for write in writes)


def with_what_was_seen(record: TargetRecord, snapshot: Snapshot, *, whole: bool = True) -> TargetRecord:
    """Remember what is there of all that is judged, and when somebody else's write last changed it.

    Only such a write asks for quiet: a tag, a lock or a diagnostic setting is nobody's deployment of what is
    judged, and whoever writes the same again changes nothing. Of a reading that is not whole, because
    something failed in passing, nobody can tell: it may have changed.
    """
    seen = _digest(snapshot)
    if seen == record.seen:
        return record
    written = record.last_foreign.time if record.last_foreign is not None else None
    if not whole:
        return replace(record, unsettled_at=written)
    return replace(record, seen=seen, unsettled_at=written)


def _digest(snapshot: Snapshot) -> str:
    timeless: Snapshot
    snapshot = normalised(snapshot)
    if isinstance(snapshot, ServerSnapshot):
        timeless = replace(snapshot, read_at=_NO_TIME, tags={}, dns_locks=None, **_BESIDE)
    else:
        timeless = _without_etags(replace(snapshot, read_at=_NO_TIME, network_locks=None, unread={}))
    return hashlib.sha256(codec.dump(timeless).encode()).hexdigest()[:_DIGITS]


def _without_etags(subnet: SubnetSnapshot) -> SubnetSnapshot:
    """A tag on an NSG gives it another etag."""
    group = subnet.security_group
    if group is not None:
        rules = tuple(replace(rule, etag=None) for rule in group.rules)
        group = replace(group, etag=None, updating=False, rules=rules)
    return replace(subnet, etag=None, updating=False, security_group=group)


_BESIDE: Final[Mapping[str, Any]] = {
    "state": ServerState.READY,
    "state_text": "",
    "diagnostic_settings": None,
    "health": None,
    "unread": {},
}
"""What a server's reading holds besides: how it does, who looks at it, what could not be read."""
_DIGITS: Final = 16


def newest_write(cause: Cause, record: TargetRecord) -> Cause:
    """Who wrote last while a change was on its way: what is found besides is theirs."""
    last = record.last_foreign
    return last if last is not None and last.time >= cause.time else cause


def is_ours(cause: Cause, deps: Deps) -> bool:
    """Whether the write was made by our own identity."""
    actor, us = cause.actor, deps.gateway.identity()
    same_app = actor.app_id is not None and actor.app_id == us.app_id
    same_object = actor.object_id is not None and actor.object_id == us.object_id
    return same_app or same_object


def remember(visit: Visit, judgements: tuple[Judgement, ...], record: TargetRecord) -> TargetRecord:
    """The record with what this visit found; nothing is stored but the baseline's reading."""
    on = {policy.id for policy in visit.policies}
    memories = {
        policy_id: replace(memory if policy_id in on else _without_alert(memory), baseline_is_newest=False)
        for policy_id, memory in record.memories.items()
    }
    reading = _kept_reading(visit, record) if any(map(_is_compliant, judgements)) else ""
    for judgement in judgements:
        earlier = memories.get(judgement.policy.id)
        memories[judgement.policy.id] = _memory(visit, judgement, earlier, reading)
    kept_since = visit.now - max(REMEMBERED, visit.deps.configuration.limits.flapping_window)
    return replace(
        record,
        memories=memories,
        not_judged=is_not_judged(visit, judgements, record),
        attempts=tuple(attempt for attempt in record.attempts if attempt.at > kept_since),
        exemptions=tuple(e for e in record.exemptions if e.expires_at > visit.now - UNTOLD_KEPT),
    )


def _without_alert(memory: PolicyMemory) -> PolicyMemory:
    """What remains of a policy that was switched off: its alerts are resolved, its baseline stays."""
    return replace(memory, fingerprint="", unknown_runs=0, unknown_since=None)


def _is_compliant(judgement: Judgement) -> bool:
    return judgement.finding.state is ComplianceState.COMPLIANT and judgement.finding.applies


def _memory(visit: Visit, judgement: Judgement, earlier: PolicyMemory | None, reading: str) -> PolicyMemory:
    finding, now = judgement.finding, visit.now
    memory = next_memory(earlier, finding, judgement.decision, now)
    memory = replace(memory, exposure=judgement.exposure)
    if not _is_compliant(judgement):
        return memory
    memory = replace(memory, last_compliant_at=now, baseline=reading, baseline_is_newest=True)
    return _with_way_in(memory, visit.snapshot)


def _with_way_in(memory: PolicyMemory, snapshot: Snapshot) -> PolicyMemory:
    """Remember the compliant reading beyond the next one where somebody came in whom a rule was made for."""
    if not isinstance(snapshot, ServerSnapshot) or not has_good_way(snapshot):
        return memory
    return replace(memory, way_in=memory.baseline, way_in_at=memory.last_compliant_at)


def next_memory(
    earlier: PolicyMemory | None, finding: Finding, decision: Decision | None, now: datetime
) -> PolicyMemory:
    """What is remembered of a policy after one more finding; the baseline stays."""
    earlier = earlier or PolicyMemory(state=finding.state, since=now)
    earlier = replace(earlier, baseline_is_newest=False, kept_open=())
    since = earlier.since if earlier.state is finding.state else now
    if finding.state is not ComplianceState.UNKNOWN:
        return replace(
            earlier,
            state=finding.state,
            since=since,
            fingerprint=finding.fingerprint,
            unknown_runs=0,
            unknown_since=None,
            tag_exempt_since=_tag_exempt_since(earlier, decision, now),
        )
    counts = decision is not None and decision.reason is Reason.UNKNOWN
    return replace(
        earlier,
        state=finding.state,
        since=since,
        unknown_runs=earlier.unknown_runs + counts,
        unknown_since=earlier.unknown_since or now,
    )


def _tag_exempt_since(earlier: PolicyMemory, decision: Decision | None, now: datetime) -> datetime | None:
    """A tag's time begins once: neither another tag nor a moment of compliance begins it anew."""
    by_tag = decision is not None and decision.reason is Reason.EXEMPT_BY_TAG
    return tag_used_since(earlier, now) or (now if by_tag else None)


def _kept_reading(visit: Visit, record: TargetRecord) -> str:
    """The reading without its time, so that an unchanged target keeps one blob; written where the record does
    not say that it was within the last hour."""
    timeless: Snapshot = replace(visit.snapshot, read_at=_NO_TIME)
    lately = visit.now - NOTED_EVERY
    noted = (m for m in record.memories.values() if (m.last_compliant_at or lately) > lately)
    return visit.deps.store.keep(timeless, {memory.baseline for memory in noted})


def is_news(visit: Visit, record: TargetRecord) -> bool:
    """Whether a record holds more than the saved one, but for times that may lag behind.

    Who wrote last is no news either: the row of the target's queue key tells it (``Store.coalesced``).
    """
    known = visit.known
    if known is None or known.etag is None or must_save(visit.deps):
        return True
    noted = {policy: _as_noted(one, known.memories.get(policy)) for policy, one in record.memories.items()}
    return replace(record, memories=noted, last_foreign=known.last_foreign) != known


def _as_noted(memory: PolicyMemory, known: PolicyMemory | None) -> PolicyMemory:
    """The memory with the times that are noted already, where they do not lag too far behind."""
    at, noted = memory.last_compliant_at, known.last_compliant_at if known is not None else None
    if known is None or at is None or noted is None or at - noted >= NOTED_EVERY:
        return memory
    is_way_in = memory.way_in_at == at and memory.way_in == known.way_in
    return replace(
        memory, last_compliant_at=noted, way_in_at=known.way_in_at if is_way_in else memory.way_in_at
    )


def related(visit: Visit, seen: Snapshot, record: TargetRecord) -> TargetRecord:
    """The record once the index tells what the target depends on, by all that was read of it: after its
    deletion an NSG cannot be asked for its subnets."""
    sources = depends_on(seen)
    told = digest("\n".join(sorted(source.key for source in sources)))
    if told != record.related:
        relations = [Relation(source=source, target=visit.target) for source in sources]
        visit.deps.store.relate(relations, visit.now)
    return replace(record, related=told)
