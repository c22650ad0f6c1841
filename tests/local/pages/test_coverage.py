"""Every demand has an answer, every answer exists, and every policy has its place on the page."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from driftward.cli import main
from local.dev.environments import ROOT
from local.pages.coverage_page import coverage_page, elsewhere
from local.pages.coverage_rows import (
    Answer,
    Catalogue,
    Row,
    Source,
    listed,
    load_sources,
    named_policies,
    queries,
    sources,
    with_declared,
)
from local.pages.families import policy_link
from local.pages.loading import CannotGenerate
from shared.policies import discover
from shared.posture.controls import Control

NOT_LOOKED_AT: Final = {
    "NS-1: Network Security Group Support": "management ports are not",
    "Network security groups": "management ports among them",
    "Troubleshooting: addresses": "whether another resource has it too is not",
    "Security rules on the endpoint's subnet": "who else of the virtual network gets in is not",
    "Troubleshooting: routes": "of the endpoint's own subnet",
    "Troubleshooting: security rules": "from the clients that are declared",
    "Private endpoints": "with it on, that is what is found",
    "6.4": "with it on, that is what is found",
    "7.11": "other subnets are not looked at",
    "LT-6": "how long a workspace keeps what it was sent is not read",
    "493c215d-2553-4976-bc81-57d2c04fc8c1": "by default SameZone will do too",
    "e71308d3-144b-4262-b144-efdc3cc90517": "other subnets are not looked at",
}
"""Rows that ask for more than the policies look at, and what they say of it."""
GUID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
ROWS: Final = [(source, row) for source in sources() for row in source.rows]
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
    (found,) = [one for one in sources() if one.title.startswith(title) and one.version.startswith(version)]
    return found


def judged(row_id: str, demand: str, *policies: str) -> Row:
    return Row(id=row_id, demand=demand, policies=policies)


def test_every_policy_that_a_row_names_exists() -> None:
    assert named_policies(sources()) <= {policy.id for policy in discover()}


HEAD: Final = "sources:\n  - title: T\n    version: '1'\n    checked: '2026-11-21'\n    rows:\n"
GOOD: Final = (
    "      - id: '1'\n        demand: Something\n        policies: [postgres-public-access-enabled]\n"
)
REFUSED: Final = {
    "a policy that does not exist": (
        f"{HEAD}{GOOD}          \n      - {{id: '2', demand: b, policies: [no-such-policy]}}\n",
        r"rows.yaml:10: sources.0.rows.1.policies.0: there is no policy 'no-such-policy'",
    ),
    "a query that does not exist": (
        f"{HEAD}      - {{id: a, demand: b, answer: manual, query: nothing}}\n",
        r"rows.yaml:6: sources.0.rows.0.query: queries.yaml has no 'nothing'",
    ),
    "a row given twice": (
        f"{HEAD}{GOOD}{GOOD}",
        r"rows.yaml:9: sources.0.rows.1.id: 1 has a row already",
    ),
    "no answer at all": (
        f"{HEAD}      - {{id: a, demand: b}}\n",
        r"rows.yaml:6: sources.0.rows.0: a names no policy, and no other answer",
    ),
    "by hand without a query": (
        f"{HEAD}      - {{id: a, demand: b, answer: manual}}\n",
        r"rows.yaml:6: sources.0.rows.0: a is answered by hand and names no query",
    ),
    "beyond reach without saying why": (
        f"{HEAD}      - {{id: a, demand: b, answer: not automatable}}\n",
        r"rows.yaml:6: sources.0.rows.0: a is not automatable and has no note that says why",
    ),
    "always on and judged": (
        f"{HEAD}{GOOD}        answer: always on\n        note: c\n",
        r"rows.yaml:8: sources.0.rows.0.policies: 1 is always on: no policy judges it",
    ),
    "an answer that there is none of": (
        f"{HEAD}{GOOD}        answer: perhaps\n",
        r"rows.yaml:9: sources.0.rows.0.answer: input should be 'policy', 'audited', 'manual', 'always on'",
    ),
    "an unknown key": (
        f"{HEAD}{GOOD}        remark: c\n",
        r"rows.yaml:9: sources.0.rows.0.remark: there is no such key",
    ),
    "a number without quotes": (
        f"{HEAD}      - {{id: 7, demand: b, policies: [postgres-public-access-enabled]}}\n",
        r"rows.yaml:6: sources.0.rows.0.id: input should be a valid string",
    ),
    "nothing demanded": (
        f"{HEAD}      - {{id: a, demand: ' ', policies: [postgres-public-access-enabled]}}\n",
        r"rows.yaml:6: sources.0.rows.0.demand: string should have at least 1 character",
    ),
    "overtaken by nobody knows what": (
        f"{HEAD}{GOOD}        overtaken: {{now: c}}\n",
        r"rows.yaml:9: sources.0.rows.0.overtaken.source: is required",
    ),
    "a day that is none": (
        f"{HEAD}{GOOD}".replace("2026-11-21", "lately"),
        r"rows.yaml:4: sources.0.checked: string should match pattern",
    ),
    "half a catalogue": (
        f"{HEAD}{GOOD}    controls: {{framework: F}}\n",
        r"rows.yaml:9: sources.0.controls.version: is required",
    ),
}


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_a_file_of_rows_that_says_something_wrong_is_refused_with_its_line(name: str, tmp_path: Path) -> None:
    text, said = REFUSED[name]
    (tmp_path / "rows.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(CannotGenerate, match=f"^{re.escape(said)}"):
        load_sources(tmp_path / "rows.yaml")


def test_every_policy_stands_in_a_row_or_beyond_every_catalogue() -> None:
    rows, _, rest = coverage_page().partition("## Beyond every catalogue")
    beyond, _, _ = rest.partition("\n## ")
    for policy in discover():
        link = policy_link(policy.id)
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
    held_by = made_up(rows)
    merged = with_declared(held_by, [policy, replace(policy, id="old")])
    assert [row.policies for row in merged.rows] == [("old", "new"), ("old",)]
    other = held_by.model_copy(update={"controls": Catalogue(framework="F", version="2")})
    assert with_declared(other, [policy]).rows == rows


def test_a_control_that_no_page_has_needs_no_row() -> None:
    known, policy = made_up((judged("1.1", "Something", "old"),)), discover()[0]
    in_a_row = Control(framework="F", version="1", id="1.1", title="Something")
    of_another_version = replace(in_a_row, version="2")
    linked = replace(in_a_row, id="9", title="New", link="https://example.org/9")
    citing = replace(policy, controls=(in_a_row, of_another_version, linked))
    assert listed(in_a_row, [known])
    assert elsewhere([known], [citing, replace(discover()[1], controls=(linked,))]) == [
        (
            "F",
            "1",
            "[`9`](https://example.org/9)",
            "New",
            f"{policy_link(policy.id)}, {policy_link(discover()[1].id)}",
        ),
        ("F", "2", "`1.1`", "Something", policy_link(policy.id)),
    ]


def made_up(rows: tuple[Row, ...]) -> Source:
    controls = Catalogue(framework="F", version="1")
    return Source(title="T", version="1", checked="2026-11-21", rows=rows, controls=controls)


@pytest.mark.parametrize(("held_by", "row"), ROWS, ids=[f"{s.title} {s.version} {r.id}" for s, r in ROWS])
def test_every_row_has_an_answer(held_by: Source, row: Row) -> None:
    assert held_by.rows.count(row) == 1
    assert row.demand
    match row.answer:
        case Answer.POLICY:
            assert row.policies
        case Answer.AUDITED:
            assert row.checks
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
    assert "FROM pg_roles" in queries()[overview["Access management: audit of roles"].query]
    assert "rolvaliduntil" in queries()[overview["Updating passwords: rotation"].query]
    page = coverage_page()
    for _, row in ROWS:
        assert not row.query or f"\n{queries()[row.query]}\n" in page


def test_every_query_is_named_by_a_row() -> None:
    assert {row.query for _, row in ROWS} - {""} == set(queries())


def test_datadogs_rule_is_answered_by_the_rule_for_all_of_azure() -> None:
    assert source("Datadog").rows[0].policies == ("postgres-firewall-allows-all-azure",)


def test_every_control_that_a_policy_declares_stands_on_the_page() -> None:
    page = coverage_page()
    cited = page.partition("## Cited by policies")[2].partition("\n## ")[0]
    for policy in discover():
        for control in policy.controls:
            assert listed(control, sources()) or f"`{control.id}`" in cited, control


@pytest.mark.field(
    "nsg",
    "A row of the coverage that asks for more than is looked at says what is not: management ports, address "
    "conflicts of endpoints, other clients of an endpoint's subnet",
    source="https://learn.microsoft.com/azure/postgresql/network/concepts-networking-private-link",
    date="2026-11-29",
)
@pytest.mark.parametrize("name", NOT_LOOKED_AT)
def test_a_row_that_asks_for_more_than_is_looked_at_says_so(name: str) -> None:
    notes = [row.note for _, row in ROWS if row.id == name and NOT_LOOKED_AT[name] in row.note]
    assert notes, name


def test_a_row_about_an_endpoints_subnet_names_policies_that_look_at_one() -> None:
    """`nsg-reachable-beyond-clients` is about delegated subnets alone."""
    (row,) = [row for _, row in ROWS if row.id == "Security rules on the endpoint's subnet"]
    assert set(row.policies) == {"nsg-blocks-postgres-clients", "nsg-exposes-postgres-to-internet"}
    assert row.query == "reachable-endpoint"


def test_a_policy_that_is_off_until_asked_for_by_name_is_marked() -> None:
    text = coverage_page()
    for policy in discover():
        assert (f"{policy_link(policy.id)} (*by name*)" in text) is policy.opt_in, policy.id


@pytest.mark.parametrize("name", ["management-ports", "reachable-endpoint"])
def test_a_query_for_driftward_is_one_that_it_answers(name: str) -> None:
    example = str(ROOT / "docs" / "examples" / "nsg.json")
    values = {"<nsg>": example, "<subnet>": "10.1.0.0/28", "<address>": "10.1.0.4"}
    program, *words = queries()[name].split()
    assert program == "driftward"
    assert main([values.get(word, word) for word in words]) in {0, 1}
