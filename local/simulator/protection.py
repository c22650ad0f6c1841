"""Threat protection of PostgreSQL servers: `advancedThreatProtectionSettings/Default` on flexible servers,
`securityAlertPolicies/Default` on single ones.

Both exist on every server from its creation, disabled, and can only be changed. What must not live here:
other children of servers.
"""

from __future__ import annotations

from dataclasses import replace
from http import HTTPStatus

from local.simulator.servers import accept_on, is_flexible, refuse_unless_ready
from local.simulator.shapes import parent_of, show
from local.simulator.store import Record
from local.simulator.values import (
    Accepted,
    ArmError,
    ArmRequest,
    JsonObject,
    as_text,
    bad_request,
    fill,
    utc_text,
)
from local.simulator.world import World

ADVANCED = "advancedThreatProtectionSettings"
ALERT_POLICIES = "securityAlertPolicies"
_NAME = "Default"
_STATES = ("Enabled", "Disabled")


def settings_of(world: World, request: ArmRequest) -> list[Record]:
    """The one setting of the addressed server, in a list."""
    server = parent_of(world, request.address)
    return [_setting(world, server)]


def setting(world: World, request: ArmRequest) -> Record:
    """Raises 404 for any name but `Default`."""
    server = parent_of(world, request.address)
    if request.address.name.lower() != _NAME.lower():
        message = f"No threat protection setting '{request.address.name}'; there is '{_NAME}'."
        raise ArmError(HTTPStatus.NOT_FOUND, "ResourceNotFound", message)
    return _setting(world, server)


def _setting(world: World, server: Record) -> Record:
    child = ADVANCED if is_flexible(server) else ALERT_POLICIES
    known = world.store.get(f"{server.id}/{child}/{_NAME}")
    defaults: JsonObject = {"state": "Disabled"}
    if is_flexible(server):
        defaults["creationTime"] = utc_text(world.now())
    else:
        defaults |= {
            "disabledAlerts": [],
            "emailAddresses": [],
            "emailAccountAdmins": False,
            "retentionDays": 0,
        }
    properties = fill(known.properties if known else {}, defaults)
    return Record(
        id=f"{server.id}/{child}/{_NAME}",
        type=f"{server.type}/{child}",
        body={"properties": properties},
        etag="",
    )


def write_setting(world: World, request: ArmRequest) -> Accepted:
    """PUT or PATCH; raises 400 for a state that is neither Enabled nor Disabled."""
    server = parent_of(world, request.address)
    refuse_unless_ready(world, server)
    current = setting(world, request)
    state = as_text(request.properties.get("state"))
    if state not in _STATES:
        raise bad_request("InvalidParameterValue", f"Invalid value given for parameter state: '{state}'.")
    changed = replace(current, body={"properties": current.properties | request.properties})

    def finish() -> None:
        if world.store.get(server.id) is not None:
            world.save(changed)

    accepted = accept_on(world, server, "UpsertServerThreatProtectionManagementOperation", finish=finish)
    return replace(accepted, result=lambda: show(changed))
