"""The clouds of Azure: under which addresses its services are there, and for whom their tokens are.

Storage takes tokens for ``https://storage.azure.com`` in every cloud; ARM and Event Grid have audiences of
their own. Sources: "Compare Azure Government and global Azure" and the China developer guide (endpoints,
suffixes), azure-identity's ``AzureAuthorityHosts``; the audiences of Event Grid outside of the public cloud
are those that Microsoft's own command-line extensions ask for, no page of the documentation was found that
lists them.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from shared.model.values import value


class Cloud(StrEnum):
    PUBLIC = "public"
    US_GOVERNMENT = "usgovernment"
    CHINA = "china"


@value
class Places:
    """Where one cloud's services are."""

    management: str
    """Azure Resource Manager; its tokens are for the same address."""
    authority: str
    """The host that signs in."""
    storage_suffix: str
    """What follows the service in the host of a storage account."""
    event_grid: str
    """The suffix of topics, and with ``https://`` the audience of the tokens to publish with."""
    databases: str
    """For whom tokens are that sign in to open-source databases (azure-cli: ``ossrdbms_resource_id``)."""
    cli_name: str
    """As azure-cli calls it (``az cloud set --name``)."""


PLACES: Final[Mapping[Cloud, Places]] = {
    Cloud.PUBLIC: Places(
        management="https://management.azure.com",
        authority="login.microsoftonline.com",
        storage_suffix="core.windows.net",
        event_grid="eventgrid.azure.net",
        databases="https://ossrdbms-aad.database.windows.net",
        cli_name="AzureCloud",
    ),
    Cloud.US_GOVERNMENT: Places(
        management="https://management.usgovcloudapi.net",
        authority="login.microsoftonline.us",
        storage_suffix="core.usgovcloudapi.net",
        event_grid="eventgrid.azure.us",
        databases="https://ossrdbms-aad.database.usgovcloudapi.net",
        cli_name="AzureUSGovernment",
    ),
    Cloud.CHINA: Places(
        management="https://management.chinacloudapi.cn",
        authority="login.chinacloudapi.cn",
        storage_suffix="core.chinacloudapi.cn",
        event_grid="eventgrid.azure.cn",
        databases="https://ossrdbms-aad.database.chinacloudapi.cn",
        cli_name="AzureChinaCloud",
    ),
}
