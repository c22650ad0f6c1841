"""What a diagnosis says: who wants to connect, what the name leads to, what a verdict comes to. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from ipaddress import IPv4Address
from typing import Final

from shared.model import ServerSnapshot
from shared.model.resource_id import ResourceId
from shared.model.values import value
from shared.posture.ways.answers import Fact, Resolved, Stage, State, Verdict, Way
from shared.posture.ways.world import AnyAzure, Client, NetworkClient, OnPremises, PublicClient, SubnetClient


class Result(StrEnum):
    WELL = "well"
    FAULT = "fault"
    UNKNOWN = "unknown"
    NOT_CONCERNED = "notConcerned"


@value
class Told:
    """A client's verdict, and what mends it: commands and sentences, in order."""

    verdict: Verdict
    mends: tuple[str, ...] = ()


@value
class Needed:
    """One thing that the server itself needs, what is known of it, and of a fault what mends it."""

    name: str
    result: Result
    says: str
    resource: str = ""
    mends: tuple[str, ...] = ()


@value
class Diagnosis:
    """All that was asked of one server."""

    server: ServerSnapshot
    clients: tuple[Told, ...]
    needs: tuple[Needed, ...] = ()

    @property
    def result(self) -> Result:
        """A fault that is proved goes before what is not known."""
        clients = (OF_STATE[one.verdict.state] for one in self.clients)
        found = {*clients, *(one.result for one in self.needs)}
        return next((one for one in (Result.FAULT, Result.UNKNOWN) if one in found), Result.WELL)


OF_STATE: Final[Mapping[State, Result]] = {
    State.STANDS: Result.WELL,
    State.BLOCKED: Result.FAULT,
    State.UNKNOWN: Result.UNKNOWN,
}
_PRIVATELY: Final[Mapping[Stage, str]] = {Stage.FIREWALL: "firewall rules hold for the public path only"}
_PUBLICLY: Final[Mapping[Stage, str]] = {
    Stage.ADDRESS: "the public path leads to the server's public address",
    Stage.NSG: "the public path leads through no NSG of the server's",
    Stage.ROUTES: "the public path leads through no route table of the server's",
    Stage.DNS: "the server's public name resolves everywhere",
}
_LEAVES: Final = "by which the client leaves"
_BY: Final[Mapping[type, str]] = {
    SubnetClient: " (--nat)",
    OnPremises: " (--nat)",
    NetworkClient: " (--from one of its subnets, and --nat)",
    AnyAzure: " (--from)",
}
"""How it is said."""
SENTENCES: Final[Mapping[State, str]] = {
    State.STANDS: "It can connect.",
    State.BLOCKED: "It cannot connect; that is proved. In the way:",
    State.UNKNOWN: "Whether it can connect is not known. What would settle it:",
}


# --- who -------------------------------------------------------------------------------------------


def who_said(client: Client) -> str:
    """The heading of a client."""
    return _called(client)[0]


def named(client: Client) -> str:
    """The client for machines: the id of a subnet or a network, an address, ranges, ``azure``."""
    return _called(client)[1]


def _called(client: Client) -> tuple[str, str]:
    match client:
        case SubnetClient():
            return f"{_subnet(client)}{_leaving(client.nat)}", str(client.subnet.id)
        case NetworkClient():
            return f"Network {client.network.name}, a subnet without rules of its own", str(client.network)
        case PublicClient():
            return f"Public address {client.address}", str(client.address)
        case OnPremises():
            ranges = [*map(str, client.prefixes)]
            return f"On-premises {', '.join(ranges)}{_leaving(client.nat)}", ",".join(ranges)
        case AnyAzure():
            return "Any Azure address", "azure"


def _subnet(client: SubnetClient) -> str:
    subnet = client.subnet.id
    network = subnet.parent.name if subnet.parent is not None else ""
    held = ", ".join(map(str, client.subnet.prefixes))
    return f"Subnet {subnet.name} of network {network}{f' ({held})' if held else ''}"


def _leaving(nat: tuple[IPv4Address, ...]) -> str:
    return f", which leaves by {', '.join(map(str, nat))}" if nat else ""


# --- ways ------------------------------------------------------------------------------------------


def answer_said(resolved: Resolved) -> str:
    """Of several ways, when this is the one that is taken."""
    if resolved.public:
        return "If the name resolves to the public endpoint"
    if resolved.inside:
        return "If the name resolves to the server's address in its subnet"
    if resolved.endpoint is None and not resolved.addresses:
        return "If the name resolves to nothing"
    return f"If the name resolves to {_address(resolved.addresses, resolved.endpoint)}"


def _address(addresses: tuple[IPv4Address, ...], endpoint: ResourceId | None) -> str:
    known = " or ".join(map(str, addresses)) or "an address that is not known"
    whose = f"private endpoint {endpoint.name}" if endpoint is not None else "no endpoint of the server"
    return f"{known}, of {whose}"


def resolves_to(resolved: Resolved) -> list[str]:
    """For machines: addresses, ``public`` or ``inside``; empty for nothing."""
    kinds = (("public", resolved.public), ("inside", resolved.inside))
    return [*map(str, resolved.addresses), *(word for word, so in kinds if so)]


@value
class Line:
    """What is said of one stage: a fact, or why there is none."""

    stage: Stage
    says: str
    result: Result
    fact: Fact | None = None


def in_order(server: ServerSnapshot, way: Way) -> Iterator[Line]:
    """A way in the order of the Private Link article; of a stage without a fact, why it has none."""
    unasked = _PUBLICLY if way.answer.public else _PRIVATELY
    for stage in Stage:
        facts = [fact for fact in way.facts if fact.stage is stage]
        yield from (Line(stage=stage, says=one.says, result=OF_STATE[one.state], fact=one) for one in facts)
        if stage is Stage.ADDRESS and way.answer.leads and not way.answer.public:
            yield _met(server, way.answer)
        elif not facts and stage in unasked and way.answer.leads:
            yield Line(stage=stage, says=unasked[stage], result=Result.NOT_CONCERNED)


def _met(server: ServerSnapshot, answer: Resolved) -> Line:
    """Where the server is met on a private way."""
    if answer.inside:
        subnet = server.delegated_subnet.name if server.delegated_subnet is not None else ""
        said, result = f"the server stands in subnet {subnet}", Result.WELL
    elif answer.addresses and answer.endpoint not in {None, server.id}:
        known = ", ".join(map(str, answer.addresses))
        said, result = f"private endpoint {answer.endpoint.name} has {known}", Result.WELL
    else:
        said, result = _unaddressed(server, answer.endpoint), Result.UNKNOWN
    return Line(stage=Stage.ADDRESS, says=said, result=result)


def _unaddressed(server: ServerSnapshot, endpoint: ResourceId | None) -> str:
    """That an address was read as absent is another thing than that it could not be read."""
    if endpoint is None or endpoint == server.id:
        return "whether another private endpoint is approved, and where it is, is not known"
    dns = server.private_dns
    read = next((one for one in dns.endpoints if one.id == endpoint), None) if dns is not None else None
    if read is None:
        return f"the address of private endpoint {endpoint.name} was not read"
    if read.unread:
        return f"the address of private endpoint {endpoint.name} could not be read: {read.unread}"
    return f"private endpoint {endpoint.name} has no address that Azure shows"


def why(verdict: Verdict) -> list[str]:
    """What is in the way, or what would settle it; nothing of a client that can connect."""
    if verdict.state is State.BLOCKED:
        return [f"{_unnamed(verdict, fact)}{fact.says}" for fact in in_the_way(verdict)]
    by = _BY.get(type(verdict.client), "")
    return [f"{text}{by}" if text.endswith(_LEAVES) else text for text in verdict.settles]


def _unnamed(verdict: Verdict, fact: Fact) -> str:
    """Of a network in which the name is public: that the way of the fact hangs on it."""
    within = isinstance(verdict.client, SubnetClient | NetworkClient)
    ways = (way for way in verdict.ways if within and way.answer.public and fact in way.blocking)
    named = (one.says for way in ways for one in way.facts if one.stage is Stage.DNS)
    return next((f"{says}; " for says in named), "")


def in_the_way(verdict: Verdict) -> tuple[Fact, ...]:
    """Of what is blocked, the fewest facts that show it, each once."""
    facts = (fact for way in verdict.ways for fact in way.blocking)
    return tuple({(fact.says, fact.resource): fact for fact in facts}.values())
