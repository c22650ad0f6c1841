"""As whom a database is signed in to, and with which token: Azure's own library finds both.

The library is an extra of the command; nothing that is deployed signs in to a database.
"""

from __future__ import annotations

from azure.core.exceptions import ClientAuthenticationError

from shared.adapters.identity import ForAudience, azure_credential
from shared.adapters.person import NoSignIn
from shared.config.settings import Settings
from shared.model.clouds import PLACES
from shared.model.values import value

_NOBODY = "not signed in to Azure: `az login`"


@value
class Login:
    token: str
    user: str = ""
    """The role that is called as the token's principal is; ``""`` where the token does not say it."""


def database_login(settings: Settings) -> Login:
    """Raises ``NoSignIn`` where nobody is signed in, and ``ImportError`` where the library is not there."""
    from azure_postgresql_auth.core import AZURE_DB_FOR_POSTGRES_SCOPE, get_entra_conninfo, get_entra_token
    from azure_postgresql_auth.errors import ScopePermissionError, TokenDecodeError, UsernameExtractionError

    credential = ForAudience(azure_credential(settings), PLACES[settings.cloud].databases)
    try:
        found = get_entra_conninfo(credential)
    except (UsernameExtractionError, TokenDecodeError, ScopePermissionError):
        return Login(token=get_entra_token(credential, AZURE_DB_FOR_POSTGRES_SCOPE))
    except ClientAuthenticationError as error:
        raise NoSignIn(_NOBODY) from error
    return Login(token=found["password"], user=found["user"])
