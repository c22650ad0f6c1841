"""A subnet from its GET, and flexible servers as far as their subnet is concerned: pure, no I/O.

Tolerance and refusals are those of ``fields``. What must not live here: requests, and what any of it means
for a policy.
"""

from __future__ import annotations

from datetime import datetime
from ipaddress import ip_network
from typing import Final

from shared.adapters.arm.wire.fields import get, items, malformed, optional_id, part, required_id, text, texts
from shared.adapters.arm.wire.servers import (
    customer_key,
    elastic_cluster,
    entra_sign_in,
    high_availability,
    replication,
)
from shared.model import IPNetwork, Json, SubnetServer, SubnetSnapshot
from shared.model.parts import ReplicaPartner
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
        endpoint_network_policies=text(body, "properties", "privateEndpointNetworkPolicies"),
        route_table_id=optional_id(body, part(body, "properties", "routeTable"), "id"),
    )


def _service_endpoints(body: Json) -> tuple[str, ...]:
    """The services that a subnet reaches by a service endpoint. The field is absent where there is none."""
    found = (text(item, "service") for item in items(get(body, "properties", "serviceEndpoints")))
    return tuple(service for service in found if service)


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
    return optional_id(body, part(body, "properties", "networkSecurityGroup"), "id")


def subnet_bodies(body: Json) -> tuple[Json, ...]:
    """The subnets that a virtual network's body holds."""
    return tuple(items(get(body, "properties", "subnets")))


def is_updating(body: Json) -> bool:
    """Whether ``provisioningState`` says that a write is still being carried out."""
    return text(body, "properties", "provisioningState").lower() not in _SETTLED


def _prefixes(body: Json) -> tuple[IPNetwork, ...]:
    single = text(body, "properties", "addressPrefix")
    found = dict.fromkeys([single, *texts(get(body, "properties", "addressPrefixes"))])
    try:
        return tuple(ip_network(prefix, strict=False) for prefix in found if prefix)
    except ValueError as error:
        raise malformed("subnet", body, "addressPrefix", list(found)) from error


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


def replica_partner(body: Json) -> ReplicaPartner:
    """The other server of a replication from its GET; the prefixes of its subnet are not in it."""
    return ReplicaPartner(
        server=required_id(body),
        location=text(body, "location"),
        subnet=delegated_subnet(body),
    )
