"""One server parameter: is it as wanted, is it in force, may it be set."""

from __future__ import annotations

from typing import Any

import pytest

from shared.model import Aspect, ComplianceState, ServerSnapshot, SetParameter, Severity
from shared.model.parts import ServerParameter
from shared.posture.allowed_values import allows
from shared.posture.server_parameters import (
    About,
    is_on,
    parameter_change,
    parameter_finding,
    parameter_suggestion,
)
from tests.builders import SERVER, server

ABOUT = About(
    policy="postgres-log-checkpoints-off", severity=Severity.LOW, parameter="log_checkpoints", wanted="on"
)


def switch(value: str = "off", **fields: Any) -> ServerParameter:
    given: dict[str, Any] = {
        "name": "log_checkpoints",
        "value": value,
        "data_type": "Boolean",
        "allowed": "on,off",
        "read_only": False,
        "dynamic": True,
        "pending_restart": False,
    }
    return ServerParameter(**{**given, **fields})


def with_switch(value: str = "off", **fields: Any) -> ServerSnapshot:
    return server(parameters=(switch(value, **fields),))


def judged(snapshot: ServerSnapshot) -> tuple[ComplianceState, str]:
    found = parameter_finding(ABOUT, snapshot, is_on)
    return found.state, found.reason


@pytest.mark.parametrize("spelled", ["on", "ON", "true", "1"])
def test_a_switch_that_is_on_is_compliant_however_it_is_spelled(spelled: str) -> None:
    assert judged(with_switch(spelled))[0] is ComplianceState.COMPLIANT


def test_the_name_is_compared_without_case() -> None:
    assert judged(with_switch("on", name="LOG_Checkpoints"))[0] is ComplianceState.COMPLIANT


def test_a_value_that_waits_for_a_restart_is_not_in_force() -> None:
    state, reason = judged(with_switch("on", pending_restart=True))
    assert state is ComplianceState.NON_COMPLIANT
    assert "only after a restart" in reason


def test_a_value_that_is_no_switch_is_unknown() -> None:
    assert judged(with_switch("perhaps"))[0] is ComplianceState.UNKNOWN


def test_a_parameter_that_the_server_does_not_list_is_unknown() -> None:
    assert judged(server(parameters=()))[0] is ComplianceState.UNKNOWN


def test_parameters_that_could_not_be_read_are_unknown_with_the_reason() -> None:
    refused = "our identity may not perform Microsoft.DBforPostgreSQL/flexibleServers/configurations/read"
    state, reason = judged(server(parameters=None, unread={Aspect.PARAMETERS: refused}))
    assert state is ComplianceState.UNKNOWN
    assert refused in reason


def test_what_is_in_force_at_once_is_set_and_the_inverse_puts_the_old_value_back() -> None:
    snapshot = with_switch()
    change = parameter_change(ABOUT, parameter_finding(ABOUT, snapshot, is_on), snapshot, "on")
    assert change is not None
    assert change.edits == (SetParameter(server=SERVER, name="log_checkpoints", value="on"),)
    assert change.inverse == (SetParameter(server=SERVER, name="log_checkpoints", value="off"),)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"read_only": True}, "does not let it be written"),
        ({"dynamic": False}, "only after a restart"),
        ({"pending_restart": True}, "only after a restart"),
    ],
)
def test_what_cannot_be_written_or_needs_a_restart_is_told_and_not_set(
    fields: dict[str, Any], said: str
) -> None:
    snapshot = with_switch(**fields)
    found = parameter_finding(ABOUT, snapshot, is_on)
    assert found.state is ComplianceState.NON_COMPLIANT
    assert said in found.reason
    assert parameter_change(ABOUT, found, snapshot, "on") is None


def test_a_person_is_told_what_to_set_where_a_restart_has_to_follow() -> None:
    snapshot = with_switch(dynamic=False)
    found = parameter_finding(ABOUT, snapshot, is_on)
    assert parameter_suggestion(ABOUT, found, snapshot, "on") == (
        SetParameter(server=SERVER, name="log_checkpoints", value="on"),
    )


def test_nobody_is_told_to_set_what_azure_would_refuse() -> None:
    refusals: tuple[dict[str, Any], ...] = ({"read_only": True}, {"allowed": "off"})
    for fields in refusals:
        snapshot = with_switch(**fields)
        assert parameter_suggestion(ABOUT, parameter_finding(ABOUT, snapshot, is_on), snapshot, "on") == ()


def test_a_value_that_the_list_lacks_is_not_set() -> None:
    snapshot = with_switch(allowed="off")
    assert parameter_change(ABOUT, parameter_finding(ABOUT, snapshot, is_on), snapshot, "on") is None


@pytest.mark.parametrize(
    ("data_type", "allowed", "wanted", "expected"),
    [
        ("Boolean", "on,off", "on", True),
        ("Boolean", "on,off", "yes", False),
        ("Enumeration", "TLSv1.2,TLSv1.3", "tlsv1.2", True),
        ("Enumeration", ",TLSv1.2", "", True),
        ("Enumeration", "TLSv1.2", "", False),
        ("Set", "none,read,ddl", "ddl,read", True),
        ("Set", "none,read,ddl", "ddl,role", False),
        ("Set", "none,read,ddl", "", False),
        ("Set", ".*", "anything,goes", True),
        ("Integer", "1-7", "7", True),
        ("Integer", "1-7", "8", False),
        ("Integer", "-1-10,20-30", "25", True),
        ("Integer", "-1-10,20-30", "15", False),
        ("Integer", "1-7", "many", False),
        ("Numeric", "0-1.79769e+308", "1.5", True),
        ("String", "[a-z]*", "abc", True),
        ("String", "[a-z]*", "ABC", False),
        ("String", "[a-z", "abc", False),
        ("", "", "anything", True),
    ],
)
def test_allowed_values_are_read_by_the_kind_of_data(
    data_type: str, allowed: str, wanted: str, expected: bool
) -> None:
    assert allows(switch(data_type=data_type, allowed=allowed), wanted) is expected


@pytest.mark.parametrize(
    ("data_type", "default", "expected"),
    [("Set", "", True), ("Set", "pgcrypto", False), ("Set", None, False), ("Enumeration", "", False)],
)
def test_a_set_that_is_empty_by_default_may_be_emptied(
    data_type: str, default: str | None, expected: bool
) -> None:
    given = switch(data_type=data_type, allowed="dblink,pgcrypto", default=default)
    assert allows(given, "") is expected
    assert not allows(given, "plv8")
