"""docs/reasons.md: what each reason and each outcome means to an operator, and what to do.

The sentences are in `data/reasons.yaml`. A member of the enums without one fails the generation of the docs,
and so `make check`. Nothing is decided here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache

from local.pages.loading import DATA, Entry, Mistake, Said, load
from local.pages.markdown import GENERATED, code, page, table
from shared.api.http import PROBLEMS
from shared.model import Outcome, Reason


class Explained(Entry):
    """What it means, and what a person can do; `then` is empty where nothing is to be done."""

    means: Said
    then: str = ""


class Sentences(Entry):
    """The sentences of every reason and every outcome."""

    reasons: Mapping[Reason, Explained]
    outcomes: Mapping[Outcome, Said]


@cache
def sentences() -> Sentences:
    """Raises CannotGenerate."""
    return load(DATA / "reasons.yaml", Sentences, unexplained)


def unexplained(held: Sentences) -> Iterator[Mistake]:
    """The members of both enums that have no sentence."""
    for reason in Reason:
        if reason not in held.reasons:
            yield Mistake(path=("reasons",), reason=f"has no sentence for {reason}")
    for outcome in Outcome:
        if outcome not in held.outcomes:
            yield Mistake(path=("outcomes",), reason=f"has no sentence for {outcome}")


def reasons_page() -> str:
    held = sentences()
    reasons = ((code(reason), held.reasons[reason].means, held.reasons[reason].then) for reason in Reason)
    outcomes = ((code(outcome), held.outcomes[outcome]) for outcome in Outcome)
    problems = ((code(kind.uri), str(kind.status), kind.title) for kind in PROBLEMS.values())
    return page(
        [
            "# Reasons, outcomes, problems",
            GENERATED,
            "## Why it was decided so",
            "The brakes are asked in this order, and the first that holds decides; behind them stand the "
            "grounds of a revert, and what can happen after the attempt.",
            table(("reason", "means", "what to do"), reasons),
            "## What came of it",
            table(("outcome", "means"), outcomes),
            "## Problem types of the HTTP API",
            "Errors are `application/problem+json` (RFC 9457); `field` names the input that is wrong.",
            table(("type", "status", "title"), problems),
        ]
    )
