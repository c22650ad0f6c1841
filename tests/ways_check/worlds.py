"""Small worlds from seeds: a server with what surrounds it, who wants to connect, and what was not read.

A world is made whole and then parts of it are hidden, so that what is left never contradicts itself: it is
what a reading may show. Prefixes are few and small, so that every stretch of addresses that some rule or
route tells apart can be walked. About a third of the worlds are hidden nowhere. ``Case.tags`` says whether
rules or routes, the default rules apart, name service tags; ``Case.hidden`` which kinds of parts are hidden.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from ipaddress import IPv4Address, IPv4Network, IPv6Network
from random import Random
from typing import Final, TypeVar

from shared.model import (
    Access,
    ConnectionStatus,
    Direction,
    FirewallRule,
    IPNetwork,
    PrivateEndpointConnection,
    PublicAccess,
    SecurityGroup,
    SecurityRule,
    ServerSnapshot,
    ServerState,
    SubnetSnapshot,
    TargetKind,
)
from shared.model.networks import (
    AdminRule,
    NetworkSubnet,
    Peering,
    Route,
    RouteTable,
    SubnetEndpoint,
    VirtualNetwork,
)
from shared.model.parts import DnsZone, EndpointDns, NetworkDns, PrivateDns, VirtualNetworkRule, ZoneLink
from shared.model.resource_id import ResourceId
from shared.posture.ways.world import (
    AnyAzure,
    Client,
    Declared,
    NetworkClient,
    OnPremises,
    PublicClient,
    SubnetClient,
    World,
)
from tests.ways_check.hiding import Seen, hide

_T = TypeVar("_T")

_GROUP: Final = "/subscriptions/5d2e9f6b-7a80-4c1d-8a1c-3b644f0e0a52/resourceGroups/ways"
_NETWORKS: Final = f"{_GROUP}/providers/Microsoft.Network"
_POSTGRES: Final = f"{_GROUP}/providers/Microsoft.DBforPostgreSQL"
_DELEGATION: Final = "Microsoft.DBforPostgreSQL/flexibleServers"
_READ_AT: Final = datetime(2026, 11, 29, 8, 0, tzinfo=UTC)
_ZONE: Final = "privatelink.postgres.database.azure.com"
_NAMES: Final = ("hub", "spoke", "other")
_APPS, _SERVERS, _ENDPOINTS = "apps", "postgres", "endpoints"
_OFFSETS: Final = {_APPS: 0, _SERVERS: 16, _ENDPOINTS: 32}
_OFFICE: Final = IPv4Network("20.40.0.0/28")
"""Public addresses; the worlds have no others but those that nobody names."""
_HOPS: Final = (
    *("None", "none", "Internet", "VirtualAppliance", "VirtualNetworkGateway", "VnetLocal"),
    "Wormhole",
)
_TWO: Final = (IPv4Address("20.40.0.4"), IPv4Address("20.60.0.4"))
_ON_PREMISES: Final = IPv4Network("192.168.7.0/28")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A world with a client; two cases of one seed are equal."""

    seed: int
    world: World
    client: Client
    tags: bool
    hidden: tuple[str, ...]


def case(seed: int) -> Case:
    return _Maker(Random(seed), Random(-seed - 1)).case(seed)


class _Maker:
    """Makes the parts of one world, in a fixed order; which subnets are shut in is a chance of its own."""

    def __init__(self, random: Random, shut_in: Random) -> None:
        self._random, self._shut_in = random, shut_in
        self._tags = random.random() < 0.2
        self._named = False
        """Whether some rule or route has named a tag."""
        self._spaces = self._some_spaces()
        self._server_at, self._client_at = 0, random.choice([0, 0, 1, 1, 1, 2])

    def case(self, seed: int) -> Case:
        networks = self._networks()
        subnets = {
            (number, kind): self._subnet(networks[number], number, kind)
            for number in range(len(networks))
            for kind in _OFFSETS
        }
        server = self._server(networks, subnets)
        subnets |= {(_number_of(place.id), place.id.name): place for place in server.places or ()}
        client = self._client(networks, subnets)
        world = World(server=server, declared=self._declared(networks, server), networks=networks)
        if self._chance(0.35):
            return Case(seed=seed, world=world, client=client, tags=self._named, hidden=())
        seen, hidden = hide(self._random, Seen(world=world, client=client))
        return Case(seed=seed, world=seen.world, client=seen.client, tags=self._named, hidden=hidden)

    # --- networks ----------------------------------------------------------------------------------

    def _some_spaces(self) -> list[tuple[IPNetwork, ...]]:
        spaces: list[tuple[IPNetwork, ...]]
        spaces = [(IPv4Network(f"10.0.{number}.0/24"),) for number in range(3)]
        if self._chance(0.15):
            spaces[1] = (IPv4Network("145.10.0.0/24"),)  # private by use, public by number
        if self._chance(0.15):
            spaces[0] = (*spaces[0], IPv6Network("fd00:1::/48"))
        if self._chance(0.15):
            spaces[2] = (*spaces[2], IPv4Network("10.9.0.0/28"))
        return spaces

    def _networks(self) -> tuple[VirtualNetwork, ...]:
        """A peering has two ends; now and then only one of them works."""
        pairs = [pair for pair in ((0, 1), (0, 2), (1, 2)) if self._chance(0.65)]
        ends = {(one, other) for pair in pairs for one, other in (pair, pair[::-1]) if self._chance(0.96)}
        return tuple(self._network(number, ends) for number in range(3))

    def _network(self, number: int, ends: set[tuple[int, int]]) -> VirtualNetwork:
        others = [other for one, other in sorted(ends) if one == number]
        return VirtualNetwork(
            id=_network_id(number),
            prefixes=self._spaces[number],
            dns_servers=self._pick(
                [(), (), (), (), ("168.63.129.16",), ("10.0.0.4",), ("10.0.0.4", "168.63.129.16")]
            ),
            peerings=tuple(Peering(network=_network_id(one), prefixes=self._spaces[one]) for one in others),
            learns_routes=self._chance(0.3),
            subnets=tuple(
                NetworkSubnet(id=_subnet_id(number, kind), prefixes=(self._prefix(number, kind),))
                for kind in _OFFSETS
            ),
            admin_rules=self._admin_rules(number) if self._chance(0.2) else (),
        )

    def _admin_rules(self, number: int) -> tuple[AdminRule, ...]:
        return tuple(
            AdminRule(
                name=f"admin-{number}-{priority}",
                priority=priority,
                direction=self._pick(list(Direction)),
                access=self._pick(["Deny", "AlwaysAllow", "Allow"]),
                protocol=self._pick(["Tcp", "Any", "Udp"]),
                sources=(self._address(),),
                destinations=(self._address(),),
                ports=self._pick([("*",), ("5432",), ("5000-6000",), ("443",)]),
            )
            for priority in range(1, self._pick([1, 2]) + 1)
        )

    def _prefix(self, number: int, kind: str) -> IPv4Network:
        return IPv4Network(f"{self._spaces[number][0].network_address + _OFFSETS[kind]}/28")

    def _subnet(self, network: VirtualNetwork, number: int, kind: str) -> SubnetSnapshot:
        prefixes: tuple[IPNetwork, ...] = (self._prefix(number, kind),)
        if kind == _APPS and network.prefixes[-1].version == 6:
            both = (*prefixes, IPv6Network("fd00:1::/64"))
            prefixes = both[1:] if self._chance(0.2) else both
        if kind == _APPS and IPv4Network("10.9.0.0/28") in network.prefixes and self._chance(0.5):
            prefixes = (*prefixes, IPv4Network("10.9.0.0/29"))
        table = self._table(number, kind) if self._chance(0.3) else None
        return SubnetSnapshot(
            id=_subnet_id(number, kind),
            read_at=_READ_AT,
            location="westeurope",
            prefixes=prefixes,
            delegations=(_DELEGATION,) if kind == _SERVERS else (),
            security_group=self._group(number, kind) if self._chance(0.5) else None,
            service_endpoints=("Microsoft.Sql",) if self._chance(0.5) else (),
            shut_in=kind == _APPS and self._shut_in.random() < 0.15,
            endpoint_network_policies=self._pick(
                ["", "Disabled", "Enabled", "enabled", "NetworkSecurityGroupEnabled", "RouteTableEnabled"]
            ),
            route_table_id=table.id if table else None,
            route_table=table,
            virtual_network=network,
        )

    # --- rules and routes --------------------------------------------------------------------------

    def _address(self) -> str:
        """What a rule names: mostly something that the client or the server lies in, or nearly."""
        ends = [self._prefix(self._client_at, _APPS), self._prefix(self._server_at, _ENDPOINTS)]
        ends += [self._prefix(self._server_at, _SERVERS), _ON_PREMISES]
        one = self._pick(ends)
        half = self._pick(list(one.subnets(1)))
        texts = [str(one), str(one), str(half), str(one[4]), str(self._pick(self._spaces)[0]), "10.0.0.0/8"]
        return self._pick([*texts, "0.0.0.0/0", "*", "*", str(_OFFICE)])

    def _addresses(self) -> tuple[str, ...]:
        if self._tags and self._chance(0.4):
            self._named = True
            return (self._pick(["VirtualNetwork", "Internet", "Sql", "AzureLoadBalancer"]),)
        if self._chance(0.8):
            return (self._address(),)
        return tuple(sorted({one for one in (self._address(), self._address()) if one != "*"})) or ("*",)

    def _group(self, number: int, kind: str) -> SecurityGroup:
        count = self._pick([0, 1, 2, 2, 3, 4])
        return SecurityGroup(
            id=ResourceId(f"{_NETWORKS}/networkSecurityGroups/{_NAMES[number]}-{kind}"),
            rules=tuple(self._rule(100 + 10 * place) for place in range(count)),
            default_rules=(),
        )

    def _rule(self, priority: int) -> SecurityRule:
        rule = self._rule_of_one_family(priority)
        return replace(rule, sources=("fd00::/8",), destinations=("*",)) if self._chance(0.05) else rule

    def _rule_of_one_family(self, priority: int) -> SecurityRule:
        return SecurityRule(
            name=f"rule-{priority}",
            direction=self._pick(list(Direction)),
            access=self._pick([Access.ALLOW, Access.ALLOW, Access.DENY]),
            priority=priority,
            protocol=self._pick(["Tcp", "TCP", "*", "*", "Udp"]),
            sources=self._addresses(),
            destinations=self._addresses(),
            source_ports=self._pick([("*",)] * 9 + [("1024-65535",)]),
            destination_ports=self._pick([("*",), ("*",), ("5432",), ("22", "5000-6000"), ("443",)]),
        )

    def _table(self, number: int, kind: str) -> RouteTable:
        prefixes = sorted({self._route_prefix() for _ in range(self._pick([1, 1, 2, 3]))})
        return RouteTable(
            id=ResourceId(f"{_NETWORKS}/routeTables/{_NAMES[number]}-{kind}"),
            routes=tuple(
                Route(name=f"route-{place}", prefix=prefix, next_hop=self._pick(_HOPS), address="10.0.0.9")
                for place, prefix in enumerate(prefixes)
            ),
            gateway_propagation=self._pick([True, True, False, None]),
        )

    def _route_prefix(self) -> str:
        if self._tags and self._chance(0.2):
            self._named = True
            return self._pick(["Sql", "AzureCloud", "Storage"])
        if self._chance(0.3):
            return self._pick(["0.0.0.0/0"] * 9 + ["::/0"])
        text = self._address()
        return "10.0.0.0/8" if text == "*" else text if "/" in text else f"{text}/32"

    # --- the server --------------------------------------------------------------------------------

    def _server(
        self, networks: Sequence[VirtualNetwork], subnets: dict[tuple[int, str], SubnetSnapshot]
    ) -> ServerSnapshot:
        shape = self._pick(
            ["public", "endpoints", "endpoints", "endpoints", "integrated", "integrated", "single", "single"]
        )
        base = self._bare(shape)
        if shape == "integrated":
            return self._integrated(base, subnets[self._server_at, _SERVERS], networks)
        count = (
            0
            if shape == "public"
            else self._pick([1, 1, 1, 2])
            if shape == "endpoints"
            else self._pick([0, 0, 1])
        )
        at = [subnets[place, _ENDPOINTS] for place in self._random.sample([0, 1], count)]
        return self._with_endpoints(base, at, networks)

    def _bare(self, shape: str) -> ServerSnapshot:
        is_single = shape == "single"
        access = self._pick([PublicAccess.ENABLED, PublicAccess.ENABLED, PublicAccess.DISABLED])
        kind = "servers" if is_single else "flexibleServers"
        return ServerSnapshot(
            kind=TargetKind.SINGLE_SERVER if is_single else TargetKind.FLEXIBLE_SERVER,
            id=ResourceId(f"{_POSTGRES}/{kind}/orders"),
            read_at=_READ_AT,
            location="westeurope",
            state=ServerState.STOPPED if self._chance(0.03) else ServerState.READY,
            state_text="Ready",
            public_access=PublicAccess.DISABLED if shape == "integrated" else access,
            host_name="orders.postgres.database.azure.com",
            firewall_rules=self._firewall(),
            private_endpoints=(),
            virtual_network_rules=self._network_rules() if is_single else None,
            places=(),
        )

    def _firewall(self) -> tuple[FirewallRule, ...]:
        choices = [
            [],
            [("one", "20.40.0.4", "20.40.0.4")],
            [("office", "20.40.0.0", "20.40.0.15")],
            [("azure", "0.0.0.0", "0.0.0.0")],
            [("office", "20.40.0.0", "20.40.0.15"), ("azure", "0.0.0.0", "0.0.0.0")],
            [("everyone", "0.0.0.0", "255.255.255.255")],
            [("low", "0.0.0.1", "127.255.255.255"), ("high", "128.0.0.0", "255.255.255.255")],
        ]
        return tuple(
            FirewallRule(name=name, start=IPv4Address(start), end=IPv4Address(end))
            for name, start, end in self._pick(choices)
        )

    def _network_rules(self) -> tuple[VirtualNetworkRule, ...]:
        if self._chance(0.3):
            return ()
        at = self._pick([self._client_at, self._client_at, self._server_at])
        state = self._pick(["Ready", "Ready", "Failed"])
        return (VirtualNetworkRule(name="apps", subnet=_subnet_id(at, _APPS), state=state),)

    def _integrated(
        self, base: ServerSnapshot, place: SubnetSnapshot, networks: Sequence[VirtualNetwork]
    ) -> ServerSnapshot:
        zone = _zone_id("orders.private.postgres.database.azure.com", "own")
        links = tuple(self._link("own", network.id) for network in networks if self._chance(0.8))
        own = DnsZone(id=zone, exists=True, links=links, record=(_fifth(place),))
        dns = PrivateDns(zones=(own,), network=_dns_of(networks, self._server_at))
        return replace(
            base,
            delegated_subnet=place.id,
            private_dns_zone=zone,
            private_dns=dns,
            places=(place,),
            firewall_rules=None,
        )

    def _with_endpoints(
        self, base: ServerSnapshot, at: Sequence[SubnetSnapshot], networks: Sequence[VirtualNetwork]
    ) -> ServerSnapshot:
        made = [self._connection(base.id, place) for place in at]
        approved = [
            (one, place)
            for one, place in zip(made, at, strict=True)
            if one.status is ConnectionStatus.APPROVED
        ]
        endpoints = tuple(
            EndpointDns(
                id=one.endpoint,
                addresses=(_fifth(place),),
                subnet=place.id,
                network=_dns_of(networks, _number_of(place.id)),
                group_zones=(),
            )
            for one, place in approved
            if one.endpoint is not None
        )
        zones = self._zones([address for one in endpoints for address in one.addresses or ()], networks)
        return replace(
            base,
            private_endpoints=tuple(made),
            private_dns=PrivateDns(
                endpoints=endpoints, zones=zones, found=tuple(zone.id for zone in zones if zone.exists)
            ),
            places=tuple(self._holding(place, one, base.id) for one, place in approved),
        )

    def _holding(
        self, place: SubnetSnapshot, one: PrivateEndpointConnection, server: ResourceId
    ) -> SubnetSnapshot:
        if one.endpoint is None:
            return place
        held = SubnetEndpoint(id=one.endpoint, server=server, addresses=(_fifth(place),))
        return replace(place, private_endpoints=(held,))

    def _connection(self, server: ResourceId, place: SubnetSnapshot) -> PrivateEndpointConnection:
        statuses = [ConnectionStatus.APPROVED] * 9
        name = f"endpoint-in-{_NAMES[_number_of(place.id)]}"
        return PrivateEndpointConnection(
            id=server.child("privateEndpointConnections", name),
            status=self._pick([*statuses, ConnectionStatus.PENDING, ConnectionStatus.REJECTED]),
            endpoint=ResourceId(f"{_NETWORKS}/privateEndpoints/{name}"),
        )

    # --- zones -------------------------------------------------------------------------------------

    def _zones(
        self, addresses: Sequence[IPv4Address], networks: Sequence[VirtualNetwork]
    ) -> tuple[DnsZone, ...]:
        count = self._pick([0, 1, 1, 1, 1, 2])
        owner = (
            {network.id: self._pick(range(count)) for network in networks if self._chance(0.85)}
            if count
            else {}
        )
        return tuple(
            self._zone(number, addresses, [network for network in owner if owner[network] == number])
            for number in range(count)
        )

    def _zone(self, number: int, addresses: Sequence[IPv4Address], linked: Iterable[ResourceId]) -> DnsZone:
        zone = _zone_id(_ZONE, f"team-{number}")
        if self._chance(0.05):
            return DnsZone(id=zone, exists=False, links=(), record=())
        wrong = IPv4Address("10.200.0.8")
        one = self._pick(addresses or [wrong])
        record = self._pick([(one,)] * 5 + [tuple(addresses)] * 2 + [(), (wrong,)])
        return DnsZone(
            id=zone,
            exists=True,
            links=tuple(self._link(str(number), one) for one in linked),
            record=tuple(record),
        )

    def _link(self, name: str, network: ResourceId) -> ZoneLink:
        return ZoneLink(
            name=f"link-{name}-{network.name}",
            network=network,
            state=self._pick(["Completed", "completed"]),
            resolution_policy=self._pick(["", "Default", "NxDomainRedirect"]),
        )

    def _declared(self, networks: Sequence[VirtualNetwork], server: ServerSnapshot) -> Declared:
        zones = server.private_dns.zones if server.private_dns else ()
        if not self._chance(0.3):
            return Declared()
        zone = self._pick(zones).id if zones else _zone_id(_ZONE, "central")
        linked = [network.id for network in networks if self._chance(0.5)]
        if self._chance(0.1):
            linked.append(ResourceId(f"{_NETWORKS}/virtualNetworks/elsewhere"))
        return Declared(zone=None if self._chance(0.1) else zone, networks=tuple(linked))

    # --- who asks ----------------------------------------------------------------------------------

    def _client(
        self, networks: Sequence[VirtualNetwork], subnets: dict[tuple[int, str], SubnetSnapshot]
    ) -> Client:
        kind = self._pick(["subnet"] * 12 + ["network"] * 3 + ["public"] * 2 + ["premises"] * 3 + ["azure"])
        nat = self._pick([(), (), (IPv4Address("20.40.0.4"),), (IPv4Address("20.60.0.4"),), _TWO])
        if kind == "subnet":
            place = self._pick([_APPS] * 6 + [_SERVERS, _ENDPOINTS])
            return SubnetClient(subnet=subnets[self._client_at, place], nat=nat)
        if kind == "network":
            return NetworkClient(network=networks[self._client_at].id)
        if kind == "public":
            return PublicClient(address=IPv4Address(self._pick(["20.40.0.4", "20.40.0.5", "20.60.0.4"])))
        if kind == "premises":
            return OnPremises(prefixes=(_ON_PREMISES,), nat=nat)
        return AnyAzure()

    def _pick(self, options: Sequence[_T]) -> _T:
        return self._random.choice(options)

    def _chance(self, part: float) -> bool:
        return self._random.random() < part


def _network_id(number: int) -> ResourceId:
    return ResourceId(f"{_NETWORKS}/virtualNetworks/{_NAMES[number]}")


def _subnet_id(number: int, kind: str) -> ResourceId:
    return _network_id(number).child("subnets", kind)


def _number_of(subnet: ResourceId) -> int:
    return _NAMES.index(str(subnet).split("/")[-3])


def _zone_id(name: str, group: str) -> ResourceId:
    return ResourceId(f"{_GROUP}-{group}/providers/Microsoft.Network/privateDnsZones/{name}")


def _dns_of(networks: Sequence[VirtualNetwork], number: int) -> NetworkDns:
    return NetworkDns(id=networks[number].id, dns_servers=networks[number].dns_servers)


def _fifth(subnet: SubnetSnapshot) -> IPv4Address:
    """The first address that Azure does not keep for itself."""
    return IPv4Address(int(subnet.prefixes[0].network_address) + 4)
