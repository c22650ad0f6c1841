"""Something that resources are made on: it remembers them, and adds what only Azure knows of one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from local.dev.bicep.deploying import Made, Scope, deploy
from local.dev.environments import ROOT

INFRA: Final = ROOT / "infra"
HOME: Final = "5b5d2c1e-0d5f-4a3e-9f50-0d1f7a3d1001"
OTHER: Final = "5b5d2c1e-0d5f-4a3e-9f50-0d1f7a3d1002"
TENANT: Final = "72f988bf-0000-4000-8000-2d7cd011db47"
CLOUDS: Final = {
    "AzureCloud": ("https://login.microsoftonline.com/", "core.windows.net"),
    "AzureUSGovernment": ("https://login.microsoftonline.us/", "core.usgovcloudapi.net"),
    "AzureChinaCloud": ("https://login.chinacloudapi.cn/", "core.chinacloudapi.cn"),
}
CLIENT: Final = "0d5f4a3e-0000-4000-8000-00000000c11e"
PRINCIPAL: Final = "0d5f4a3e-0000-4000-8000-000000000001"


class FakeAzure:
    """Implements ``deploying.Azure``. `made` are the resources in their order, each as it was sent last."""

    def __init__(self, cloud: str = "AzureCloud") -> None:
        authority, self._suffix = CLOUDS[cloud]
        suffixes = {"storage": self._suffix}
        environment = {"name": cloud, "authentication": {"loginEndpoint": authority}, "suffixes": suffixes}
        self.facts: Mapping[str, Any] = {"environment": environment, "tenantId": TENANT}
        self.made: dict[str, Made] = {}
        self.resources: dict[str, Mapping[str, Any]] = {}

    def make(self, made: Made) -> Mapping[str, Any]:
        key = made.id.lower()
        assert key not in self.made, f"{made.source}: {made.id} is made twice"
        self.made[key] = made
        self.resources[key] = self._with_what_azure_knows(made)
        return self.resources[key]

    def show(self, resource_id: str, version: str) -> Mapping[str, Any]:
        return self.resources[resource_id.lower()]

    def of(self, kind: str) -> list[Made]:
        """What was made of a type, in order."""
        return [one for one in self.made.values() if one.type == kind]

    def one(self, kind: str) -> Made:
        (only,) = self.of(kind)
        return only

    def named(self, kind: str, name: str) -> Made:
        (only,) = [one for one in self.of(kind) if one.id.endswith(f"/{name}")]
        return only

    def _with_what_azure_knows(self, made: Made) -> dict[str, Any]:
        name = made.id.rpartition("/")[2]
        known = computed(made.type, name, self._suffix)
        shown = {"id": made.id, "name": name, **made.body}
        if made.body.get("identity", {}).get("type") == "SystemAssigned":
            shown["identity"] = {**made.body["identity"], "principalId": f"principal-of-{name}"}
        return {**shown, "properties": {**made.body.get("properties", {}), **known}}


def computed(kind: str, name: str, suffix: str) -> dict[str, Any]:
    """The properties that Azure adds to a resource of a type; ``suffix`` is that of the cloud's storage."""
    match kind:
        case "Microsoft.ManagedIdentity/userAssignedIdentities":
            return {"principalId": PRINCIPAL, "clientId": CLIENT}
        case "Microsoft.Storage/storageAccounts":
            services = ("blob", "queue", "table")
            return {"primaryEndpoints": {one: f"https://{name}.{one}.{suffix}/" for one in services}}
        case "Microsoft.Insights/components":
            return {"ConnectionString": "InstrumentationKey=0;IngestionEndpoint=https://in.example/"}
        case "Microsoft.EventGrid/topics":
            return {"endpoint": f"https://{name}.canadacentral-1.eventgrid.azure.net/api/events"}
        case "Microsoft.Web/sites":
            return {"defaultHostName": f"{name}.azurewebsites.net"}
        case _:
            return {}


def installed(cloud: str = "AzureCloud", **parameters: Any) -> tuple[FakeAzure, dict[str, Any]]:
    """`main.bicep` deployed, with its outputs."""
    azure = FakeAzure(cloud)
    given = {"environmentName": "dw", "location": "canadacentral", **parameters}
    return azure, deploy(INFRA / "main.bicep", Scope(subscription=HOME), given, azure)


def subscribed(
    azure: FakeAzure, outputs: Mapping[str, Any], subscription: str, **parameters: Any
) -> FakeAzure:
    """`events.bicep` deployed for one watched subscription, on what `main.bicep` made."""
    given = {
        "location": "canadacentral",
        "topicGroup": "rg-dw",
        "groupExists": subscription == HOME,
        "appId": outputs["DRIFTWARD_APP_ID"],
        "storageId": outputs["DRIFTWARD_STORAGE_ID"],
        "delivery": outputs["DRIFTWARD_DELIVERY"],
        "actionGroupId": outputs["DRIFTWARD_ACTION_GROUP_ID"],
        **parameters,
    }
    deploy(INFRA / "events.bicep", Scope(subscription=subscription), given, azure)
    return azure


def whole_settings(network: str, **parameters: Any) -> Mapping[str, str]:
    """The app settings of a variant."""
    azure, _ = installed(network=network, **parameters)
    held: Mapping[str, str] = azure.named("Microsoft.Web/sites/config", "appsettings").body["properties"]
    return held
