"""Whom a token names, and the token that stands for Driftward on this machine.

The local token is unsigned and meant for the simulator alone: ``clients`` uses it when, and only when, the
endpoint is a loopback address. What must not live here: how Azure's own tokens are got.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Final

from azure.core.credentials import AccessToken, TokenCredential
from azure.core.pipeline import PipelineRequest
from azure.core.pipeline.policies import SansIOHTTPPolicy
from azure.core.rest import HttpRequest, HttpResponse

from shared.model import Actor, Json

_FOREVER: Final = 2**31 - 1
"""In seconds since the epoch: the year 2038."""
LOCAL_IDENTITY: Final = Actor(
    app_id="d21f7a2d-0000-4000-8000-00000000a001",
    object_id="d21f7a2d-0000-4000-8000-00000000b001",
    name="driftward",
)
"""Who Driftward is to the simulator."""


class LocalCredential:
    """An unsigned token with Driftward's claims, for a simulator on this machine."""

    def get_token(self, *_scopes: str, **_options: object) -> AccessToken:
        """The token: for any scope, and it does not expire in a process's life."""
        claims = {
            "appid": LOCAL_IDENTITY.app_id,
            "oid": LOCAL_IDENTITY.object_id,
            "name": LOCAL_IDENTITY.name,
        }
        token = f"{_segment({'alg': 'none', 'typ': 'JWT'})}.{_segment(claims)}."
        return AccessToken(token, _FOREVER)


class LocalBearerPolicy(SansIOHTTPPolicy[HttpRequest, HttpResponse]):
    """Sends the local token over plain http, which the SDK's own policy refuses.

    It is made for a loopback endpoint only; the gateway's own check keeps every request on that host.
    """

    def __init__(self, credential: TokenCredential) -> None:
        self._header = f"Bearer {credential.get_token().token}"

    def on_request(self, request: PipelineRequest[HttpRequest]) -> None:
        request.http_request.headers["Authorization"] = self._header


def actor_of(token: str) -> Actor:
    """Who a JWT names, by the claims ``appid`` (``azp`` in newer tokens), ``oid`` and ``name``.

    Its signature is ARM's affair; a token that cannot be read names nobody.
    """
    claims = _claims(token)
    return Actor(
        app_id=claims.get("appid") or claims.get("azp"),
        object_id=claims.get("oid"),
        name=claims.get("name") or claims.get("app_displayname"),
    )


def _claims(token: str) -> Mapping[str, Json]:
    middle = token.split(".")[1] if token.count(".") == 2 else ""
    try:
        claims = json.loads(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))
    except (binascii.Error, ValueError):
        return {}
    return claims if isinstance(claims, dict) else {}


def _segment(claims: Mapping[str, str | None]) -> str:
    return base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
