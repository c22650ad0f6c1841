"""Laws of the commands about private DNS: into which zones they write, and what names lead to on the way.

Generated readings of a server with private endpoints, with zones of its own, of a team and of a hub; every
policy on private reach, every way of every choice. The names are followed by a small model of Azure's
resolver that shares nothing with the code.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.alerts.steps import choices_told
from shared.model import ConnectionStatus, Finding, Json, PrivateEndpointConnection, ServerSnapshot
from shared.model.parts import DnsZone, EndpointDns, NetworkDns, PrivateDns, ZoneConfig, ZoneLink
from shared.model.resource_id import ResourceId
from shared.policies import discover
from shared.posture.findings import is_drift
from shared.posture.policy import AnyPolicy, bound
from tests.builders import SERVER, server

NAME = "privatelink.postgres.database.azure.com"
OWN_GROUP = str(SERVER).split("/providers/")[0]
GROUPS = [
    OWN_GROUP,
    *(f"/subscriptions/{'2' * 8}-3333-4444-5555-666666666666/resourceGroups/{n}" for n in "ab"),
]
ZONES = [ResourceId(f"{group}/providers/Microsoft.Network/privateDnsZones/{NAME}") for group in GROUPS]
MISTAKEN = ResourceId(str(ZONES[1]).replace(NAME, "private.example.com"))
NETWORKS = [ResourceId(f"{GROUPS[1]}/providers/Microsoft.Network/virtualNetworks/{n}") for n in "xyz"]
ENDPOINTS = [ResourceId(f"{GROUPS[1]}/providers/Microsoft.Network/privateEndpoints/{n}") for n in "pq"]
ADDRESSES = [IPv4Address("10.1.0.4"), IPv4Address("10.2.0.4")]
GONE = IPv4Address("10.9.0.9")
POLICIES = [policy for policy in discover() if "private_reach" in str(policy.evaluate.__module__)]
ABOUT_ENDPOINTS = [policy for policy in POLICIES if "postgres-endpoint-dns" in policy.id]

# --- readings --------------------------------------------------------------------------------------


def zones() -> st.SearchStrategy[tuple[DnsZone, ...]]:
    """Zones of the name, of which one at most is linked to each network."""
    places = st.lists(st.sampled_from([None, *range(len(ZONES))]), min_size=3, max_size=3)
    read = st.tuples(*(st.tuples(existing, records, linking) for _ in ZONES))
    return st.builds(_zones, read, places, st.sets(st.sampled_from(range(len(ZONES)))))


existing = st.sampled_from([True, True, True, False, None])
records = st.sampled_from([(), (ADDRESSES[0],), (ADDRESSES[1],), (GONE,), (ADDRESSES[0], GONE), None])
linking = st.tuples(
    st.sampled_from(["Completed", "Completed", "InProgress"]), st.sampled_from(["", "NxDomainRedirect"])
)


def _zones(read: Any, places: list[int | None], there: set[int]) -> tuple[DnsZone, ...]:
    return tuple(_zone(at, read[at], places) for at in sorted(there))


def _zone(at: int, told: Any, places: list[int | None]) -> DnsZone:
    exists, record, link = told
    links = tuple(
        ZoneLink(name=one.name, network=one, state=link[0], resolution_policy=link[1])
        for one, place in zip(NETWORKS, places, strict=True)
        if place == at
    )
    if exists:
        return DnsZone(id=ZONES[at], exists=True, links=links, record=record)
    return DnsZone(id=ZONES[at], exists=exists)


def grouped(at: int, network: ResourceId, servers: Any, named: Any, known: bool) -> EndpointDns:
    return EndpointDns(
        id=ENDPOINTS[at],
        addresses=(ADDRESSES[at],) if known else None,
        network=NetworkDns(id=network, dns_servers=servers, peers=(), learns_routes=False),
        group_zones=named,
        group="default" if named else "",
        group_configs=tuple(ZoneConfig(name=f"e{n}", zone=one) for n, one in enumerate(named or ())),
    )


def endpoint(at: int) -> st.SearchStrategy[EndpointDns]:
    servers = st.sampled_from([(), (), (), ("10.0.0.9",), None])
    named = st.sampled_from([(), (), (MISTAKEN,), *((one,) for one in ZONES), (MISTAKEN, ZONES[1]), None])
    return st.builds(
        grouped, st.just(at), st.sampled_from(NETWORKS), servers, named, st.sampled_from([True, True, False])
    )


@st.composite
def readings(draw: st.DrawFn) -> ServerSnapshot:
    read, count = draw(zones()), draw(st.sampled_from([1, 1, 2]))
    found = None if draw(st.integers(0, 5)) == 0 else tuple(one.id for one in read if one.exists is not False)
    endpoints = tuple(draw(endpoint(at)) for at in range(count))
    return server(
        host_name="orders.postgres.database.azure.com",
        private_dns=PrivateDns(endpoints=endpoints, zones=read, found=found),
        private_endpoints=tuple(
            PrivateEndpointConnection(
                id=SERVER.child("privateEndpointConnections", one.id.name),
                status=ConnectionStatus.APPROVED,
                endpoint=one.id,
            )
            for one in endpoints
        ),
    )


DECLARED: st.SearchStrategy[dict[str, Json]] = st.fixed_dictionaries(
    {
        "zone": st.sampled_from(["", "", *map(str, ZONES)]),
        "linkedNetworks": st.sampled_from([[], [], [str(NETWORKS[2])]]),
    }
)


def findings(
    snapshot: ServerSnapshot, declared: dict[str, Json], among: list[AnyPolicy]
) -> Iterator[Finding]:
    for policy in among:
        if snapshot.kind in policy.targets:
            settings = {one.name: declared[one.name] for one in policy.parameters if one.name in declared}
            yield bound(policy, settings).evaluate(snapshot)


def lists(finding: Finding) -> Iterator[list[str]]:
    """The commands of a finding in order, once for each way of a choice; there is one choice at most."""
    told = finding.evidence.get("whatToDo", ())
    steps = [told] if isinstance(told, str) else list(told)
    plain = [step for step in steps if isinstance(step, str) and step.startswith("az ")]
    choices = choices_told(finding.evidence)
    if not choices:
        yield plain
    for choice in choices:
        for way in choice:
            yield [*plain, *way.commands]


@dataclass
class Said:
    """A command by its words."""

    words: list[str]

    def __getitem__(self, option: str) -> str:
        return self.words[self.words.index(option) + 1] if option in self.words else ""

    def does(self, *words: str) -> bool:
        return self.words[1 : 1 + len(words)] == list(words)

    @property
    def zone(self) -> ResourceId:
        scope = f"/subscriptions/{self['--subscription']}/resourceGroups/{self['--resource-group']}"
        name = self["--zone-name"] or self["--name"]
        return ResourceId(f"{scope}/providers/Microsoft.Network/privateDnsZones/{name}")


CREATE = ("network", "private-dns", "zone", "create")
RECORD = ("network", "private-dns", "record-set", "a")
LINK = ("network", "private-dns", "link", "vnet")
GROUP = ("network", "private-endpoint", "dns-zone-group")


def written(said: Said) -> ResourceId | None:
    """The zone that a command writes into, or has Azure write into; None for one that writes into none."""
    if said.does(*RECORD) or said.does(*LINK, "create") or said.does(*LINK, "delete"):
        return said.zone
    named = said["--private-dns-zone"]
    return ResourceId(named) if named.startswith("/") else None


# --- the laws --------------------------------------------------------------------------------------


@pytest.mark.field(
    "ways",
    "No command writes into a private DNS zone that is not linked to the network of the client, nor named by "
    "the endpoint's own zone group or in the configuration, unless an earlier command makes it.",
    source="https://learn.microsoft.com/azure/private-link/private-endpoint-dns-integration",
    date="2026-11-29",
)
@given(snapshot=readings(), declared=DECLARED)
def test_no_command_writes_into_a_zone_that_answers_for_others(
    snapshot: ServerSnapshot, declared: dict[str, Json]
) -> None:
    dns = snapshot.private_dns
    assert dns is not None
    for finding in findings(snapshot, declared, POLICIES):
        for commands in lists(finding):
            made: set[ResourceId] = set()
            for said in (Said(shlex.split(command)) for command in commands):
                if said.does(*CREATE):
                    made.add(said.zone)
                zone, whose = written(said), said["--endpoint-name"]
                if zone is not None:
                    near = [one for one in dns.endpoints if not whose or one.id.name == whose]
                    allowed = made.union(*(_allowed(dns, one, declared) for one in near))
                    assert zone in allowed, (said.words, finding.reason)


def _allowed(dns: PrivateDns, endpoint: EndpointDns, declared: dict[str, Json]) -> set[ResourceId]:
    asked = {endpoint.network.id if endpoint.network is not None else None}
    asked |= {ResourceId(str(one)) for one in declared["linkedNetworks"]}
    linked = {zone.id for zone in dns.zones for link in zone.links or () if link.network in asked}
    central = {ResourceId(str(declared["zone"]))} if declared["zone"] else set()
    return {*linked, *central, *(endpoint.group_zones or ())}


@dataclass
class Azure:
    """Zones with their records and links, and one endpoint's zone group, as commands change them."""

    own: IPv4Address
    network: str
    records: dict[str, set[IPv4Address]] = field(default_factory=dict)
    links: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)
    """Of a zone and a link's name: the network, and the policy."""
    group: dict[str, str] = field(default_factory=dict)

    def run(self, said: Said) -> None:
        if said.does(*CREATE):
            assert said.zone.key not in self.records, "Azure refuses to make what is there"
            self.records[said.zone.key] = set()
        elif said.does(*GROUP, "delete"):
            self._unname(list(self.group))
        elif said.does(*GROUP, "remove"):
            self._unname([said["--zone-name"]])
        elif said.does(*GROUP):
            self._name(said["--zone-name"], said["--private-dns-zone"].lower())
        elif said.does(*LINK):
            self._link(said, (said.zone.key, said["--name"]))
        elif said.does(*RECORD, "add-record"):
            self.records[said.zone.key].add(IPv4Address(said["--ipv4-address"]))
        elif said.does(*RECORD, "remove-record"):
            self.records[said.zone.key].remove(IPv4Address(said["--ipv4-address"]))

    def _name(self, entry: str, zone: str) -> None:
        others = {one.rpartition("/")[2] for one in self.group.values()}
        assert zone.rpartition("/")[2] not in others, "a zone group names one zone of a name"
        self.group[entry] = zone
        self.records[zone] = {self.own}

    def _unname(self, entries: list[str]) -> None:
        for entry in entries:
            self.records[self.group.pop(entry)] = set()

    def _link(self, said: Said, link: tuple[str, str]) -> None:
        if said.does(*LINK, "delete"):
            del self.links[link]
        if said.does(*LINK, "create"):
            network = said["--virtual-network"].lower()
            assert network not in {held for held, _ in self.links.values()}, "linked to one zone of a name"
            self.links[link] = (network, said["--resolution-policy"])

    def worth(self) -> tuple[int, int]:
        """What the server's name leads to in the endpoint's network, and another server's: 2 the endpoint, 1
        the public address, 0 nothing or somebody else."""
        found = next(
            ((zone, policy) for (zone, _), (at, policy) in self.links.items() if at == self.network), None
        )
        if found is None:
            return 1, 1
        zone, policy = found
        without = 1 if policy == "NxDomainRedirect" else 0
        record = self.records[zone]
        return (2 if record == {self.own} else 0) if record else without, without


def as_read(dns: PrivateDns) -> Azure | None:
    """What Azure has where a reading tells all of it, of one endpoint."""
    (endpoint, *more), network = dns.endpoints, dns.endpoints[0].network
    told = all(zone.exists is not None and (not zone.exists or zone.record is not None) for zone in dns.zones)
    named = set(endpoint.group_zones or ()) - {MISTAKEN} <= {zone.id for zone in dns.zones}
    if more or not told or not named or network is None or network.dns_servers != () or dns.found is None:
        return None
    if endpoint.group_zones is None or not endpoint.addresses:
        return None
    links = {
        (zone.id.key, link.name): (link.network.key, link.resolution_policy)
        for zone in dns.zones
        for link in zone.links or ()
        if link.network is not None
    }
    records = {zone.id.key: set(zone.record or ()) for zone in dns.zones if zone.exists}
    group = {one.name: one.zone.key for one in endpoint.group_configs}
    gone = {zone: set[IPv4Address]() for zone in group.values() if zone == MISTAKEN.key}
    return Azure(
        own=endpoint.addresses[0], network=network.id.key, records=records | gone, links=links, group=group
    )


@given(snapshot=readings(), zone=st.sampled_from(["", "", *map(str, ZONES)]))
def test_after_every_command_names_lead_where_they_led_or_further(
    snapshot: ServerSnapshot, zone: str
) -> None:
    azure = as_read(snapshot.private_dns) if snapshot.private_dns is not None else None
    if azure is None or _is_out_of_sight(snapshot, zone):
        return
    for finding in findings(snapshot, {"zone": zone, "linkedNetworks": []}, ABOUT_ENDPOINTS):
        for commands in lists(finding) if is_drift(finding) else ():
            _walk(deepcopy(azure), [Said(shlex.split(command)) for command in commands])


def _is_out_of_sight(snapshot: ServerSnapshot, zone: str) -> bool:
    """Whether a zone is declared of which nothing was read: what it holds is not told."""
    read = {one.id for one in snapshot.private_dns.zones} if snapshot.private_dns is not None else set()
    return bool(zone) and ResourceId(zone) not in read


def _walk(azure: Azure, commands: list[Said]) -> None:
    """A network whose link is moved is linked to no zone for that while; but for that nothing gets worse."""
    moved = any(said.does(*LINK, "delete") for said in commands)
    for said in commands:
        before = azure.worth()
        azure.run(said)
        after = azure.worth()
        assert moved or all(was <= is_now for was, is_now in zip(before, after, strict=True)), said.words
