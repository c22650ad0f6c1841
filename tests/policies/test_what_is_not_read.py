"""Laws of what policies say of a subnet's rules and routes: what is not read makes nothing right that is
wrong, nor wrong what is right, and the order in which Azure lists things makes no other drift."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from random import Random
from typing import Final, TypeVar

import pytest

from shared.model import Aspect, ComplianceState, Direction, SecurityGroup, SubnetServer, SubnetSnapshot
from shared.model.networks import Peering, ReplicaPartner, Route, RouteTable, VirtualNetwork
from shared.model.resource_id import ResourceId
from shared.policies import find
from shared.posture.policy import AnyPolicy, bound
from tests.nsg.builders import SUBNET_ID, allow, deny, group, networks, subnet

T = TypeVar("T")

IDS: Final = (
    "nsg-blocks-storage-outbound",
    "nsg-blocks-key-vault-outbound",
    "nsg-blocks-entra-outbound",
    "nsg-blocks-postgres-clients",
    "nsg-blocks-postgres-replicas",
    "nsg-exposes-postgres-to-internet",
    "postgres-subnet-routed-through-appliance",
)
ENDS = [
    "*",
    "VirtualNetwork",
    "Internet",
    "10.20.8.0/24",
    "145.10.2.0/24",
    "Storage",
    "10.60.0.0/16",
    "no tag!",
]
PREFIXES = ["0.0.0.0/0", "10.0.0.0/8", "10.60.1.0/24", "10.20.0.0/16", "10.0.1.0/24", "", "junk/x", "::/0"]
TAGS = ["Storage", "Storage.westeurope", "Storage.NorthEurope", "AzureActiveDirectory", "AzureKeyVault"]
HOPS = ["None", "None", "Internet", "VnetLocal", "VirtualAppliance", "VirtualNetworkGateway", "New"]
SPACES = [(), ("10.60.0.0/16",), ("10.20.0.0/16", "145.10.0.0/16"), ("fd00:9::/48",)]
CLIENTS = [
    ["10.20.8.0/24"],
    ["10.60.8.0/24", "10.0.8.0/24"],
    ["145.10.5.0/24"],
    ["10.0.0.0/8"],
    ["fd00:9::/64"],
]
HERE = [
    ("10.0.1.0/24",),
    ("10.0.1.0/24",),
    ("10.0.1.0/24", "fd00:1::/64"),
    ("145.10.9.0/24",),
    ("fd00:1::/64",),
]
SERVERS = "/subscriptions/0a/resourceGroups/g/providers/Microsoft.DBforPostgreSQL/flexibleServers"
TABLE = ResourceId(str(SUBNET_ID).rpartition("/virtualNetworks/")[0] + "/routeTables/rt")


def readings(random: Random) -> SubnetSnapshot:
    several = random.randint(0, 3)
    routes = tuple(
        Route(name=f"r{at}", prefix=random.choice([*PREFIXES, *TAGS]), next_hop=random.choice(HOPS))
        for at in range(several)
    )
    return replace(
        subnet(random.choice([None, rules(random), rules(random)]), *random.choice(HERE)),
        servers=tuple(server(random, at) for at in range(random.randint(0, 2))),
        service_endpoints=random.choice([(), (), ("Microsoft.Storage",), ("Microsoft.Storage.Global",)]),
        route_table_id=TABLE,
        route_table=RouteTable(id=TABLE, routes=routes, gateway_propagation=random.choice([True, False])),
        virtual_network=network(random),
    )


def rules(random: Random) -> SecurityGroup:
    return group(
        *(
            random.choice([allow, deny])(
                f"rule-{priority}",
                priority,
                f"{random.choice(ENDS)} > {random.choice(ENDS)}",
                random.choice(["*", "443", "5432"]),
                direction=random.choice(list(Direction)),
            )
            for priority in random.sample(range(100, 4000), random.randint(0, 3))
        )
    )


def network(random: Random) -> VirtualNetwork:
    assert SUBNET_ID.parent is not None
    peerings = tuple(
        Peering(
            network=ResourceId(f"{SUBNET_ID.parent}-{at}"),
            prefixes=networks(*random.choice(SPACES)),
            whole=random.random() < 0.8,
        )
        for at in range(random.randint(0, 2))
    )
    space = networks("10.0.0.0/16", *random.choice([(), ("145.10.0.0/16",), ("fd00:1::/48",)]))
    return VirtualNetwork(
        id=SUBNET_ID.parent, prefixes=space, peerings=peerings, learns_routes=random.random() < 0.3
    )


def server(random: Random, at: int) -> SubnetServer:
    partner = ReplicaPartner(
        server=ResourceId(f"{SERVERS}/replica"), location="North Europe", prefixes=networks("10.60.1.0/24")
    )
    return SubnetServer(
        id=ResourceId(f"{SERVERS}/s{at}"),
        entra=random.choice([True, False]),
        customer_key=random.choice([True, False]),
        elastic_cluster=False,
        partners=random.choice([(), (partner,)]),
    )


def less(read: SubnetSnapshot) -> Iterator[SubnetSnapshot]:
    """The same with one part of it not read."""
    around = read.virtual_network
    assert around is not None
    silent = tuple(replace(one, prefixes=()) for one in around.peerings)
    bare = tuple(SubnetServer(id=one.id) for one in read.servers or ())
    yield replace(read, virtual_network=None)
    yield replace(read, virtual_network=replace(around, learns_routes=None))
    yield replace(read, virtual_network=replace(around, odd_peerings=True))
    yield replace(read, virtual_network=replace(around, peerings=silent))
    yield replace(read, service_endpoints=None)
    yield replace(read, servers=None)
    yield replace(read, servers=bare)
    yield replace(read, security_group=None, unread={Aspect.SECURITY_GROUP: "no right"})
    yield replace(read, route_table=None, unread={Aspect.ROUTES: "no right"})


def turned(read: SubnetSnapshot) -> SubnetSnapshot:
    around, table, held = read.virtual_network, read.route_table, read.security_group
    assert around is not None
    assert table is not None
    return replace(
        read,
        prefixes=read.prefixes[::-1],
        servers=(read.servers or ())[::-1],
        route_table=replace(table, routes=table.routes[::-1]),
        virtual_network=replace(around, prefixes=around.prefixes[::-1], peerings=around.peerings[::-1]),
        security_group=held and replace(held, rules=held.rules[::-1]),
    )


def policy_for(policy_id: str, random: Random) -> AnyPolicy:
    policy = find(policy_id)
    assert policy is not None
    declares = any(one.name == "clients" for one in policy.parameters)
    return bound(policy, {"clients": random.choice(CLIENTS)} if declares else {})


@pytest.mark.field(
    "ways",
    "A part that was not read leaves a finding as it is or makes it Unknown, never its opposite.",
    source="docs/ways.md",
    date="2026-11-29",
)
@pytest.mark.parametrize("policy_id", IDS)
def test_what_is_not_read_turns_no_finding_into_its_opposite(policy_id: str) -> None:
    _law(policy_id, range(12))


@pytest.mark.long
@pytest.mark.parametrize("policy_id", IDS)
def test_nor_in_many_more_readings(policy_id: str) -> None:
    _law(policy_id, range(12, 400))


def _law(policy_id: str, seeds: range) -> None:
    for seed in seeds:
        random = Random(seed)
        policy, read = policy_for(policy_id, random), readings(random)
        found = policy.evaluate(read)
        again = policy.evaluate(turned(read))
        assert (again.state, again.fingerprint) == (found.state, found.fingerprint), seed
        for part in less(read):
            state = policy.evaluate(part).state
            assert ComplianceState.UNKNOWN in (state, found.state) or state is found.state, (seed, part)
