"""docs/coverage.md: every demand of the pages and frameworks that we know, and what answers it.

Made from the rows in the modules beside this one. A demand is answered by policies, by a query that a person
runs, by Azure itself, or by nobody, and then the row says why; where Azure has moved on since a page was
written, the row says what holds now and where that stands. A policy that no catalogue of controls asks for,
a new one for instance, is listed at the end with the page that asks for it, if one does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

from local.pages import (
    coverage_rows_azure_policy,
    coverage_rows_baseline,
    coverage_rows_cis,
    coverage_rows_network,
)
from local.pages.coverage_rows import Answer, Row, Source, named_policies, with_declared
from local.pages.markdown import GENERATED, page, table
from shared.policies import discover
from shared.posture.policy import AnyPolicy

SOURCES: Final[tuple[Source, ...]] = (
    *coverage_rows_baseline.SOURCES,
    *coverage_rows_network.SOURCES,
    *coverage_rows_cis.SOURCES,
    *coverage_rows_azure_policy.SOURCES,
)

_MEANS: Final[Mapping[Answer, str]] = {
    Answer.POLICY: "one or more policies judge it, on events and in every sweep",
    Answer.MANUAL: "a person looks, with the query that the row names",
    Answer.ALWAYS_ON: "Azure does it and offers no way to switch it off",
    Answer.NOT_AUTOMATABLE: "nothing in Azure's control plane tells it; the row says why",
    Answer.NOT_OFFERED: "the service has no such feature",
}


def coverage_page() -> str:
    policies = sorted(discover(), key=lambda policy: policy.id)
    sources = [with_declared(source, policies) for source in SOURCES]
    queries = _queries(sources)
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
            table(("source", "rows", "answered by"), map(_summary, sources)),
            *[part for source in sources for part in _source(source, queries)],
            "## Beyond every catalogue",
            "Policies that no catalogue of controls asks for; at most a page or a thread does.",
            table(("policy", "what it finds", "asked for by"), _beyond(sources, policies)),
            "## Queries",
            "`<…>` is yours to fill in. SQL is run as a member of `azure_pg_admin`, once for each server "
            "unless its row says for each database.",
            *[part for query, number in queries.items() for part in _query(query, number)],
        ]
    )


def unknown_policies(sources: Iterable[Source], policies: Collection[str]) -> list[str]:
    """Policies that rows name and that do not exist."""
    return sorted(named_policies(sources) - set(policies))


def _beyond(sources: Sequence[Source], policies: Iterable[AnyPolicy]) -> list[tuple[str, str, str]]:
    catalogued = named_policies(source for source in sources if source.control is not None)
    return [
        (_link(policy.id), policy.title, _pages(policy.id, sources) or "nobody but us")
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


def _source(source: Source, queries: Mapping[str, int]) -> list[str]:
    said = any(row.said for row in source.rows)
    headings = ("row", "asks for", *(("the source says",) if said else ()), "status", "answer", "checked")
    rows = (
        (
            row.id,
            row.demand,
            *((row.said,) if said else ()),
            row.answer,
            _answer(row, queries),
            source.checked,
        )
        for row in source.rows
    )
    return [
        f"## {source.title}, {source.version}",
        *([source.note] if source.note else []),
        table(headings, rows),
    ]


def _answer(row: Row, queries: Mapping[str, int]) -> str:
    parts = [
        ", ".join(map(_link, row.policies)),
        row.note,
        f"[query {queries[row.query]}](#query-{queries[row.query]})" if row.query else "",
        f"**Overtaken:** {row.overtaken.now} ({row.overtaken.source})" if row.overtaken else "",
    ]
    return "; ".join(part for part in parts if part)


def _link(policy: str) -> str:
    return f"[{policy}](policies.md#{policy})"


def _queries(sources: Iterable[Source]) -> dict[str, int]:
    """Every query once, numbered in the order of the rows."""
    found = dict.fromkeys(row.query for source in sources for row in source.rows if row.query)
    return {query: number for number, query in enumerate(found, start=1)}


def _query(query: str, number: int) -> list[str]:
    language = "sql" if query.startswith(("SELECT", "SHOW")) else "sh"
    return [f"### Query {number}", f"```{language}\n{query}\n```"]
