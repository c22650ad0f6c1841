"""Who we are to Azure: the credential behind every client, made once and only when it is needed.

The fake credential of the simulator is not made here: it belongs to the ARM clients, which accept it
for a loopback endpoint only.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from azure.core.credentials import AccessToken, TokenCredential
from azure.core.exceptions import ClientAuthenticationError

from shared.config.settings import Settings
from shared.model.clouds import PLACES
from shared.model.errors import ConfigurationError
from shared.model.values import value


@value
class Identity:
    """Which identity is meant. Without any word it is the app's own (``AZURE_CLIENT_ID``, or whatever
    there is)."""

    managed: bool = False
    """A managed one and nothing else: the system-assigned one where no id is given."""
    client_id: str = ""
    resource_id: str = ""


def azure_credential(settings: Settings, identity: Identity | None = None) -> TokenCredential:
    """The credential of ``identity``, or else of the managed identity that ``AZURE_CLIENT_ID`` names, or
    what the environment offers."""
    from azure.identity import ManagedIdentityCredential

    match identity or Identity():
        case Identity(resource_id=named) if named:
            return ManagedIdentityCredential(identity_config={"resource_id": named})
        case Identity(managed=True, client_id=client_id):
            return ManagedIdentityCredential(client_id=client_id or None)
        case Identity(client_id=client_id) if client_id:
            return _offered(settings, managed_identity_client_id=client_id)
    if settings.client_id:
        return ManagedIdentityCredential(client_id=settings.client_id)
    return _offered(settings)


def _offered(settings: Settings, **options: str) -> TokenCredential:
    """What the environment offers, signed in at the cloud's own authority."""
    from azure.identity import DefaultAzureCredential

    try:
        return DefaultAzureCredential(authority=PLACES[settings.cloud].authority, **options)
    except ValueError as error:  # AZURE_TOKEN_CREDENTIALS, which azure-identity reads by itself
        raise ConfigurationError(str(error)) from error


class ForAudience:
    """A credential whose tokens are for one audience, whatever the client asks for."""

    def __init__(self, credential: TokenCredential, audience: str) -> None:
        self._credential = credential
        self._scope = f"{audience}/.default"

    def get_token(self, *_scopes: str, **options: Any) -> AccessToken:
        return self._credential.get_token(self._scope, **options)


def no_token(error: BaseException) -> bool:
    """Whether an error comes of there being no credential: the gateway tells it as an answer that never came
    (``Transient``), with azure-identity's own error as its cause. A refusal by ARM itself has an answer."""
    causes = (cause for cause in _chain(error) if isinstance(cause, ClientAuthenticationError))
    return any(cause.response is None for cause in causes)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__
