"""A resource as `az` writes it, in ARM's own shape: fields below ``properties``, children too.

Many of az's commands lift ``properties`` into the resource, others write ARM's own body; both are read. What
the SDKs of Python call ``primary_key_uri`` az writes as ``primaryKeyUri`` where ARM has ``primaryKeyURI``;
readers compare keys without case. What az adds (``resourceGroup``) is left out (azure-cli, ``todict`` of
azure.cli.core.util; its aaz commands, ``to_serialized_data``). Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from shared.model import Json

_ENVELOPE: Final = frozenset(
    {
        *("id", "name", "type", "location", "tags", "sku", "identity", "zones", "etag", "kind", "plan"),
        *("managedby", "systemdata", "extendedlocation", "apiversion", "changedtime", "createdtime"),
    }
)
_ADDED: Final = frozenset({"resourcegroup", "tenantid", "subscriptionid"})
_CHILDREN: Final = frozenset(
    {
        *("securityrules", "defaultsecurityrules", "subnets", "routes", "delegations", "ipconfigurations"),
        *("privatelinkserviceconnections", "manualprivatelinkserviceconnections"),
        *("privateendpointconnections", "virtualnetworkpeerings", "privatednszoneconfigs"),
        *("networkinterfaces",),
    }
)
"""Lists whose items are resources of their own, or have ``properties`` like one (network API, 2026-03-01)."""


def as_arm_has_it(body: Mapping[str, Json]) -> dict[str, Json]:
    """A resource with its fields below ``properties``; one that has them there keeps them."""
    kept = {key: one for key, one in body.items() if key.lower() not in _ADDED}
    own = {key: one for key, one in kept.items() if key.lower() in _ENVELOPE}
    held = next((one for key, one in kept.items() if key.lower() == "properties"), None)
    beside = {k: v for k, v in kept.items() if k.lower() not in _ENVELOPE and k.lower() != "properties"}
    fields = held if isinstance(held, Mapping) else beside
    return {**own, "properties": {key: _field(key, one) for key, one in fields.items()}}


def _field(key: str, found: Json) -> Json:
    if key.lower() in _CHILDREN and isinstance(found, list):
        return [as_arm_has_it(one) if isinstance(one, Mapping) and len(one) > 1 else one for one in found]
    return found
