"""What Azure is asked for where a file does not say it: a server with its subnet and NSG, and service tags.

Only reads, through the project's own adapters, with the settings of the environment (``CLOUD``,
``ARM_ENDPOINT``, the credential that azure-identity finds; for the simulator a fake one). The SDKs are
imported on first use. Errors are ``GatewayError`` and ``ConfigurationError``.
"""

from __future__ import annotations

import os
from datetime import datetime
from typing import TYPE_CHECKING

from driftward.flows.inputs import Server, read_server
from driftward.flows.services import PLATFORM
from driftward.signing_in import hush
from shared.config.settings import read_settings
from shared.model import Aspect, SubnetSnapshot, Target, TargetKind
from shared.model.errors import Denied
from shared.model.resource_id import ResourceId
from shared.model.values import value
from shared.nsg import Tags, known_tags, spans_of
from shared.nsg.rules.published_tags import PUBLISHED_TAGS

if TYPE_CHECKING:
    from shared.adapters.arm.session.clients import ArmClients
    from shared.adapters.clock import SystemClock


@value
class TagList:
    """Service tags as Azure gave them out."""

    tags: Tags
    change_number: str
    read_at: datetime


class Azure:
    """Azure as the environment reaches it, for one run."""

    def __init__(self) -> None:
        from shared.adapters.arm.session.clients import ArmClients
        from shared.adapters.clock import SystemClock

        hush()
        self._clients: ArmClients = ArmClients(read_settings(os.environ))
        self._clock: SystemClock = SystemClock()

    def close(self) -> None:
        self._clients.close()

    def server(self, server: ResourceId) -> Server:
        """A flexible server. Raises ``GatewayError``, and ``BadInput`` for an answer that is no server."""
        from shared.adapters.arm.session.session import Session, body_of

        session = Session(self._clients, self._clock, self._clock.sleep)
        client = self._clients.flexible(server.subscription)
        body = session.ask(
            lambda hooks: client.servers.get(server.resource_group, server.name, cls=body_of, **hooks)
        )
        return read_server(body, str(server))

    def subnet(self, subnet: ResourceId) -> SubnetSnapshot:
        """A subnet with its NSG, and with its network where that may be read. Raises ``GatewayError``."""
        try:
            return self._subnet(subnet, Aspect.SUBNET, Aspect.SECURITY_GROUP, Aspect.VIRTUAL_NETWORK)
        except Denied:
            return self._subnet(subnet, Aspect.SUBNET, Aspect.SECURITY_GROUP)

    def _subnet(self, subnet: ResourceId, *aspects: Aspect) -> SubnetSnapshot:
        from shared.adapters.arm.gateway import ArmGateway

        gateway = ArmGateway(self._clients, self._clock, self._clock.sleep)
        target = Target(kind=TargetKind.SUBNET, id=subnet)
        found = gateway.read(target, frozenset(aspects))
        if not isinstance(found, SubnetSnapshot):
            raise TypeError(f"reading a subnet gave {type(found).__name__}")
        return found

    def tags(self, subscription: str, location: str) -> TagList:
        """Every published tag, and the region's own of the platform. Raises ``GatewayError``."""
        from shared.adapters.arm.service_tags import ArmServiceTags, TagLists

        names = {*PUBLISHED_TAGS, *(f"{name}.{location.replace(' ', '').lower()}" for name in PLATFORM)}
        service_tags = ArmServiceTags(self._clients, self._clock, self._clock.sleep, TagLists())
        found = service_tags.read(subscription, location, names)
        closed = known_tags({name: [spans_of(listed)] for name, listed in found.prefixes.items()})
        return TagList(tags=Tags(closed=closed), change_number=found.change_number, read_at=found.read_at)
