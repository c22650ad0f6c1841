"""Generated readings of servers and subnets, and the same readings spelled and ordered differently.

Values stay within what ARM can answer: names are unique without case, an address belongs to one family,
priorities are unique in one direction. Within that they are biased towards what a policy has an
opinion on: a uniform choice would hardly ever meet a plan. ``snapshots_for`` works for any policy,
because it also varies the policy's own stored snapshots; nothing here names a policy.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address, ip_network
from typing import TypeVar

from hypothesis import strategies as st

from shared.model import (
    Access,
    ComplianceState,
    ConnectionStatus,
    Direction,
    FirewallRule,
    PrivateEndpointConnection,
    PublicAccess,
    SecurityGroup,
    SecurityRule,
    ServerSnapshot,
    ServerState,
    Snapshot,
    SubnetServer,
    SubnetSnapshot,
    TargetKind,
)
from shared.policy import AnyPolicy
from shared.resource_id import ResourceId
from tests.policies.stored import stored_snapshots

T = TypeVar("T")

READ_AT = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
GROUP = "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/Data"
NETWORK = f"{GROUP}/providers/Microsoft.Network"
SERVERS = {
    TargetKind.FLEXIBLE_SERVER: f"{GROUP}/providers/Microsoft.DBforPostgreSQL/flexibleServers/orders",
    TargetKind.SINGLE_SERVER: f"{GROUP}/providers/Microsoft.DBforPostgreSQL/servers/legacy",
}
SUBNET = f"{NETWORK}/virtualNetworks/hub/subnets/postgres"
NSG = f"{NETWORK}/networkSecurityGroups/postgres-nsg"
DELEGATION = "Microsoft.DBforPostgreSQL/flexibleServers"

_CASES: Sequence[Callable[[str], str]] = (str, str.lower, str.upper, str.swapcase)


def cased(text: str) -> st.SearchStrategy[str]:
    """``text`` in one of the spellings that Azure's services use for the same thing."""
    return st.sampled_from(list(dict.fromkeys(case(text) for case in _CASES)))


def ids(text: str) -> st.SearchStrategy[ResourceId]:
    return cased(text).map(ResourceId)


def chosen(often: T, *others: T) -> st.SearchStrategy[T]:
    """``often`` in about half of the examples."""
    return st.one_of(st.just(often), st.sampled_from(others))


# --- servers ---------------------------------------------------------------------------------------

_ANY_ADDRESS = st.integers(0, 2**32 - 1)
_NEAR_ADDRESS = st.integers(int(IPv4Address("198.51.100.0")), int(IPv4Address("198.51.100.9")))


@st.composite
def firewall_rules(draw: st.DrawFn, name: str) -> FirewallRule:
    """A rule: all Azure, the whole Internet, a few neighbours (so that rules overlap), or anything."""
    low, high = draw(
        st.one_of(
            st.sampled_from([(0, 0), (0, 0), (0, 2**32 - 1), (0, 1)]),
            st.tuples(_NEAR_ADDRESS, _NEAR_ADDRESS),
            st.tuples(_ANY_ADDRESS, _ANY_ADDRESS),
        )
    )
    return FirewallRule(name=name, start=IPv4Address(min(low, high)), end=IPv4Address(max(low, high)))


@st.composite
def _rule_lists(draw: st.DrawFn) -> tuple[FirewallRule, ...]:
    words = ["AllowAllAzureIps", "office", "Partner_1", "ClientIPAddress_2026-11-2", "z"]
    names = draw(st.lists(st.sampled_from(words), max_size=4, unique=True))
    return tuple(draw(firewall_rules(name)) for name in names)


@st.composite
def _connections(draw: st.DrawFn, server: ResourceId, number: int) -> PrivateEndpointConnection:
    return PrivateEndpointConnection(
        id=draw(ids(str(server.child("privateEndpointConnections", f"endpoint-{number}")))),
        status=draw(chosen(ConnectionStatus.APPROVED, *ConnectionStatus)),
        endpoint=draw(st.none() | ids(f"{NETWORK}/privateEndpoints/endpoint-{number}")),
    )


_ACCESS_TEXTS = st.one_of(
    chosen(("Enabled", PublicAccess.ENABLED), ("Disabled", PublicAccess.DISABLED)),
    st.sampled_from([(None, PublicAccess.UNKNOWN), ("SecuredByPerimeter", PublicAccess.UNKNOWN)]),
)


@st.composite
def servers(draw: st.DrawFn, kind: TargetKind) -> ServerSnapshot:
    server = draw(ids(SERVERS[kind]))
    text, access = draw(_ACCESS_TEXTS)
    flexible = kind is TargetKind.FLEXIBLE_SERVER
    connections = st.sampled_from(range(4)).map(range)
    numbers = draw(st.none() | connections)
    return ServerSnapshot(
        kind=TargetKind.FLEXIBLE_SERVER if flexible else TargetKind.SINGLE_SERVER,
        id=server,
        read_at=READ_AT,
        location="westeurope",
        state=draw(chosen(ServerState.READY, *ServerState)),
        state_text="Ready",
        public_access=access,
        public_access_text=draw(cased(text)) if text else None,
        delegated_subnet=draw(chosen(None, None, ResourceId(SUBNET))) if flexible else None,
        firewall_rules=draw(st.one_of(_rule_lists(), _rule_lists(), st.none())),
        private_endpoints=None if numbers is None else tuple(draw(_connections(server, n)) for n in numbers),
        high_availability=draw(st.none() | st.booleans()),
        created_at=draw(st.none() | st.just(READ_AT - timedelta(days=30))),
    )


# --- subnets ---------------------------------------------------------------------------------------

_IPV4_SIDES = ["*", "10.0.1.0/24", "10.0.1.0/26", "10.0.0.0/8", "10.0.1.7", "VirtualNetwork", "Internet"]
_IPV4_SIDES += ["AzureLoadBalancer", "Storage", "203.0.113.0/24", "10.0.1.64-10.0.1.90", "10.0.2.0/24"]
_IPV6_SIDES = ["*", "fd00:1::/64", "fd00:1::5", "VirtualNetwork", "Internet", "2001:db8::/32"]
_PORTS = ["*", "5432", "6432", "5000-7000", "22", "443", "5431-5433", "0-65535"]
_PREFIXES = [("10.0.1.0/24",), ("10.0.1.0/25", "10.0.2.0/24"), ("10.0.1.0/24", "fd00:1::/64")]


def _few(texts: Sequence[str]) -> st.SearchStrategy[tuple[str, ...]]:
    """One text, or several; some in another letter case."""
    spelled = st.sampled_from(texts).flatmap(cased)
    several = st.lists(spelled, min_size=1, max_size=3, unique_by=str.lower)
    return st.one_of(spelled.map(lambda text: (text,)), several.map(tuple))


@st.composite
def security_rules(draw: st.DrawFn, name: str, direction: Direction, priority: int) -> SecurityRule:
    sides = _few(draw(chosen(_IPV4_SIDES, _IPV6_SIDES)))
    anywhere = st.just(("*",))
    return SecurityRule(
        name=name,
        direction=direction,
        access=draw(chosen(Access.DENY, Access.ALLOW)),
        priority=priority,
        protocol=draw(st.sampled_from(["*", "Tcp", "Udp", "Icmp"]).flatmap(cased)),
        sources=draw(anywhere | sides),
        destinations=draw(anywhere | sides),
        source_ports=draw(chosen(("*",), ("1024-65535",), ("80", "443"))),
        destination_ports=draw(anywhere | _few(_PORTS)),
    )


@st.composite
def security_groups(draw: st.DrawFn) -> SecurityGroup:
    places = st.tuples(
        st.sampled_from(list(Direction)), st.sampled_from([100, 101, 110, 200, 300, 4095, 4096])
    )
    taken = draw(st.lists(places, max_size=5, unique=True))
    rules = [draw(security_rules(f"rule-{n}", *place)) for n, place in enumerate(taken)]
    return SecurityGroup(
        id=draw(ids(NSG)),
        rules=tuple(rules),
        default_rules=(),
        subnets=(draw(ids(SUBNET)), *draw(st.sampled_from([(), (ResourceId(f"{SUBNET}-2"),)]))),
        updating=draw(st.sampled_from([False] * 9 + [True])),
    )


@st.composite
def subnets(draw: st.DrawFn) -> SubnetSnapshot:
    delegated = draw(cased(DELEGATION))
    return SubnetSnapshot(
        id=draw(ids(SUBNET)),
        read_at=READ_AT,
        location="westeurope",
        prefixes=tuple(map(ip_network, draw(st.sampled_from(_PREFIXES)))),
        delegations=draw(chosen((delegated,), (), ("Microsoft.Web/serverFarms",))),
        security_group=draw(st.one_of(security_groups(), security_groups(), st.none())),
        servers=draw(st.none() | st.lists(_subnet_servers(), max_size=2).map(tuple)),
        updating=draw(st.sampled_from([False] * 9 + [True])),
    )


def _subnet_servers() -> st.SearchStrategy[SubnetServer]:
    maybe = st.none() | st.booleans()
    return st.builds(
        SubnetServer,
        id=ids(SERVERS[TargetKind.FLEXIBLE_SERVER]),
        high_availability=maybe,
        pgbouncer=maybe,
    )


# --- for a policy ----------------------------------------------------------------------------------


def snapshots(kind: TargetKind) -> st.SearchStrategy[Snapshot]:
    """Readings of one kind of target."""
    return subnets() if kind is TargetKind.SUBNET else servers(kind)


def snapshots_for(policy: AnyPolicy) -> st.SearchStrategy[Snapshot]:
    """Readings that ``policy`` looks at: generated ones, and its stored ones with generated parts.

    Its stored drifts come twice: of what is generated hardly anything has its pattern.
    """
    generated = st.sampled_from(sorted(policy.targets)).flatmap(snapshots)
    kept = [*stored_snapshots(policy)]
    drifted = [s for s in kept if policy.evaluate(s).state is ComplianceState.NON_COMPLIANT]
    return st.one_of(generated, *(st.sampled_from(some).flatmap(varied) for some in (kept, drifted)))


@st.composite
def varied(draw: st.DrawFn, snapshot: Snapshot) -> Snapshot:
    """``snapshot`` spelled differently, and perhaps with more rules than it has."""
    snapshot = draw(respelled(snapshot))
    if isinstance(snapshot, ServerSnapshot):
        if snapshot.firewall_rules is None or draw(st.booleans()):
            return snapshot
        more = draw(firewall_rules("one-more"))
        return replace(snapshot, firewall_rules=(*snapshot.firewall_rules, more))
    group = snapshot.security_group
    if group is None or draw(st.booleans()):
        return snapshot
    more_rule = draw(security_rules("one-more", draw(st.sampled_from(list(Direction))), 150))
    return replace(snapshot, security_group=replace(group, rules=(*group.rules, more_rule)))


def drifts_for(policy: AnyPolicy) -> st.SearchStrategy[tuple[Snapshot, Snapshot]]:
    """A reading as the policy's stored compliant ones are, and the same after somebody's edits of rules."""
    compliant = [s for s in stored_snapshots(policy) if policy.evaluate(s).state is ComplianceState.COMPLIANT]
    return st.sampled_from(compliant).flatmap(varied).flatmap(_with_drift)


@st.composite
def _with_drift(draw: st.DrawFn, snapshot: Snapshot) -> tuple[Snapshot, Snapshot]:
    if isinstance(snapshot, ServerSnapshot):
        kept = draw(_some(snapshot.firewall_rules)) if snapshot.firewall_rules else snapshot.firewall_rules
        return snapshot, replace(snapshot, firewall_rules=kept)
    group = snapshot.security_group
    if group is None:
        return snapshot, snapshot
    there = [draw(_perhaps_edited(rule)) for rule in group.rules]
    rules = tuple(rule for rule in there if rule is not None)
    return snapshot, replace(snapshot, security_group=replace(group, rules=rules))


def _some(items: tuple[T, ...]) -> st.SearchStrategy[tuple[T, ...]]:
    return st.lists(st.sampled_from(items), unique=True).map(tuple)


def _perhaps_edited(rule: SecurityRule) -> st.SearchStrategy[SecurityRule | None]:
    """The rule as it is, or gone, turned round, moved, or for other ports; a deny mostly stays."""
    if rule.access is Access.DENY:
        return st.sampled_from([rule] * 9 + [replace(rule, access=Access.ALLOW)])
    edited = (
        replace(rule, access=Access.DENY),
        replace(rule, priority=rule.priority - 7),
        replace(rule, destination_ports=("5432",)),
        replace(rule, destination_ports=("22",)),
    )
    return st.sampled_from([rule, rule, None, None, *edited])


# --- the same, spelled differently -----------------------------------------------------------------


@st.composite
def respelled(draw: st.DrawFn, snapshot: Snapshot) -> Snapshot:
    """The same reading: lists in another order, ids and enums in another letter case."""
    if isinstance(snapshot, ServerSnapshot):
        return replace(
            snapshot,
            id=draw(ids(str(snapshot.id))),
            public_access_text=draw(_cased_or_none(snapshot.public_access_text)),
            state_text=draw(cased(snapshot.state_text)),
            firewall_rules=draw(_shuffled_or_none(snapshot.firewall_rules)),
            private_endpoints=draw(_connections_respelled(snapshot.private_endpoints)),
        )
    return replace(
        snapshot,
        id=draw(ids(str(snapshot.id))),
        prefixes=draw(_shuffled(snapshot.prefixes)),
        delegations=tuple(draw(cased(name)) for name in draw(_shuffled(snapshot.delegations))),
        security_group=draw(_group_respelled(snapshot.security_group)),
        servers=draw(_shuffled_or_none(snapshot.servers)),
    )


def _cased_or_none(text: str | None) -> st.SearchStrategy[str | None]:
    return st.none() if text is None else cased(text)


def _shuffled(items: tuple[T, ...]) -> st.SearchStrategy[tuple[T, ...]]:
    return st.permutations(items).map(tuple) if len(items) > 1 else st.just(items)


def _shuffled_or_none(items: tuple[T, ...] | None) -> st.SearchStrategy[tuple[T, ...] | None]:
    return st.none() if items is None else _shuffled(items)


@st.composite
def _connections_respelled(
    draw: st.DrawFn, connections: tuple[PrivateEndpointConnection, ...] | None
) -> tuple[PrivateEndpointConnection, ...] | None:
    if connections is None:
        return None
    return tuple(replace(c, id=draw(ids(str(c.id)))) for c in draw(_shuffled(connections)))


@st.composite
def _group_respelled(draw: st.DrawFn, group: SecurityGroup | None) -> SecurityGroup | None:
    if group is None:
        return None
    return replace(
        group,
        id=draw(ids(str(group.id))),
        rules=tuple(draw(_rule_respelled(rule)) for rule in draw(_shuffled(group.rules))),
        default_rules=draw(_shuffled(group.default_rules)),
        subnets=draw(_shuffled(group.subnets)),
    )


@st.composite
def _rule_respelled(draw: st.DrawFn, rule: SecurityRule) -> SecurityRule:
    return replace(
        rule,
        protocol=draw(cased(rule.protocol)),
        sources=tuple(draw(cased(text)) for text in draw(_shuffled(rule.sources))),
        destinations=tuple(draw(cased(text)) for text in draw(_shuffled(rule.destinations))),
        source_ports=draw(_shuffled(rule.source_ports)),
        destination_ports=draw(_shuffled(rule.destination_ports)),
        source_groups=draw(_shuffled(rule.source_groups)),
        destination_groups=draw(_shuffled(rule.destination_groups)),
    )
