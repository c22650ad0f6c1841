"""What a client asks before it signs in: which endpoints this cloud has, and under which names.

``/metadata/endpoints`` is the one address of ARM that wants no token. azure-cli asks for it when a cloud is
registered by its ARM endpoint (``az cloud register``), Terraform's providers by ``metadata_host``. Since
2022-09-01 the answer is one cloud; before, and where all clouds are asked for (``ARM_CLOUD_METADATA_URL``),
it is a list. Names of the fields: ``azure.cli.core.cloud`` of azure-cli 2.91.0 and go-azure-sdk, which read
them. Nothing listens at the endpoints of other services; they are what the public cloud says.
"""

from __future__ import annotations

from http import HTTPStatus

from local.simulator.values import Answer, JsonObject

PATH = "/metadata/endpoints"
CLOUD = "Simulated"
_ONE_CLOUD_FROM = "2022-09-01"
_AUDIENCES = ("https://management.core.windows.net/", "https://management.azure.com/")
_LOGIN = "https://login.microsoftonline.com"
_SUFFIXES: JsonObject = {
    "acrLoginServer": "azurecr.io",
    "attestationEndpoint": "attest.azure.net",
    "azureDataLakeAnalyticsCatalogAndJob": "azuredatalakeanalytics.net",
    "azureDataLakeStoreFileSystem": "azuredatalakestore.net",
    "keyVaultDns": "vault.azure.net",
    "mhsmDns": "managedhsm.azure.net",
    "mysqlServerEndpoint": "mysql.database.azure.com",
    "postgresqlServerEndpoint": "postgres.database.azure.com",
    "sqlServerHostname": "database.windows.net",
    "storage": "core.windows.net",
    "synapseAnalytics": "dev.azuresynapse.net",
}


def is_asked(method: str, path: str) -> bool:
    """Whether a call asks for the endpoints; every other one needs a token."""
    return method == "GET" and path.rstrip("/").lower() == PATH


def metadata(base_url: str, api_version: str) -> Answer:
    """The cloud whose ARM is at ``base_url``."""
    cloud = _cloud(base_url)
    return Answer(status=HTTPStatus.OK, body=cloud if api_version >= _ONE_CLOUD_FROM else [cloud])


def _cloud(base_url: str) -> JsonObject:
    return {
        "name": CLOUD,
        "portal": "https://portal.azure.com",
        "authentication": {
            "loginEndpoint": _LOGIN,
            "audiences": list(_AUDIENCES),
            "tenant": "common",
            "identityProvider": "AAD",
        },
        "resourceManager": base_url,
        "graphAudience": "https://graph.windows.net/",
        "graph": "https://graph.windows.net/",
        "microsoftGraphResourceId": "https://graph.microsoft.com/",
        "ossrDbmsResourceId": "https://ossrdbms-aad.database.windows.net",
        "logAnalyticsResourceId": "https://api.loganalytics.io",
        "gallery": "https://gallery.azure.com/",
        "batch": "https://batch.core.windows.net/",
        "media": "https://rest.media.azure.net",
        "activeDirectoryDataLake": "https://datalake.azure.net/",
        "sqlManagement": "https://management.core.windows.net:8443/",
        "suffixes": _SUFFIXES,
    }
