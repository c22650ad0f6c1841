"""docs/sign-in/: what docs/deploy.md gives to Azure so that people and programs sign in first.

The app roles of the registration, the scope by which `az` gets tokens for people, and the settings of App
Service authentication (`Microsoft.Web/sites/config`, name `authsettingsV2`). Roles and left out paths are
those that the API knows: a role that is spelled otherwise there would shut everybody out, and a path that is
left out without need would let anybody say who they are.
"""

from __future__ import annotations

import json
from typing import Final

from shared.api.rights import ROLES, Right
from shared.api.routes import ROUTES
from shared.model import Json

_ROLE_IDS: Final = {
    Right.OPERATE: "6f0b9d52-6a0e-4a51-9c35-3d2e5b8a1c01",
    Right.APPROVE: "6f0b9d52-6a0e-4a51-9c35-3d2e5b8a1c02",
}
_DUTIES: Final = {
    Right.OPERATE: "Starts runs that write, rolls back and acknowledges.",
    Right.APPROVE: "Approves reverts, but none that follows from their own write.",
}
_SCOPE_ID: Final = "6f0b9d52-6a0e-4a51-9c35-3d2e5b8a1c03"
_AZURE_CLI: Final = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
"""The app id of the Azure CLI, the same everywhere."""
_WEBHOOKS: Final = ("/runtime/webhooks/eventgrid", "/runtime/webhooks/EventGrid")
"""Event Grid brings the host's key, not a token. Whether letter case matters is not documented."""


def sign_in_files() -> dict[str, str]:
    """Every file, by its path in the project."""
    files: dict[str, Json] = {
        "app-roles": [_role(right) for right in ROLES],
        "scope": {"api": {"oauth2PermissionScopes": [_scope()]}},
        "azure-cli": {"api": {"preAuthorizedApplications": [_allowed()]}},
        "auth-settings": {"properties": _settings()},
    }
    return {f"docs/sign-in/{name}.json": json.dumps(held, indent=2) + "\n" for name, held in files.items()}


def left_out() -> list[str]:
    """The paths that the platform's authentication must leave out; there nobody is known."""
    return [*(f"/api/{route.path}" for route in ROUTES if route.anonymous), *_WEBHOOKS]


def _role(right: Right) -> Json:
    return {
        "id": _ROLE_IDS[right],
        "value": ROLES[right],
        "displayName": ROLES[right],
        "description": _DUTIES[right],
        "allowedMemberTypes": ["User", "Application"],
        "isEnabled": True,
    }


def _scope() -> Json:
    return {
        "id": _SCOPE_ID,
        "value": "user_impersonation",
        "type": "User",
        "isEnabled": True,
        "adminConsentDisplayName": "Ask Driftward",
        "adminConsentDescription": "Ask Driftward on behalf of whoever signed in.",
    }


def _allowed() -> Json:
    return {"appId": _AZURE_CLI, "delegatedPermissionIds": [_SCOPE_ID]}


def _settings() -> Json:
    entra = {
        "enabled": True,
        "registration": {
            "openIdIssuer": "https://login.microsoftonline.com/TENANT_ID/v2.0",
            "clientId": "CLIENT_ID",
        },
        "validation": {"allowedAudiences": ["CLIENT_ID", "api://CLIENT_ID"]},
    }
    return {
        "platform": {"enabled": True, "runtimeVersion": "~1"},
        "globalValidation": {
            "requireAuthentication": True,
            "unauthenticatedClientAction": "Return401",
            "excludedPaths": left_out(),
        },
        "httpSettings": {"requireHttps": True},
        "identityProviders": {"azureActiveDirectory": entra},
        "login": {"tokenStore": {"enabled": False}},
    }
