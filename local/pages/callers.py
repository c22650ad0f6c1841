"""Who may come to the API, and what of it reaches the app: the platform's part of authorisation, as a model.

A key is checked by the Functions host and a token by App Service authentication, before the app is asked; the
header that names the caller is made by the latter, which removes one that came from outside. What the app
answers is its own rule (`shared.api.rights`), asked here with what arrives. A test sends the same requests to
the API and compares.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from shared.api.principal import PRINCIPAL_HEADER
from shared.api.rights import ROLES, Right, Standing, caller, standing
from shared.config.settings import Settings


class Caller(StrEnum):
    """Who asks, and with what."""

    NOTHING = "no key, no token"
    FORGED = "forged header, no key"
    KEY = "key alone"
    FORGED_WITH_KEY = "key and forged header"
    WRONG_ROLE = "token, another role"
    RIGHT_ROLE = "token, the role"


_KEYS: Final = frozenset({Caller.KEY, Caller.FORGED_WITH_KEY})
_TOKENS: Final = frozenset({Caller.WRONG_ROLE, Caller.RIGHT_ROLE})
_FORGED: Final = frozenset({Caller.FORGED, Caller.FORGED_WITH_KEY})
_STATUS: Final = {Standing.ADMITTED: 200, Standing.UNKNOWN: 401, Standing.LACKING: 403}

DOORS: Final[Mapping[str, Settings]] = {
    "The platform's authentication is off": Settings(),
    "The platform's authentication is off, and `OPERATOR_KEYS=allow`": Settings(operator_keys=True),
    "The platform's authentication is on": Settings(authentication=True),
    "The platform's authentication is on, and `OPERATOR_KEYS=allow`": Settings(
        authentication=True, operator_keys=True
    ),
}
"""The settings that matter, by how a person would say them."""


def status_for(right: Right, who: Caller, settings: Settings, *, page: bool = False) -> int:
    """200 for whoever is let through, 401 or 403 for the others."""
    if not passes_platform(right, who, settings):
        return 401
    principal = caller(right, arriving(right, who, settings), settings, page=page)
    return _STATUS[standing(right, principal, settings)]


def passes_platform(right: Right, who: Caller, settings: Settings) -> bool:
    """Whether the host or App Service authentication lets the request through to the app."""
    if right is Right.NONE or (right is Right.SIGN_IN and not settings.authentication):
        return True
    return who in (_TOKENS if settings.authentication else _KEYS)


def arriving(right: Right, who: Caller, settings: Settings) -> dict[str, str]:
    """The header with which the app is asked, should it be asked at all."""
    if settings.authentication and right is not Right.NONE:
        return principal_header(_role(right, who)) if who in _TOKENS else {}
    return principal_header(*ROLES.values()) if who in _FORGED else {}


def principal_header(*roles: str, object_id: str = "jane-object", **claims: str) -> dict[str, str]:
    """The header that names somebody with these roles, one claim a role as the platform writes it."""
    texts = [("oid", object_id), ("name", "Jane Doe"), *claims.items(), *(("roles", role) for role in roles)]
    document = {
        "auth_typ": "aad",
        "claims": [{"typ": kind, "val": text} for kind, text in texts],
        "name_typ": "name",
        "role_typ": "roles",
    }
    return {PRINCIPAL_HEADER: base64.b64encode(json.dumps(document).encode()).decode()}


def _role(right: Right, who: Caller) -> str:
    """The role that the right takes, or another one of ours."""
    taken = ROLES.get(right, "")
    if who is Caller.RIGHT_ROLE:
        return taken
    return next(role for role in ROLES.values() if role != taken)
