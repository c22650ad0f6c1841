"""How far an approval reaches: to the change that the person saw, and to what is less.

An approval holds what the alert showed: the edits (as hashes) and who loses and gains access by them, as
sets. What is to be written at the look is compared with it. The same or narrower is approved: no edit that
was not shown, nobody cut off or let in who was not shown. Whatever is wider asks again and says what is
wider. An approval that is older than these fields says nothing of that, and reaches nowhere. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from shared.guardrails.question import Question
from shared.guardrails.traffic_difference import compared
from shared.model import Decision, Effect, Reason, ServerSnapshot, Snapshot, SubnetSnapshot, TrafficBox
from shared.model.alert_records import Planned, Reach
from shared.nsg import Outcome, outside
from shared.posture.traffic import AddressSet, ServerTraffic, describe_box, server_traffic

NOT_TOLD: Final = "who loses access cannot be told"
_HELD_BY_A_PERSON: Final = frozenset(
    {
        Reason.INHERITED,
        Reason.APPROVAL_REQUIRED,
        Reason.EFFECT_ALERT,
        Reason.EXEMPT_BY_TAG,
        Reason.OUTSIDE_WINDOW,
    }
)
"""The brakes that an approval opens."""
_MOST_TOLD: Final = 6


def wider(approved: Planned | None, wanted: Planned | None) -> str:
    """What ``wanted`` does beyond what was approved, in words; ``""`` for the same and for less."""
    if wanted is None:
        return ""
    if approved is None:
        return "the approval does not say what it is for"
    return "; ".join(_beyond(approved, wanted))


def asked_again(question: Question, decision: Decision) -> Decision:
    """The decision of a brake that an approval would have opened, had it reached far enough."""
    context, approval = question.context, question.context.approval
    beyond = context.beyond_approval if approval is not None and approval.expires_at > context.now else ""
    if not beyond or decision.reason not in _HELD_BY_A_PERSON or context.effect is not Effect.REVERT:
        return decision
    detail = f"more than what was approved: {beyond}"
    more = f"; {decision.detail}" if decision.detail else ""
    return replace(decision, reason=Reason.APPROVAL_REQUIRED, detail=detail + more)


def told(reach: Reach) -> tuple[str, ...]:
    """Who that is, one text each."""
    packets = dict.fromkeys(map(describe_box, reach.packets))
    return (*AddressSet(spans=reach.sources).describe(), *reach.named, *packets)


def _beyond(approved: Planned, wanted: Planned) -> Iterator[str]:
    words = dict(zip(wanted.edits, wanted.does, strict=False))
    more = [edit for edit in wanted.edits if edit not in approved.edits]
    if more:
        yield f"also {_few(tuple(words.get(edit, 'another write') for edit in more))}"
    if not (wanted.is_told and approved.is_told):
        yield NOT_TOLD
    for verb, reach, known in (
        ("loses", wanted.loses, approved.loses),
        ("gains", wanted.gains, approved.gains),
    ):
        rest = more_of(reach, known)
        if rest != Reach():
            yield f"also {verb} access: {_few(told(rest))}"


def _few(texts: tuple[str, ...]) -> str:
    more = len(texts) - _MOST_TOLD
    return ", ".join(texts[:_MOST_TOLD]) + (f" and {more} more" if more > 0 else "")


def more_of(reach: Reach, known: Reach) -> Reach:
    return Reach(
        sources=AddressSet(spans=reach.sources).minus(AddressSet(spans=known.sources)).spans,
        named=tuple(name for name in reach.named if name not in known.named),
        packets=outside(reach.packets, known.packets),
    )


def moved(before: Snapshot, after: Snapshot) -> tuple[Reach, Reach]:
    """Who loses and who gains access. Raises ``NsgError``."""
    match before, after:
        case ServerSnapshot(), ServerSnapshot():
            old, new = server_traffic(before), server_traffic(after)
            return _of_server(old.minus(new)), _of_server(new.minus(old))
        case SubnetSnapshot(), SubnetSnapshot():
            return _of_subnet(before, after)
        case _:
            return Reach(), Reach()


def _of_server(traffic: ServerTraffic) -> Reach:
    named = replace(traffic, sources=AddressSet()).describe()
    return Reach(sources=traffic.sources.spans, named=tuple(named))


def _of_subnet(before: SubnetSnapshot, after: SubnetSnapshot) -> tuple[Reach, Reach]:
    """A packet that is left open loses where it passed before, and gains where it did not."""
    loses: dict[TrafficBox, None] = {}
    gains: dict[TrafficBox, None] = {}
    for part in compared(before, after).parts:
        gained = part.before is Outcome.DENIED or part.after is Outcome.ALLOWED
        (gains if gained else loses)[part.traffic] = None
    return Reach(packets=tuple(loses)), Reach(packets=tuple(gains))
