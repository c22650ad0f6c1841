"""What a person knows and a printed command cannot: the values for its ``'<…>'`` and what stands behind.

Everything that is named stands ready in the simulator before the scenario begins, as a person would have it:
an NSG that lets through what a server needs, a subnet for endpoints, a linked zone, a workspace, a key.
"""

from __future__ import annotations

import re

from local.simulator import seeds
from local.simulator.values import TENANT
from tests.catalogue.shut import SHUT

NEW_SERVER = "second"
_ENDPOINTS = seeds.vnet(
    name="vnet-ready",
    prefixes=["10.99.0.0/16"],
    subnets=[
        seeds.subnet(
            name="endpoints",
            prefix="10.99.1.0/24",
            delegated=False,
            nsg=seeds.nsg_id(name="nsg-ready"),
            properties={"privateEndpointNetworkPolicies": "Enabled"},
        )
    ],
)
_ZONE = "ready.private.postgres.database.azure.com"
_IDENTITY = f"{seeds.group_id()}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-keys"
_WORKSPACE = f"{seeds.group_id()}/providers/Microsoft.OperationalInsights/workspaces/logs"

FILLED_IN = {
    "a free prefix of the network, /27 or larger": "10.20.128.0/24",
    "a size of the General Purpose tier": "Standard_D2ads_v5",
    "first address of its clients": "203.0.113.10",
    "last address of its clients": "203.0.113.20",
    "id of a Log Analytics workspace": _WORKSPACE,
    "id of a key": seeds.KEY_URI,
    "id of a key in the paired region": seeds.KEY_URI.replace("kv-orders", "kv-elsewhere"),
    "id of a private DNS zone": seeds.zone_id(name=_ZONE),
    "id of a subnet": seeds.subnet_id(vnet="vnet-ready", name="endpoints"),
    "id of an NSG of the same region": seeds.nsg_id(name="nsg-ready"),
    "id of an identity that may use it": _IDENTITY,
    "id of an identity that may use that key": f"{_IDENTITY}-elsewhere",
    "id of its subnet": seeds.subnet_id(vnet="vnet-ready", name="endpoints"),
    "id of its tenant": TENANT,
    "id of the network of the endpoint": seeds.vnet_id(name="vnet-ready"),
    f"id of the private DNS zone {seeds.PRIVATE_LINK_ZONE}": seeds.zone_id(group="rg-names"),
    "id of a storage account": f"{seeds.group_id()}/providers/Microsoft.Storage/storageAccounts/logs",
    "id of an authorization rule of an Event Hubs namespace": (
        f"{seeds.group_id()}/providers/Microsoft.EventHub/namespaces/logs/authorizationRules/send"
    ),
    "region of its network": seeds.LOCATION,
    "its object id": seeds.ADMINISTRATOR,
    "name of a group": "db-admins",
    "name of a setting that nobody needs": "to-nobody",
    "name of the key: vault_key_version": seeds.KEY_NAME,
    "name of the new server": NEW_SERVER,
}
_PLACE = re.compile(r"<([a-z][^<>'\"]*)>")

STANDS_READY = (
    seeds.nsg(name="nsg-ready", rules=SHUT),
    _ENDPOINTS,
    seeds.private_dns_zone(name=_ZONE),
    seeds.zone_link(zone=seeds.zone_id(name=_ZONE), vnet=seeds.vnet_id()),
)

STANDS_READY_FOR = {
    "postgres-no-approved-private-endpoint": (
        seeds.private_dns_zone(group="rg-names"),
        seeds.zone_link(zone=seeds.zone_id(group="rg-names"), vnet=seeds.vnet_id(name="vnet-ready")),
    ),
}
"""By policy, for what its alert prints first: it would be in the way of other scenarios and other ways."""


def fill_in(command: str) -> str:
    """The command with everything filled in; ``KeyError`` for what the table does not know.

    What is to be filled in stands in quotes, and no value of the table needs more than those.
    """
    return _PLACE.sub(lambda found: FILLED_IN[found[1]], command)
