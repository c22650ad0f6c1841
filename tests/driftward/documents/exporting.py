"""An export of the simulator's estate as the script of `--from-export` writes it, by ARM calls."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

from local.simulator.client import ArmCallFailed, SimulatorClient
from local.simulator.values import as_object

Document: TypeAlias = tuple[str, Any]
"""With the address that it was read at."""
TOP = (
    "Microsoft.DBforPostgreSQL/flexibleServers",
    "Microsoft.DBforPostgreSQL/servers",
    "Microsoft.Network/virtualNetworks",
    "Microsoft.Network/networkSecurityGroups",
    "Microsoft.Network/routeTables",
    "Microsoft.Network/privateEndpoints",
    "Microsoft.Network/networkInterfaces",
    "Microsoft.Network/privateDnsZones",
    "Microsoft.Authorization/locks",
)
CHILDREN = {
    "Microsoft.DBforPostgreSQL/flexibleServers": (
        *("firewallRules", "configurations", "administrators"),
        "providers/Microsoft.Insights/diagnosticSettings",
    ),
    "Microsoft.DBforPostgreSQL/servers": (
        *("firewallRules", "virtualNetworkRules", "configurations", "administrators"),
        "providers/Microsoft.Insights/diagnosticSettings",
    ),
    "Microsoft.Network/privateEndpoints": ("privateDnsZoneGroups",),
    "Microsoft.Network/privateDnsZones": ("virtualNetworkLinks", "A"),
}
SINGLE = {
    "Microsoft.DBforPostgreSQL/flexibleServers": (
        "advancedThreatProtectionSettings/Default",
        "providers/Microsoft.ResourceHealth/availabilityStatuses/current",
    ),
    "Microsoft.DBforPostgreSQL/servers": ("securityAlertPolicies/Default",),
}


def lifted(body: Any) -> Any:
    """As az's commands show a resource: without ``properties``, with the name of its group."""
    if isinstance(body, list | tuple):
        return type(body)(map(lifted, body))
    if not isinstance(body, dict):
        return body
    held = body.get("properties")
    if not isinstance(held, dict):
        return {key: lifted(one) for key, one in body.items()}
    group = {"resourceGroup": "rg"} if "id" in body else {}
    return {key: lifted(one) for key, one in body.items() if key != "properties"} | lifted(held) | group


def documents(azure: SimulatorClient, subscription: str) -> Iterator[Document]:
    for kind in TOP:
        address = f"/subscriptions/{subscription}/providers/{kind}"
        found = azure.list_all(address)
        yield address, {"id": address, "value": found}
        for one in found:
            yield from _of_one(azure, str(one["id"]), kind)
    tags = azure.get(
        f"/subscriptions/{subscription}/providers/Microsoft.Network/locations/westeurope/serviceTags"
    )
    yield "tags", tags


def _of_one(azure: SimulatorClient, owner: str, kind: str) -> Iterator[Document]:
    for child in CHILDREN.get(kind, ()):
        address = f"{owner}/{child}"
        yield address, {"id": address, "value": azure.list_all(address)}
    for child in SINGLE.get(kind, ()):
        try:
            yield f"{owner}/{child}", azure.get(f"{owner}/{child}")
        except ArmCallFailed:
            continue
    if kind.endswith("virtualNetworks"):
        address = f"{owner}/listNetworkManagerEffectiveSecurityAdminRules"
        _, _, answer = azure.arm("POST", address, {})
        yield address, {"id": address, "value": as_object(answer)["value"]}


def write(folder: Path, found: Iterable[Document]) -> None:
    """The files' names say nothing."""
    folder.mkdir()
    for number, (_, document) in enumerate(found):
        (folder / f"{number}.json").write_text(json.dumps(document))
