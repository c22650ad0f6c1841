"""Generated readings of servers and subnets, and the same readings spelled and ordered differently.

Values stay within what ARM can answer: names are unique without case, an address belongs to one family,
priorities are unique in one direction. Within that they are biased towards what a policy has an
opinion on: a uniform choice would hardly ever meet a plan. Nothing here names a policy: what is read besides
rules is taken from the stored snapshots of all policies, and ``seen_by`` varies a policy's own.

Drawing is what laws would spend their time on, so a ``Sample`` is drawn once for all policies of a kind of
target: one generated reading, two rules and a seed. What a single policy gets of it is made from these by
plain code, the same for the same sample.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import Enum
from functools import cache
from ipaddress import IPv4Address, ip_network
from random import Random
from typing import Any, TypeVar

from hypothesis import strategies as st

from shared.model import (
    Access,
    Aspect,
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
from shared.model.networks import Route, RouteTable, VirtualNetwork
from shared.model.parts import (
    Administrator,
    Availability,
    Backup,
    DiagnosticSetting,
    DnsZone,
    Encryption,
    EndpointDns,
    Health,
    ManagementLock,
    NetworkDns,
    PrivateDns,
    Replication,
    ServerParameter,
    ServerTls,
    SignIn,
    VirtualNetworkRule,
    ZoneLink,
)
from shared.model.resource_id import ResourceId
from shared.model.rules import OddRule
from shared.model.values import value
from shared.policies import find
from shared.posture.policy import AnyPolicy, bound, examples
from tests.policies.stored import all_stored, states_of, stored

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


# --- what is read besides rules --------------------------------------------------------------------

SnapshotT = TypeVar("SnapshotT", ServerSnapshot, SubnetSnapshot)

_FIELDS = {
    Aspect.ROUTES: "route_table",
    Aspect.SUBNET_SERVERS: "servers",
    Aspect.SUBNET_ENDPOINTS: "private_endpoints",
}
"""Of a subnet, where the field is not called like the aspect."""
_NO_PART = frozenset({Aspect.SECURITY_GROUP})
"""A subnet whose field is None has none."""
_GENERATED = frozenset(
    {"kind", "id", "read_at", "location", "state", "state_text", "public_access", "public_access_text"}
    | {
        "delegated_subnet",
        "firewall_rules",
        "odd_rules",
        "private_endpoints",
        "high_availability",
        "created_at",
    }
    | {
        "prefixes",
        "delegations",
        "security_group",
        "servers",
        "updating",
        "etag",
        "tags",
        "unread",
        "odd_fields",
    }
)
"""Fields that the strategies below fill; every other one is filled with what stored snapshots hold."""


def field_of(aspect: Aspect, snapshot: Snapshot) -> str | None:
    """The field that holds a part which is None where it was not read; None for any other aspect."""
    if aspect in _NO_PART or (aspect in _FIELDS and snapshot.kind is not TargetKind.SUBNET):
        return None
    name = _FIELDS.get(aspect, "".join(f"_{c.lower()}" if c.isupper() else c for c in aspect))
    return name if name in _defaults(snapshot.kind) else None


@cache
def _defaults(kind: TargetKind) -> Mapping[str, object]:
    held = fields(SubnetSnapshot) if kind is TargetKind.SUBNET else fields(ServerSnapshot)
    return {field.name: field.default for field in held}


@cache
def _held(kind: TargetKind, name: str) -> Sequence[object]:
    """The values of a field in the stored snapshots of all policies, each once, and its default."""
    found = [_defaults(kind)[name]]
    for snapshot in all_stored(kind):
        part = getattr(snapshot, name)
        if part not in found:
            found.append(part)
    return found


@st.composite
def _with_parts(draw: st.DrawFn, snapshot: SnapshotT) -> SnapshotT:
    """The reading with more parts, each as some stored snapshot has it; a missing one has its reason."""
    names = [name for name in _defaults(snapshot.kind) if name not in _GENERATED]
    random = Random(draw(st.integers(0, 2**32)))
    parts: dict[str, Any] = {name: random.choice(_held(snapshot.kind, name)) for name in names}
    whole = replace(snapshot, **parts)
    missing = [one for one in Aspect if (name := field_of(one, whole)) and getattr(whole, name) is None]
    return replace(whole, unread={one: "403: refused" for one in missing if random.random() < 0.5})


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


_ODD = OddRule(
    name="Odd-1", field="endIpAddress", why="endIpAddress is absent", start=IPv4Address("10.0.0.0")
)
_ODD_LISTS = chosen(
    (),
    (_ODD,),
    (replace(_ODD, start=IPv4Address(0)),),
    (replace(_ODD, start=None), replace(_ODD, name="z-odd")),
    (replace(_ODD, start=IPv4Address("198.51.100.9"), end=IPv4Address("198.51.100.0")),),
)


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
    snapshot = ServerSnapshot(
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
        odd_rules=draw(_ODD_LISTS),
        private_endpoints=None if numbers is None else tuple(draw(_connections(server, n)) for n in numbers),
        high_availability=draw(st.none() | st.booleans()),
        created_at=draw(st.none() | st.just(READ_AT - timedelta(days=30))),
    )
    return draw(_with_parts(snapshot))


# --- subnets ---------------------------------------------------------------------------------------

_IPV4_SIDES = ["*", "10.0.1.0/24", "10.0.1.0/26", "10.0.0.0/8", "10.0.1.7", "VirtualNetwork", "Internet"]
_IPV4_SIDES += ["AzureLoadBalancer", "Storage", "203.0.113.0/24", "10.0.1.64-10.0.1.90", "10.0.2.0/24"]
_IPV6_SIDES = ["*", "fd00:1::/64", "fd00:1::5", "VirtualNetwork", "Internet", "2001:db8::/32"]
_PORTS = ["*", "5432", "6432", "5000-7000", "22", "443", "5431-5433", "0-65535"]
_PREFIXES = [("10.0.1.0/24",), ("10.0.1.0/25", "10.0.2.0/24"), ("10.0.1.0/24", "fd00:1::/64")]


def _few(random: Random, texts: Sequence[str]) -> tuple[str, ...]:
    """One text, or several; some in another letter case."""
    several = random.sample(texts, k=random.choice([1, 1, 1, 2, 3]))
    return tuple(random.choice(_CASES)(text) for text in several)


def security_rules(name: str, direction: Direction, priority: int) -> st.SearchStrategy[SecurityRule]:
    """A rule is made of a number: drawing its dozen parts one by one took most of the time of the laws."""
    return _SEEDS.map(lambda seed: _security_rule(Random(seed), name, direction, priority))


_SEEDS = st.integers(0, 2**32)


def _security_rule(random: Random, name: str, direction: Direction, priority: int) -> SecurityRule:
    sides = random.choice([_IPV4_SIDES, random.choice([_IPV4_SIDES, _IPV6_SIDES])])
    access = random.choice([Access.DENY, Access.ALLOW])
    return SecurityRule(
        name=name,
        direction=direction,
        access=access,
        priority=priority,
        protocol=random.choice(_CASES)(random.choice(["*", "Tcp", "Udp", "Icmp"])),
        sources=random.choice([("*",), _few(random, sides)]),
        destinations=random.choice([("*",), _few(random, sides)]),
        source_ports=random.choice([("*",), random.choice([("1024-65535",), ("80", "443")])]),
        destination_ports=random.choice([("*",), _few(random, _PORTS)]),
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
    snapshot = SubnetSnapshot(
        id=draw(ids(SUBNET)),
        read_at=READ_AT,
        location="westeurope",
        prefixes=tuple(map(ip_network, draw(st.sampled_from(_PREFIXES)))),
        delegations=draw(chosen((delegated,), (), ("Microsoft.Web/serverFarms",))),
        security_group=draw(st.one_of(security_groups(), security_groups(), st.none())),
        servers=draw(st.none() | st.lists(_subnet_servers(), max_size=2).map(tuple)),
        updating=draw(st.sampled_from([False] * 9 + [True])),
    )
    return draw(_with_parts(snapshot))


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


@value
class Sample:
    """What is drawn for all policies of one kind of target; ``seed`` makes a policy's own of it."""

    generated: Snapshot
    firewall_rule: FirewallRule
    security_rule: SecurityRule
    seed: int

    def random(self, about: str) -> Random:
        return Random(f"{self.seed} {about}")


@st.composite
def samples(draw: st.DrawFn, kind: TargetKind) -> Sample:
    """A rule of either sort comes with it, which a varied snapshot may get on top of its own.

    The seed hangs on everything that is drawn: Hypothesis likes to draw the same number again and to
    change something else.
    """
    generated = draw(snapshots(kind))
    firewall_rule = draw(firewall_rules("one-more"))
    security_rule = draw(security_rules("one-more", draw(st.sampled_from(list(Direction))), 150))
    drawn = (draw(st.integers(0, 2**32)), generated, firewall_rule, security_rule)
    return Sample(
        generated=generated,
        firewall_rule=firewall_rule,
        security_rule=security_rule,
        seed=Random(repr(drawn)).getrandbits(64),
    )


def seen_by(policy: AnyPolicy, sample: Sample) -> Snapshot:
    """The reading that ``policy`` judges: the generated one, or one of its stored ones with changes.

    Its stored drifts come twice as often as the others: of what is generated hardly anything has its
    pattern.
    """
    random = sample.random(policy.id)
    drifted, compliant, unknown = (_stored_in(policy.id, sample.generated.kind, state) for state in _STATES)
    pool = random.choice([(sample.generated,), drifted, drifted, compliant, unknown])
    chosen_one = random.choice(pool)
    return chosen_one if chosen_one is sample.generated else varied(chosen_one, sample, random)


_STATES = (ComplianceState.NON_COMPLIANT, ComplianceState.COMPLIANT, ComplianceState.UNKNOWN)


@cache
def _stored_in(policy_id: str, kind: TargetKind, state: ComplianceState) -> Sequence[Snapshot]:
    """A policy's stored snapshots that it finds in this state."""
    policy = find(policy_id)
    assert policy is not None
    ready = bound(policy, examples(policy))
    kept = [stored(policy_id, kind, name) for name in states_of(policy)]
    found = [snapshot for snapshot in kept if ready.evaluate(snapshot).state is state]
    assert found, f"{policy_id} finds none of its stored snapshots of a {kind} {state}"
    return found


def varied(snapshot: Snapshot, sample: Sample, random: Random) -> Snapshot:
    """``snapshot`` spelled differently, perhaps with another rule or with other words on its parameters."""
    snapshot = respell(snapshot, random)
    more = random.random() < 0.5
    if isinstance(snapshot, ServerSnapshot):
        if snapshot.firewall_rules is not None and more:
            snapshot = replace(snapshot, firewall_rules=(*snapshot.firewall_rules, sample.firewall_rule))
        if snapshot.parameters is None:
            return snapshot
        return replace(snapshot, parameters=tuple(_other_words(snapshot.parameters, random)))
    group = snapshot.security_group
    if group is None or not more:
        return snapshot
    return replace(snapshot, security_group=replace(group, rules=(*group.rules, sample.security_rule)))


def _other_words(parameters: Sequence[ServerParameter], random: Random) -> Iterator[ServerParameter]:
    """Mostly as they are; now and then one that is read-only, needs a restart, has another value, is not
    there."""
    for one in parameters:
        match random.randrange(20):
            case 0:
                yield replace(one, read_only=True)
            case 1:
                yield replace(one, dynamic=False)
            case 2:
                yield replace(one, pending_restart=True)
            case 3:
                yield replace(one, value=random.choice(one.allowed.split(",")).strip())
            case 4:
                continue
            case _:
                yield one


def drift_for(policy: AnyPolicy, sample: Sample) -> tuple[Snapshot, Snapshot]:
    """A reading that the policy found compliant, and the same after somebody's edits of rules."""
    random = sample.random(f"{policy.id} drift")
    compliant = _stored_in(policy.id, sample.generated.kind, ComplianceState.COMPLIANT)
    snapshot = varied(random.choice(compliant), sample, random)
    return snapshot, _with_drift(snapshot, random)


def _with_drift(snapshot: Snapshot, random: Random) -> Snapshot:
    if isinstance(snapshot, ServerSnapshot):
        rules = (_perhaps_widened(rule, random) for rule in snapshot.firewall_rules or ())
        kept = tuple(rule for rule in rules if rule is not None)
        return replace(snapshot, firewall_rules=None if snapshot.firewall_rules is None else kept)
    group = snapshot.security_group
    if group is None:
        return snapshot
    there = (_perhaps_edited(rule, random) for rule in group.rules)
    rules_left = tuple(rule for rule in there if rule is not None)
    return replace(snapshot, security_group=replace(group, rules=rules_left))


def _perhaps_widened(rule: FirewallRule, random: Random) -> FirewallRule | None:
    """The rule as it is, or gone, or for every address."""
    everybody = replace(rule, start=IPv4Address(0), end=IPv4Address(2**32 - 1))
    return random.choice([rule, None, everybody])


def _perhaps_edited(rule: SecurityRule, random: Random) -> SecurityRule | None:
    """The rule as it is, or gone, turned round, moved, or for other ports; a deny mostly stays."""
    if rule.access is Access.DENY:
        return random.choice([rule] * 9 + [replace(rule, access=Access.ALLOW)])
    edited = (
        replace(rule, access=Access.DENY),
        replace(rule, priority=rule.priority - 7),
        replace(rule, destination_ports=("5432",)),
        replace(rule, destination_ports=("22",)),
    )
    return random.choice([rule, rule, None, None, *edited])


# --- the same, with less in it ---------------------------------------------------------------------

_MAY_BE_UNREAD: Mapping[type, frozenset[str]] = {
    SignIn: frozenset({"entra", "passwords"}),
    Encryption: frozenset({"customer_key", "infrastructure"}),
    Backup: frozenset({"retention_days", "geo_redundant"}),
    PrivateDns: frozenset({"found", "network"}),
    EndpointDns: frozenset({"addresses", "network", "group_zones"}),
    DnsZone: frozenset({"exists", "links", "record"}),
    NetworkDns: frozenset({"dns_servers"}),
    RouteTable: frozenset({"gateway_propagation"}),
    VirtualNetwork: frozenset({"learns_routes"}),
    SubnetServer: frozenset({"entra", "customer_key", "elastic_cluster", "partners"}),
}
"""Where None means that it is not known, inside the parts of a reading."""


# Any: this walks through values of every type and gives back each in its own.
def with_one_unknown(told: Any) -> Iterator[Any]:
    """``told``, each time with another one of the things in it not known."""
    if isinstance(told, tuple):
        for at, one in enumerate(told):
            yield from ((*told[:at], other, *told[at + 1 :]) for other in with_one_unknown(one))
    elif is_dataclass(told) and not isinstance(told, type | SecurityGroup):
        for name in (field.name for field in fields(told)):
            part = getattr(told, name)
            if part is not None and name in _MAY_BE_UNREAD.get(type(told), ()):
                yield replace(told, **{name: None})
            yield from (replace(told, **{name: other}) for other in with_one_unknown(part))


# --- the same, spelled differently -----------------------------------------------------------------

_CASELESS: Mapping[type, frozenset[str]] = {
    ServerSnapshot: frozenset(
        {"public_access_text", "state_text", "host_name", "identity", "threat_protection"}
    ),
    SubnetSnapshot: frozenset({"delegations", "service_endpoints", "endpoint_network_policies"}),
    SecurityRule: frozenset({"protocol", "sources", "destinations"}),
    ServerParameter: frozenset({"name", "data_type"}),
    Administrator: frozenset({"object_id", "type"}),
    Encryption: frozenset({"key_state", "backup_key_state"}),
    Availability: frozenset({"mode", "state"}),
    Replication: frozenset({"role"}),
    ServerTls: frozenset({"minimum_version"}),
    DiagnosticSetting: frozenset({"logs"}),
    Health: frozenset({"state"}),
    VirtualNetworkRule: frozenset({"state"}),
    Route: frozenset({"prefix", "next_hop"}),
    ZoneLink: frozenset({"state"}),
    ManagementLock: frozenset({"level", "scope"}),
}
"""Texts in which letter case means nothing: names of things and members of Azure's enumerations."""
_WORDS = frozenset({"boolean", "enumeration", "set"})
"""Types of parameters whose values are members of a list, in any letter case."""


def respelled(snapshot: SnapshotT) -> st.SearchStrategy[SnapshotT]:
    """The same reading: lists in another order, ids, names and enums in another letter case."""
    return st.integers(0, 2**32).map(lambda seed: respell(snapshot, Random(seed)))


def respell(told: T, random: Random) -> T:
    """``told`` with every list in another order and in other letter case what has none."""
    again: T = _again(told, random, caseless=False)
    return again


# Any: this walks through values of every type and gives back each in its own.
def _again(told: Any, random: Random, *, caseless: bool) -> Any:
    match told:
        case Enum():
            return told
        case ResourceId():
            return ResourceId(_recased(str(told), random))
        case str():
            return _recased(told, random) if caseless else told
        case tuple():
            return tuple(_again(one, random, caseless=caseless) for one in random.sample(told, k=len(told)))
        case _ if is_dataclass(told) and not isinstance(told, type):
            return _parts_again(told, random)
        case _:
            return told


def _parts_again(told: Any, random: Random) -> Any:
    caseless = _CASELESS.get(type(told), frozenset())
    if isinstance(told, ServerParameter) and told.data_type.lower() in _WORDS:
        caseless |= {"value"}
    parts = {field.name: getattr(told, field.name) for field in fields(told)}
    return replace(
        told, **{name: _again(part, random, caseless=name in caseless) for name, part in parts.items()}
    )


def _recased(text: str, random: Random) -> str:
    return random.choice(_CASES)(text)
