"""The subscriptions below a management group, however deep.

``GET /providers/Microsoft.Management/managementGroups/<group>/descendants`` lists groups and subscriptions
alike, whether or not our identity may read what lies in them (REST reference, Management Groups - Get
Descendants, 2020-05-01). It asks for ``Microsoft.Management/managementGroups/descendants/read``, which Reader
at the group has. What must not live here: what is in a subscription.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

from shared.adapters.arm.reading.lists import bodies
from shared.adapters.arm.session.session import Session
from shared.adapters.arm.wire import fields
from shared.model.resource_id import ResourceId, parse_resource_id

_VERSION: Final = "2020-05-01"
_SUBSCRIPTION: Final = "microsoft.resources/subscriptions"


def subscriptions_below(session: Session, group: str) -> tuple[ResourceId, ...]:
    """Raises a classified ``GatewayError``; ``Gone`` for a group that is none or that is hidden from us."""
    place = f"/providers/Microsoft.Management/managementGroups/{quote(group, safe='')}/descendants"
    named = (parse_resource_id(fields.get(body, "id")) for body in bodies(session, place, _VERSION))
    return tuple(sorted({one for one in named if one is not None and one.type == _SUBSCRIPTION}))
