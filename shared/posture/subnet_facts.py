"""What a subnet is to PostgreSQL, and what is known of the servers and endpoints in it.

Policies ask here before they judge: does the subnet belong to flexible servers, does it hold private
endpoints of PostgreSQL servers and do network policies reach those, does some server in it have a property,
with whom in other subnets do its servers replicate. What was not read is None, never a guess, and
``servers_unknown`` and ``partners_unknown`` say it in words. Pure; no rule, no route
and no policy's question lives here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from shared.model import Aspect, Json, SubnetServer, SubnetSnapshot
from shared.model.networks import ReplicaPartner, SubnetEndpoint
from shared.posture.findings import Judged, beside_the_point, unknown
from shared.posture.unread import unread_reason

DELEGATION: Final = "microsoft.dbforpostgresql/flexibleservers"
POSTGRES_PORT: Final = 5432
PGBOUNCER_PORT: Final = 6432
CLUSTER_PORTS: Final = (7432, 8432)
"""An elastic cluster also listens on these, which spread connections over its nodes (article on elastic
clusters, networking)."""
_REPLICATING: Final = (Aspect.SUBNET_SERVERS, Aspect.SUBNET_REPLICAS)
_ENFORCED: Final[Mapping[str, tuple[bool, bool]]] = {
    "": (False, False),
    "disabled": (False, False),
    "enabled": (True, True),
    "networksecuritygroupenabled": (True, False),
    "routetableenabled": (False, True),
}
"""``privateEndpointNetworkPolicies``: whether NSGs and whether route tables reach the endpoints. Disabled is
the default (article on network policies of private endpoints)."""


def delegated(subnet: SubnetSnapshot) -> bool:
    """Whether flexible servers, and nothing else, may stand in the subnet."""
    return any(service.lower() == DELEGATION for service in subnet.delegations)


def may_hold_endpoints(subnet: SubnetSnapshot) -> bool:
    """Whether the subnet holds private endpoints of PostgreSQL servers, or may for all that is known.

    Where flexible servers stand nothing else may, so in a delegated subnet they need not be asked for.
    """
    if subnet.private_endpoints is None:
        return not delegated(subnet) or Aspect.SUBNET_ENDPOINTS in subnet.unread
    return bool(subnet.private_endpoints)


def without_endpoints(subnet: SubnetSnapshot) -> Judged | None:
    """What is said where there is no private endpoint of a PostgreSQL server, or none can be known of."""
    if subnet.updating:
        return replace(unknown("the subnet is being updated: look again"), applies=may_hold_endpoints(subnet))
    if not may_hold_endpoints(subnet):
        return beside_the_point("the subnet holds no private endpoint of a PostgreSQL server")
    if subnet.private_endpoints is None:
        return unknown(unread_reason(subnet, Aspect.SUBNET_ENDPOINTS))
    return None


def unplaced(subnet: SubnetSnapshot) -> tuple[str, ...]:
    """What is said of the private endpoints whose address, or another of theirs, is not known."""
    listed = sorted(subnet.private_endpoints or (), key=lambda one: one.id.name)
    return tuple(_without_address(one) for one in listed if one.unread or not one.addresses)


def _without_address(endpoint: SubnetEndpoint) -> str:
    """That a field is absent is another thing than that it could not be read."""
    if endpoint.unread:
        return f"the address of private endpoint {endpoint.id.name} could not be read: {endpoint.unread}"
    return f"private endpoint {endpoint.id.name} shows no address"


def groups_reach_endpoints(subnet: SubnetSnapshot) -> bool | None:
    """Whether the NSG applies to private endpoints in the subnet; None for a mode that is not known."""
    enforced = _ENFORCED.get(subnet.endpoint_network_policies.lower())
    return None if enforced is None else enforced[0]


def routes_reach_endpoints(subnet: SubnetSnapshot) -> bool | None:
    """Whether user-defined routes may override those to private endpoints in the subnet."""
    enforced = _ENFORCED.get(subnet.endpoint_network_policies.lower())
    return None if enforced is None else enforced[1]


def some_server(subnet: SubnetSnapshot, fact: Callable[[SubnetServer], bool | None]) -> bool | None:
    """Whether it is so of some server in the subnet; None where that hangs on what was not read."""
    if subnet.servers is None:
        return None
    known = [fact(server) for server in subnet.servers]
    if True in known:
        return True
    return None if None in known or Aspect.SUBNET_SERVERS in subnet.unread else False


def servers_unknown(subnet: SubnetSnapshot, what: str) -> str:
    """Why ``some_server`` does not know; ``what`` is said of a server: ``has Entra sign-in on``."""
    if subnet.servers is None:
        return f"whether a server {what} is unknown: {unread_reason(subnet, Aspect.SUBNET_SERVERS)}"
    said = subnet.unread.get(Aspect.SUBNET_SERVERS)
    open_one = f"not every server in the subnet was read: {said}" if said else "not every server shows it"
    return f"whether a server {what} is unknown: {open_one}"


def cluster_ports(subnet: SubnetSnapshot, ports: list[int]) -> list[int]:
    """``ports``, and those of elastic clusters where a server in the subnet is one."""
    is_cluster = some_server(subnet, lambda server: server.elastic_cluster)
    return sorted({*ports, *CLUSTER_PORTS}) if is_cluster else ports


def server_facts(subnet: SubnetSnapshot, name: str, fact: Callable[[SubnetServer], Json]) -> Json:
    """For evidence: the servers with one fact of each; None where they could not be read."""
    if subnet.servers is None:
        return None
    return [{"id": str(server.id), name: fact(server)} for server in subnet.servers]


# --- replicas --------------------------------------------------------------------------------------


def partners(subnet: SubnetSnapshot) -> tuple[ReplicaPartner, ...]:
    """The servers in other subnets that those of this one replicate with, each once, in one order."""
    everyone = _everyone(subnet)
    return tuple(one for one in everyone if one.subnet is not None and one.subnet != subnet.id)


def partners_unknown(subnet: SubnetSnapshot) -> str:
    """What is not known of replicas, as a reason; ``""`` where everything is."""
    if subnet.servers is None:
        return unread_reason(subnet, Aspect.SUBNET_SERVERS)
    parts = [unread_reason(subnet, one) for one in _REPLICATING if one in subnet.unread]
    if not parts and any(server.partners is None for server in subnet.servers):
        parts = ["not every server in the subnet shows with which others it replicates"]
    apart = set(partners(subnet))
    unplaced = [one for one in _everyone(subnet) if one.unread or (one in apart and not _is_placed(one))]
    return "; ".join([*parts, *map(_unplaced, unplaced)])


def _everyone(subnet: SubnetSnapshot) -> tuple[ReplicaPartner, ...]:
    """All partners, wherever they stand, each once and in one order; as it was read where one read of several
    failed."""
    listed = (partner for server in subnet.servers or () for partner in server.partners or ())
    named = {one.server: one for one in sorted(listed, key=lambda one: not one.unread)}
    return tuple(named[server] for server in sorted(named))


def _is_placed(partner: ReplicaPartner) -> bool:
    return bool(partner.prefixes and partner.location)


def _unplaced(partner: ReplicaPartner) -> str:
    if not partner.unread:
        return f"the subnet or the region of {partner.server.name} is not shown"
    return f"the subnet or the region of {partner.server.name} could not be read: {partner.unread}"
