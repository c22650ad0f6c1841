"""The private endpoints of a server, as far as it is known which are approved, and where they are. Pure."""

from __future__ import annotations

from shared.model import ConnectionStatus, ServerSnapshot, SubnetSnapshot
from shared.model.parts import EndpointDns
from shared.model.resource_id import ResourceId


def approved(server: ServerSnapshot) -> bool:
    """Whether some private endpoint of the server is surely approved."""
    return any(one.status is ConnectionStatus.APPROVED for one in server.private_endpoints or ())


def never_private(server: ServerSnapshot) -> bool:
    """Whether the name surely leads past every private zone."""
    return not server.vnet_integrated and server.private_endpoints == ()


def perhaps_private(server: ServerSnapshot) -> bool:
    """Whether the alias into the zone may be there or not: no endpoint is approved for all that is known."""
    return not server.vnet_integrated and not approved(server)


def endpoints_of(server: ServerSnapshot) -> tuple[EndpointDns, ...]:
    """The approved endpoints, one that was not looked at by its id alone."""
    read = {one.id: one for one in (server.private_dns.endpoints if server.private_dns else ())}
    connections = (c for c in server.private_endpoints or () if c.status is ConnectionStatus.APPROVED)
    named = dict.fromkeys(one.endpoint or one.id for one in connections)
    return tuple(read.get(one) or EndpointDns(id=one) for one in named)


def more_endpoints(server: ServerSnapshot) -> bool:
    """Whether an endpoint may be approved of which that is not known."""
    connections = server.private_endpoints
    return connections is None or any(one.status is ConnectionStatus.UNKNOWN for one in connections)


def place_of(server: ServerSnapshot, endpoint: ResourceId) -> SubnetSnapshot | None:
    """The subnet of an endpoint; None where it was not read."""
    held = ((place, one.id) for place in server.places or () for one in place.private_endpoints or ())
    return next((place for place, named in held if named == endpoint), None)
