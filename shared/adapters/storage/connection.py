"""Which storage account the settings name, read as the Functions host reads them.

A connection string wins where there is one. Else the addresses of the services, and for those that are not
given the account's name; and the identity to ask with. Names compare without case, as the host's
configuration does, and a blank is absent. Sources:
learn.microsoft.com/azure/azure-functions/functions-reference (identity-based connections);
github.com/Azure/azure-sdk-for-net, ``Microsoft.Extensions.Azure`` (``ClientFactory.CreateCredential``);
github.com/Azure/azure-webjobs-sdk, ``StorageServiceUriOptions``, by which the host itself takes a name to be
in the public cloud whatever the cloud: here it is in the cloud that the settings say.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from shared.adapters.identity import Identity
from shared.model.clouds import PLACES, Cloud
from shared.model.errors import ConfigurationError
from shared.model.values import value
from shared.model.web_addresses import scheme_and_host

STORAGE: Final = "AzureWebJobsStorage"
DEVELOPMENT: Final = "usedevelopmentstorage=true"
_SERVICES: Final = ("table", "blob", "queue")
_MANAGED: Final = "managedidentity"
_ACCOUNT_NAME: Final = re.compile(r"[a-z0-9]{3,24}", re.ASCII)
_OF_OTHERS: Final = ("clientSecret", "clientCertificate", "tokenFilePath", "managedIdentityObjectId")
"""What else the host takes a credential from, and the app does not."""


@value
class Connection:
    """Where the account is, and who asks: a connection string, or three addresses and an identity."""

    text: str = ""
    table_url: str = ""
    blob_url: str = ""
    queue_url: str = ""
    identity: Identity | None = None
    by_name: bool = False
    """Whether an address follows from the account's name, and the cloud with it."""


def read_connection(environment: Mapping[str, str], cloud: Cloud, name: str = STORAGE) -> Connection:
    """Raises ``ConfigurationError`` that names the setting and its value; a connection string is never
    shown."""
    said = _Said(environment, name)
    if text := said.get(""):
        return Connection(text=_connection_string(name, text))
    account = said.get("accountName")
    if account and not _ACCOUNT_NAME.fullmatch(account.lower()):
        raise ConfigurationError(f"{name}__accountName: {account!r} is no name of a storage account")
    given = {service: _address(said, service) for service in _SERVICES}
    if not account and not all(given.values()):
        raise ConfigurationError(_absent(name, [service for service in _SERVICES if not given[service]]))
    suffix = PLACES[cloud].storage_suffix
    table, blob, queue = (given[one] or f"https://{account.lower()}.{one}.{suffix}" for one in _SERVICES)
    return Connection(
        table_url=table,
        blob_url=blob,
        queue_url=queue,
        identity=_identity(said),
        by_name=not all(given.values()),
    )


def _connection_string(name: str, text: str) -> str:
    """The text, where a client can be made of it; what is in it is never shown."""
    parts = [part.partition("=") for part in text.rstrip(";").split(";")]
    if not all(equals for _, equals, _ in parts):
        raise ConfigurationError(f"{name}: is no connection string: name=value, separated by semicolons")
    named = {part.strip().lower() for part, _, value in parts if value}
    is_account = "accountname" in named or {f"{service}endpoint" for service in _SERVICES} <= named
    if not is_account and text.rstrip(";").lower() != DEVELOPMENT:
        raise ConfigurationError(f"{name}: the connection string names no account (AccountName=)")
    return text


class _Said:
    """The settings of one connection by what follows its name."""

    def __init__(self, environment: Mapping[str, str], name: str) -> None:
        self.name = name
        self._texts = {key.lower(): text.strip() for key, text in environment.items()}

    def get(self, part: str) -> str:
        return self._texts.get(self.setting(part).lower(), "")

    def setting(self, part: str) -> str:
        return f"{self.name}__{part}" if part else self.name


def _address(said: _Said, service: str) -> str:
    part = f"{service}ServiceUri"
    url = said.get(part)
    scheme, host = scheme_and_host(url)
    if url and not (scheme in {"http", "https"} and host):
        raise ConfigurationError(f"{said.setting(part)}: {url!r} is not an http or https URL")
    return url.rstrip("/")


def _identity(said: _Said) -> Identity | None:
    """The identity that is said; None leaves it to the app's own."""
    kind, client_id, resource_id = map(said.get, ("credential", "clientId", "managedIdentityResourceId"))
    if kind and kind.lower() != _MANAGED:
        raise ConfigurationError(f"{said.setting('credential')}: {kind!r} is not {_MANAGED}")
    for part in filter(said.get, _OF_OTHERS):
        raise ConfigurationError(f"{said.setting(part)}: the app's clients take a managed identity alone")
    if client_id and resource_id:
        both = f"{said.setting('clientId')} and {said.setting('managedIdentityResourceId')}"
        raise ConfigurationError(
            f"{both}: {client_id!r} and {resource_id!r} are two ways to name one identity"
        )
    if not (kind or client_id or resource_id):
        return None
    return Identity(managed=bool(kind), client_id=client_id, resource_id=resource_id)


def _absent(name: str, services: list[str]) -> str:
    missing = ", ".join(f"{name}__{service}ServiceUri" for service in services)
    return f"{name} is not set, nor {name}__accountName, and not set either: {missing}"
