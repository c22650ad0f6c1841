"""One client's way to a server in one completion, step by step: name, route, rules, gate, route back.

Each function stands for some sentences of docs/ways.md, which it quotes. What the document calls unknown is
chosen; the rest is looked up and compared. Slow and literal on purpose.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv4Network
from typing import Final

from shared.model import (
    Aspect,
    Direction,
    PublicAccess,
    SecurityGroup,
    ServerState,
    SubnetSnapshot,
    TargetKind,
)
from shared.model.networks import Route
from shared.model.resource_id import ResourceId
from shared.model.rules import OddRule
from shared.posture.ways.world import (
    AnyAzure,
    Client,
    NetworkClient,
    OnPremises,
    PublicClient,
    SubnetClient,
    World,
)
from tests.ways_check import lookups
from tests.ways_check.completions import Made, outcomes
from tests.ways_check.packets import (
    Block,
    Packet,
    block,
    blocks,
    first_admin,
    first_match,
    is_odd,
    is_public,
    length,
    longest,
    space_length,
    within,
)
from tests.ways_check.surroundings import UNREAD, Surroundings, network_of

_NSG_COUNTS: Final[Mapping[str, bool]] = {
    "": False,
    "disabled": False,
    "enabled": True,
    "networksecuritygroupenabled": True,
    "routetableenabled": False,
}
_ROUTES_COUNT: Final[Mapping[str, bool]] = {
    **_NSG_COUNTS,
    "networksecuritygroupenabled": False,
    "routetableenabled": True,
}
_ALL_AZURE: Final = (0, 0)
_LOST, _STRAIGHT, _CARRIED = range(3)
"""What becomes of a packet: carried by somebody who may change where it comes from."""
_LOSING: Final = frozenset({"none", "internet"})


def tried(world: World, client: Client) -> dict[bool, Made]:
    """Whether the client connects, over every completion, each with one that shows it."""
    return outcomes(lambda choose: connects(Surroundings(world=world, client=client, choose=choose)))


def connects(here: Surroundings) -> bool:
    """Said: "name and route there (and back) and admin rules and NSGs, out and in and gate"."""
    server = here.world.server
    if server.state is ServerState.STOPPED:
        return False  # "A server that is stopped lets nobody in"
    if server.state is ServerState.BUSY and not here.choose("the server at work serves", True, False):
        return False  # "one at work may refuse for a while: not known"
    if isinstance(here.client, SubnetClient) and not blocks(here.client.subnet.prefixes):
        return False  # "the service has no such addresses" as IPv6
    answer = lookups.resolve(here)
    if answer is None:
        return False
    if answer == lookups.PUBLIC:
        return _publicly(here)
    if server.delegated_subnet is not None:
        delegated = server.delegated_subnet
        end = _End(network=network_of(delegated), subnet=delegated, delegated=True)
        return _privately(here, int(answer), end)
    found = _endpoint_of(here, int(answer))
    return found is not None and _privately(here, int(answer), found)


# --- privately -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _End:
    """Where a private address leads: a delegated subnet, or an approved endpoint; no subnet: not read."""

    network: ResourceId
    subnet: ResourceId | None
    delegated: bool = False


def _endpoint_of(here: Surroundings, number: int) -> _End | None:
    """Said: "the address is that of an approved endpoint of this server"."""
    for connection in sorted(
        lookups.connections(here.world.server), key=lambda one: here.subnet_of(one.endpoint) is None
    ):  # one whose subnet was read first: another may have the same address in a network of its own
        if lookups.is_approved(here, connection) and number in lookups.endpoint_addresses(here, connection):
            return _end(here, connection.endpoint)
    if lookups.approved_unseen(here) and number == lookups.unseen_address(here):
        return _end(here, None)
    return None


def _end(here: Surroundings, endpoint: ResourceId | None) -> _End:
    found, subnet = here.endpoint_dns(endpoint), here.subnet_of(endpoint)
    if subnet is not None:
        return _End(network=network_of(subnet), subnet=subnet)
    return _End(network=found.network.id if found and found.network else UNREAD, subnet=None)


def _privately(here: Surroundings, server: int, end: _End) -> bool:
    client, network = here.client_address(), lookups.client_network(here)
    packet = Packet(source=client, destination=server, source_port=here.source_port)
    is_joined = network is not None and here.joined(network, end.network)
    carried = _there(here, network, end, server)
    if carried is _LOST or not _let_out(here, packet, is_joined):
        return False
    if carried is _CARRIED and here.choose("who carries it gives it an address of its own", False, True):
        return _let_in(here, end, _given_another(here, packet), is_joined=False)
    return _back(here, end, network, client) and _let_in(here, end, packet, is_joined=is_joined)


def _given_another(here: Surroundings, packet: Packet) -> Packet:
    """Said: "An appliance or a gateway may give packets an address of its own, so that they come from
    anywhere, and what comes back gets there."
    """
    return Packet(
        source=here.some_of("the address given", [IPv4Network("0.0.0.0/0")]),
        destination=packet.destination,
        source_port=lambda: here.choose("the source port given", 50000, 1000),
    )


def _there(here: Surroundings, network: ResourceId | None, end: _End, server: int) -> int:
    if network is None:
        return _from_on_premises(here, end.network)
    if isinstance(here.client, NetworkClient):  # "what its NSG and routes say is its affair"
        return _STRAIGHT if here.joined(network, end.network) else _gateways(here, network, end.network)
    assert isinstance(here.client, SubnetClient)
    if end.delegated:
        return _routed(here, here.client.subnet, end.network, server)
    place = here.place(end.subnet)
    return _to_endpoint(here, here.client.subnet, end, server, place)


def _from_on_premises(here: Surroundings, network: ResourceId) -> int:
    """Said: "blocked where the server's network has no gateway of its own or of a peer that it uses, and no
    peers, else not known".
    """
    found = here.network(network)
    may = here.learns(network) or found is None or bool(found.peerings)
    return _CARRIED if may and here.choose("the gateway carries it", False, True) else _LOST


def _to_endpoint(
    here: Surroundings, subnet: SubnetSnapshot, end: _End, server: int, place: SubnetSnapshot | None
) -> int:
    """Said: "A private endpoint brings a /32 of its own into its network and those peered with it: a
    user-defined route goes before it only where `privateEndpointNetworkPolicies` of the endpoint's subnet
    puts routes in force, and is at least as specific as the prefix of the space that holds it." Elsewhere
    "whether one for its one address does is not known".
    """
    if here.joined(network_of(subnet.id), end.network) and not _counts(here, place, _ROUTES_COUNT, "routes"):
        route = longest(_table(here, subnet.id, subnet, server), server)
        as_long = route is not None and (length(route) == 32 or is_odd(route.prefix))
        if route is None or not as_long or not here.choose("it goes before the endpoint's", False, True):
            return _STRAIGHT
        return _hop_delivers(here, route, is_inside=True)
    return _routed(here, subnet, end.network, server)


def _back(here: Surroundings, end: _End, network: ResourceId | None, client: int) -> bool:
    """Said: "Back, from a delegated subnet to the client's addresses: the same, by the table of the server's
    subnet. A private endpoint needs none."
    """
    if not end.delegated or end.subnet is None:
        return True
    return _routed_from(here, end.subnet, here.place(end.subnet), network, client) is not _LOST


def _routed(here: Surroundings, subnet: SubnetSnapshot, network: ResourceId, number: int) -> int:
    return _routed_from(here, subnet.id, subnet, network, number)


def _routed_from(
    here: Surroundings,
    source: ResourceId,
    subnet: SubnetSnapshot | None,
    network: ResourceId | None,
    number: int,
) -> int:
    """Said: "The longest prefix decides; of equal ones a user-defined route, then Azure's own."

    Azure's own lead to the space of the own network and of joined ones. "Where no route of these leads there
    and the network may have learned routes: not known; else lost."
    """
    own = network_of(source)
    route = longest(_table(here, source, subnet, number), number)
    if network is not None and here.joined(own, network):
        if route is None or length(route) < _space_length(here, network, number, source, subnet):
            return _STRAIGHT
        return _hop_delivers(here, route, is_inside=True)
    if route is not None and route.next_hop.lower() not in _LOSING:
        return _hop_delivers(here, route, is_inside=False)
    if route is not None and length(route) == 32:
        return _LOST  # nothing that a gateway learned is longer
    if (
        subnet is not None
        and subnet.route_table is not None
        and subnet.route_table.gateway_propagation is False
    ):
        return _LOST  # "shut out by the table"
    return _gateways(here, own, network)


def _space_length(
    here: Surroundings, network: ResourceId, number: int, source: ResourceId, subnet: SubnetSnapshot | None
) -> int:
    """The length of the prefix of the space that holds the address; where that was not read, any."""
    space = here.space(network, network_of(source))
    found = space_length(number, space) if space is not None else None
    if found is not None:
        return found
    return here.choose(f"the length of the prefix that holds {IPv4Address(number)}", 1, 32)


def _hop_delivers(here: Surroundings, route: Route, *, is_inside: bool) -> int:
    """Said: "Hop `None` and hop `Internet` lose the packet. Hop `VirtualAppliance` or
    `VirtualNetworkGateway`, or one that is no known type: not known."
    """
    hop = route.next_hop.lower()
    if hop in _LOSING:
        return _LOST
    if hop == "vnetlocal" and is_inside:
        return _STRAIGHT
    return here.choose(f"route {route.name} delivers", _CARRIED, _LOST)


def _gateways(here: Surroundings, one: ResourceId, other: ResourceId | None) -> int:
    """Said: "Networks that are not peered: not known where both may have learned routes (gateways may connect
    them), else lost." On-premises: None.
    """
    both = here.learns(one) and (other is None or here.learns(other))
    return here.choose(f"gateways lead from {one.name} there", _LOST, _CARRIED) if both else _LOST


def _table(
    here: Surroundings, source: ResourceId, subnet: SubnetSnapshot | None, number: int
) -> tuple[Route, ...]:
    """The user-defined routes; those that were not read may hold the address, none more specific."""
    if subnet is not None and subnet.route_table is not None:
        return tuple(route for route in subnet.route_table.routes if _applies(here, source, route))
    if subnet is not None and subnet.route_table_id is None and Aspect.ROUTES not in subnet.unread:
        return ()
    hop = here.choose(
        f"the table of {source.name} in {network_of(source).name}", "", "None", "VirtualAppliance"
    )
    return (Route(name="not read", prefix=f"{IPv4Address(number)}/32", next_hop=hop),) if hop else ()


def _applies(here: Surroundings, source: ResourceId, route: Route) -> bool:
    """Said: "A route whose prefix cannot be read may be for any address, and more specific than all but a
    route for one."
    """
    asked = f"the odd route {route.name} of {source.name} in {network_of(source).name} is for it"
    return not is_odd(route.prefix) or here.choose(asked, False, True)


# --- publicly --------------------------------------------------------------------------------------


def _publicly(here: Surroundings) -> bool:
    if here.world.server.vnet_integrated or not _is_on(here):
        return False  # "there is no public path"
    if isinstance(here.client, NetworkClient):
        return _from_somewhere(here, here.client.network)
    if not isinstance(here.client, SubnetClient):
        return _admitted(here, is_straight=False)
    server = here.public_address("the public endpoint's address")
    if _by_service_endpoint(here):
        packet = Packet(source=here.client_address(), destination=server, source_port=here.source_port)
        return _let_out(here, packet, is_joined=False) and _by_network_rule(here)
    leaves = _leaves(here, here.client.subnet, server)
    if leaves is None or not _has_a_way_out(here):
        return False
    packet = Packet(source=here.client_address(), destination=server, source_port=here.source_port)
    return _let_out(here, packet, is_joined=False) and _admitted(here, is_straight=leaves)


def _has_a_way_out(here: Surroundings) -> bool:
    """Said: "From a subnet without default outbound access and without a NAT gateway: not known, unless the
    client's public address is named."
    """
    assert isinstance(here.client, SubnetClient)
    shut_in = here.client.subnet.shut_in and not here.client.nat
    return not shut_in or here.choose("another way leads out", True, False)


def _by_service_endpoint(here: Surroundings) -> bool:
    """Said: "A service endpoint has routes of its own, and the client comes with its private address; where
    it does not hold for the server's region all goes as without."
    """
    assert isinstance(here.client, SubnetClient)
    read = here.client.subnet.service_endpoints
    has = read is None or "microsoft.sql" in {one.lower() for one in read}
    is_single = here.world.server.kind is TargetKind.SINGLE_SERVER
    return is_single and has and here.choose("the service endpoint leads there", False, True)


def _from_somewhere(here: Surroundings, network: ResourceId) -> bool:
    """From a network, whose subnet's "NSG and routes" are "its affair": by Azure's own route, or a learned
    one.
    """
    if here.learns(network) and here.choose("a learned route takes it", False, True):
        leads = here.choose("the learned route leads there", True, False)
        return leads and _admitted(here, is_straight=False)
    return _admitted(here, is_straight=True)


def _is_on(here: Surroundings) -> bool:
    access = here.world.server.public_access
    return access is PublicAccess.ENABLED or (
        access is PublicAccess.UNKNOWN and here.choose("public access is on", True, False)
    )


def _leaves(here: Surroundings, subnet: SubnetSnapshot, server: int) -> bool | None:
    """Said: "hop `Internet` stands; `None` loses the packet; anything else, a route for a service tag, or a
    learned default: not known." True: straight by the hop `Internet`; False: otherwise; None: not at all.
    """
    routes = _table(here, subnet.id, subnet, server)
    for tagged in (one for one in routes if block(one.prefix) is None and not is_odd(one.prefix)):
        if here.choose(f"route {tagged.name} is for the server", False, True):
            return _by_hop(here, tagged)
    route = longest(routes, server)
    if _may_learn(here, subnet, route) and here.choose("a learned route takes it", False, True):
        return False if here.choose("the learned route leads there", True, False) else None
    return _by_hop(here, route) if route is not None else True


def _may_learn(here: Surroundings, subnet: SubnetSnapshot, route: Route | None) -> bool:
    """A learned route goes before Azure's own default, and before a user-defined one that is shorter."""
    table = subnet.route_table
    if (table is not None and table.gateway_propagation is False) or (route and length(route) == 32):
        return False
    return here.learns(network_of(subnet.id))


def _by_hop(here: Surroundings, route: Route) -> bool | None:
    hop = route.next_hop.lower()
    if hop == "internet":
        return True
    if hop == "none":
        return None
    return False if here.choose(f"route {route.name} leads out", True, False) else None


def _admitted(here: Surroundings, *, is_straight: bool) -> bool:
    """Said: "a firewall rule holds the client's public address, or a rule for every Azure address does and
    the client leaves Azure straight by its own hop `Internet`, or (single server) a virtual network rule …"
    """
    server = here.world.server
    if server.firewall_rules is None:
        if here.choose("a firewall rule that was not read admits", True, False):
            return True
    elif _all_azure(here, is_straight=is_straight) or _held(here):
        return True
    return server.kind is TargetKind.SINGLE_SERVER and _by_network_rule(here)


def _all_azure(here: Surroundings, *, is_straight: bool) -> bool:
    if _ALL_AZURE not in _ranges(here):
        return False
    if isinstance(here.client, AnyAzure):
        return True
    return is_straight or here.choose("the client's public address is Azure's", True, False)


def _held(here: Surroundings) -> bool:
    ranges = [one for one in _ranges(here) if one != _ALL_AZURE]
    return bool(ranges) and any(within(_public_client(here), one) for one in ranges)


def _ranges(here: Surroundings) -> list[Block]:
    """What the rules admit. Said: "A rule that cannot be read may admit whom its readable ends leave
    possible."
    """
    server = here.world.server
    read = [(int(rule.start), int(rule.end)) for rule in server.firewall_rules or ()]
    odd = (here.choose(f"odd rule {rule.name} admits", None, *_possible(rule)) for rule in server.odd_rules)
    return [*read, *(one for one in odd if one is not None)]


def _possible(rule: OddRule) -> Iterator[Block]:
    """The widest that it may mean, and every Azure address where that may be meant."""
    start, end = (None if one is None else int(one) for one in (rule.start, rule.end))
    if start is not None and end is not None:
        yield min(start, end), max(start, end)
    else:
        known = start if end is None else end
        yield from [(0, 2**32 - 1)] if known is None else [(0, known), (known, 2**32 - 1)]
    if not start and not end:
        yield _ALL_AZURE


def _public_client(here: Surroundings) -> int:
    """Said: "what the caller says (`--nat`), else not known"."""
    match here.client:
        case PublicClient(address=address):
            return int(address)
        case SubnetClient(nat=nat) | OnPremises(nat=nat) if nat:
            return here.choose("the public address taken", *map(int, nat))
    return here.public_address("the client's public address")


def _by_network_rule(here: Surroundings) -> bool:
    """Said: "(single server) a virtual network rule that is `Ready` names the client's subnet, which has
    the service endpoint `Microsoft.Sql`".
    """
    if not isinstance(here.client, SubnetClient):
        return False
    server, subnet = here.world.server, here.client.subnet
    rules = server.virtual_network_rules
    if rules is None:
        named = here.choose("a virtual network rule that was not read names the subnet", True, False)
    else:
        states = {rule.state.lower() for rule in rules if rule.subnet == subnet.id}
        named = "ready" in states or (bool(states) and here.choose("the rule gets ready", True, False))
        odd = server.odd_network_rules
        named = named or any(here.choose(f"odd rule {rule.name} names it", False, True) for rule in odd)
    if not named:
        return False
    if subnet.service_endpoints is None:
        return here.choose("the subnet has the service endpoint", True, False)
    return "microsoft.sql" in {one.lower() for one in subnet.service_endpoints}


# --- admin rules and NSGs --------------------------------------------------------------------------


def _let_out(here: Surroundings, packet: Packet, is_joined: bool) -> bool:
    if not isinstance(here.client, SubnetClient):
        return True  # "what its NSG and routes say is its affair"
    subnet = here.client.subnet
    rules = _Rules(here, Direction.OUTBOUND, network_of(subnet.id), packet.source, is_joined=is_joined)
    return rules.pass_packet(packet, subnet, subnet.id)


def _let_in(here: Surroundings, end: _End, packet: Packet, *, is_joined: bool) -> bool:
    """Said: "At a private endpoint an NSG counts only where `privateEndpointNetworkPolicies` says so, and
    source ports count as any."
    """
    place = here.place(end.subnet)
    rules = _Rules(here, Direction.INBOUND, end.network, packet.destination, is_joined=is_joined)
    if end.delegated:
        return rules.pass_packet(packet, place, end.subnet)
    if not _counts(here, place, _NSG_COUNTS, "the NSG"):
        return True
    any_port = Packet(source=packet.source, destination=packet.destination, source_port=None)
    return rules.pass_group(any_port, place, end.subnet)


def _counts(here: Surroundings, place: SubnetSnapshot | None, modes: Mapping[str, bool], what: str) -> bool:
    known = modes.get(place.endpoint_network_policies.lower()) if place is not None else None
    return known if known is not None else here.choose(f"{what} counts at the endpoint", False, True)


def _changes(subnet: SubnetSnapshot) -> bool:
    """What is being changed is not known before that is done."""
    return subnet.updating or (subnet.security_group is not None and subnet.security_group.updating)


@dataclass(frozen=True, slots=True)
class _Rules:
    """What a packet meets at one end; ``own`` is the address of that end."""

    here: Surroundings
    direction: Direction
    network: ResourceId
    own: int
    is_joined: bool

    def pass_packet(self, packet: Packet, subnet: SubnetSnapshot | None, named: ResourceId | None) -> bool:
        """Said: "First the admin rules by priority (`Deny` stops, `AlwaysAllow` passes and goes past the NSG,
        `Allow` and no match hand on to the NSG), then the NSG".
        """
        met = self._admin(packet)
        return met != "deny" and (met == "alwaysallow" or self.pass_group(packet, subnet, named))

    def pass_group(self, packet: Packet, subnet: SubnetSnapshot | None, named: ResourceId | None) -> bool:
        """A private endpoint is not reached by admin rules: it meets the NSG alone."""
        if subnet is None or Aspect.SECURITY_GROUP in subnet.unread or _changes(subnet):
            where = f"{named.name} of {self.network.name}" if named else "the endpoint's subnet"
            return self.here.choose(f"the NSG of {where} passes {self.direction}", True, False)
        group = subnet.security_group
        return group is None or first_match(self._certain(group), self.direction, packet, self._holds)

    def _certain(self, group: SecurityGroup) -> SecurityGroup:
        """With each odd rule as one of those that it may be, or as none."""
        chosen = (
            self.here.choose(
                f"odd rule {odd.name} of {group.id.name}, {self.direction}", -1, *range(len(odd.may_be))
            )
            for odd in group.odd_rules
        )
        meant = [odd.may_be[one] for odd, one in zip(group.odd_rules, chosen, strict=True) if one >= 0]
        return replace(group, rules=(*meant, *group.rules))

    def _admin(self, packet: Packet) -> str:
        found = self.here.network(self.network)
        if found is None or found.admin_rules is None:
            asked = f"the admin rules of {self.network.name}, {self.direction}"
            return self.here.choose(asked, "none", "deny", "alwaysallow")
        rule = first_admin(found.admin_rules, self.direction, packet, self._holds)
        return rule.access.lower() if rule else "none"

    def _holds(self, tag: str, number: int) -> bool:
        """Said: "`Internet` is the rest of the public space"; other tags "stay open sets", the published
        ones of public addresses.
        """
        match tag.lower():
            case "virtualnetwork":
                return self._in_network(number)
            case "internet":
                return is_public(number) and not self._in_network(number)
            case "azureloadbalancer":
                return number == int(IPv4Address("168.63.129.16"))
        return is_public(number) and self.here.choose(f"{tag} holds {IPv4Address(number)}", False, True)

    def _in_network(self, number: int) -> bool:
        return self.here.in_virtual_network(self.network, number, number == self.own or self.is_joined)
