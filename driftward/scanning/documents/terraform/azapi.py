"""What the azapi provider writes: ARM's own bodies, with a type and a parent.

``body`` is an object (azapi 2) or a text of JSON (azapi 1). Source: azapi, documentation of
``azapi_resource`` and ``azapi_update_resource``. Pure.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Final

from driftward.scanning.documents.joining import Body
from driftward.scanning.documents.terraform.identity import NETWORK, SERVER, TOP, Identities
from driftward.scanning.documents.terraform.plan import Resource
from driftward.scanning.documents.terraform.values import block, hidden, shown
from shared.model import Json
from shared.model.resource_id import ResourceId

_SUBNETS: Final = f"{TOP[NETWORK]}/subnets".lower()
_MADE: Final[Mapping[str, Json]] = {"state": "Ready"}
"""What a server has once it was made, where its body does not say."""


def azapi_body(resource: Resource, named: ResourceId, _: Identities) -> Iterator[Body]:
    written = _written(resource) or {}
    held = written.get("properties")
    is_server = named.type == TOP[SERVER].lower()
    properties = {**(_MADE if is_server else {}), **(held if isinstance(held, Mapping) else {})}
    if (why := why_unread(resource)) and named.type == _SUBNETS:
        properties = {"delegations": [{"name": why}]}  # it may be anybody's
    found: dict[str, Json] = {
        **written,
        "id": str(named),
        "name": named.name,
        "type": (resource.text("type") or "").partition("@")[0],
        "location": resource.values.get("location") or written.get("location"),
        "tags": resource.values.get("tags") or written.get("tags") or {},
        "properties": properties,
    }
    identity = block(resource.values, "identity")
    yield found | ({"identity": {"type": identity.get("type")}} if identity else {})


def why_unread(resource: Resource) -> str:
    """Why nobody can say what it writes; ``""`` where somebody can."""
    if _written(resource) is not None:
        return ""
    return hidden(resource.values, "body") or f"the body of {resource.address} is no JSON"


def _written(resource: Resource) -> Mapping[str, Json] | None:
    """What it writes, nothing where it says so; None where that cannot be read."""
    found = resource.values.get("body")
    if isinstance(found, str) and shown(found):
        try:
            found = json.loads(found)
        except (ValueError, RecursionError):
            return None
    if isinstance(found, Mapping):
        return found
    return {} if found in (None, "") else None


def laid_over(body: Body, update: Resource) -> dict[str, Json]:
    """A body with what an ``azapi_update_resource`` writes over it."""
    return _laid_over(body, _written(update) or {})


def _laid_over(base: Mapping[str, Json], more: Mapping[str, Json]) -> dict[str, Json]:
    return {**base, **{name: _joined(base.get(name), one) for name, one in more.items()}}


def _joined(base: Json, more: Json) -> Json:
    return _laid_over(base, more) if isinstance(base, Mapping) and isinstance(more, Mapping) else more
