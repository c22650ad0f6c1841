"""What a row of docs/coverage.md is: one demand of a page or a framework, and how it is answered.

The rows themselves stand in the modules beside this one, one per kind of source. A row is written in
our own words; its number or name is the source's. Every claim that Azure has moved on since a page was
written names where that is documented. A policy that declares a control is added to the control's row
by itself; that the named ones exist is checked by a test.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from enum import StrEnum

from shared.model.values import value
from shared.posture.policy import AnyPolicy


class Answer(StrEnum):
    """How a demand is met."""

    POLICY = "policy"
    """One or more of our policies judge it, on events and in every sweep."""
    MANUAL = "manual"
    """A person looks, with the query or the command that stands in the row."""
    ALWAYS_ON = "always on"
    """Azure does it and offers no way to switch it off."""
    NOT_AUTOMATABLE = "not automatable"
    """It cannot be read from Azure's control plane at all; the row says why."""
    NOT_OFFERED = "not offered"
    """The service has no such feature."""


@value
class Overtaken:
    """What holds today although the source says otherwise, and where that is documented."""

    now: str
    source: str
    """The document with its date."""


@value
class Row:
    """One demand. ``policies`` are ids; ``query`` is SQL or a command for whoever checks by hand."""

    id: str
    demand: str
    answer: Answer
    policies: tuple[str, ...] = ()
    note: str = ""
    query: str = ""
    said: str = ""
    """What the source itself says of it: supported, on by default, who is responsible; or effects."""
    overtaken: Overtaken | None = None


@value
class Source:
    """A page or a framework in one version, with every row of it that concerns PostgreSQL."""

    title: str
    version: str
    """The version or the date of the document."""
    checked: str
    """The day on which its rows were compared with the document and with Azure's."""
    rows: tuple[Row, ...]
    note: str = ""
    control: tuple[str, str] | None = None
    """Framework and version as policies' controls name it; None for pages and threads."""


def judged(row_id: str, demand: str, *policies: str, note: str = "", said: str = "") -> Row:
    """A row that policies answer."""
    return Row(id=row_id, demand=demand, answer=Answer.POLICY, policies=policies, note=note, said=said)


def by_hand(row_id: str, demand: str, query: str, note: str = "", said: str = "") -> Row:
    """A row that a person answers with ``query``."""
    return Row(id=row_id, demand=demand, answer=Answer.MANUAL, query=query, note=note, said=said)


def always_on(row_id: str, demand: str, note: str, said: str = "") -> Row:
    return Row(id=row_id, demand=demand, answer=Answer.ALWAYS_ON, note=note, said=said)


def beyond_reach(row_id: str, demand: str, note: str, said: str = "") -> Row:
    """A row that nothing in Azure's control plane tells about."""
    return Row(id=row_id, demand=demand, answer=Answer.NOT_AUTOMATABLE, note=note, said=said)


def with_declared(source: Source, policies: Iterable[AnyPolicy]) -> Source:
    """The source with every policy that declares one of its controls named in that row too."""
    declared = {
        (control.id, policy.id)
        for policy in policies
        for control in policy.controls
        if (control.framework, control.version) == source.control
    }
    return replace(source, rows=tuple(_with_declared(row, declared) for row in source.rows))


def _with_declared(row: Row, declared: Collection[tuple[str, str]]) -> Row:
    more = sorted(policy for control, policy in declared if control == row.id and policy not in row.policies)
    return replace(row, policies=(*row.policies, *more))


def named_policies(sources: Iterable[Source]) -> frozenset[str]:
    """The ids of every policy that a row names."""
    return frozenset(policy for source in sources for row in source.rows for policy in row.policies)


ROLE_AUDIT = (
    "SELECT rolname, rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls, rolcanlogin, "
    "rolvaliduntil FROM pg_roles WHERE rolname !~ '^pg_' ORDER BY rolcreaterole DESC, rolname;"
)
"""Who may do what on a server, without the roles that PostgreSQL brings."""

ROLE_MEMBERS = (
    "SELECT r.rolname AS role, m.rolname AS member, a.admin_option FROM pg_auth_members a "
    "JOIN pg_roles r ON r.oid = a.roleid JOIN pg_roles m ON m.oid = a.member "
    "WHERE r.rolname IN ('azure_pg_admin', 'pg_read_all_data', 'pg_write_all_data') ORDER BY 1, 2;"
)
"""Who is an administrator or reads or writes everything by membership."""

PASSWORD_EXPIRY = (
    "SELECT rolname, rolvaliduntil FROM pg_roles WHERE rolcanlogin AND rolname !~ '^(pg_|azure)' "
    "AND (rolvaliduntil IS NULL OR rolvaliduntil > now() + interval '90 days') ORDER BY rolname;"
)
"""Roles whose password never expires or does so in more than 90 days; an empty answer is the good one."""
