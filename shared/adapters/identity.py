"""Who we are to Azure: the credential behind every client, made once and only when it is needed.

The fake credential of the simulator is not made here: it belongs to the ARM clients, which accept it
for a loopback endpoint only.
"""

from __future__ import annotations

from collections.abc import Iterator

from azure.core.credentials import TokenCredential
from azure.core.exceptions import ClientAuthenticationError

from shared.config.settings import Cloud, Settings
from shared.model.errors import ConfigurationError


def azure_credential(settings: Settings) -> TokenCredential:
    """The managed identity that ``AZURE_CLIENT_ID`` names, or what the environment offers."""
    from azure.identity import AzureAuthorityHosts, DefaultAzureCredential, ManagedIdentityCredential

    if settings.client_id:
        return ManagedIdentityCredential(client_id=settings.client_id)
    authorities = {
        Cloud.PUBLIC: AzureAuthorityHosts.AZURE_PUBLIC_CLOUD,
        Cloud.US_GOVERNMENT: AzureAuthorityHosts.AZURE_GOVERNMENT,
        Cloud.CHINA: AzureAuthorityHosts.AZURE_CHINA,
    }
    try:
        return DefaultAzureCredential(authority=authorities[settings.cloud])
    except ValueError as error:  # AZURE_TOKEN_CREDENTIALS, which azure-identity reads by itself
        raise ConfigurationError(str(error)) from error


def no_token(error: BaseException) -> bool:
    """Whether an error comes of there being no credential: the gateway tells it as an answer that never came
    (``Transient``), with azure-identity's own error as its cause. A refusal by ARM itself has an answer."""
    causes = (cause for cause in _chain(error) if isinstance(cause, ClientAuthenticationError))
    return any(cause.response is None for cause in causes)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__
