"""What clients ask before they write, and what changes nothing: capabilities, names, providers, places.

azure-cli asks for a server's ``capabilities`` before each ``az postgres flexible-server update``, for a free
name and the location's capabilities before a create or a restore, for the suffix of private zones before one
that goes into a network, and for a provider's api-versions before ``az resource``. Shapes are those of the
REST API (capabilities of locations and servers, ``checkNameAvailability``, ``getPrivateDnsZoneSuffix``:
2025-08-01; providers, locations and subscriptions: 2022-12-01); what one region offers is a short list of
ours. What must not live here: anything that a call changes.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from http import HTTPStatus

from local.simulator import activity_log, metrics
from local.simulator.network_manager import EFFECTIVE_RULES, effective_rules
from local.simulator.server_bodies import display_location
from local.simulator.servers import FLEXIBLE
from local.simulator.shapes import parent_of
from local.simulator.store import Record
from local.simulator.values import (
    TENANT,
    Answer,
    ArmRequest,
    JsonObject,
    JsonValue,
    as_text,
    bad_request,
    key,
    parse_address,
)
from local.simulator.world import World

POSTGRES = "Microsoft.DBforPostgreSQL"
SUFFIX = "private.postgres.database.azure.com"
_LOCATIONS = ("canadacentral", "canadaeast", "eastus", "westeurope", "northeurope")
_API_VERSIONS: dict[str, dict[str, str]] = {
    POSTGRES: {"flexibleServers": "2025-08-01", "servers": "2017-12-01", "locations": "2025-08-01"},
    "Microsoft.Network": {
        **dict.fromkeys(
            (
                "networkSecurityGroups",
                "virtualNetworks",
                "routeTables",
                "privateEndpoints",
                "networkInterfaces",
            ),
            "2024-05-01",
        ),
        "privateDnsZones": "2024-06-01",
    },
    "Microsoft.Insights": {"diagnosticSettings": "2021-05-01-preview"},
    "Microsoft.Authorization": {"locks": "2020-05-01"},
    "Microsoft.Resources": {"resourceGroups": "2024-03-01", "tags": "2024-03-01"},
    "Microsoft.ResourceHealth": {"availabilityStatuses": "2025-05-01"},
    "Microsoft.ManagedIdentity": {"userAssignedIdentities": "2024-11-30"},
    "Microsoft.OperationalInsights": {"workspaces": "2023-09-01"},
}

Question = Callable[[World, ArmRequest], JsonValue]


def is_one(method: str, kind: str) -> bool:
    """Whether a call by this method is a question, which changes nothing."""
    return (method, kind.lower()) in _QUESTIONS


def answer(world: World, request: ArmRequest, kind: str) -> Answer | None:
    """The answer to a question; None for a call that is none."""
    ask = _QUESTIONS.get((request.method, kind.lower()))
    if ask is not None:
        return Answer(status=HTTPStatus.OK, body=ask(world, request))
    if _names_a_provider(request):
        return Answer(status=HTTPStatus.OK, body=_provider(request, request.address.provider))
    return None


# --- what a location and a server can be -----------------------------------------------------------

_ZONES = ("1", "2", "3")
_HIGH_AVAILABILITY = ("SameZone", "ZoneRedundant")
_EDITIONS: dict[str, tuple[str, tuple[tuple[str, int], ...]]] = {
    "Burstable": (
        "Standard_B2s",
        (("Standard_B1ms", 1), ("Standard_B2s", 2), ("Standard_B2ms", 2), ("Standard_B4ms", 4)),
    ),
    "GeneralPurpose": (
        "Standard_D2ads_v5",
        (("Standard_D2s_v3", 2), ("Standard_D2ds_v5", 2), ("Standard_D2ads_v5", 2), ("Standard_D4ads_v5", 4)),
    ),
    "MemoryOptimized": ("Standard_E2ads_v5", (("Standard_E2ads_v5", 2), ("Standard_E4ads_v5", 4))),
}
_DISKS = ((32, 120, "P4"), (64, 240, "P6"), (128, 500, "P10"), (256, 1100, "P15"), (512, 2300, "P20"))
_VERSIONS = ("11", "12", "13", "14", "15", "16", "17", "18")
_FEATURES = {
    "OfferRestricted": "Disabled",
    "FastProvisioning": "Disabled",
    "ZoneRedundantHa": "Enabled",
    "GeoBackup": "Enabled",
    "StorageAutoGrowth": "Enabled",
    "OnlineResize": "Enabled",
    "IndexTuning": "Enabled",
}


def _of_server(world: World, request: ArmRequest) -> JsonValue:
    """What the addressed server can become; raises 404 where there is none."""
    parent_of(world, request.address)
    return {"value": [_capability()]}


def _of_location(_world: World, _request: ArmRequest) -> JsonValue:
    return {"value": [_capability()]}


def _capability() -> JsonObject:
    return {
        "name": "FlexibleServerCapabilities",
        "supportedServerEditions": [_edition(name) for name in _EDITIONS],
        "supportedServerVersions": [_version(name) for name in _VERSIONS],
        "supportedFeatures": [{"name": name, "status": status} for name, status in _FEATURES.items()],
        "fastProvisioningSupported": "Disabled",
        "supportedFastProvisioningEditions": [],
        "geoBackupSupported": "Enabled",
        "zoneRedundantHaSupported": "Enabled",
        "zoneRedundantHaAndGeoBackupSupported": "Enabled",
        "storageAutoGrowthSupported": "Enabled",
        "onlineResizeSupported": "Enabled",
        "restricted": "Disabled",
    }


def _edition(name: str) -> JsonObject:
    default, skus = _EDITIONS[name]
    modes = list(_HIGH_AVAILABILITY) if name != "Burstable" else []
    return {
        "name": name,
        "defaultSkuName": default,
        "supportedServerSkus": [
            {
                "name": sku,
                "vCores": cores,
                "supportedIops": 320 * cores,
                "supportedMemoryPerVcoreMb": 4096,
                "supportedZones": list(_ZONES),
                "supportedHaMode": [*modes],
            }
            for sku, cores in skus
        ],
        "supportedStorageEditions": [
            {
                "name": "ManagedDisk",
                "defaultStorageSizeMb": 32768,
                "supportedStorageMb": [_disk(*disk) for disk in _DISKS],
            }
        ],
    }


def _disk(gigabytes: int, iops: int, tier: str) -> JsonObject:
    return {
        "storageSizeMb": gigabytes * 1024,
        "supportedIops": iops,
        "defaultIopsTier": tier,
        "supportedIopsTiers": [{"name": tier, "iops": iops}],
    }


def _version(name: str) -> JsonObject:
    return {"name": name, "supportedVersionsToUpgrade": [one for one in _VERSIONS if int(one) > int(name)]}


# --- names and suffixes ----------------------------------------------------------------------------


def _is_name_free(world: World, request: ArmRequest) -> JsonValue:
    """Names of servers are names of hosts, so each is there once in all of Azure."""
    name, kind = as_text(request.body.get("name")), as_text(request.body.get("type"))
    if not name or not kind:
        raise bad_request("InvalidRequestContent", "A name and a type are expected.")
    taken = any(one.name.lower() == name.lower() for one in world.store.of_type(kind, ""))
    shown: JsonObject = {"name": name, "type": kind, "nameAvailable": not taken}
    return shown | (_taken(name) if taken else {})


def _taken(name: str) -> JsonObject:
    return {"reason": "AlreadyExists", "message": f"Specified server name '{name}' is already used."}


def _suffix(_world: World, _request: ArmRequest) -> JsonValue:
    return SUFFIX


# --- subscriptions and places ----------------------------------------------------------------------


def _known_subscriptions(world: World) -> list[str]:
    """The subscriptions in which something stands, in the order in which it came."""
    found = (parse_address(record.id).subscription for record in world.store)
    return list(dict.fromkeys(one for one in found if one))


def _subscription(name: str) -> JsonObject:
    return {
        "id": f"/subscriptions/{name}",
        "subscriptionId": name,
        "tenantId": TENANT,
        "displayName": "Simulated",
        "state": "Enabled",
    }


def _subscriptions(world: World, request: ArmRequest) -> JsonValue:
    """The named one, whatever it is called, or all."""
    if request.address.subscription:
        return _subscription(request.address.subscription)
    return {"value": [_subscription(one) for one in _known_subscriptions(world)]}


def _tenants(_world: World, _request: ArmRequest) -> JsonValue:
    return {"value": [{"id": f"/tenants/{TENANT}", "tenantId": TENANT, "displayName": "Simulated"}]}


def _places(_world: World, request: ArmRequest) -> JsonValue:
    return {"value": [_place(request.address.subscription, name) for name in _LOCATIONS]}


def _place(subscription_name: str, name: str) -> JsonObject:
    return {
        "id": f"/subscriptions/{subscription_name}/locations/{name}",
        "name": name,
        "type": "Region",
        "displayName": display_location(name),
        "regionalDisplayName": display_location(name),
        "metadata": {"regionType": "Physical"},
    }


def _permissions(world: World, request: ArmRequest) -> JsonValue:
    """What the caller may do, as its roles say; whoever has none may do everything here."""
    role = world.roles.get(request.caller.app_id.lower())
    actions, refused = ((*role.actions,), (*role.not_actions,)) if role is not None else (("*",), ())
    return {"value": [{"actions": [*actions], "notActions": [*refused]}]}


# --- everything there is ---------------------------------------------------------------------------

_RESOURCES = "Microsoft.Resources/subscriptions/resources"
_IN_GROUP = "Microsoft.Resources/subscriptions/resourceGroups/resources"
_TYPE_ASKED = re.compile(r"resourceType eq '([^']+)'", re.IGNORECASE)
_LISTED = ("location", "tags", "sku", "identity")


def _resources(world: World, request: ArmRequest) -> JsonValue:
    """Top-level resources of a subscription or group, all or of the type that `$filter` names."""
    asked = _TYPE_ASKED.search(request.query.get("$filter", ""))
    kind = asked[1].lower() if asked else ""
    group = f"/resourceGroups/{request.address.group}" if request.address.group else ""
    scope = f"{key(f'/subscriptions/{request.address.subscription}{group}')}/"
    return {
        "value": [
            _listed(record)
            for record in world.store
            if key(record.id).startswith(scope)
            and _is_top_level(record)
            and kind in ("", record.type.lower())
        ]
    }


def _is_top_level(record: Record) -> bool:
    address = parse_address(record.id)
    return (
        "/providers/" in key(record.id)
        and len(address.segments) == 2
        and "/providers/" not in key(address.scope)
    )


def _listed(record: Record) -> JsonObject:
    kept: JsonObject = {name: record.body[name] for name in _LISTED if name in record.body}
    return {"id": record.id, "name": record.name, "type": record.type, **kept}


# --- providers -------------------------------------------------------------------------------------


def _names_a_provider(request: ArmRequest) -> bool:
    """``…/providers/Microsoft.Network`` is shown; with ``/register`` it is made usable, which it is."""
    address = request.address
    if not address.provider or "/providers/" not in address.path.lower():
        return False
    if request.method == "POST":
        return [one.lower() for one in address.segments] == ["register"]
    return request.method == "GET" and not address.segments


def _descendants(world: World, request: ArmRequest) -> JsonValue:
    """Every subscription that holds something, below a group within the one that is asked."""
    management = "/providers/Microsoft.Management/managementGroups"
    asked = request.address.segments[1]
    within = f"{asked}-inner"
    inner: JsonObject = {
        "id": f"{management}/{within}",
        "type": "Microsoft.Management/managementGroups",
        "name": within,
        "properties": {
            "displayName": within,
            "parent": {"id": f"{management}/{asked}"},
        },
    }
    below: list[JsonValue] = [
        {
            "id": f"/subscriptions/{one}",
            "type": "/subscriptions",
            "name": one,
            "properties": {"displayName": one, "parent": {"id": f"{management}/{within}"}},
        }
        for one in _known_subscriptions(world)
    ]
    return {"value": [inner, *below]}


def _providers(_world: World, request: ArmRequest) -> JsonValue:
    return {"value": [_provider(request, name) for name in _API_VERSIONS]}


def _provider(request: ArmRequest, name: str) -> JsonObject:
    known = next((one for one in _API_VERSIONS if one.lower() == name.lower()), name)
    return {
        "id": f"/subscriptions/{request.address.subscription}/providers/{known}",
        "namespace": known,
        "registrationState": "Registered",
        "registrationPolicy": "RegistrationRequired",
        "resourceTypes": _resource_types(known),
    }


def _resource_types(provider: str) -> list[JsonValue]:
    places: list[JsonValue] = [display_location(one) for one in _LOCATIONS]
    return [
        {"resourceType": name, "locations": places, "apiVersions": [version], "defaultApiVersion": version}
        for name, version in _API_VERSIONS.get(provider, {}).items()
    ]


_QUESTIONS: dict[tuple[str, str], Question] = {
    (method, path.lower()): ask
    for method, path, ask in (
        ("GET", f"{FLEXIBLE}/capabilities", _of_server),
        ("GET", f"{POSTGRES}/locations/capabilities", _of_location),
        ("POST", f"{POSTGRES}/locations/checkNameAvailability", _is_name_free),
        ("POST", f"{POSTGRES}/checkNameAvailability", _is_name_free),
        ("POST", f"{POSTGRES}/getPrivateDnsZoneSuffix", _suffix),
        ("POST", EFFECTIVE_RULES, effective_rules),
        ("GET", activity_log.VALUES, lambda world, request: world.activity.answer(request)),
        ("GET", metrics.METRICS, metrics.answer),
        ("GET", "Microsoft.Resources/subscriptions", _subscriptions),
        ("GET", "Microsoft.Resources/subscriptions/locations", _places),
        ("GET", "", _providers),
        ("GET", _RESOURCES, _resources),
        ("GET", _IN_GROUP, _resources),
        ("GET", "Microsoft.Resources/tenants", _tenants),
        ("GET", "Microsoft.Authorization/permissions", _permissions),
        ("GET", "Microsoft.Management/managementGroups/descendants", _descendants),
    )
}
