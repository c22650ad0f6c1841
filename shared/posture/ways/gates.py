"""The gate at the end of a way: does the server run, and whom does its public path, or an endpoint, let in?

Of a client whose public address is not known only two things are: that every public address is admitted, or
that none is. A rule for every Azure address admits who leaves Azure straight, by the Internet hop of its own
subnet. Pure; rules as sets are in ``traffic``.
"""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address
from typing import Final

from shared.model import Aspect, PublicAccess, ServerSnapshot, ServerState, SubnetSnapshot, TargetKind
from shared.model.resource_id import ResourceId
from shared.model.values import value
from shared.posture.odd_rules import may_admit, may_be_all_azure
from shared.posture.traffic import (
    PUBLIC_ADDRESSES,
    AddressSet,
    ServerTraffic,
    network_rules_missing,
    odd_texts,
    public_sources,
)
from shared.posture.unread import connections_missing, public_access_said, status_unknown, unread_reason
from shared.posture.ways.answers import Fact, Stage, State, among

SERVICE_ENDPOINT: Final = "microsoft.sql"
"""What a subnet needs for a single server's virtual network rule (article on virtual network rules)."""
_PRIVATELY: Final = (
    "a client in a subnet with the service endpoint Microsoft.Sql comes with its private address, which no "
    "firewall rule admits"
)
_UNREAD: Final = "firewall rules that were not read may admit"


@value
class Coming:
    """Who comes to the public path, as far as it is known."""

    addresses: tuple[IPv4Address, ...] = ()
    """One of these; none: a public address that is not known."""
    azure: State = State.UNKNOWN
    """Whether it is an address of Azure's."""
    subnet: SubnetSnapshot | None = None


def running(server: ServerSnapshot) -> tuple[Fact, ...]:
    """Nothing where the server is ready: nobody connects to one that is stopped."""
    said = f"the server is {server.state_text or 'in a state that Azure does not tell'}"
    match server.state:
        case ServerState.READY:
            return ()
        case ServerState.STOPPED:
            return (_fact(server, State.BLOCKED, said, stage=Stage.ADDRESS),)
        case ServerState.BUSY:
            busy = f"{said}: it may refuse connections until that is done"
            return (_fact(server, State.UNKNOWN, busy, "look again when the server is ready", Stage.ADDRESS),)


def private(server: ServerSnapshot, endpoint: ResourceId) -> Fact:
    """The gate of a private endpoint: its connection is approved."""
    if endpoint == server.id:
        unsure = status_unknown(server) or connections_missing(server)
        return _fact(server, State.UNKNOWN, unsure, unsure)
    open_to_it = f"private endpoint {endpoint.name} is approved; firewall rules hold for the public path only"
    return _fact(server, State.STANDS, open_to_it)


def public(server: ServerSnapshot, coming: Coming) -> Fact:
    """Whether the public path lets somebody in."""
    if server.public_access is PublicAccess.DISABLED:
        return _fact(server, State.BLOCKED, "public network access is disabled")
    ruled = _by_rules(server, coming)
    if server.public_access is PublicAccess.ENABLED or ruled.state is State.BLOCKED:
        return ruled
    unsure = f"{public_access_said(server)}: whether anybody gets in is not known"
    return _fact(server, State.UNKNOWN, f"{unsure}; {ruled.says}", unsure)


def _by_rules(server: ServerSnapshot, coming: Coming) -> Fact:
    network = by_network_rules(server, coming.subnet)
    if network is not None and network.state is State.STANDS:
        return network
    found = _by_firewall(server, coming)
    if found.state is State.STANDS and _by_service_endpoint(server, coming.subnet):
        told = f"{_PRIVATELY}, unless that does not hold for the server's region; {found.says}"
        return _fact(server, State.UNKNOWN, told, told)
    if found.state is not State.BLOCKED:
        return found
    return network if network is not None else _beside_idle_rule(server, coming.subnet, found)


def _beside_idle_rule(server: ServerSnapshot, subnet: SubnetSnapshot | None, found: Fact) -> Fact:
    """A virtual network rule for a subnet without the service endpoint admits nobody from there."""
    rules = server.virtual_network_rules or ()
    if subnet is None or not any(rule.subnet == subnet.id for rule in rules):
        return found
    idle = f"the virtual network rule for subnet {subnet.id.name} needs its service endpoint Microsoft.Sql"
    return replace(found, says=f"{found.says}; {idle}")


def _by_service_endpoint(server: ServerSnapshot, subnet: SubnetSnapshot | None) -> bool:
    """Whether a client may come by its subnet's service endpoint."""
    return server.kind is TargetKind.SINGLE_SERVER and subnet is not None and not _lacks_endpoint(subnet)


def _by_firewall(server: ServerSnapshot, coming: Coming) -> Fact:
    if server.firewall_rules is None:
        unread = unread_reason(server, Aspect.FIREWALL_RULES)
        return _fact(server, State.UNKNOWN, unread, unread)
    public = public_sources(server)
    if coming.addresses:
        return _of_addresses(server, public, coming)
    return _of_somebody(server, public, coming.azure)


def _of_addresses(server: ServerSnapshot, public: ServerTraffic, coming: Coming) -> Fact:
    """Of several addresses which one is used is not known."""
    state = among(_admits(server, public, one, coming.azure) for one in coming.addresses)
    named = ", ".join(map(str, coming.addresses))
    match state:
        case State.STANDS:
            return _fact(server, state, f"a firewall rule admits {named}")
        case State.BLOCKED:
            return _fact(server, state, f"no firewall rule admits {named}")
        case State.UNKNOWN:
            why = _why_open(server, public)
            return _fact(server, state, f"whether {named} is admitted is not known: {why}", why)


def _admits(server: ServerSnapshot, public: ServerTraffic, one: IPv4Address, azure: State) -> State:
    if AddressSet.of([(int(one), int(one))]).within(public.sources):
        return State.STANDS
    if public.all_azure and azure is not State.BLOCKED:
        return azure
    odd = may_admit(server, one) or _odd_for_azure(server, azure)
    return State.UNKNOWN if odd else State.BLOCKED


def _odd_for_azure(server: ServerSnapshot, azure: State) -> bool:
    return azure is not State.BLOCKED and any(map(may_be_all_azure, server.odd_rules))


def _why_open(server: ServerSnapshot, public: ServerTraffic) -> str:
    azure = ["only the rule for every Azure address could admit it"] if public.all_azure else []
    return "; ".join([*azure, *odd_texts(server)]) or "which of the addresses is used decides"


def _of_somebody(server: ServerSnapshot, public: ServerTraffic, azure: State) -> Fact:
    """Of a public address that is not known."""
    if PUBLIC_ADDRESSES.within(public.sources):
        return _fact(server, State.STANDS, "a firewall rule admits every public address")
    if public.all_azure and azure is State.STANDS:
        return _fact(server, State.STANDS, "a firewall rule admits every Azure address")
    some = public.sources.common(PUBLIC_ADDRESSES).spans
    if not (some or server.odd_rules or (public.all_azure and azure is State.UNKNOWN)):
        nobody = "no firewall rule admits a public address"
        return _fact(server, State.BLOCKED, "there is no firewall rule" if not public.describe() else nobody)
    held = ", ".join(public.describe())
    told = f"a firewall rule must hold the client's public address; they hold {held}"
    return _fact(server, State.UNKNOWN, told, "the public address by which the client leaves")


# --- virtual network rules of a single server ------------------------------------------------------


def by_network_rules(server: ServerSnapshot, subnet: SubnetSnapshot | None) -> Fact | None:
    """What they say of a client in a subnet; None where they say nothing."""
    if subnet is None or not _by_service_endpoint(server, subnet):
        return None
    if network_rules_missing(server):
        unread = unread_reason(server, Aspect.VIRTUAL_NETWORK_RULES)
        return _fact(server, State.UNKNOWN, unread, unread)
    named = [rule for rule in server.virtual_network_rules or () if rule.subnet == subnet.id]
    if named:
        return _of_network_rule(server, subnet, ready=any(rule.state.lower() == "ready" for rule in named))
    if server.odd_network_rules:
        odd = "; ".join(odd_texts(server))
        return _fact(server, State.UNKNOWN, odd, odd)
    return None


def _lacks_endpoint(subnet: SubnetSnapshot) -> bool:
    read = subnet.service_endpoints
    return read is not None and SERVICE_ENDPOINT not in {one.lower() for one in read}


def _of_network_rule(server: ServerSnapshot, subnet: SubnetSnapshot, *, ready: bool) -> Fact:
    said = f"a virtual network rule admits subnet {subnet.id.name}"
    if subnet.service_endpoints is None:
        unsure = f"whether subnet {subnet.id.name} has the service endpoint Microsoft.Sql is not known"
        return _fact(server, State.UNKNOWN, f"{said}; {unsure}", unsure)
    if not ready:
        waits = "the virtual network rule of the subnet is not Ready: look again"
        return _fact(server, State.UNKNOWN, waits, waits)
    return _fact(server, State.STANDS, said)


def _fact(
    server: ServerSnapshot, state: State, says: str, settles: str = "", stage: Stage = Stage.FIREWALL
) -> Fact:
    return Fact(stage=stage, state=state, says=says, settles=settles, resource=str(server.id))
