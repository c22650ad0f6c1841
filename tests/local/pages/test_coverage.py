"""Every demand has an answer, every answer exists, and every policy has its place on the page."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

import pytest

from local.pages.coverage import SOURCES, coverage_page, unknown_policies
from local.pages.coverage_rows import Answer, Row, Source, judged, with_declared
from shared.policies import discover
from shared.posture.controls import Control

GUID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
ROWS: Final = [(source, row) for source in SOURCES for row in source.rows]
BASELINE: Final = (
    "Virtual Network Integration",
    "Network Security Group Support",
    "Private Link",
    "Disable Public Network Access",
    "Azure AD authentication",
    "Local authentication methods",
    "Managed Identities",
    "Service Principals",
    "Conditional Access",
    "credentials and secrets",
    "Local Admin Accounts",
    "Azure RBAC for Data Plane",
    "Customer Lockbox",
    "Sensitive Data Discovery",
    "Data Leakage/Loss Prevention",
    "Data in Transit Encryption",
    "Platform Keys",
    "Using CMK",
    "Key Management",
    "Certificate Management",
    "Azure Policy Support",
    "Microsoft Defender",
    "Azure Resource Logs",
    "Azure Backup",
    "Service Native Backup",
    "0564d078-92f5-4f97-8398-b9f58a51f70b",
    "d158790f-bfb0-486c-8631-2dc6b4e8e6af",
    "18adea5e-f416-4d0f-8aa8-d24321e3e274",
    "48af4db5-9b8b-401c-8e74-076be876a430",
)
"""A word of every feature and every definition that the security baseline lists."""


def source(title: str, version: str = "") -> Source:
    (found,) = [one for one in SOURCES if one.title.startswith(title) and one.version.startswith(version)]
    return found


def test_every_policy_that_a_row_names_exists() -> None:
    assert unknown_policies(SOURCES, {policy.id for policy in discover()}) == []


def test_a_row_that_names_no_policy_of_ours_is_found() -> None:
    rows = (judged("1", "Something", "postgres-public-access-enabled", "no-such-policy"),)
    made_up = Source(title="T", version="1", checked="2026-11-21", rows=rows)
    assert unknown_policies([made_up], {"postgres-public-access-enabled"}) == ["no-such-policy"]


def test_every_policy_stands_in_a_row_or_beyond_every_catalogue() -> None:
    rows, _, rest = coverage_page().partition("## Beyond every catalogue")
    beyond, _, _ = rest.partition("\n## ")
    for policy in discover():
        link = f"[{policy.id}](policies.md#{policy.id})"
        assert link in rows or link in beyond


def test_a_policy_that_nobody_asks_for_is_listed_with_whoever_does_not() -> None:
    _, _, rest = coverage_page().partition("## Beyond every catalogue")
    beyond, _, _ = rest.partition("\n## ")
    assert "[nsg-names-application-security-groups]" in beyond
    assert "[postgres-firewall-allows-all-azure]" not in beyond


def test_a_policy_that_declares_a_control_stands_in_its_row_by_itself() -> None:
    control = Control(framework="F", version="1", id="1.1", title="Something")
    policy = replace(discover()[0], id="new", controls=(control,))
    rows = (judged("1.1", "Something", "old"), judged("1.2", "Something else", "old"))
    held_by = Source(title="T", version="1", checked="2026-11-21", rows=rows, control=("F", "1"))
    merged = with_declared(held_by, [policy, replace(policy, id="old")])
    assert [row.policies for row in merged.rows] == [("old", "new"), ("old",)]
    other = with_declared(replace(held_by, control=("F", "2")), [policy])
    assert other.rows == rows


@pytest.mark.parametrize(("held_by", "row"), ROWS, ids=[f"{s.title} {s.version} {r.id}" for s, r in ROWS])
def test_every_row_has_an_answer(held_by: Source, row: Row) -> None:
    assert held_by.rows.count(row) == 1
    assert row.demand
    match row.answer:
        case Answer.POLICY:
            assert row.policies
        case Answer.MANUAL:
            assert row.query
        case Answer.ALWAYS_ON | Answer.NOT_AUTOMATABLE | Answer.NOT_OFFERED:
            assert row.note
            assert not row.policies
    assert row.overtaken is None or (row.overtaken.now and row.overtaken.source)
    assert re.fullmatch(r"20\d\d-[01]\d-[0-3]\d", held_by.checked)


def _baseline_word(row_id: str) -> str:
    (word,) = [word for word in BASELINE if word in row_id]
    return word


def test_the_whole_security_baseline_is_there() -> None:
    ids = [
        row.id for row in source("Azure security baseline").rows if not row.id.startswith("Security profile")
    ]
    assert len(ids) == len(BASELINE)
    assert sorted(_baseline_word(one) for one in ids) == sorted(BASELINE)


def test_definitions_of_azure_policy_are_named_by_their_full_ids() -> None:
    rows = source("Azure Policy built-in definitions").rows
    assert all(GUID.fullmatch(row.id) for row in rows)
    assert len({row.id for row in rows}) == len(rows) == 51


def test_what_azure_has_overtaken_is_marked() -> None:
    marked = {row.id.partition(":")[0] for row in source("Azure security baseline").rows if row.overtaken}
    assert marked == {"NS-2", "IM-1", "PA-1", "PA-8", "LT-1", "BR-1"}
    page = coverage_page()
    assert page.count("**Overtaken:**") == sum(row.overtaken is not None for _, row in ROWS)


def test_audits_by_hand_come_with_their_query() -> None:
    overview = {row.id: row for row in source("Security in Azure Database").rows}
    assert "FROM pg_roles" in overview["Access management: audit of roles"].query
    assert "rolvaliduntil" in overview["Updating passwords: rotation"].query
    page = coverage_page()
    for _, row in ROWS:
        assert not row.query or f"\n{row.query}\n" in page


def test_datadogs_rule_is_answered_by_the_rule_for_all_of_azure() -> None:
    assert source("Datadog").rows[0].policies == ("postgres-firewall-allows-all-azure",)


def test_every_control_that_a_policy_declares_has_its_row() -> None:
    known = {(one.control, row.id) for one, row in ROWS}
    covered = {one.control for one in SOURCES} - {None}
    declared = {
        ((control.framework, control.version), control.id) for one in discover() for control in one.controls
    }
    assert {one for one in declared if one[0] in covered} <= known
