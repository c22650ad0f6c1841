"""The door: whoever asks is named, and refused where the route needs more than they have.

It stands before every route, whatever the host has checked: its key is one secret of many people, and the
platform's authentication can be configured to let anybody pass. What is shut is told by the same rule, so
that nobody has to find out by a 403 what an upgrade has shut. Nobody is let in by another site either
(``browsers``).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from shared.api.browsers import refuse_from_elsewhere, refuse_other_media
from shared.api.http import ApiRequest, Refused
from shared.api.principal import KEY_HOLDER, Principal
from shared.api.rights import OPENED_BY, ROLES, Right, Standing, caller, standing
from shared.api.route import Route
from shared.api.sources import Sources
from shared.config.settings import Settings
from shared.model.values import value


@value
class ShutRoute:
    """A route that answers 403 to every caller now; ``when`` says for which requests, ``""`` for all."""

    route: str
    when: str
    opened_by: str
    """The one setting that opens it to holders of a function key."""


def admitted(route: Route, request: ApiRequest, sources: Sources) -> ApiRequest:
    """The request with who sent it. Raises ``Refused`` where that is nobody, somebody who may not, or whoever
    was made to by another site."""
    if route.right is Right.NONE:
        return request
    settings = sources.settings
    principal = caller(route.right, request.headers, settings, page=route.page)
    _refuse_unless_admitted(route.right, principal, settings)
    if route.method != "GET":
        refuse_from_elsewhere(request)
        refuse_other_media(request, settings, form=route.page)
    raised = route.raised
    if raised is not None and raised.applies(request, settings):
        _refuse_unless_admitted(raised.right, principal, settings)
    return replace(request, caller=principal)


def shut(routes: Iterable[Route], settings: Settings) -> tuple[ShutRoute, ...]:
    """What nobody may do as the settings are: writing by key, while there is nothing but keys. Pages say so
    themselves."""
    if settings.authentication:
        return ()
    return tuple(
        ShutRoute(route=f"{route.method} /api/{route.path}", when=when, opened_by=OPENED_BY)
        for route in routes
        for right, when in route.rights
        if not route.page
        if standing(right, KEY_HOLDER, settings) is Standing.LACKING
    )


def _refuse_unless_admitted(right: Right, principal: Principal, settings: Settings) -> None:
    match standing(right, principal, settings):
        case Standing.ADMITTED:
            return
        case Standing.UNKNOWN:
            raise Refused("sign-in-required", "ask with a token of Microsoft Entra ID for this app")
        case Standing.LACKING:
            raise Refused("not-permitted", _lacking(right, settings))


def _lacking(right: Right, settings: Settings) -> str:
    """Which role it takes, and what else would do where there are no roles."""
    role = f"this takes a token with the app role {ROLES[right]}"
    if settings.authentication:
        return role
    return (
        f"{role}, and the platform's authentication is off: switch it on, or let every holder of a function "
        f"key do this with the setting {OPENED_BY}"
    )
