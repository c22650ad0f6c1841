"""A server behind a private endpoint, its networks and clients, where everything is well to begin with."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, ip_network
from typing import Any

from shared.model import (
    Access,
    Direction,
    FirewallRule,
    SecurityGroup,
    SecurityRule,
    ServerSnapshot,
    SubnetSnapshot,
)
from shared.model.networks import AdminRule, Peering, Route, RouteTable, SubnetEndpoint, VirtualNetwork
from shared.model.parts import DnsZone, EndpointDns, NetworkDns, PrivateDns, ZoneLink
from shared.model.resource_id import ResourceId
from shared.posture.ways.answers import Verdict
from shared.posture.ways.verdict import verdict
from shared.posture.ways.world import Client, Declared, SubnetClient, World
from tests.builders import GROUP, NSG, SERVER, rule, security_rule, server
from tests.builders import subnet as delegated_subnet

NETWORKS = f"{GROUP}/providers/Microsoft.Network"
HUB, FAR = (ResourceId(f"{NETWORKS}/virtualNetworks/{name}") for name in ("hub", "far"))
TABLE = ResourceId(f"{NETWORKS}/routeTables/rt")
NAME = "privatelink.postgres.database.azure.com"
ZONE = ResourceId(f"{NETWORKS}/privateDnsZones/{NAME}")
CENTRAL = ResourceId(f"{NETWORKS.replace('/data/', '/central/')}/privateDnsZones/{NAME}")
OWN_ZONE = ResourceId(f"{NETWORKS}/privateDnsZones/orders.private.postgres.database.azure.com")
PE = ResourceId(f"{NETWORKS}/privateEndpoints/orders-endpoint")
ADDRESS = IPv4Address("10.0.2.4")
NAT = IPv4Address("203.0.113.7")
NOTHING_DECLARED = Declared()


def network(named: ResourceId, space: str, *peers: tuple[ResourceId, str], **parts: Any) -> VirtualNetwork:
    """A network that was read whole: no gateway, Azure's resolver, no admin rules."""
    peerings = tuple(Peering(network=peer, prefixes=(ip_network(text),)) for peer, text in peers)
    whole = VirtualNetwork(
        id=named, prefixes=(ip_network(space),), peerings=peerings, learns_routes=False, admin_rules=()
    )
    return replace(whole, **parts)


HUB_NETWORK = network(HUB, "10.0.0.0/16")
FAR_NETWORK = network(FAR, "10.9.0.0/16")
HUB_PEERED = network(HUB, "10.0.0.0/16", (FAR, "10.9.0.0/16"))
FAR_PEERED = network(FAR, "10.9.0.0/16", (HUB, "10.0.0.0/16"))


def subnet(name: str, prefix: str, inside: VirtualNetwork = HUB_NETWORK, **parts: Any) -> SubnetSnapshot:
    """A subnet that is not delegated, without NSG and route table."""
    whole = replace(
        delegated_subnet(),
        id=inside.id.child("subnets", name),
        prefixes=(ip_network(prefix),),
        delegations=(),
        security_group=None,
        private_endpoints=(),
        service_endpoints=(),
        virtual_network=inside,
    )
    return replace(whole, **parts)


CLIENT = subnet("app", "10.0.7.0/24")
FAR_CLIENT = subnet("app", "10.9.7.0/24", FAR_NETWORK)
PLACE = subnet(
    "endpoints",
    "10.0.2.0/24",
    private_endpoints=(SubnetEndpoint(id=PE, server=SERVER, addresses=(ADDRESS,)),),
)
DATABASES = subnet("postgres", "10.0.1.0/24", delegations=("Microsoft.DBforPostgreSQL/flexibleServers",))


def in_network(whole: SubnetSnapshot, read: VirtualNetwork | None) -> SubnetSnapshot:
    return replace(whole, virtual_network=read)


def guarded(whole: SubnetSnapshot, *rules: SecurityRule) -> SubnetSnapshot:
    group = SecurityGroup(id=NSG, rules=rules, default_rules=(), subnets=(whole.id,))
    return replace(whole, security_group=group)


def deny(direction: Direction, priority: int = 200, **parts: Any) -> SecurityRule:
    return security_rule(f"no-{priority}", priority, direction=direction, **parts)


def allow(direction: Direction, priority: int = 100, **parts: Any) -> SecurityRule:
    return security_rule(f"yes-{priority}", priority, direction=direction, access=Access.ALLOW, **parts)


def admin_rule(access: str, direction: Direction, priority: int = 10, **parts: Any) -> AdminRule:
    whole = AdminRule(
        name=f"admin-{priority}", priority=priority, direction=direction, access=access, protocol="Tcp"
    )
    return replace(whole, **parts)


def routed(whole: SubnetSnapshot, *routes: tuple[str, str], **parts: Any) -> SubnetSnapshot:
    """With a route table of (prefix, hop)."""
    listed = tuple(Route(name=f"r{n}", prefix=prefix, next_hop=hop) for n, (prefix, hop) in enumerate(routes))
    return replace(whole, route_table_id=TABLE, route_table=RouteTable(id=TABLE, routes=listed, **parts))


def link(to: ResourceId, state: str = "Completed", policy: str = "Default") -> ZoneLink:
    return ZoneLink(name=to.name, network=to, state=state, resolution_policy=policy)


def zone(named: ResourceId = ZONE, **parts: Any) -> DnsZone:
    return replace(DnsZone(id=named, exists=True, links=(link(HUB),), record=(ADDRESS,)), **parts)


def endpoint_dns(**parts: Any) -> EndpointDns:
    whole = EndpointDns(
        id=PE,
        addresses=(ADDRESS,),
        network=NetworkDns(id=HUB, dns_servers=()),
        group_zones=(ZONE,),
        group="default",
    )
    return replace(whole, **parts)


def dns(*zones: DnsZone, endpoints: tuple[EndpointDns, ...] = (), **parts: Any) -> PrivateDns:
    read = zones or (zone(),)
    whole = PrivateDns(
        endpoints=endpoints or (endpoint_dns(),), zones=read, found=tuple(one.id for one in read)
    )
    return replace(whole, **parts)


def behind_an_endpoint(**parts: Any) -> ServerSnapshot:
    """A server that is reached through an endpoint in the hub, whose name resolves there."""
    return server(**{"private_dns": dns(), "places": (PLACE,), **parts})


def in_a_subnet(**parts: Any) -> ServerSnapshot:
    """A server in a delegated subnet of the hub."""
    own = PrivateDns(zones=(DnsZone(id=OWN_ZONE, exists=True, links=(link(HUB),)),))
    held = {
        "delegated_subnet": DATABASES.id,
        "private_endpoints": (),
        "private_dns_zone": OWN_ZONE,
        "private_dns": own,
        "places": (DATABASES,),
    }
    return server(**{**held, **parts})


def nat_rule(address: IPv4Address = NAT) -> FirewallRule:
    return rule("nat", str(address))


def asked(
    whole: ServerSnapshot, client: Client | SubnetSnapshot = CLIENT, declared: Declared = NOTHING_DECLARED
) -> Verdict:
    """The verdict for a client; a subnet is somebody in it."""
    who = SubnetClient(subnet=client) if isinstance(client, SubnetSnapshot) else client
    return verdict(World(server=whole, declared=declared), who)
