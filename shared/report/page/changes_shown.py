"""The changes that an app made: what each did, what passes otherwise, why it was safe, what undoes it.

Each says whose it is, by which the page of a target shows its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from shared.alerts.edit_words import change_words, edit_words
from shared.model import Outcome
from shared.model.change_records import ChangeKind, ChangeRecord
from shared.model.changes import ProofStep
from shared.report.page.markup import Markup, Part, el, joined
from shared.report.page.parts import section, soft, target_link

MOST_AT_ONCE: Final = 25
_NONE: Final = "Driftward changed nothing in that time."
_NOT_TOLD: Final = (
    "What passes otherwise was not told: the rules are too many, or the record is older than that."
)


def changes(found: Sequence[ChangeRecord]) -> Markup:
    """Each opened on demand; what is not among the newest stands behind one line."""
    if not found:
        return section("changes", "Changes", soft(_NONE))
    newest, older = found[:MOST_AT_ONCE], found[MOST_AT_ONCE:]
    said = el("summary", f"{len(older)} older")
    rest = [el("details", said, el("div", *map(_change, older), class_="missing"))] if older else []
    return section("changes", "Changes", *map(_change, newest), *rest)


def _change(one: ChangeRecord) -> Markup:
    when = f"{one.created_at:%Y-%m-%d %H:%M} UTC"
    head = joined(el("bdi", one.change.target.id.name), f": {_did(one)} ", _mark(one.outcome))
    return el(
        "details",
        el("summary", head, el("small", when, class_="soft")),
        el("div", *_in_full(one), class_="missing"),
        data_target=one.change.target.key,
    )


def _did(one: ChangeRecord) -> str:
    undoes = "rollback: " if one.kind is ChangeKind.ROLLBACK else ""
    return f"{undoes}{change_words(one.change, one.restored_from)}"


def _mark(outcome: Outcome) -> Markup:
    ended = {Outcome.REVERTED: "met", Outcome.ROLLED_BACK: "met", Outcome.IN_PROGRESS: "unknown"}
    return el("span", str(outcome), class_=f"standing {ended.get(outcome, 'unmet')}")


def _in_full(one: ChangeRecord) -> Iterator[Part]:
    yield el("p", "On ", target_link(one.change.target), ", by policy ", el("code", one.decision.policy), ".")
    if one.detail:
        yield el("p", one.detail)
    if one.reason:
        yield el("p", "Reason: ", one.reason)
    yield from _difference(one)
    yield el("h3", "Why it was safe")
    yield el("ul", *map(_step, one.proof.steps))
    yield from _undoing(one)


def _difference(one: ChangeRecord) -> Iterator[Markup]:
    if one.difference is None:
        yield soft(_NOT_TOLD)
        return
    told = one.difference
    yield from _listed("Newly passes", told.newly_allowed)
    yield from _listed("No longer passes", told.newly_denied)
    yield from _listed("Hangs on what a tag or a group holds", told.newly_open)


def _listed(title: str, texts: Iterable[str]) -> Iterator[Markup]:
    items = [el("li", text) for text in texts]
    if items:
        yield el("h3", title)
        yield el("ul", *items)


def _step(step: ProofStep) -> Markup:
    mark = "holds" if step.holds else "does not hold"
    return el("li", el("strong", f"{mark}: "), step.claim, f" ({step.detail})" if step.detail else "")


def _undoing(one: ChangeRecord) -> Iterator[Markup]:
    if one.rolled_back_by:
        yield el("p", "It was undone by ", el("code", one.rolled_back_by), ".")
    elif one.outcome is Outcome.REVERTED:
        back = "; ".join(edit_words(edit) for edit in one.change.inverse)
        yield el("h3", "How to undo it")
        command = f"driftward rollback {one.id} --for 14d --reason 'why it has to be so'"
        yield el("p", el("code", command))
        yield soft(f"It {back}; the policy leaves that alone until the time given is over.")
