"""The walk: each stage says what it proves, what it rules out and what it cannot know. Pure.

A stage asks the policies that judge the same thing on a server or a subnet, and the NSG engine where the
client's own subnet comes in, which no policy sees. The first fault that is proved ends the walk: what comes
after it could not be tried anyway. ``Unknown`` never ends it and is never called well.

What must not live here: reading, printing.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field, replace
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address, ip_network
from typing import Final

from shared.commands import fix_commands
from shared.dns_names import endpoint_zone_name
from shared.model import (
    Aspect,
    ComplianceState,
    ConnectionStatus,
    Direction,
    Edit,
    Finding,
    FirewallRule,
    IPNetwork,
    Json,
    PublicAccess,
    PutFirewallRule,
    ServerSnapshot,
    Severity,
    Snapshot,
    SubnetSnapshot,
)
from shared.nsg import Question, Side, Spans, Tags, spans_of, union
from shared.policy import AnyPolicy
from shared.readings import DnsZone, EndpointDns
from shared.resource_id import ResourceId
from shared.routes import Hop, RoutesUnreadable, Taken, chosen, spelled, table_of, unread_routes
from shared.routes import Step as Hopping
from shared.subnet_facts import POSTGRES_PORT, delegated, groups_reach_endpoints, routes_reach_endpoints
from shared.subnet_questions import About, Inquiry, evaluate, ports_of, suggestion
from shared.traffic import AddressSet, public_sources
from shared.unread import unread_reason
from shared.values import value


class Stage(StrEnum):
    """What is looked at, in the order of the Private Link article's troubleshooting."""

    ADDRESS = "address"
    NSG = "nsg"
    ROUTES = "routes"
    DNS = "dns"
    FIREWALL = "firewall"


class Result(StrEnum):
    WELL = "well"
    FAULT = "fault"
    UNKNOWN = "unknown"
    NOT_CONCERNED = "notConcerned"


@value
class Step:
    """One thing that was looked at. ``fix`` holds commands, or a sentence where no command does it."""

    stage: Stage
    result: Result
    says: str
    resource: str = ""
    fix: tuple[str, ...] = ()
    evidence: Mapping[str, Json] = field(default_factory=dict)


@value
class Case:
    """What was read: the server, the subnets in which it can be reached, and who wants to connect."""

    server: ServerSnapshot
    places: tuple[SubnetSnapshot, ...] = ()
    """The delegated subnet, or those of the approved private endpoints."""
    client: SubnetSnapshot | None = None
    client_address: IPv4Address | None = None
    """A public address to connect from."""
    policies: Mapping[str, AnyPolicy]
    """By id, with the parameters that hold for the server."""
    unread: tuple[str, ...] = ()
    """Subnets that could not be read, each with the reason."""

    @property
    def approved(self) -> bool:
        connections = self.server.private_endpoints or ()
        return any(one.status is ConnectionStatus.APPROVED for one in connections)

    @property
    def is_private(self) -> bool:
        """Whether the client comes in over a private address."""
        return self.client_address is None and (self.server.vnet_integrated or self.approved)


_ABOUT: Final = About(policy="diagnose", severity=Severity.HIGH, rule_name="driftward-clients")
_RESULTS: Final = {
    ComplianceState.COMPLIANT: Result.WELL,
    ComplianceState.NON_COMPLIANT: Result.FAULT,
}
_INTEGRATED_DNS: Final = (
    "postgres-subnet-and-dns-zone-inconsistent",
    "postgres-vnet-dns-zone-name-invalid",
    "postgres-vnet-dns-zone-not-linked",
)
_ENDPOINT_DNS: Final = (
    "postgres-endpoint-dns-zone-wrong",
    "postgres-endpoint-dns-zone-not-linked",
    "postgres-endpoint-dns-record-wrong",
)
_NO_ENDPOINT: Final = "postgres-no-approved-private-endpoint"
_NOT_APPROVED: Final = "postgres-private-endpoint-not-approved"
_INSIDE: Final = "nsg-blocks-postgres-in-subnet"
_ROUTED: Final = ("postgres-subnet-routed-through-appliance", "postgres-endpoint-route-overridden")
POLICIES: Final = (*_INTEGRATED_DNS, *_ENDPOINT_DNS, _NO_ENDPOINT, _NOT_APPROVED, _INSIDE, *_ROUTED)
"""The policies whose word the walk takes."""


def walk(case: Case) -> tuple[Step, ...]:
    """The steps up to the first proved fault, in order."""
    steps: list[Step] = []
    for stage in (_address, _groups, _routes, _dns, _firewall):
        for step in stage(case):
            steps.append(step)
            if step.result is Result.FAULT:
                return tuple(steps)
    return tuple(steps)


def _said(step: Stage, case: Case, policy_id: str, snapshot: Snapshot) -> Step:
    """What a policy says of a snapshot, as a step."""
    policy = case.policies[policy_id]
    found = policy.evaluate(snapshot)
    result = _RESULTS.get(found.state, Result.UNKNOWN)
    if result is Result.WELL and not found.applies:
        result = Result.NOT_CONCERNED
    return Step(
        stage=step,
        result=result,
        says=found.reason,
        resource=str(found.resource_id),
        fix=_remedy(policy, found, snapshot) if result is Result.FAULT else (),
        evidence={"policy": policy_id, **found.evidence},
    )


def _remedy(policy: AnyPolicy, found: Finding, snapshot: Snapshot) -> tuple[str, ...]:
    planned = policy.plan(found, snapshot)
    edits: tuple[Edit, ...] = planned.edits if planned else policy.suggest(found, snapshot)
    told = found.evidence.get("whatToDo") or ()
    return fix_commands(edits) or tuple([told] if isinstance(told, str) else told)


# --- the address -----------------------------------------------------------------------------------


def _address(case: Case) -> Iterator[Step]:
    """Is there an address to connect to, and is it known?"""
    server = case.server
    if server.delegated_subnet is not None:
        said = f"the server stands in subnet {server.delegated_subnet.name}"
        yield Step(stage=Stage.ADDRESS, result=Result.WELL, says=said, resource=str(server.delegated_subnet))
    elif case.client_address is not None:
        yield Step(
            stage=Stage.ADDRESS,
            result=Result.NOT_CONCERNED,
            says=f"{case.client_address} comes in by the public path",
        )
    elif case.approved:
        yield from map(_endpoint_address, server.private_dns.endpoints if server.private_dns else ())
    elif server.private_endpoints:
        yield _said(Stage.ADDRESS, case, _NOT_APPROVED, server)
    else:
        yield _said(Stage.ADDRESS, case, _NO_ENDPOINT, server)


def _endpoint_address(endpoint: EndpointDns) -> Step:
    known = ", ".join(str(address) for address in endpoint.addresses or ())
    return Step(
        stage=Stage.ADDRESS,
        result=Result.WELL if known else Result.UNKNOWN,
        says=f"private endpoint {endpoint.id.name} has {known}"
        if known
        else f"the address of private endpoint {endpoint.id.name} could not be read: {endpoint.unread}",
        resource=str(endpoint.id),
    )


# --- NSGs ------------------------------------------------------------------------------------------


def _groups(case: Case) -> Iterator[Step]:
    """Out of the client's subnet, then into the server's."""
    for reason in case.unread:
        yield Step(stage=Stage.NSG, result=Result.UNKNOWN, says=reason)
    if not case.is_private:
        yield Step(stage=Stage.NSG, result=Result.NOT_CONCERNED, says=_PUBLIC_PATH)
        return
    goal = union(span for place in case.places for span in _addresses(place))
    if case.client is not None and goal:
        yield _asked(case.client, Direction.OUTBOUND, goal, case)
    for place in case.places:
        yield _into(place, case)


_PUBLIC_PATH: Final = "the public path leads through no NSG of the server's"


def _addresses(place: SubnetSnapshot) -> Spans:
    """Where the server is in a subnet: anywhere in a delegated one, at its endpoints' addresses otherwise."""
    if delegated(place):
        return spans_of(place.prefixes)
    endpoints = place.private_endpoints or ()
    return spans_of(_host(address) for endpoint in endpoints for address in endpoint.addresses)


def _host(address: IPv4Address | IPv6Address) -> IPNetwork:
    return ip_network(address)


def _into(place: SubnetSnapshot, case: Case) -> Step:
    if not delegated(place) and not groups_reach_endpoints(place):
        said = f"network policies are off in subnet {place.id.name}: its NSG does not reach the endpoint"
        return Step(stage=Stage.NSG, result=Result.NOT_CONCERNED, says=said, resource=str(place.id))
    if case.client is None:
        return _said(Stage.NSG, case, _INSIDE, place)
    return _asked(place, Direction.INBOUND, spans_of(case.client.prefixes), case)


def _asked(subnet: SubnetSnapshot, direction: Direction, others: Spans, case: Case) -> Step:
    """Whether the port passes the NSG of ``subnet``; ``others`` are the addresses at the other end."""
    if Aspect.SECURITY_GROUP in subnet.unread:
        reason = unread_reason(subnet, Aspect.SECURITY_GROUP)
        return Step(stage=Stage.NSG, result=Result.UNKNOWN, says=reason, resource=str(subnet.id))
    if subnet.security_group is None:
        said = f"subnet {subnet.id.name} has no NSG: everything passes {direction.lower()}"
        return Step(stage=Stage.NSG, result=Result.WELL, says=said, resource=str(subnet.id))
    inquiry = _inquiry(subnet, direction, others, case)
    found = evaluate(_ABOUT, inquiry)
    result = _RESULTS.get(found.state, Result.UNKNOWN)
    return Step(
        stage=Stage.NSG,
        result=result,
        says=found.reason,
        resource=str(subnet.security_group.id),
        fix=fix_commands(suggestion(_ABOUT, inquiry)) if result is Result.FAULT else (),
        evidence=found.evidence,
    )


def _inquiry(subnet: SubnetSnapshot, direction: Direction, others: Spans, case: Case) -> Inquiry:
    inside = spans_of(subnet.prefixes) if direction is Direction.OUTBOUND else _addresses(subnet)
    source, destination = (inside, others) if direction is Direction.OUTBOUND else (others, inside)
    question = Question(
        direction=direction,
        source=Side(source),
        destination=Side(destination),
        ports=ports_of([POSTGRES_PORT]),
    )
    return Inquiry(
        subnet=subnet,
        questions=(question,) if source and destination else (),
        tags=_known(case),
        holds=f"tcp/{POSTGRES_PORT} passes {direction.lower()} at {subnet.id.name}",
    )


def _known(case: Case) -> Tags:
    """What surely lies in the virtual network: its address space, where both ends are in the same one."""
    subnets = [*case.places, *([case.client] if case.client else [])]
    networks = [subnet.virtual_network for subnet in subnets if subnet.virtual_network is not None]
    one = len({network.id for network in networks}) == 1 and len(networks) == len(subnets)
    prefixes: Iterable[IPNetwork] = networks[0].prefixes if one else ()
    return Tags(vnet=spans_of((*prefixes, *(p for subnet in subnets[:1] for p in subnet.prefixes))))


# --- routes ----------------------------------------------------------------------------------------


def _routes(case: Case) -> Iterator[Step]:
    """Is anything sent to an appliance, or nowhere?"""
    if not case.is_private:
        yield Step(stage=Stage.ROUTES, result=Result.NOT_CONCERNED, says=_PUBLIC_PATH.replace("NSG", "route"))
        return
    if case.client is not None:
        for place in case.places:
            yield _routed(case.client, place)
    for place in case.places:
        for policy in _ROUTED:
            step = _said(Stage.ROUTES, case, policy, place)
            if step.result is not Result.NOT_CONCERNED:
                yield step


def _routed(client: SubnetSnapshot, place: SubnetSnapshot) -> Step:
    """Where the client's packets to the server go. An endpoint brings a route of its own, the most specific
    there is, which others override only where network policies let them (article on network policies)."""
    step = Step(stage=Stage.ROUTES, result=Result.UNKNOWN, says="", resource=str(client.route_table_id or ""))
    if not delegated(place) and routes_reach_endpoints(place) is False:
        said = f"the endpoint's own route goes before every other in subnet {client.id.name}"
        return replace(step, result=Result.WELL, says=said)
    if unread := unread_routes(client):
        return replace(step, says=unread)
    networks = [one.virtual_network for one in (client, place) if one.virtual_network is not None]
    system = [
        Hopping(network=prefix, hop=Hop.VIRTUAL_NETWORK, prefix=str(prefix))
        for network in networks
        for prefix in network.prefixes
    ]
    try:
        taken = tuple(chosen([*table_of(client).own, *system], _addresses(place)))
    except RoutesUnreadable as error:
        return replace(step, says=str(error))
    return _by_hops(step, client, taken)


def _by_hops(step: Step, client: SubnetSnapshot, taken: tuple[Taken, ...]) -> Step:
    if dropped := [one for one in taken if one.step.hop is Hop.NONE]:
        said = f"{spelled(dropped[0])}: packets from subnet {client.id.name} are dropped"
        return replace(step, result=Result.FAULT, says=said, fix=(_route_command(client, dropped[0]),))
    if elsewhere := [one for one in taken if one.step.hop is not Hop.VIRTUAL_NETWORK]:
        return replace(step, says=f"{spelled(elsewhere[0])}; whether it lets the packets pass is not known")
    if not taken:
        said = f"no route of subnet {client.id.name} that was read leads to the server's network"
        return replace(step, says=said)
    return replace(step, result=Result.WELL, says=f"subnet {client.id.name} sends packets straight there")


def _route_command(client: SubnetSnapshot, taken: Taken) -> str:
    table = client.route_table_id
    if table is None:
        return "remove the route"
    return (
        f"az network route-table route delete --subscription {table.subscription} --resource-group"
        f" {shlex.quote(table.resource_group)} --route-table-name {shlex.quote(table.name)}"
        f" --name {shlex.quote(taken.step.name)}"
    )


# --- DNS -------------------------------------------------------------------------------------------


def _dns(case: Case) -> Iterator[Step]:
    if not case.is_private:
        said = "the server's public name resolves everywhere"
        yield Step(stage=Stage.DNS, result=Result.NOT_CONCERNED, says=said)
        return
    for policy in _INTEGRATED_DNS if case.server.vnet_integrated else _ENDPOINT_DNS:
        yield _said(Stage.DNS, case, policy, case.server)
    if case.client is not None:
        yield _resolves(case, case.client)


def _resolves(case: Case, client: SubnetSnapshot) -> Step:
    """Whether the client's own network is linked to a zone that answers for the server."""
    network = client.virtual_network
    dns = case.server.private_dns
    if network is None or dns is None:
        part = Aspect.VIRTUAL_NETWORK if network is None else Aspect.PRIVATE_DNS
        reason = unread_reason(client if network is None else case.server, part)
        return Step(stage=Stage.DNS, result=Result.UNKNOWN, says=reason)
    if network.dns_servers:
        asked = ", ".join(network.dns_servers)
        said = f"network {network.id.name} asks its own DNS servers ({asked}); what they answer is not known"
        return Step(stage=Stage.DNS, result=Result.UNKNOWN, says=said, resource=str(network.id))
    return _linked(network.id, _answering(case, dns.zones))


def _answering(case: Case, zones: Iterable[DnsZone]) -> list[DnsZone]:
    own, name = case.server.private_dns_zone, endpoint_zone_name(case.server.host_name)
    return [zone for zone in zones if zone.id == own or zone.id.name.lower() == name]


def _linked(network: ResourceId, zones: list[DnsZone]) -> Step:
    links = [link for zone in zones for link in zone.links or ()]
    if any(link.network == network and link.state.lower() in {"completed", ""} for link in links):
        said = f"network {network.name} is linked to the private DNS zone"
        return Step(stage=Stage.DNS, result=Result.WELL, says=said, resource=str(network))
    if not zones or any(zone.links is None for zone in zones):
        said = f"whether network {network.name} is linked to the private DNS zone is not known"
        return Step(stage=Stage.DNS, result=Result.UNKNOWN, says=said, resource=str(network))
    zone = zones[0].id
    return Step(
        stage=Stage.DNS,
        result=Result.FAULT,
        says=f"network {network.name} is not linked to zone {zone.name}: no private address is answered",
        resource=str(zone),
        fix=(_link_command(zone, network),),
    )


def _link_command(zone: ResourceId, network: ResourceId) -> str:
    return (
        f"az network private-dns link vnet create --subscription {zone.subscription} --resource-group"
        f" {shlex.quote(zone.resource_group)} --zone-name {zone.name} --name {shlex.quote(network.name)}"
        f" --virtual-network {shlex.quote(str(network))} --registration-enabled false"
    )


# --- the firewall ----------------------------------------------------------------------------------


def _firewall(case: Case) -> Iterator[Step]:
    yield (
        _admitted(case)
        if not case.is_private
        else Step(
            stage=Stage.FIREWALL,
            result=Result.NOT_CONCERNED,
            says="firewall rules hold for the public path only",
        )
    )


def _admitted(case: Case) -> Step:
    server = case.server
    step = Step(stage=Stage.FIREWALL, result=Result.UNKNOWN, says="", resource=str(server.id))
    if server.vnet_integrated:
        said = "the server is VNet-integrated: it has no public path"
        return replace(step, result=Result.FAULT, says=said, fix=("connect from within the network",))
    if server.public_access is PublicAccess.DISABLED:
        return replace(step, result=Result.FAULT, says="public network access is disabled", fix=_PRIVATELY)
    if server.public_access is PublicAccess.UNKNOWN:
        return replace(step, says="the server does not show whether public network access is enabled")
    if server.firewall_rules is None:
        return replace(step, says=unread_reason(server, Aspect.FIREWALL_RULES))
    return _by_rules(case, step)


_PRIVATELY: Final = ("connect through a private endpoint, or enable public network access",)


def _by_rules(case: Case, step: Step) -> Step:
    public = public_sources(case.server)
    if not case.server.firewall_rules and not case.server.virtual_network_rules:
        said = "there is no firewall rule: nobody can come in by the public path"
        return replace(step, result=Result.FAULT, says=said, fix=_opening(case))
    if case.client_address is None:
        held = ", ".join(public.describe()) or "none"
        return replace(step, says=f"a firewall rule must hold the client's public address; they hold {held}")
    if _holds(public.sources, case.client_address):
        return replace(step, result=Result.WELL, says=f"a firewall rule admits {case.client_address}")
    if public.all_azure:
        said = f"only the rule for every Azure address could admit {case.client_address}"
        return replace(step, says=said)
    said = f"no firewall rule admits {case.client_address}"
    return replace(step, result=Result.FAULT, says=said, fix=_opening(case))


def _holds(sources: AddressSet, address: IPv4Address) -> bool:
    return AddressSet.of([(int(address), int(address))]).within(sources)


def _opening(case: Case) -> tuple[str, ...]:
    """The narrowest rule: for the client's address, where it is known."""
    if case.client_address is None:
        return ("add a firewall rule for the client's public address",)
    name = f"client-{str(case.client_address).replace('.', '-')}"
    rule = FirewallRule(name=name, start=case.client_address, end=case.client_address)
    return fix_commands([PutFirewallRule(server=case.server.id, rule=rule)])
