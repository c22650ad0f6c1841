"""Who a person is to an app behind Microsoft Entra ID: their own sign-in, made when it is needed.

This is not the app's identity (``identity``): no managed identity is asked for, so that what somebody does
from a virtual machine is not done in the machine's name.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

from azure.core.exceptions import ClientAuthenticationError

from shared.model.clouds import PLACES, Cloud
from shared.model.values import value

_ENTRA_SAYS: Final = re.compile(r"AADSTS\d+:[^\r\n]{0,300}")


class NoSignIn(Exception):
    """No token is to be had; the message says what Entra said of it, and what to do."""


@value
class Token:
    text: str
    ends_at: datetime


def token_for(client_id: str, cloud: Cloud) -> Token:
    """A token of the person for the app with this client id. Raises ``NoSignIn``."""
    from azure.identity import DefaultAzureCredential

    scope = f"api://{client_id}/.default"
    try:
        credential = DefaultAzureCredential(
            authority=PLACES[cloud].authority, exclude_managed_identity_credential=True
        )
        found = credential.get_token(scope)
    except (ClientAuthenticationError, ValueError) as error:
        raise NoSignIn(_reason(error, scope)) from error
    return Token(text=found.token, ends_at=datetime.fromtimestamp(found.expires_on, UTC))


def _reason(error: Exception, scope: str) -> str:
    """What each credential tried fills a screen; what Entra answered is one line."""
    said = _ENTRA_SAYS.search(str(error))
    if said is not None:
        return f"no token for {scope}: {said[0].strip()}"
    return f"not signed in to Azure: `az login --scope {scope}`"
