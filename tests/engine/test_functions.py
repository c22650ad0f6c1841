"""What the real engine makes of the app: exactly these functions, triggers and bindings.

An app whose import fails, or that registers nothing, indexes as an app without functions; that is why
the whole table stands here.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from local.dev.emulator import PROJECT_ROOT
from tests.engine.conftest import KEY, Running
from tests.local.host.test_engine import probe

pytestmark = [pytest.mark.engine, pytest.mark.azurite]

HTTP = {
    "health": ("GET", "health", "ANONYMOUS"),
    "status": ("GET", "status", "FUNCTION"),
    "start_run": ("POST", "runs", "FUNCTION"),
    "get_run": ("GET", "runs/{id}", "FUNCTION"),
    "list_alerts": ("GET", "alerts", "FUNCTION"),
    "get_alert": ("GET", "alerts/{id}", "FUNCTION"),
    "acknowledge_alert": ("POST", "alerts/{id}/acknowledge", "FUNCTION"),
    "list_exemptions": ("GET", "exemptions", "FUNCTION"),
    "set_break_glass": ("POST", "break-glass", "FUNCTION"),
    "add_exemption": ("POST", "exemptions", "FUNCTION"),
    "revoke_exemption": ("POST", "exemptions/{id}/revoke", "FUNCTION"),
    "approve_alert": ("POST", "alerts/{id}/approve", "FUNCTION"),
    "report": ("GET", "report", "FUNCTION"),
    "summary": ("GET", "summary", "FUNCTION"),
    "compliance": ("GET", "compliance", "FUNCTION"),
    "show_alert_page": ("GET", "alerts/{id}/page", "ANONYMOUS"),
    "acknowledge_on_page": ("POST", "alerts/{id}/page/acknowledge", "FUNCTION"),
    "approve_on_page": ("POST", "alerts/{id}/page/approve", "FUNCTION"),
    "list_changes": ("GET", "changes", "FUNCTION"),
    "get_change": ("GET", "changes/{id}", "FUNCTION"),
    "rollback_change": ("POST", "changes/{id}/rollback", "FUNCTION"),
    "list_policies": ("GET", "policies", "FUNCTION"),
    "explain_nsg": ("POST", "nsg/explain", "FUNCTION"),
    "openapi": ("GET", "openapi.json", "FUNCTION"),
    "doctor": ("GET", "doctor", "FUNCTION"),
}


def http(method: str, route: str, level: str) -> list[dict[str, Any]]:
    trigger = {
        "direction": "IN",
        "type": "httpTrigger",
        "name": "req",
        "methods": [method],
        "authLevel": level,
        "route": route,
    }
    return [trigger, {"direction": "OUT", "type": "http", "name": "$return"}]


def queue(name: str) -> list[dict[str, Any]]:
    trigger = {
        "direction": "IN",
        "type": "queueTrigger",
        "name": "message",
        "queueName": name,
        "connection": "AzureWebJobsStorage",
    }
    return [trigger]


TIMER = {
    "direction": "IN",
    "type": "timerTrigger",
    "name": "timer",
    "schedule": "0 */30 * * * *",
    "runOnStartup": False,
    "useMonitor": True,
}

TABLE = {
    "resource_events": [{"direction": "IN", "type": "eventGridTrigger", "name": "event"}],
    "reconcile": queue("reconcile"),
    "poison": queue("reconcile-poison"),
    "notify": queue("notify"),
    "notify_poison": queue("notify-poison"),
    "sweep": [TIMER],
    **{name: http(*binding) for name, binding in HTTP.items()},
}


def test_the_engine_indexes_exactly_these_functions_with_exactly_these_bindings(app: Running) -> None:
    reply = app.host.call("GET", "/admin/functions", headers={"x-functions-key": KEY})
    indexed = {function["name"]: function["config"]["bindings"] for function in json.loads(reply.body)}
    assert indexed == TABLE
    assert app.host.process.announced is not None
    assert app.host.process.announced[2] == str(len(TABLE))


@pytest.mark.parametrize(("said", "level"), [("True", "ANONYMOUS"), ("False", "FUNCTION"), ("1", "FUNCTION")])
def test_keys_are_asked_for_unless_the_platform_says_that_it_asks_for_tokens(said: str, level: str) -> None:
    functions = probe(PROJECT_ROOT, {"WEBSITE_AUTH_ENABLED": said})["functions"]
    assert isinstance(functions, list)
    indexed = {function["name"]: function["bindings"] for function in functions}
    expected = {name: (method, route, level) for name, (method, route, _) in HTTP.items()}
    expected |= {name: HTTP[name] for name in ("health", "show_alert_page")}
    assert indexed == TABLE | {name: http(*binding) for name, binding in expected.items()}


def test_the_host_is_configured_for_an_azure_that_throttles() -> None:
    host = json.loads((PROJECT_ROOT / "host.json").read_text(encoding="utf-8"))
    queues = host["extensions"]["queues"]
    assert (host["version"], host["extensionBundle"]["version"]) == ("2.0", "[4.*, 5.0.0)")
    assert (queues["batchSize"], queues["newBatchThreshold"]) == (1, 7)
    assert (queues["visibilityTimeout"], queues["maxDequeueCount"]) == ("00:00:30", 5)
    assert (queues["maxPollingInterval"], queues["messageEncoding"]) == ("00:00:02", "base64")
    assert host["functionTimeout"] == "00:10:00"
    sampling = host["logging"]["applicationInsights"]["samplingSettings"]
    assert sampling["excludedTypes"] == "Request"
