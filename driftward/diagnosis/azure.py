"""What a diagnosis reads: the server, the subnets it can be reached in, the client's subnet.

Only reads, through the project's own gateway, with the settings of the environment. A subnet that cannot be
read is told with its reason; a server that cannot be read ends the diagnosis.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from ipaddress import IPv4Address

from driftward.diagnosis.case import Case
from driftward.diagnosis.walk import POLICIES
from shared.config.configuration import Configuration
from shared.model import (
    Aspect,
    ConnectionStatus,
    Locator,
    LocatorKind,
    ServerSnapshot,
    SubnetSnapshot,
    Target,
    TargetKind,
)
from shared.model.errors import GatewayError
from shared.model.interfaces import Gateway
from shared.model.resource_id import ResourceId
from shared.model.values import value
from shared.policies import discover
from shared.posture.policy import AnyPolicy

_SUBNET = frozenset(
    {
        Aspect.SUBNET,
        Aspect.SECURITY_GROUP,
        Aspect.SUBNET_SERVERS,
        Aspect.SUBNET_ENDPOINTS,
        Aspect.ROUTES,
        Aspect.VIRTUAL_NETWORK,
        Aspect.ANY_SUBNET,
    }
)
_SERVER = frozenset({Aspect.SERVER, Aspect.FIREWALL_RULES, Aspect.VIRTUAL_NETWORK_RULES, Aspect.PRIVATE_DNS})


@value
class _Places:
    found: tuple[SubnetSnapshot, ...]
    unread: tuple[str, ...]


def case_of(
    server: Target, client: ResourceId | IPv4Address | None, gateway: Gateway, configuration: Configuration
) -> Case:
    """Everything that the walk needs. Raises ``GatewayError`` where server or client cannot be read."""
    snapshot = gateway.read(server, _SERVER)
    if not isinstance(snapshot, ServerSnapshot):
        raise TypeError(f"reading a server gave {type(snapshot).__name__}")
    places = _places(gateway, snapshot)
    return Case(
        server=snapshot,
        places=places.found,
        client=_subnet(gateway, client) if isinstance(client, ResourceId) else None,
        client_address=client if isinstance(client, IPv4Address) else None,
        policies=_bound(configuration, server.id),
        unread=places.unread,
    )


def _bound(configuration: Configuration, server: ResourceId) -> Mapping[str, AnyPolicy]:
    return {policy.id: configuration.bind(policy, server) for policy in discover() if policy.id in POLICIES}


def _subnet(gateway: Gateway, subnet: ResourceId) -> SubnetSnapshot:
    found = gateway.read(Target(kind=TargetKind.SUBNET, id=subnet), _SUBNET)
    if not isinstance(found, SubnetSnapshot):
        raise TypeError(f"reading a subnet gave {type(found).__name__}")
    return found


def _places(gateway: Gateway, server: ServerSnapshot) -> _Places:
    found: dict[ResourceId, SubnetSnapshot] = {}
    unread: list[str] = []
    for source in _sources(server):
        try:
            for subnet in _subnets_of(gateway, source):
                found.setdefault(subnet, _subnet(gateway, subnet))
        except GatewayError as error:
            unread.append(f"{source.id.name}: {error}")
    return _Places(found=tuple(found.values()), unread=tuple(unread))


def _sources(server: ServerSnapshot) -> Iterator[Locator | Target]:
    """The delegated subnet, or the approved endpoints."""
    if server.delegated_subnet is not None:
        yield Target(kind=TargetKind.SUBNET, id=server.delegated_subnet)
        return
    for connection in server.private_endpoints or ():
        if connection.status is ConnectionStatus.APPROVED and connection.endpoint is not None:
            yield Locator(kind=LocatorKind.PRIVATE_ENDPOINT, id=connection.endpoint)


def _subnets_of(gateway: Gateway, source: Locator | Target) -> list[ResourceId]:
    if isinstance(source, Target):
        return [source.id]
    targets = gateway.find_targets(source).targets
    return [target.id for target in targets if target.kind is TargetKind.SUBNET]
