"""The queries look for lines that the app writes, and every rule tells the same people."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from local.dev.environments import ROOT
from shared.controller.delivering import UNDELIVERED
from shared.controller.nearly_spent import NEARLY_SPENT
from shared.model import Reason, Severity
from shared.model.alert_records import AlertStatus
from tests.infra.azure import INFRA, installed

QUERIES = sorted((INFRA / "queries").glob("*.kql"))
LINES = re.compile(r"""startswith '\{"(\w+)":(?:"([\w-]+)")?""")
"""The first name of a line, and its text where that matters."""
WRITTEN = "".join(path.read_text("utf-8") for path in (ROOT / "shared").rglob("*.py"))


def rules() -> list[Any]:
    azure, _ = installed(alertMails="one@example.com")
    return azure.of("Microsoft.Insights/scheduledQueryRules")


@pytest.mark.parametrize("path", QUERIES, ids=lambda path: path.stem)
def test_every_query_looks_for_a_line_that_the_app_writes(path: Any) -> None:
    looked_for = LINES.findall(path.read_text("utf-8"))
    assert looked_for
    for name, text in looked_for:
        is_named = text == UNDELIVERED or f'"{name}": "{text}"' in WRITTEN
        assert is_named if text else f'"{name}": ' in WRITTEN


def test_the_workbook_looks_for_lines_that_the_app_writes() -> None:
    held = json.loads((INFRA / "workbook.json").read_text("utf-8"))
    queries = [item["content"]["query"] for item in held["items"] if item["type"] == 3]
    looked_for = [found for query in queries for found in LINES.findall(query)]
    assert {name for name, _ in looked_for} == {"target", "message"}
    assert all(f'"message": "{text}"' in WRITTEN for name, text in looked_for if name == "message")


def test_the_words_of_the_queries_are_those_of_the_code() -> None:
    budget = (INFRA / "queries" / "budget.kql").read_text("utf-8")
    assert NEARLY_SPENT.id in budget
    assert Reason.BUDGET in budget
    assert f"!= '{AlertStatus.RESOLVED}'" in (INFRA / "queries" / "open-alerts.kql").read_text("utf-8")


def test_each_severity_but_advice_has_its_rule_and_splits_it_by_alert() -> None:
    of_alerts = [rule.body["properties"] for rule in rules() if "-open-" in rule.id]
    assert [rule["severity"] for rule in of_alerts] == [0, 1, 2, 3]
    told = [severity for severity in Severity if severity is not Severity.INFORMATIONAL]
    for rule, severity in zip(of_alerts, told, strict=True):
        (criterion,) = rule["criteria"]["allOf"]
        assert f"== '{severity}'" in criterion["query"]
        assert criterion["dimensions"][0] == {"name": "alert", "operator": "Include", "values": ["*"]}


def test_every_rule_tells_the_action_group() -> None:
    azure, outputs = installed(alertMails="one@example.com")
    group = outputs["DRIFTWARD_ACTION_GROUP_ID"]
    for rule in rules():
        assert rule.body["properties"]["actions"] == {"actionGroups": [group]}
    unavailable = azure.named("Microsoft.Insights/metricAlerts", "driftward-unavailable")
    assert unavailable.body["properties"]["actions"] == [{"actionGroupId": group}]
    request = azure.one("Microsoft.Insights/webtests").body["properties"]["Request"]
    assert request["RequestUrl"] == f"https://{outputs['DRIFTWARD_APP_HOST']}/api/health"


def test_nobody_asks_a_closed_app_from_outside() -> None:
    azure, _ = installed(network="closed")
    assert azure.of("Microsoft.Insights/webtests") == []
