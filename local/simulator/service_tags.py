"""Service tags: the names that a security rule may use, and what their list answers.

The names are those of Azure's published list in lower case, without regions. The prefixes are invented,
from documentation ranges (RFC 5737, RFC 3849): enough for a policy to resolve a tag, never a real
service; a regional tag is a part of its whole, as with Azure. A seeded resource
`…/locations/{location}/serviceTags/{name}` stands instead of them (`seeds.service_tags`).
"""

from __future__ import annotations

from local.simulator.values import ArmRequest, JsonObject, JsonValue, bad_request, short_location
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
    "AzureCloud": ["192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24"],
    "AzureCloud.canadacentral": ["198.51.100.0/26"],
    "AzureKeyVault": ["192.0.2.0/26", "2001:db8:4::/46"],
    "AzureKeyVault.CanadaCentral": ["192.0.2.0/29", "2001:db8:4::/56"],
    "AzureKeyVault.WestEurope": ["192.0.2.8/29", "2001:db8:5::/56"],
    "AzureMonitor": ["203.0.113.32/27", "2001:db8:2::/48"],
    "Sql": ["203.0.113.64/27", "2001:db8:8::/46"],
    "Sql.WestEurope": ["203.0.113.72/29", "2001:db8:8:100::/56"],
    "Storage": ["198.51.100.128/26", "203.0.113.128/26", "2001:db8:10::/44"],
    "Storage.CanadaCentral": ["198.51.100.128/28"],
    "Storage.WestEurope": ["203.0.113.128/28", "2001:db8:11::/48"],
}
LOCATIONS = frozenset(
    (
        "australiacentral",
        "australiaeast",
        "australiasoutheast",
        "brazilsouth",
        "canadacentral",
        "canadaeast",
        "centralindia",
        "centralus",
        "eastasia",
        "eastus",
        "eastus2",
        "francecentral",
        "germanywestcentral",
        "italynorth",
        "japaneast",
        "japanwest",
        "koreacentral",
        "koreasouth",
        "northcentralus",
        "northeurope",
        "norwayeast",
        "polandcentral",
        "qatarcentral",
        "southafricanorth",
        "southcentralus",
        "southeastasia",
        "southindia",
        "swedencentral",
        "switzerlandnorth",
        "uaenorth",
        "uksouth",
        "ukwest",
        "westcentralus",
        "westeurope",
        "westindia",
        "westus",
        "westus2",
        "westus3",
    )
)
"""Where the list can be read; of Azure's regions those that most subscriptions see."""


def service_tags(world: World, request: ArmRequest) -> JsonObject:
    """The list of a location: the seeded one, or a few invented tags. Raises 400 for no such location.

    The location says whose copy is read and filters nothing, and the answer's id does not name it.
    """
    location = _location(request)
    listed = _seeded(world, request.address.subscription, location)
    values: list[JsonValue] = [_tag(name, list(prefixes)) for name, prefixes in TAG_PREFIXES.items()]
    return {
        "name": "public",
        "id": f"/subscriptions/{request.address.subscription}/providers/Microsoft.Network/serviceTags/public",
        "type": "Microsoft.Network/serviceTags",
        "changeNumber": "1",
        "cloud": "Public",
        "values": values,
        **listed,
    }


def _location(request: ArmRequest) -> str:
    """ARM's words for a region that it does not know were seen for another list of a location
    (Azure/migAz 246): 400 and not 404.
    """
    location = short_location(request.address.segments[1])
    if location not in LOCATIONS:
        raise bad_request(
            "NoRegisteredProviderFound",
            f"No registered resource provider found for location '{location}' and API version "
            f"'{request.api_version}' for type 'locations/serviceTags'.",
        )
    return location


def _seeded(world: World, subscription: str, location: str) -> JsonObject:
    scope = f"/subscriptions/{subscription}/providers/Microsoft.Network/locations/{location}"
    records = world.store.of_type("Microsoft.Network/locations/serviceTags", scope)
    return records[0].body if records else {}


def _tag(name: str, prefixes: list[JsonValue]) -> JsonObject:
    service, _, region = name.partition(".")
    properties: JsonObject = {
        "changeNumber": "1",
        "region": region.lower(),
        "systemService": service,
        "addressPrefixes": prefixes,
    }
    return {"name": name, "id": name, "properties": properties}
