"""What people give to Azure so that callers sign in: the names and paths that the API itself knows."""

from __future__ import annotations

import json

from local.pages.sign_in import left_out, sign_in_files
from shared.api.rights import ROLES
from shared.api.routes import ROUTES


def test_the_roles_to_register_are_those_that_the_api_asks_for() -> None:
    roles = json.loads(sign_in_files()["docs/sign-in/app-roles.json"])
    assert {role["value"] for role in roles} == set(ROLES.values())
    assert len({role["id"] for role in roles}) == len(roles)
    assert all(role["allowedMemberTypes"] == ["User", "Application"] for role in roles)


def test_authentication_leaves_out_health_and_the_webhook_and_nothing_else() -> None:
    settings = json.loads(sign_in_files()["docs/sign-in/auth-settings.json"])["properties"]
    assert settings["globalValidation"]["excludedPaths"] == left_out()
    assert {path.lower() for path in left_out()} == {"/api/health", "/runtime/webhooks/eventgrid"}
    assert settings["globalValidation"]["unauthenticatedClientAction"] == "Return401"


def test_no_route_lies_below_one_that_authentication_leaves_out() -> None:
    """A path that is left out may stand for everything below it."""
    guarded = [f"/api/{route.path}" for route in ROUTES if not route.anonymous]
    assert not [path for path in guarded if path.lower().startswith(tuple(map(str.lower, left_out())))]


def test_the_scope_for_azure_cli_is_the_one_that_is_defined() -> None:
    files = {name.rsplit("/", 1)[-1]: json.loads(text) for name, text in sign_in_files().items()}
    (scope,) = files["scope.json"]["api"]["oauth2PermissionScopes"]
    (allowed,) = files["azure-cli.json"]["api"]["preAuthorizedApplications"]
    assert allowed["delegatedPermissionIds"] == [scope["id"]]
