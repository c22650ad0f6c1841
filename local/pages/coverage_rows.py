"""What a row of docs/coverage.md is: one demand of a page or a framework, and how it is answered.

The rows themselves are data, `data/coverage/*.yaml`, one file per kind of source, read in the order of their
names. A row is written in our own words; its number or name is the source's. Every claim that Azure has moved
on since a page was written names where that is documented. A policy that declares a control is added to the
control's row by itself.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Annotated, Final

from pydantic import Field, RootModel

from local.pages.loading import DATA, Entry, Mistake, Said, load
from shared import roles
from shared.policies import discover
from shared.posture.controls import Control
from shared.posture.policy import AnyPolicy

_DAY: Final = r"^20\d\d-[01]\d-[0-3]\d$"


class Answer(StrEnum):
    """How a demand is met."""

    POLICY = "policy"
    """One or more of our policies judge it, on events and in every sweep."""
    AUDITED = "audited"
    """A command signs in to the server and judges it: ``driftward audit-roles``."""
    MANUAL = "manual"
    """A person looks, with the query or the command that the row names."""
    ALWAYS_ON = "always on"
    """Azure does it and offers no way to switch it off."""
    NOT_AUTOMATABLE = "not automatable"
    """It cannot be read from Azure's control plane at all; the row says why."""
    NOT_OFFERED = "not offered"
    """The service has no such feature."""


class Overtaken(Entry):
    """What holds today although the source says otherwise, and where that is documented."""

    now: Said
    source: Said
    """The document with its date."""


class Row(Entry):
    """One demand. ``policies`` and ``checks`` are ids; ``query`` names what whoever checks by hand runs."""

    id: Said
    demand: Said
    said: str = ""
    """What the source itself says of it: supported, on by default, who is responsible; or effects."""
    answer: Answer = Answer.POLICY
    policies: tuple[Said, ...] = ()
    checks: tuple[Said, ...] = ()
    query: str = ""
    note: str = ""
    overtaken: Overtaken | None = None


class Catalogue(Entry):
    """Framework and version as policies' controls name them."""

    framework: Said
    version: Said

    def holds(self, control: Control) -> bool:
        return (control.framework, control.version) == (self.framework, self.version)


class Source(Entry):
    """A page or a framework in one version, with every row of it that concerns PostgreSQL."""

    title: Said
    version: Said
    """The version or the date of the document."""
    checked: Annotated[Said, Field(pattern=_DAY)]
    """The day on which its rows were compared with the document and with Azure's."""
    controls: Catalogue | None = None
    """None for pages and threads."""
    note: str = ""
    rows: tuple[Row, ...]


class Sources(Entry):
    """A file of rows."""

    sources: tuple[Source, ...]


class Queries(RootModel[dict[str, Said]]):
    """SQL or a command, by the name that rows use."""


@cache
def queries() -> Mapping[str, str]:
    """Every query by its name. Raises CannotGenerate."""
    return load(DATA / "queries.yaml", Queries).root


@cache
def sources() -> tuple[Source, ...]:
    """Every source, in the order of the page. Raises CannotGenerate."""
    files = sorted((DATA / "coverage").glob("*.yaml"))
    return tuple(source for file in files for source in load_sources(file))


def load_sources(file: Path) -> tuple[Source, ...]:
    """The sources of one file; what a row names must exist. Raises CannotGenerate."""
    policies = {policy.id for policy in discover()}
    return load(file, Sources, lambda held: _mistakes(held, policies, queries())).sources


def _mistakes(held: Sources, policies: Collection[str], known: Collection[str]) -> Iterator[Mistake]:
    for s, source in enumerate(held.sources):
        seen: set[str] = set()
        for r, row in enumerate(source.rows):
            place = ("sources", s, "rows", r)
            if row.id in seen:
                yield Mistake(path=(*place, "id"), reason=f"{row.id} has a row already")
            seen.add(row.id)
            yield from _unknown(row, place, policies, known)
            yield from _unanswered(row, place)


def _unknown(
    row: Row, place: tuple[str | int, ...], policies: Collection[str], known: Collection[str]
) -> Iterator[Mistake]:
    """Names of what does not exist."""
    for p, policy in enumerate(row.policies):
        if policy not in policies:
            yield Mistake(path=(*place, "policies", p), reason=f"there is no policy {policy!r}")
    for c, check in enumerate(row.checks):
        if roles.find(check) is None:
            yield Mistake(path=(*place, "checks", c), reason=f"there is no check {check!r}")
    if row.query and row.query not in known:
        yield Mistake(path=(*place, "query"), reason=f"queries.yaml has no {row.query!r}")


def _unanswered(row: Row, place: tuple[str | int, ...]) -> Iterator[Mistake]:
    """A row must hold what its answer stands on."""
    match row.answer:
        case Answer.POLICY if not row.policies:
            yield Mistake(path=place, reason=f"{row.id} names no policy, and no other answer")
        case Answer.AUDITED if not row.checks:
            yield Mistake(path=place, reason=f"{row.id} names no check, and no other answer")
        case Answer.MANUAL if not row.query:
            yield Mistake(path=place, reason=f"{row.id} is answered by hand and names no query")
        case Answer.ALWAYS_ON | Answer.NOT_AUTOMATABLE | Answer.NOT_OFFERED:
            if not row.note:
                yield Mistake(path=place, reason=f"{row.id} is {row.answer} and has no note that says why")
            if row.policies:
                yield Mistake(
                    path=(*place, "policies"), reason=f"{row.id} is {row.answer}: no policy judges it"
                )


# --- what policies declare -------------------------------------------------------------------------


def with_declared(source: Source, policies: Iterable[AnyPolicy]) -> Source:
    """The source with every policy that declares one of its controls named in that row too."""
    held_by = source.controls
    if held_by is None:
        return source
    declared, checked = _declared(held_by, policies), _declared(held_by, roles.discover())
    return source.model_copy(
        update={"rows": tuple(_with_declared(row, declared, checked) for row in source.rows)}
    )


def _declared(held_by: Catalogue, policies: Iterable[AnyPolicy]) -> frozenset[tuple[str, str]]:
    """Each control of a catalogue with each policy that declares it."""
    pairs = ((control, policy.id) for policy in policies for control in policy.controls)
    return frozenset((control.id, policy) for control, policy in pairs if held_by.holds(control))


def _with_declared(
    row: Row, declared: Collection[tuple[str, str]], checked: Collection[tuple[str, str]]
) -> Row:
    return row.model_copy(
        update={
            "policies": (*row.policies, *_more(row.id, declared, row.policies)),
            "checks": (*row.checks, *_more(row.id, checked, row.checks)),
        }
    )


def _more(row_id: str, declared: Collection[tuple[str, str]], named: Collection[str]) -> list[str]:
    return sorted(policy for control, policy in declared if control == row_id and policy not in named)


def named_policies(sources: Iterable[Source]) -> frozenset[str]:
    """The ids of every policy that a row names."""
    return frozenset(policy for source in sources for row in source.rows for policy in row.policies)


def listed(control: Control, sources: Iterable[Source]) -> bool:
    """Whether a source has a row for the control."""
    return any(
        source.controls is not None
        and source.controls.holds(control)
        and any(row.id == control.id for row in source.rows)
        for source in sources
    )
