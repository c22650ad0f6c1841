"""Service tags: the names that a security rule may use, and what their list answers.

The names are those of Azure's published list in lower case, without regions. The prefixes are invented,
from documentation ranges (RFC 5737, RFC 3849): enough for a policy to resolve a tag, never a real
service. A seeded resource `…/locations/{location}/serviceTags/{name}` stands instead of them.
"""

from __future__ import annotations

from local.simulator.shapes import show
from local.simulator.values import ArmRequest, JsonObject, JsonValue
from local.simulator.world import World

TAG_NAMES = frozenset(
    (
        "virtualnetwork",
        "internet",
        "azureloadbalancer",
        "actiongroup",
        "apimanagement",
        "appconfiguration",
        "applicationinsightsavailability",
        "appservice",
        "appservicemanagement",
        "azureactivedirectory",
        "azurearcinfrastructure",
        "azurebackup",
        "azurebotservice",
        "azurecloud",
        "azurecognitivesearch",
        "azureconnectors",
        "azurecontainerappsservice",
        "azurecontainerregistry",
        "azurecosmosdb",
        "azuredatabricks",
        "azuredevops",
        "azuredigitaltwins",
        "azureeventgrid",
        "azurefrontdoor",
        "azurehealthcareapis",
        "azureiothub",
        "azurekeyvault",
        "azuremachinelearning",
        "azuremonitor",
        "azureplatformdns",
        "azureplatformimds",
        "azureplatformlkm",
        "azureportal",
        "azureresourcemanager",
        "azuresignalr",
        "azuresiterecovery",
        "azuretrafficmanager",
        "azurewebpubsub",
        "batchnodemanagement",
        "cognitiveservicesmanagement",
        "datafactory",
        "datafactorymanagement",
        "dynamics365formarketinginsights",
        "eventhub",
        "gatewaymanager",
        "guestandhybridmanagement",
        "hdinsight",
        "logicapps",
        "logicappsmanagement",
        "microsoftcontainerregistry",
        "powerbi",
        "powerplatforminfra",
        "powerqueryonline",
        "servicebus",
        "servicefabric",
        "sql",
        "sqlmanagement",
        "storage",
        "storagesyncservice",
        "windowsadmincenter",
        "windowsvirtualdesktop",
    )
)
TAG_PREFIXES: dict[str, list[str]] = {
    "AzureActiveDirectory": ["203.0.113.0/27", "2001:db8:1::/48"],
    "AzureCloud": ["198.51.100.0/24", "203.0.113.0/24"],
    "AzureCloud.canadacentral": ["198.51.100.0/26"],
    "Sql": ["203.0.113.64/27"],
    "Storage": ["198.51.100.128/26", "203.0.113.128/26"],
    "Storage.CanadaCentral": ["198.51.100.128/28"],
}


def service_tags(world: World, request: ArmRequest) -> JsonObject:
    """The service tags of a location: seeded ones (type Microsoft.Network/serviceTags) or a few invented
    ones.
    """
    seeded = world.store.of_type("Microsoft.Network/locations/serviceTags", "")
    if seeded:
        return show(seeded[0])
    values: list[JsonValue] = [_tag(name, list(prefixes)) for name, prefixes in TAG_PREFIXES.items()]
    return {
        "name": "public",
        "id": f"/subscriptions/{request.address.subscription}/providers/Microsoft.Network/serviceTags/public",
        "type": "Microsoft.Network/serviceTags",
        "changeNumber": "1",
        "cloud": "Public",
        "values": values,
    }


def _tag(name: str, prefixes: list[JsonValue]) -> JsonObject:
    service, _, region = name.partition(".")
    properties: JsonObject = {
        "changeNumber": "1",
        "region": region.lower(),
        "systemService": service,
        "addressPrefixes": prefixes,
    }
    return {"name": name, "id": name, "properties": properties}
