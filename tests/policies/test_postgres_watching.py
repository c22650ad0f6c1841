"""Who watches a server: threat protection, and logs that are sent where they outlive it."""

from __future__ import annotations

import json
import shlex
from typing import Any

import pytest

from shared.model import Aspect, ComplianceState, ServerState
from shared.model.parts import DiagnosticSetting
from shared.policies.logging.postgres_diagnostic_settings_missing import POLICY as DIAGNOSTICS
from shared.policies.logging.postgres_threat_protection_off import POLICY as THREATS
from shared.posture.policy import bound
from tests.builders import SERVER, server, single_server

COMPLIANT, NON_COMPLIANT, UNKNOWN = (
    ComplianceState.COMPLIANT,
    ComplianceState.NON_COMPLIANT,
    ComplianceState.UNKNOWN,
)
DEFAULT = bound(DIAGNOSTICS, {})


def setting(*logs: str, to: tuple[str, ...] = ("logAnalytics",), name: str = "logs") -> DiagnosticSetting:
    return DiagnosticSetting(name=name, logs=logs, destinations=to)


def logged(*settings: DiagnosticSetting, **parts: Any) -> Any:
    return server(diagnostic_settings=settings, **parts)


# --- threat protection -----------------------------------------------------------------------------


@pytest.mark.parametrize("make", [server, single_server])
@pytest.mark.parametrize(
    ("said", "state"),
    [
        ("Enabled", COMPLIANT),
        ("ENABLED", COMPLIANT),
        ("Disabled", NON_COMPLIANT),
        ("disabled", NON_COMPLIANT),
        ("", UNKNOWN),
        ("New", UNKNOWN),
        (None, UNKNOWN),
    ],
)
def test_threat_protection_is_on_off_or_not_known(
    make: Any, said: str | None, state: ComplianceState
) -> None:
    found = THREATS.evaluate(make(threat_protection=said))
    assert (found.state, found.evidence["threatProtection"]) == (state, said)
    assert found.fingerprint == ("state=Disabled" if state is NON_COMPLIANT else "")


def test_the_remedy_of_threat_protection_fits_the_kind_of_server() -> None:
    flexible = THREATS.evaluate(server(threat_protection="Disabled")).evidence["whatToDo"]
    assert "advanced-threat-protection-setting update" in flexible
    assert flexible.endswith("--server-name orders --state Enabled")
    single = THREATS.evaluate(single_server(threat_protection="Disabled")).evidence["whatToDo"]
    assert "/securityAlertPolicies/Default?" in single


def test_a_stopped_server_that_hides_its_threat_protection_waits_for_its_start() -> None:
    stopped = server(
        state=ServerState.STOPPED,
        state_text="Stopped",
        unread={Aspect.THREAT_PROTECTION: "the server is stopped"},
    )
    found = THREATS.evaluate(stopped)
    assert found.state is UNKNOWN
    assert "waits until it runs" in found.reason


# --- logs ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("log", ["PostgreSQLLogs", "postgresqllogs", "allLogs", "ALLLOGS", "audit", "Audit"])
def test_the_servers_log_is_sent_by_its_category_or_by_a_group_that_holds_it(log: str) -> None:
    assert DEFAULT.evaluate(logged(setting(log))).state is COMPLIANT


@pytest.mark.parametrize(
    "settings",
    [
        (),
        (setting(),),
        (setting("PostgreSQLFlexSessions"),),
        (setting("PostgreSQLLogs", to=()),),
        (setting("PostgreSQLLogs2"),),
    ],
)
def test_logs_that_are_not_sent_anywhere_are_found(settings: tuple[DiagnosticSetting, ...]) -> None:
    found = DEFAULT.evaluate(logged(*settings))
    assert (found.state, found.fingerprint) == (NON_COMPLIANT, "not sent: postgresqllogs")
    assert found.reason == "no diagnostic setting sends PostgreSQLLogs"


def test_categories_may_be_spread_over_settings_and_audit_holds_the_servers_log_alone() -> None:
    both = bound(DIAGNOSTICS, {"categories": ["PostgreSQLLogs", "PostgreSQLFlexSessions"]})
    spread = logged(setting("audit"), setting("PostgreSQLFlexSessions", to=("storage",)))
    assert both.evaluate(spread).state is COMPLIANT
    assert both.evaluate(logged(setting("allLogs"))).state is COMPLIANT
    found = both.evaluate(logged(setting("audit")))
    assert (found.state, found.fingerprint) == (NON_COMPLIANT, "not sent: postgresqlflexsessions")


@pytest.mark.parametrize(
    ("taken", "name"),
    [
        ((), "postgres-logs"),
        (("logs",), "postgres-logs"),
        (("Postgres-Logs",), "postgres-logs-2"),
        (("postgres-logs", "postgres-logs-2"), "postgres-logs-3"),
    ],
)
def test_the_remedy_takes_the_name_of_no_setting_that_is_there(taken: tuple[str, ...], name: str) -> None:
    found = DEFAULT.evaluate(logged(*(setting("PostgreSQLFlexSessions", name=one) for one in taken)))
    words = shlex.split(found.evidence["whatToDo"])
    assert words[words.index("--name") + 1] == name


def test_only_the_configured_kinds_of_destination_count() -> None:
    workspace = bound(DIAGNOSTICS, {"destinations": ["LogAnalytics"]})
    assert workspace.evaluate(logged(setting("allLogs"))).state is COMPLIANT
    assert workspace.evaluate(logged(setting("allLogs", to=("storage", "logAnalytics")))).state is COMPLIANT
    found = workspace.evaluate(logged(setting("allLogs", to=("storage",))))
    assert found.state is NON_COMPLIANT
    assert found.reason.endswith("to loganalytics")


def test_the_remedy_of_missing_logs_names_the_server_and_what_is_missing() -> None:
    words = shlex.split(DEFAULT.evaluate(logged()).evidence["whatToDo"])
    assert words[:4] == ["az", "monitor", "diagnostic-settings", "create"]
    assert words[words.index("--resource") + 1] == str(SERVER)
    assert json.loads(words[words.index("--logs") + 1]) == [{"category": "PostgreSQLLogs", "enabled": True}]


def test_settings_are_shown_in_one_order() -> None:
    found = DEFAULT.evaluate(logged(setting("b", "a", name="z"), setting("allLogs", name="A")))
    assert [one["name"] for one in found.evidence["diagnosticSettings"]] == ["A", "z"]
    assert found.evidence["diagnosticSettings"][1]["logs"] == ["a", "b"]


def test_settings_that_were_not_read_are_unknown_with_the_missing_action() -> None:
    action = "Microsoft.Insights/diagnosticSettings/read"
    unread = {Aspect.DIAGNOSTIC_SETTINGS: f"our identity may not perform {action}"}
    for unsure in (server(unread=unread), single_server(unread=unread)):
        found = DEFAULT.evaluate(unsure)
        assert found.state is UNKNOWN
        assert action in found.reason


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("categories", []),
        ("categories", "PostgreSQLLogs"),
        ("destinations", ["mail"]),
        ("destinations", None),
    ],
)
def test_parameters_that_make_no_sense_are_refused(name: str, wrong: object) -> None:
    (parameter,) = [one for one in DIAGNOSTICS.parameters if one.name == name]
    assert parameter.check(wrong) is not None


def test_what_costs_a_request_is_off_until_it_is_named() -> None:
    assert DIAGNOSTICS.opt_in
    assert THREATS.opt_in
