"""Who signs in to a server, and as whom: Entra, passwords, administrators, the server's own identity."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from shared.model import Aspect, ComplianceState, ServerState, Severity
from shared.model.parts import SignIn
from shared.policies.sign_in.postgres_entra_administrator_missing import POLICY as ADMINISTRATOR_MISSING
from shared.policies.sign_in.postgres_entra_sign_in_off import POLICY as ENTRA_OFF
from shared.policies.sign_in.postgres_managed_identity_missing import POLICY as IDENTITY_MISSING
from shared.policies.sign_in.postgres_password_sign_in_on import POLICY as PASSWORDS_ON
from shared.posture.policy import bound
from tests.builders import ADMINISTRATOR, server, single_server

COMPLIANT, NON_COMPLIANT, UNKNOWN = (
    ComplianceState.COMPLIANT,
    ComplianceState.NON_COMPLIANT,
    ComplianceState.UNKNOWN,
)
ENTRA_ONLY = bound(PASSWORDS_ON, {"entraOnly": True})


def signing_in(entra: bool | None, passwords: bool | None, **parts: Any) -> Any:
    return server(sign_in=SignIn(entra=entra, passwords=passwords), **parts)


# --- Entra sign-in ---------------------------------------------------------------------------------


def test_a_server_that_accepts_only_passwords_is_found_with_the_command_that_changes_it() -> None:
    found = ENTRA_OFF.evaluate(signing_in(False, True))
    assert (found.state, found.severity, found.fingerprint) == (
        NON_COMPLIANT,
        Severity.MEDIUM,
        "activeDirectoryAuth=Disabled",
    )
    assert found.evidence["activeDirectoryAuth"] == "Disabled"
    assert found.evidence["passwordAuth"] == "Enabled"
    on, administrator = found.evidence["whatToDo"]
    assert on.endswith("--name orders --microsoft-entra-auth Enabled")
    assert "microsoft-entra-admin create" in administrator


@pytest.mark.parametrize("passwords", [True, False, None])
def test_entra_sign_in_is_enough_whatever_is_said_of_passwords(passwords: bool | None) -> None:
    assert ENTRA_OFF.evaluate(signing_in(True, passwords)).state is COMPLIANT


def test_a_server_that_says_nothing_of_entra_sign_in_is_unknown() -> None:
    found = ENTRA_OFF.evaluate(signing_in(None, True))
    assert (found.state, found.fingerprint) == (UNKNOWN, "")
    assert "authConfig.activeDirectoryAuth" in found.reason


def test_a_stopped_server_is_judged_from_what_it_shows_and_waits_for_the_rest() -> None:
    stopped = {"state": ServerState.STOPPED, "state_text": "Stopped"}
    assert ENTRA_OFF.evaluate(signing_in(False, True, **stopped)).state is NON_COMPLIANT
    assert "stopped" in ENTRA_OFF.evaluate(signing_in(None, None, **stopped)).reason


# --- passwords -------------------------------------------------------------------------------------


@pytest.mark.parametrize("passwords", [True, False, None])
def test_passwords_are_nobodys_business_where_entra_only_is_not_asked_for(passwords: bool | None) -> None:
    found = bound(PASSWORDS_ON, {}).evaluate(signing_in(True, passwords))
    assert (found.state, found.applies) == (COMPLIANT, False)


@pytest.mark.parametrize(("passwords", "state"), [(True, NON_COMPLIANT), (False, COMPLIANT), (None, UNKNOWN)])
def test_passwords_are_found_where_only_entra_is_wanted(
    passwords: bool | None, state: ComplianceState
) -> None:
    found = ENTRA_ONLY.evaluate(signing_in(True, passwords))
    assert (found.state, found.applies) == (state, True)
    assert found.evidence["entraOnly"] is True


def test_turning_passwords_off_is_not_advised_before_entra_sign_in_is_on() -> None:
    on, administrator, mapped, off = ENTRA_ONLY.evaluate(signing_in(False, True)).evidence["whatToDo"]
    assert on.endswith("--microsoft-entra-auth Enabled")
    assert "microsoft-entra-admin create" in administrator
    assert "map the roles" in mapped
    assert off.startswith("az postgres flexible-server update")
    assert off.endswith("--password-auth Disabled")
    assert ENTRA_ONLY.evaluate(signing_in(True, True)).evidence["whatToDo"] == [mapped, off]
    for unsure in (None, ()):
        unseen = replace(signing_in(True, True), administrators=unsure)
        told = ENTRA_ONLY.evaluate(unseen).evidence["whatToDo"]
        assert told == ["see that there is a Microsoft Entra administrator", mapped, off]


def test_entra_only_is_true_or_false() -> None:
    (parameter,) = PASSWORDS_ON.parameters
    assert parameter.check("yes") is not None
    assert parameter.default is False


# --- administrators --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "without", [signing_in(True, False, administrators=()), single_server(administrators=())]
)
def test_a_server_without_an_entra_administrator_is_found(without: Any) -> None:
    found = ADMINISTRATOR_MISSING.evaluate(without)
    assert (found.state, found.fingerprint) == (NON_COMPLIANT, "administrators=none")
    assert found.evidence["administrators"] == []


def test_the_remedy_names_a_group_and_the_kind_of_server() -> None:
    flexible = ADMINISTRATOR_MISSING.evaluate(signing_in(True, False, administrators=()))
    (command,) = flexible.evidence["whatToDo"]
    assert "microsoft-entra-admin create" in command
    assert "--server-name orders" in command
    single = ADMINISTRATOR_MISSING.evaluate(single_server(administrators=()))
    assert "/administrators/activeDirectory?" in single.evidence["whatToDo"]


def test_administrators_are_shown_in_one_order() -> None:
    found = ADMINISTRATOR_MISSING.evaluate(signing_in(True, False))
    assert found.state is COMPLIANT
    assert found.evidence["administrators"] == [
        {"objectId": ADMINISTRATOR.object_id, "principalName": "orders-dba", "principalType": "Group"}
    ]


def test_where_entra_sign_in_is_off_nobody_needs_an_administrator() -> None:
    found = ADMINISTRATOR_MISSING.evaluate(signing_in(False, True, administrators=None))
    assert (found.state, found.applies) == (COMPLIANT, False)


def test_administrators_that_may_not_be_read_are_unknown_with_the_missing_action() -> None:
    action = "Microsoft.DBforPostgreSQL/flexibleServers/administrators/read"
    unread = {Aspect.ADMINISTRATORS: f"our identity may not perform {action}"}
    found = ADMINISTRATOR_MISSING.evaluate(signing_in(True, False, administrators=None, unread=unread))
    assert found.state is UNKNOWN
    assert action in found.reason


def test_no_administrator_and_no_word_of_entra_sign_in_is_unknown() -> None:
    assert ADMINISTRATOR_MISSING.evaluate(signing_in(None, None, administrators=())).state is UNKNOWN
    assert ADMINISTRATOR_MISSING.evaluate(signing_in(None, None)).state is COMPLIANT


# --- the server's own identity ---------------------------------------------------------------------


@pytest.mark.parametrize("identity", ["", "None", "none", "NONE"])
def test_an_identity_that_is_absent_or_none_is_found(identity: str) -> None:
    found = IDENTITY_MISSING.evaluate(server(identity=identity))
    assert (found.state, found.severity, found.fingerprint) == (NON_COMPLIANT, Severity.LOW, "identity=None")
    assert "identity update" in found.evidence["whatToDo"]
    assert "az rest" in IDENTITY_MISSING.evaluate(single_server(identity=identity)).evidence["whatToDo"]


@pytest.mark.parametrize(
    "identity",
    ["SystemAssigned", "userassigned", "SystemAssigned,UserAssigned", "SystemAssigned, UserAssigned"],
)
def test_either_kind_of_identity_is_enough(identity: str) -> None:
    assert IDENTITY_MISSING.evaluate(server(identity=identity)).state is COMPLIANT


@pytest.mark.parametrize("identity", ["DelegatedAssigned", "SystemAssigned,Delegated"])
def test_a_kind_of_identity_that_is_not_known_is_unknown(identity: str) -> None:
    assert IDENTITY_MISSING.evaluate(server(identity=identity)).state is UNKNOWN


def test_what_not_everybody_wants_is_off_until_it_is_named() -> None:
    assert IDENTITY_MISSING.opt_in
    assert not any(policy.opt_in for policy in (ENTRA_OFF, PASSWORDS_ON, ADMINISTRATOR_MISSING))
