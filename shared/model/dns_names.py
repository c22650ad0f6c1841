"""Names in private DNS: what Azure calls a server, and the zone that answers for it privately.

The cloud's suffix is read off the server's own host name, so that no setting is needed: public Azure has
``postgres.database.azure.com``, US Government ``postgres.database.usgovcloudapi.net``, China
``postgres.database.chinacloudapi.cn``. DNS compares names without case, and a dot at the end means nothing
here. Pure text; shared by whoever reads private DNS and whoever judges it.
"""

from __future__ import annotations

import re
from typing import Final

_SUFFIX: Final = re.compile(r"(?:\A|\.)(postgres\.database(?:\.[a-z0-9-]+)+)\Z")


def canonical(name: str) -> str:
    """A DNS name in lower case and without the dot at its end."""
    return name.strip().rstrip(".").lower()


def service_suffix(host_name: str) -> str:
    """What follows the server's own labels in its host name; ``""`` where that is no name of the service."""
    found = _SUFFIX.search(canonical(host_name))
    return found[1] if found else ""


def endpoint_zone_name(host_name: str) -> str:
    """The zone that Azure prescribes for private endpoints of a server; ``""`` where it cannot be told.

    Public DNS answers for such a server with an alias into this zone (Private Link article).
    """
    suffix = service_suffix(host_name)
    return f"privatelink.{suffix}" if suffix else ""


def record_name(host_name: str) -> str:
    """The server's name in that zone: the first label of its host name."""
    return canonical(host_name).partition(".")[0]
