"""PostgreSQL server whose logs leave it for nowhere.

*What it finds.* A server without a diagnostic setting that sends the required log categories
(``PostgreSQLLogs`` unless configured) to a destination, of the configured kinds where some are. The
categories may be spread over several settings; the category group ``allLogs`` counts for every category, and
``audit`` for ``PostgreSQLLogs``. Off unless ``policies.yaml`` names the policy: it costs one request a
server.

*Why it matters.* On the server logs live for a few days and whoever can delete it deletes them with it. Only
what was sent elsewhere in time can be searched after an incident.

*What the change does.* None is made: where logs go, and who pays for them, is for their owner to say. A
person creates a setting that sends them to a workspace, a storage account or an event hub.

*What it may break.* Nothing; what is sent is billed at the destination.

*References.* Configure and access logs in Azure Database for PostgreSQL; Diagnostic settings in Azure
Monitor.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Collection, Iterable, Mapping
from typing import Final

from shared.model import Aspect, Finding, Json, Kind, ServerSnapshot, Severity
from shared.model.parts import DiagnosticSetting
from shared.model.resource_id import free_name
from shared.posture.controls import AZURE_POLICY, MCSB, Control
from shared.posture.findings import Judged, compliant, drifted, finding
from shared.posture.policy import ALL_SERVERS, Parameter, Policy
from shared.posture.server_findings import plainly, unread, wrong_names

ID: Final = "postgres-diagnostic-settings-missing"
SEVERITY: Final = Severity.MEDIUM
_KINDS: Final = ("logAnalytics", "storage", "eventHub", "partner")
MOST: Final = 5
"""A resource has no more diagnostic settings (Diagnostic settings in Azure Monitor)."""
_OPTIONS: Final = (
    ("logAnalytics", "--workspace '<id of a Log Analytics workspace>'"),
    ("storage", "--storage-account '<id of a storage account>'"),
    ("eventHub", "--event-hub-rule '<id of an authorization rule of an Event Hubs namespace>'"),
    ("partner", "--marketplace-partner-id '<id of the resource of a partner>'"),
)
"""How ``az monitor diagnostic-settings create`` is told each kind of destination."""
_FULL: Final = (
    f"the server has {MOST} diagnostic settings, and Azure refuses another: have one of them send these, or "
    "delete one that nobody needs"
)
_TO: Final = (
    ("logAnalytics", AZURE_POLICY.DIAGNOSTIC_SETTINGS_FLEXIBLE),
    ("logAnalytics", AZURE_POLICY.LOGS_TO_WORKSPACE_FLEXIBLE),
    ("logAnalytics", AZURE_POLICY.SERVER_LOGS_TO_WORKSPACE_FLEXIBLE),
    ("logAnalytics", AZURE_POLICY.LOGS_TO_WORKSPACE_SINGLE),
    ("eventHub", AZURE_POLICY.LOGS_TO_EVENT_HUB_FLEXIBLE),
    ("eventHub", AZURE_POLICY.LOGS_TO_EVENT_HUB_SINGLE),
    ("storage", AZURE_POLICY.LOGS_TO_STORAGE_FLEXIBLE),
    ("storage", AZURE_POLICY.LOGS_TO_STORAGE_SINGLE),
)
"""Which kind of destination a control asks for."""
_GROUPS: Final[Mapping[str, frozenset[str] | None]] = {
    "alllogs": None,
    "audit": frozenset({"postgresqllogs"}),
}
"""The categories of a category group, in lower case; None for all."""


def evaluate(server: ServerSnapshot, *, categories: list[str], destinations: list[str]) -> Finding:
    judged = _judge(server, categories, plainly(destinations))
    facts = {
        "requiredCategories": categories,
        "acceptedDestinations": destinations,
        "diagnosticSettings": _shown(server),
    }
    return finding(ID, SEVERITY, server, judged, facts)


def _judge(server: ServerSnapshot, categories: list[str], accepted: frozenset[str]) -> Judged:
    if server.diagnostic_settings is None:
        return unread(server, Aspect.DIAGNOSTIC_SETTINGS)
    sending = [one for one in server.diagnostic_settings if _sends(one, accepted)]
    missing = sorted(name for name in categories if not any(_covers(one, name) for one in sending))
    if not missing:
        return compliant(f"sent: {', '.join(sorted(categories))}")
    where = f" to {' or '.join(sorted(accepted))}" if accepted else ""
    return drifted(
        f"no diagnostic setting sends {', '.join(missing)}{where}",
        fingerprint=f"not sent: {','.join(sorted(plainly(missing)))}",
        what_to_do=_remedy(server, missing, _destination(accepted)),
    )


def _sends(setting: DiagnosticSetting, accepted: frozenset[str]) -> bool:
    """Whether it has a destination, one of ``accepted`` where any are named."""
    found = plainly(setting.destinations)
    return bool(found & accepted) if accepted else bool(found)


def _covers(setting: DiagnosticSetting, category: str) -> bool:
    wanted = category.strip().lower()
    return any(log == wanted or _holds(log, wanted) for log in plainly(setting.logs))


def _holds(group: str, category: str) -> bool:
    """Whether a category group holds the category; a name that is no known group holds none."""
    held = _GROUPS.get(group, frozenset())
    return held is None or category in held


def _destination(accepted: frozenset[str]) -> str:
    """Where to, as an option: a kind that counts here, a workspace if it does."""
    return next(option for kind, option in _OPTIONS if not accepted or kind.lower() in accepted)


def _remedy(server: ServerSnapshot, missing: Iterable[str], to: str) -> str | tuple[str, ...]:
    """A setting of its own, for which there must be room."""
    if len(server.diagnostic_settings or ()) < MOST:
        return _create(server, missing, to)
    gone = f"--name '<name of a setting that nobody needs>' --resource {shlex.quote(str(server.id))}"
    return _FULL, f"az monitor diagnostic-settings delete {gone}", _create(server, missing, to)


def _create(server: ServerSnapshot, missing: Iterable[str], to: str) -> str:
    """``create`` with a name that is taken would replace what that setting sends."""
    logs = json.dumps([{"category": name, "enabled": True} for name in missing])
    taken = [one.name for one in server.diagnostic_settings or ()]
    name = free_name("postgres-logs", taken)
    return (
        f"az monitor diagnostic-settings create --name {name} --resource {shlex.quote(str(server.id))}"
        f" {to} --logs {shlex.quote(logs)}"
    )


def met(found: Finding) -> Collection[Control]:
    """The controls that name a kind of destination to which everything required is sent."""
    settings = [_setting(one) for one in found.evidence.get("diagnosticSettings", ())]
    required = found.evidence.get("requiredCategories", ())
    return [control for kind, control in _TO if required and _all_sent(settings, required, kind)]


def _setting(shown: Json) -> DiagnosticSetting:
    return DiagnosticSetting(
        name=shown["name"], logs=tuple(shown["logs"]), destinations=tuple(shown["destinations"])
    )


def _all_sent(settings: list[DiagnosticSetting], required: Iterable[str], kind: str) -> bool:
    sending = [one for one in settings if _sends(one, plainly([kind]))]
    return all(any(_covers(one, name) for one in sending) for name in required)


def _shown(server: ServerSnapshot) -> list[Json]:
    found = sorted(server.diagnostic_settings or (), key=lambda one: one.name.lower())
    return [
        {"name": one.name, "logs": sorted(one.logs), "destinations": sorted(one.destinations)}
        for one in found
    ]


def _wrong_destinations(kinds: Json) -> str | None:
    known = wrong_names(kinds) is None and plainly(kinds) <= plainly(_KINDS)
    return None if known else f"a list of {', '.join(_KINDS)}"


def _wrong_categories(names: Json) -> str | None:
    return None if wrong_names(names) is None and names else "a list of log categories, at least one"


POLICY: Policy[ServerSnapshot] = Policy(
    id=ID,
    title="Logs of a PostgreSQL server are sent nowhere",
    kind=Kind.SETTING,
    targets=ALL_SERVERS,
    severity=SEVERITY,
    reads=frozenset({Aspect.SERVER, Aspect.DIAGNOSTIC_SETTINGS}),
    controls=(
        *(control for _, control in _TO),
        *(MCSB.LT_3, MCSB.LT_5),
    ),
    met=met,
    evaluate=evaluate,
    parameters=(
        Parameter(
            name="categories",
            default=["PostgreSQLLogs"],
            description="Log categories that a diagnostic setting must send, in Azure's spelling.",
            check=_wrong_categories,
        ),
        Parameter(
            name="destinations",
            default=[],
            description=(
                "Kinds of destination that count: logAnalytics, storage, eventHub, partner. Empty: any."
            ),
            check=_wrong_destinations,
        ),
    ),
    opt_in=True,
    why="Whoever breaks in and deletes the server, or waits a week, has removed the only record of it.",
)
