"""What a policy says where the part of the reading that it needs is not there.

Pure; shared by every policy that judges an optional part.
"""

from __future__ import annotations

from shared.model import Aspect, ConnectionStatus, ServerSnapshot, Snapshot, SubnetSnapshot


def unread_reason(snapshot: ServerSnapshot | SubnetSnapshot, aspect: Aspect) -> str:
    """Why the part is missing, for a finding that is Unknown because of it."""
    return f"{_WORDS[aspect]} could not be read{_because(snapshot, aspect)}"


def field_missing(server: ServerSnapshot, field: str) -> str:
    """Why a field of the server's own is not known: it is absent, or what stands there is odd."""
    odd = server.odd_fields.get(field)
    return f"{odd}, and cannot be judged" if odd else f"the server does not say {field}"


def connections_missing(server: ServerSnapshot) -> str:
    return field_missing(server, "privateEndpointConnections")


def status_unknown(server: ServerSnapshot) -> str:
    """Which private endpoint connections do not say whether they are approved; ``""`` where all do."""
    unsure = [one for one in server.private_endpoints or () if one.status is ConnectionStatus.UNKNOWN]
    named = ", ".join(sorted(one.id.name for one in unsure))
    return f"the state of private endpoint connection {named} is not known" if named else ""


def public_access_said(server: ServerSnapshot) -> str:
    """What the server says of public access where that is neither on nor off."""
    said = "absent" if server.public_access_text is None else repr(server.public_access_text)
    return f"publicNetworkAccess is {said}"


def _because(snapshot: Snapshot, aspect: Aspect) -> str:
    said = snapshot.unread.get(aspect)
    return f": {said}" if said else ""


_WORDS = {
    Aspect.SERVER: "the server",
    Aspect.FIREWALL_RULES: "the firewall rules",
    Aspect.VIRTUAL_NETWORK_RULES: "the virtual network rules",
    Aspect.PARAMETERS: "the server parameters",
    Aspect.ADMINISTRATORS: "the administrators",
    Aspect.THREAT_PROTECTION: "the threat protection settings",
    Aspect.DIAGNOSTIC_SETTINGS: "the diagnostic settings",
    Aspect.HEALTH: "the resource health",
    Aspect.PRIVATE_DNS: "the private DNS",
    Aspect.DNS_LOCKS: "the locks on the private DNS zone",
    Aspect.SUBNET: "the subnet",
    Aspect.SECURITY_GROUP: "the NSG",
    Aspect.SUBNET_SERVERS: "the servers in the subnet",
    Aspect.SUBNET_REPLICAS: "the replicas of the servers in the subnet",
    Aspect.SUBNET_ENDPOINTS: "the private endpoints in the subnet",
    Aspect.ROUTES: "the route table",
    Aspect.VIRTUAL_NETWORK: "the virtual network",
    Aspect.NETWORK_LOCKS: "the locks on the virtual network",
    Aspect.ADMIN_RULES: "the security admin rules of the network",
    Aspect.PLACES: "the subnets in which the server is reached",
}
