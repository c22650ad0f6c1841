"""Who is written down as the person or program behind a request.

Whoever signed in is named by the token, with the ids that events name them by. A function key says nothing
about who holds it: the name in ``by`` is a claim, and is written down as one.
"""

from __future__ import annotations

from typing import Final

from shared.api.http import ApiRequest
from shared.api.principal import Who
from shared.model import Actor

CLAIMED: Final = "claimed, by function key"
NAMELESS: Final = "operator"


def operator(request: ApiRequest, by: str | None = None) -> Actor:
    """The person or program behind a request; ``by`` is what a holder of a key says of themselves."""
    caller = request.caller
    if caller.who is Who.SIGNED_IN:
        return Actor(app_id=caller.app_id, object_id=caller.object_id, name=caller.name)
    return Actor(name=f"{by or NAMELESS} ({CLAIMED})")


def called(actor: Actor) -> str:
    """One name for an actor."""
    return actor.name or actor.object_id or actor.app_id or NAMELESS
