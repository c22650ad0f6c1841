"""What a diagnosis is about: who wants to connect to which server, and one thing that was looked at.

Here is also what several stages need: the places by which a client can come in, what two networks know of
each other, and a policy's word as a step. Pure; which question is asked where stands in ``walk``, ``path``
and ``naming``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import field, replace
from enum import StrEnum
from ipaddress import IPv4Address, ip_network
from typing import Final

from shared.alerts.commands import ACTIVE_CLOUD, fix_commands
from shared.alerts.steps import texts_told
from shared.model import (
    ComplianceState,
    ConnectionStatus,
    Edit,
    Finding,
    Json,
    ServerSnapshot,
    Snapshot,
    SubnetSnapshot,
)
from shared.model.resource_id import ResourceId
from shared.model.values import value
from shared.nsg import WHOLE, Family, Spans, common, spans_of
from shared.posture.policy import AnyPolicy
from shared.posture.subnet_facts import delegated


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
    def endpoints(self) -> frozenset[ResourceId]:
        """The server's approved private endpoints."""
        connections = self.server.private_endpoints or ()
        approved = (one.endpoint for one in connections if one.status is ConnectionStatus.APPROVED)
        return frozenset(endpoint for endpoint in approved if endpoint is not None)

    @property
    def approved(self) -> bool:
        connections = self.server.private_endpoints or ()
        return any(one.status is ConnectionStatus.APPROVED for one in connections)

    @property
    def is_private(self) -> bool:
        """Whether the client comes in over a private address."""
        return self.client_address is None and (self.server.vnet_integrated or self.approved)


_RESULTS: Final = {
    ComplianceState.COMPLIANT: Result.WELL,
    ComplianceState.NON_COMPLIANT: Result.FAULT,
}


def result_of(state: ComplianceState) -> Result:
    return _RESULTS.get(state, Result.UNKNOWN)


# --- the ways in -----------------------------------------------------------------------------------


def ways_in(case: Case) -> tuple[SubnetSnapshot, ...]:
    """The places by which the client comes in, each with this server's approved endpoints alone.

    A subnet may hold endpoints of other servers too. A client in a network that has an endpoint of the server
    is judged by that one; any other client by all of them.
    """
    return _near(case) or tuple(_with_own_endpoints(case, place) for place in case.places)


def _near(case: Case) -> tuple[SubnetSnapshot, ...]:
    """The places in the client's own network."""
    if case.client is None:
        return ()
    network = case.client.id.parent
    return tuple(_with_own_endpoints(case, place) for place in case.places if place.id.parent == network)


def _with_own_endpoints(case: Case, place: SubnetSnapshot) -> SubnetSnapshot:
    if place.private_endpoints is None:
        return place
    own = tuple(one for one in place.private_endpoints if one.id in case.endpoints)
    return replace(place, private_endpoints=own)


def addresses(place: SubnetSnapshot) -> Spans:
    """Where the server is: somewhere in a delegated subnet, at its endpoints' addresses in another."""
    if delegated(place):
        return ipv4(spans_of(place.prefixes))
    endpoints = place.private_endpoints or ()
    return ipv4(spans_of(ip_network(address) for endpoint in endpoints for address in endpoint.addresses))


def ipv4(spans: Spans) -> Spans:
    """The service has no IPv6 addresses; packets from one family to the other do not exist."""
    return common(spans, WHOLE[Family.IPV4])


def joined(one: SubnetSnapshot, other: SubnetSnapshot) -> bool:
    """Whether two subnets are known to lie in one network, or in two that are peered."""
    networks = (one.id.parent, other.id.parent)
    if networks[0] == networks[1]:
        return True
    return any(
        subnet.virtual_network is not None and network in subnet.virtual_network.peers
        for subnet, network in zip((one, other), reversed(networks), strict=True)
    )


def over_every_way(case: Case, look: Callable[[Case, SubnetSnapshot], Iterable[Step]]) -> Iterator[Step]:
    """The steps of every way in: a fault of one is proved to be in the way only where each has one."""
    ways = [tuple(look(case, place)) for place in ways_in(case)]
    unread = bool(case.unread) and not _near(case)
    blocked = not unread and all(any(step.result is Result.FAULT for step in steps) for steps in ways)
    for step in (step for steps in ways for step in steps):
        yield step if blocked else doubted(step, "the server has another private endpoint")


def doubted(step: Step, why: str) -> Step:
    """A fault that is not proved to be in the way."""
    if step.result is not Result.FAULT:
        return step
    return replace(step, result=Result.UNKNOWN, says=f"{step.says}; {why}", fix=())


# --- a policy's word -------------------------------------------------------------------------------


def said(stage: Stage, case: Case, policy_id: str, snapshot: Snapshot) -> Step:
    """What a policy says of a snapshot, as a step."""
    policy = case.policies[policy_id]
    found = policy.evaluate(snapshot)
    result = result_of(found.state)
    if result is Result.WELL and not found.applies:
        result = Result.NOT_CONCERNED
    return Step(
        stage=stage,
        result=result,
        says=found.reason,
        resource=str(found.resource_id),
        fix=_remedy(policy, found, snapshot) if result is Result.FAULT else (),
        evidence={"policy": policy_id, **found.evidence},
    )


def _remedy(policy: AnyPolicy, found: Finding, snapshot: Snapshot) -> tuple[str, ...]:
    planned = policy.plan(found, snapshot)
    edits: tuple[Edit, ...] = planned.edits if planned else policy.suggest(found, snapshot)
    return (*fix_commands(edits, ACTIVE_CLOUD), *texts_told(found.evidence))
