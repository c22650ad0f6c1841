"""A subnet from its GET, and flexible servers as far as their subnet is concerned: pure, no I/O.

Tolerance and refusals are those of ``fields``. What must not live here: requests, and what any of it means
for a policy.
"""

from __future__ import annotations

from datetime import datetime
from ipaddress import ip_network
from typing import Final

from shared.adapters.arm.wire.fields import as_it_stands, get, items, listed, required_id, text, wrong
from shared.adapters.arm.wire.servers import (
    customer_key,
    elastic_cluster,
    entra_sign_in,
    high_availability,
    replication,
)
from shared.model import IPNetwork, Json, SubnetServer, SubnetSnapshot
from shared.model.networks import ReplicaPartner
from shared.model.resource_id import ResourceId, parse_resource_id

_POSTGRES: Final = "microsoft.dbforpostgresql/flexibleservers"
_SETTLED: Final = frozenset({"", "succeeded", "failed", "canceled"})


def subnet(body: Json, read_at: datetime) -> SubnetSnapshot:
    """A subnet from its GET alone: a subnet has no location of its own, and names its NSG by an id.

    An absent ``privateEndpointNetworkPolicies`` stays ``""``: what it means is the judge's to know.
    """
    return SubnetSnapshot(
        id=required_id(body),
        read_at=read_at,
        location="",
        prefixes=_prefixes(body),
        delegations=delegations(body),
        updating=is_updating(body),
        etag=text(body, "etag") or None,
        service_endpoints=_service_endpoints(body),
        shut_in=_is_shut_in(body),
        endpoint_network_policies=as_it_stands(get(body, "properties", "privateEndpointNetworkPolicies"))
        or "",
        route_table_id=parse_resource_id(get(body, "properties", "routeTable", "id")),
        odd_fields=_odd_fields(body),
    )


def _odd_fields(body: Json) -> dict[str, str]:
    """What is wrong with a prefix, a delegation, or the id of the NSG or the route table."""
    prefixes = [one for one in _named_prefixes(body) if _network(one) is None]
    told = {"addressPrefix": wrong(prefixes[0], "addressPrefix", "no prefix")} if prefixes else {}
    if not is_postgres_subnet(body) and _has_odd_delegation(body):
        told["delegations"] = "a delegation does not say to which service"
    for name in ("networkSecurityGroup", "routeTable"):
        held = get(body, "properties", name)
        if held is not None and parse_resource_id(get(held, "id")) is None:
            told[name] = wrong(get(held, "id"), f"the id of {name}", "no id")
    return told


def _has_odd_delegation(body: Json) -> bool:
    named = listed(get(body, "properties", "delegations"))
    return any(not text(one, "properties", "serviceName") for one in named)


def _service_endpoints(body: Json) -> tuple[str, ...]:
    """The services that a subnet reaches by a service endpoint. The field is absent where there is none."""
    found = (text(item, "service") for item in items(get(body, "properties", "serviceEndpoints")))
    return tuple(service for service in found if service)


def _is_shut_in(body: Json) -> bool:
    """A private subnet without a NAT gateway; a load balancer or a machine's own address may lead out."""
    private = get(body, "properties", "defaultOutboundAccess") is False
    return private and get(body, "properties", "natGateway") is None


def delegations(body: Json) -> tuple[str, ...]:
    """The service names that a subnet is delegated to."""
    names = (
        text(item, "properties", "serviceName") for item in items(get(body, "properties", "delegations"))
    )
    return tuple(name for name in names if name)


def is_postgres_subnet(body: Json) -> bool:
    """Whether a subnet is delegated to flexible servers."""
    return any(name.lower() == _POSTGRES for name in delegations(body))


def security_group_id(body: Json) -> ResourceId | None:
    """The NSG that a subnet names, None when it names none."""
    return parse_resource_id(get(body, "properties", "networkSecurityGroup", "id"))


def subnet_bodies(body: Json) -> tuple[Json, ...]:
    """The subnets that a virtual network's body holds."""
    return tuple(items(get(body, "properties", "subnets")))


def is_updating(body: Json) -> bool:
    """Whether ``provisioningState`` says that a write is still being carried out."""
    return text(body, "properties", "provisioningState").lower() not in _SETTLED


def _prefixes(body: Json) -> tuple[IPNetwork, ...]:
    found = map(_network, _named_prefixes(body))
    return tuple(dict.fromkeys(network for network in found if network is not None))


def _named_prefixes(body: Json) -> list[Json]:
    """What stands in the field for one prefix and in that for several; what is empty names none."""
    held = [get(body, "properties", "addressPrefix"), *listed(get(body, "properties", "addressPrefixes"))]
    return [one for one in held if one is not None and one != ""]


def _network(found: Json) -> IPNetwork | None:
    try:
        return ip_network(found.strip(), strict=False) if isinstance(found, str) else None
    except ValueError:
        return None


# --- servers of a subnet ---------------------------------------------------------------------------


def subnet_server(body: Json) -> SubnetServer:
    """A flexible server from its GET, as far as its subnet's NSG and routes matter to it."""
    return SubnetServer(
        id=required_id(body),
        high_availability=high_availability(body),
        entra=entra_sign_in(body),
        customer_key=customer_key(body),
        elastic_cluster=elastic_cluster(body),
        replication=replication(body),
    )


def delegated_subnet(body: Json) -> ResourceId | None:
    """The subnet that a flexible server stands in, from its GET; None for one that is in none."""
    return parse_resource_id(get(body, "properties", "network", "delegatedSubnetResourceId"))


def replica_of(server: ResourceId, body: Json, number: int) -> ReplicaPartner:
    """A replica from the list of a server's; one without an id is known by its name or place, and unread."""
    named = get(body, "id")
    if parse_resource_id(named) is not None:
        return replica_partner(body)
    called_by = server.child("replicas", text(body, "name") or f"replica-{number}")
    return ReplicaPartner(server=called_by, unread=wrong(named, "id", "no id"))


def replica_partner(body: Json) -> ReplicaPartner:
    """The other server of a replication from its GET; the prefixes of its subnet are not in it."""
    return ReplicaPartner(
        server=required_id(body),
        location=text(body, "location"),
        subnet=delegated_subnet(body),
    )
