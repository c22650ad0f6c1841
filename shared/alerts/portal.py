"""Where a person finds a resource: its page in the portal of its cloud."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from shared.model.resource_id import ResourceId
from shared.posture.shell import path_of

_PORTALS: Final[Mapping[str, str]] = {
    "public": "https://portal.azure.com",
    "usgovernment": "https://portal.azure.us",
    "china": "https://portal.azure.cn",
}

_CLOUD_ALIASES: Final[Mapping[str, str]] = {
    "azurecloud": "public",
    "azurepubliccloud": "public",
    "azureusgovernment": "usgovernment",
    "azurechinacloud": "china",
}


def portal_link(resource_id: ResourceId, cloud: str = "public") -> str:
    """The portal's page of the resource, or of the one it is a child of: rules have no page.

    ``cloud`` is ``public``, ``usgovernment`` or ``china``, or azure-cli's name for one of them.
    Raises ``ValueError`` for any other.
    """
    name = cloud.strip().lower()
    portal = _PORTALS.get(_CLOUD_ALIASES.get(name, name))
    if portal is None:
        raise ValueError(f"no portal is known for cloud {cloud!r}: one of {', '.join(_PORTALS)}")
    page = resource_id
    while page.parent is not None:
        page = page.parent
    return f"{portal}/#@/resource{path_of(page)}/overview"
