"""What a message offers is what is taken, and what Azure names is named whole."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.alerts.decision_words import decision_text
from shared.alerts.phrases import JOINER, clean, clean_with_ids, code, sentence
from shared.model import Action, Actor, Decision, Reason
from tests.alerts.test_lifecycle import DECISION, POLICY_ID, SERVER, SIGHTING, body_of, opened

GROUP = "/subscriptions/8d1f2c3b-0001-4a5b-9c6d-7e8f90a1b2c3/resourceGroups/shop-prod-with-a-long-name"
RULE = f"{GROUP}/providers/Microsoft.DBforPostgreSQL/flexibleServers/orders/firewallRules/{'office-' * 12}"
ASSIGNMENT = "/providers/Microsoft.Management/managementGroups/platform/providers/Microsoft.Authorization"
LOCKED = (
    f"ScopeLocked: The scope '{RULE}' cannot perform write operation because following scope(s) are locked: "
    f"'{GROUP}'. Please remove the lock and try again."
)
DISALLOWED = (
    f"RequestDisallowedByPolicy: Resource '{'office-' * 30}' was disallowed by policy. Policy identifiers: "
    f'\'[{{"policyAssignment":{{"name":"No rules","id":"{ASSIGNMENT}/policyAssignments/no-rules"}}}}]\'.'
)
UNAUTHORIZED = (
    f"AuthorizationFailed: The client '{'a' * 120}' with object id '{'b' * 120}' does not have authorization"
    f" to perform action 'Microsoft.Network/networkSecurityGroups/write' over scope '{GROUP}' or the scope is"
    " invalid."
)


@pytest.mark.field(
    "commands",
    "What Azure refuses is told with the scope that is locked, the policy assignment that forbids it, or the "
    "scope that is not ours, also where the text is too long for a message.",
    source="https://learn.microsoft.com/azure/azure-resource-manager/management/lock-resources",
    date="2026-11-29",
)
@pytest.mark.parametrize(
    ("refusal", "named"),
    [(LOCKED, GROUP), (DISALLOWED, f"{ASSIGNMENT}/policyAssignments/no-rules"), (UNAUTHORIZED, GROUP)],
)
def test_what_azure_refuses_is_told_with_the_scope_that_matters(refusal: str, named: str) -> None:
    decision = Decision(policy=POLICY_ID, action=Action.ALERT, reason=Reason.FAILED, detail=refusal)
    assert len(refusal) > 300
    after = decision_text(decision).split(named)[1:]
    assert any(rest[:1] in {")", ",", "'"} for rest in after)
    assert named in body_of(opened(replace(SIGHTING, decision=decision)))


def test_a_text_that_is_not_cut_names_nothing_twice() -> None:
    short = f"the scope '{SERVER}' is locked"
    assert clean_with_ids(short) == short
    assert clean_with_ids("x" * 400).endswith("x…")
    assert sentence(short) == f"The scope '{SERVER}' is locked."


def test_of_many_ids_the_last_are_named() -> None:
    ids = [f"{GROUP}/providers/Microsoft.Network/networkSecurityGroups/nsg-{number}" for number in range(9)]
    said = clean_with_ids(" ".join(ids))
    assert [one in said.split("(it names ")[1] for one in ids] == [False] * 6 + [True] * 3


# --- approval --------------------------------------------------------------------------------------


@pytest.mark.field(
    "commands",
    "In audit mode no message offers an approval, which the API refuses with 409: it says that audit writes "
    "nothing.",
    source="docs/configuration.md and `POST /api/alerts/{id}/approve` (enforcement-disabled)",
    date="2026-11-29",
)
def test_in_audit_mode_no_approval_is_offered() -> None:
    audited = body_of(opened(replace(SIGHTING, decision=replace(DECISION, dry_run=True))))
    assert "/approve" not in audited
    assert "audit mode writes nothing" in audited
    assert "/approve" in body_of(opened(replace(SIGHTING, decision=DECISION)))


def test_a_scope_with_parentheses_in_its_name_is_kept_whole() -> None:
    scope = "/subscriptions/0a/resourceGroups/data(prod)"
    assert clean_with_ids(f"{'x' * 400} locked: '{scope}'.").endswith(f"(it names {scope})")
    assert clean_with_ids(f"{'x' * 400} (see {scope}/providers/a)").endswith(f"{scope}/providers/a)")


# --- what a chat makes of a text by itself ---------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "alive"),
    [
        ("@everyone look", "@everyone"),
        ("rule@here", "@here"),
        ("see (@Channel)", "@Channel"),
        ("ask @jane", "@jane"),
        ("https://evil.example/login", "https://"),
        ("ftp://evil.example", "://"),
        ("WWW.evil.example", "WWW."),
        ("mailto:jane@example.com", "mailto:"),
        ("||hidden||", "||"),
        ("**shout**", "**"),
        ("__shout__", "__"),
        ("~~gone~~", "~~"),
    ],
)
def test_what_a_chat_would_bring_to_life_is_taken_apart_and_read_as_before(text: str, alive: str) -> None:
    for said in (clean(text), code(text), clean_with_ids(text), sentence(text), clean(clean(text))):
        assert alive not in said
        assert text[1:] in said.replace(JOINER, "")


@pytest.mark.parametrize(
    "text", ["jane@example.com", "10.0.0.0/8, tcp/5432", "::1", "a_b", "2001:db8::/32", "*"]
)
def test_what_is_alive_to_nobody_stays_letter_by_letter(text: str) -> None:
    assert clean(text) == text


@pytest.mark.parametrize(
    "text", ["<!channel>", "<@U1>", "<at>Jane</at>", "(x)[y]", "[pay](https://evil.example)"]
)
def test_what_forges_a_mention_or_a_link_loses_its_brackets(text: str) -> None:
    assert not set("<>[]") & set(clean(text))


def test_a_strangers_name_calls_nobody_from_any_part_of_a_message() -> None:
    name = "@everyone https://evil.example ||x||"
    sighting = replace(
        SIGHTING,
        finding=replace(SIGHTING.finding, reason=name, evidence={name: name, "rules": [{"name": name}]}),
        decision=replace(DECISION, detail=name),
        cause=replace(SIGHTING.cause, actor=Actor(name=name), operation_name=name),
    )
    said = body_of(opened(sighting=sighting))
    assert "@everyone" not in said
    assert "https://evil" not in said
    assert "||" not in said
    assert name in said.replace(JOINER, "")
