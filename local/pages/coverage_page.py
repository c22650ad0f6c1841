"""docs/coverage.md: every demand of the pages and frameworks that we know, and what answers it.

Made from the rows in `data/coverage`. A demand is answered by policies, by a query that a person runs, by
Azure itself, or by nobody, and then the row says why; where Azure has moved on since a page was written,
the row says what holds now and where that stands. At the end stand the controls that policies cite and no
row has, and the policies that no catalogue of controls asks for, each with the page that does: neither a
new policy nor a new control needs an edit here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Final

from local.pages.checks_page import check_link
from local.pages.coverage_rows import (
    Answer,
    Row,
    Source,
    listed,
    named_policies,
    queries,
    sources,
    with_declared,
)
from local.pages.families import policy_link
from local.pages.markdown import GENERATED, page, table
from local.pages.policies_page import control_id
from shared.policies import discover
from shared.posture.controls import Control
from shared.posture.policy import AnyPolicy

_MEANS: Final[Mapping[Answer, str]] = {
    Answer.POLICY: "one or more policies judge it, on events and in every sweep; one marked *by name* only "
    "where `policies.yaml` switches it on",
    Answer.AUDITED: "`driftward audit-roles` signs in to the server and judges it "
    "([checks](checks.md)); no app does",
    Answer.MANUAL: "a person looks, with the query that the row names",
    Answer.ALWAYS_ON: "Azure does it and offers no way to switch it off",
    Answer.NOT_AUTOMATABLE: "nothing in Azure's control plane tells it; the row says why",
    Answer.NOT_OFFERED: "the service has no such feature",
}


def coverage_page() -> str:
    policies = sorted(discover(), key=lambda policy: policy.id)
    held = [with_declared(source, policies) for source in sources()]
    numbers = _numbers(held)
    return page(
        [
            "# Coverage",
            GENERATED,
            "What Microsoft's pages, CIS, the Microsoft cloud security benchmark, Azure Policy and Datadog "
            "ask of Azure Database for PostgreSQL and its network, row by row, and what answers each. "
            "Numbers and names are the sources'; the words are ours. *Overtaken* marks a row whose source "
            "is older than the service, with what holds now and where that is documented. Rows about single "
            "servers concern those that remain: the service was retired on 28 March 2025.",
            table(("status", "means"), ((answer, _MEANS[answer]) for answer in Answer)),
            "## Sources",
            table(("source", "rows", "answered by"), map(_summary, held)),
            *[part for source in held for part in _source(source, numbers)],
            "## Cited by policies, on none of the pages above",
            "Controls that policies name and that no row above has; the titles are ours.",
            table(("framework", "version", "control", "asks for", "answer"), elsewhere(held, policies)),
            "## Beyond every catalogue",
            "Policies that no catalogue of controls asks for; at most a page or a thread does.",
            table(("policy", "what it finds", "asked for by"), _beyond(held, policies)),
            "## Queries",
            "`<…>` is yours to fill in. SQL is run as a member of `azure_pg_admin`, once for each server "
            "unless its row says for each database.",
            *[part for name, number in numbers.items() for part in _query(queries()[name], number)],
        ]
    )


def elsewhere(sources: Sequence[Source], policies: Iterable[AnyPolicy]) -> list[tuple[str, ...]]:
    """The controls that policies cite and no source has a row for, with the policies that do."""
    cited = sorted(_cited(sources, policies).items(), key=lambda one: _place(one[0]))
    return [
        (one.framework, one.version, control_id(one), one.title, ", ".join(map(policy_link, names)))
        for one, names in cited
    ]


def _cited(sources: Sequence[Source], policies: Iterable[AnyPolicy]) -> dict[Control, list[str]]:
    found: dict[Control, list[str]] = {}
    for policy in policies:
        for control in policy.controls:
            if not listed(control, sources):
                found.setdefault(control, []).append(policy.id)
    return found


def _place(control: Control) -> tuple[str, ...]:
    return control.framework, control.version, control.id, control.title


def _beyond(sources: Sequence[Source], policies: Sequence[AnyPolicy]) -> list[tuple[str, str, str]]:
    catalogued = named_policies(source for source in sources if source.controls is not None)
    catalogued |= {name for names in _cited(sources, policies).values() for name in names}
    return [
        (policy_link(policy.id), policy.title, _pages(policy.id, sources) or "nobody but us")
        for policy in policies
        if policy.id not in catalogued
    ]


def _pages(policy: str, sources: Iterable[Source]) -> str:
    """The pages that ask for a policy."""
    return "; ".join(source.title for source in sources if policy in named_policies([source]))


def _summary(source: Source) -> tuple[str, str, str]:
    counts = Counter(row.answer for row in source.rows)
    answers = ", ".join(f"{counts[answer]} {answer}" for answer in Answer if counts[answer])
    overtaken = sum(row.overtaken is not None for row in source.rows)
    marked = f"; {overtaken} overtaken" if overtaken else ""
    return f"{source.title}, {source.version}", str(len(source.rows)), f"{answers}{marked}"


def _source(source: Source, numbers: Mapping[str, int]) -> list[str]:
    said = any(row.said for row in source.rows)
    headings = ("row", "asks for", *(("the source says",) if said else ()), "status", "answer", "checked")
    rows = (
        (
            row.id,
            row.demand,
            *((row.said,) if said else ()),
            row.answer,
            _answer(row, numbers),
            source.checked,
        )
        for row in source.rows
    )
    return [
        f"## {source.title}, {source.version}",
        *([source.note] if source.note else []),
        table(headings, rows),
    ]


@cache
def _by_name() -> frozenset[str]:
    """Policies that are off until they are asked for by name."""
    return frozenset(policy.id for policy in discover() if policy.opt_in)


def _policy(policy_id: str) -> str:
    return policy_link(policy_id) + (" (*by name*)" if policy_id in _by_name() else "")


def _answer(row: Row, numbers: Mapping[str, int]) -> str:
    parts = [
        ", ".join(map(_policy, row.policies)),
        ", ".join(map(check_link, row.checks)),
        row.note,
        f"[query {numbers[row.query]}](#query-{numbers[row.query]})" if row.query else "",
        f"**Overtaken:** {row.overtaken.now} ({row.overtaken.source})" if row.overtaken else "",
    ]
    return "; ".join(part for part in parts if part)


def _numbers(sources: Iterable[Source]) -> dict[str, int]:
    """The number of every query that a row names, in the order of the rows."""
    named = dict.fromkeys(row.query for source in sources for row in source.rows if row.query)
    return {name: number for number, name in enumerate(named, start=1)}


def _query(query: str, number: int) -> list[str]:
    language = "sql" if query.startswith(("SELECT", "SHOW", "\\")) else "sh"
    return [f"### Query {number}", f"```{language}\n{query}\n```"]
