"""A small run as it would be recorded: three places, one drift reverted, one alerted, one resolved."""

from __future__ import annotations

from dataclasses import replace

from local.chaos.landscape import BLOCKED, PUBLIC_ACCESS, SCOPE, TLS, Place, PlaceKind, places, resources
from local.chaos.recording import Recording
from local.simulator.values import JsonObject, JsonValue, as_list, as_object, as_text, key
from shared.adapters.arm.session.tokens import LOCAL_IDENTITY

PLACES = places(2, 1)
PUBLIC, PRIVATE, SUBNET = (
    next(place for place in PLACES if place.kind is kind)
    for kind in (PlaceKind.PUBLIC, PlaceKind.PRIVATE, PlaceKind.SUBNET)
)
OPEN: JsonObject = {"properties": {"network": {"publicNetworkAccess": "Enabled"}}}
SHUT: JsonObject = {"properties": {"network": {"publicNetworkAccess": "Disabled"}}}
CHANGE = "change-1"
JANE, US = "jane-app", LOCAL_IDENTITY.app_id or ""
_KILL = 1.0


def at(second: float) -> str:
    minutes, seconds = divmod(second, 60)
    return f"2026-11-29T10:{int(minutes):02d}:{seconds:06.3f}+00:00"


def call(
    second: float,
    method: str,
    path: str,
    body: JsonObject | None = None,
    *,
    by: str = JANE,
    status: int = 202,
) -> JsonObject:
    return {
        "seq": int(second * 1000),
        "time": at(second),
        "method": method,
        "path": path,
        "status": status,
        "kind": "write",
        "caller": {"appId": by, "name": by},
        "requestBody": body,
        "correlationId": f"{method} {second}",
    }


def event(of: JsonObject, second: float, outcome: str = "Success") -> JsonObject:
    """What Azure raises when the operation of a call has ended."""
    return {
        "eventType": f"Microsoft.Resources.ResourceWrite{outcome}",
        "subject": of["path"],
        "eventTime": at(second),
        "data": {"correlationId": of["correlationId"]},
    }


def alert(
    place: Place, policy: str, *, status: str = "open", fingerprint: str = "f", number: str = ""
) -> JsonObject:
    return {
        "id": f"{policy}{number} on {place.id.rsplit('/', 1)[-1]}",
        "status": status,
        "policy": policy,
        "severity": "High",
        "target": {"kind": "flexibleServer", "id": place.id},
        "fingerprint": fingerprint,
        "firstSeen": at(5),
        "lastSeen": at(6),
    }


def change(second: float, ended: float, place: Place, edit: JsonObject) -> JsonObject:
    return {
        "id": CHANGE,
        "policy": PUBLIC_ACCESS,
        "outcome": "Reverted",
        "target": {"kind": "flexibleServer", "id": place.id},
        "edits": [edit],
        "proof": {"steps": [{"claim": "it is closed", "holds": True, "detail": ""}]},
        "createdAt": at(second),
        "finishedAt": at(ended),
    }


def delivery(second: float, kind: str, about: JsonValue, number: str = "") -> JsonObject:
    told: JsonObject = {
        "id": f"{kind} {about}{number}",
        "type": f"Driftward.{kind}",
        "time": at(second),
        "data": {"id": about},
    }
    return {"at": second, "event": told}


OPENED_BY_JANE = call(2, "PATCH", PRIVATE.id, OPEN)
CLOSED_BY_US = call(4, "PATCH", PRIVATE.id, SHUT, by=US)
INHERITED = alert(PUBLIC, PUBLIC_ACCESS)
OVER = alert(PRIVATE, TLS, status="resolved")


def run() -> Recording:
    """Nothing is wrong with it."""
    return Recording(
        seed=1,
        scope=SCOPE,
        began=0,
        seconds=60,
        cpu_seconds=30,
        last_deed=9,
        places=tuple(PLACES),
        deeds=({"target": PRIVATE.id},),
        calls=(OPENED_BY_JANE, CLOSED_BY_US),
        raised=(event(OPENED_BY_JANE, 2.5), event(CLOSED_BY_US, 5)),
        grid={"delivered": 2, "refused": 0, "waiting": 0},
        faults=({"hits": 3},),
        happened=(),
        early={"resources": list(_held()), "alerts": [INHERITED]},
        resources=tuple(_held()),
        alerts=(INHERITED, OVER),
        changes=(
            change(3, 6, PRIVATE, {"kind": "setPublicAccess", "server": PRIVATE.id, "access": "Disabled"}),
        ),
        exemptions=(),
        kept={
            "targets": [{"target": {"id": PRIVATE.id}, "activeChange": None}],
            "coalesced": [],
            "messages": {"reconcile": 1, "notify": 0},
            "visible": {"reconcile": 0, "notify": 0},
        },
        deliveries=(
            delivery(5, "Alert.Opened", INHERITED["id"]),
            delivery(5, "Alert.Opened", OVER["id"]),
            delivery(7, "Alert.Resolved", OVER["id"]),
            delivery(6, "Change.Applied", CHANGE),
        ),
        journal={"exit": 0, "said": {}},
        policies=(
            {
                "id": PUBLIC_ACCESS,
                "permissions": ["Microsoft.DBforPostgreSQL/flexibleServers/write"],
            },
            {
                "id": BLOCKED,
                "permissions": ["Microsoft.Network/networkSecurityGroups/securityRules/write"],
            },
        ),
    )


def _held() -> list[JsonObject]:
    return [body for body in resources(PLACES) if "/virtualnetworks/" not in key(as_text(body["id"]))]


def with_resource(recorded: Recording, changed: JsonObject) -> Recording:
    """The run with a resource in the place of the one that has its id, or beside the others."""
    wanted = key(as_text(changed["id"]))
    others = (one for one in recorded.resources if key(as_text(one["id"])) != wanted)
    return replace(recorded, resources=(*others, changed))


def resource(recorded: Recording, resource_id: str) -> JsonObject:
    return next(one for one in recorded.resources if key(as_text(one["id"])) == key(resource_id))


def with_rules(recorded: Recording, *rules: JsonObject) -> Recording:
    """The run with these rules in the group of the subnet."""
    group = resource(recorded, SUBNET.group)
    properties = as_object(group["properties"]) | {"securityRules": list(rules)}
    assert as_list(as_object(group["properties"]).get("securityRules")) == []
    return with_resource(recorded, group | {"properties": properties})
