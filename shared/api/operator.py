"""Who asks: what the platform's authentication says, else what a caller with a key says of itself.

App Service authentication sets ``x-ms-client-principal-*`` and removes what a client sent under these
names; where it is off, whoever holds the function key could set them, and could as well lie in ``by``.
So the name is for the record and decides nothing.
"""

from __future__ import annotations

from typing import Final

from shared.api.http import ApiRequest
from shared.model import Actor

NAMELESS: Final = "operator (function key)"
_NAME: Final = "x-ms-client-principal-name"
_ID: Final = "x-ms-client-principal-id"
_LONGEST: Final = 200


def operator(request: ApiRequest, by: str | None = None) -> Actor:
    """The person or program behind a request."""
    name, object_id = _header(request, _NAME), _header(request, _ID)
    if name is None and object_id is None:
        return Actor(name=by or NAMELESS)
    return Actor(name=name or by, object_id=object_id)


def called(actor: Actor) -> str:
    """One name for an actor."""
    return actor.name or actor.object_id or NAMELESS


def _header(request: ApiRequest, name: str) -> str | None:
    text = request.headers.get(name, "")
    return "".join(char for char in text if char.isprintable()).strip()[:_LONGEST] or None
