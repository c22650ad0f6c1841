"""The walk: each stage says what it proves, what it rules out and what it cannot know. Pure.

A stage asks the policies that judge the same thing on a server or a subnet, and the NSG engine where the
client's own subnet comes in, which no policy sees. The first fault that is proved ends the walk: what comes
after it could not be tried anyway. ``Unknown`` never ends it and is never called well. Here are the first
stage and the last; what lies between is in ``path`` and ``naming``.

What must not live here: reading, printing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from ipaddress import IPv4Address
from typing import Final

from driftward.diagnosis import naming, path
from driftward.diagnosis.case import Case, Result, Stage, Step, said
from shared.alerts.commands import ACTIVE_CLOUD, fix_commands
from shared.model import Aspect, FirewallRule, PublicAccess, PutFirewallRule, ServerState, TargetKind
from shared.model.parts import EndpointDns
from shared.posture.odd_rules import may_admit
from shared.posture.server_findings import az
from shared.posture.traffic import AddressSet, network_rules_missing, odd_texts, public_sources
from shared.posture.unread import public_access_said, unread_reason

_NO_ENDPOINT: Final = "postgres-no-approved-private-endpoint"
_NOT_APPROVED: Final = "postgres-private-endpoint-not-approved"
_KEY: Final = "postgres-encryption-key-unreachable"
POLICIES: Final = (*naming.POLICIES, *path.POLICIES, _NO_ENDPOINT, _NOT_APPROVED, _KEY)
"""The policies whose word the walk takes."""


def walk(case: Case) -> tuple[Step, ...]:
    """The steps up to the first proved fault, in order."""
    steps: list[Step] = []
    for stage in (_address, path.groups, path.routes, naming.names, _firewall):
        for step in stage(case):
            steps.append(step)
            if step.result is Result.FAULT:
                return tuple(steps)
    return tuple(steps)


# --- the address -----------------------------------------------------------------------------------


def _address(case: Case) -> Iterator[Step]:
    """Does the server run, is there an address to connect to, and is it known?"""
    yield from _running(case)
    server = case.server
    if server.delegated_subnet is not None:
        stands = f"the server stands in subnet {server.delegated_subnet.name}"
        yield Step(
            stage=Stage.ADDRESS, result=Result.WELL, says=stands, resource=str(server.delegated_subnet)
        )
    elif case.client_address is not None:
        yield Step(
            stage=Stage.ADDRESS,
            result=Result.NOT_CONCERNED,
            says=f"{case.client_address} comes in by the public path",
        )
    elif case.approved:
        yield from _endpoint_addresses(case)
    elif server.private_endpoints and server.public_access is PublicAccess.DISABLED:
        yield said(Stage.ADDRESS, case, _NOT_APPROVED, server)
    else:
        yield said(Stage.ADDRESS, case, _NO_ENDPOINT, server)


def _running(case: Case) -> Iterator[Step]:
    """Nothing where the server is ready: nobody connects to one that is stopped."""
    server = case.server
    step = Step(
        stage=Stage.ADDRESS,
        result=Result.UNKNOWN,
        says=f"the server is {server.state_text or 'in a state that Azure does not tell'}",
        resource=str(server.id),
    )
    if server.state_text.lower() == "inaccessible":
        yield said(Stage.ADDRESS, case, _KEY, server)
    elif server.state is ServerState.STOPPED:
        flexible = server.kind is TargetKind.FLEXIBLE_SERVER
        fix = (az(server, "start", ""),) if flexible else ("start the server in the portal",)
        yield replace(step, result=Result.FAULT, fix=fix)
    elif server.state is ServerState.BUSY:
        yield replace(step, says=f"{step.says}: it may refuse connections until that is done")


def _endpoint_addresses(case: Case) -> Iterator[Step]:
    dns = case.server.private_dns
    if dns is not None and dns.endpoints:
        yield from map(_endpoint_address, dns.endpoints)
        return
    reason = f"the addresses of the private endpoints are not known: {_why_unread(case)}"
    yield Step(stage=Stage.ADDRESS, result=Result.UNKNOWN, says=reason, resource=str(case.server.id))


def _why_unread(case: Case) -> str:
    return unread_reason(case.server, Aspect.PRIVATE_DNS)


def _endpoint_address(endpoint: EndpointDns) -> Step:
    known = ", ".join(str(address) for address in endpoint.addresses or ())
    return Step(
        stage=Stage.ADDRESS,
        result=Result.WELL if known else Result.UNKNOWN,
        says=f"private endpoint {endpoint.id.name} has {known}" if known else _addressless(endpoint),
        resource=str(endpoint.id),
    )


def _addressless(endpoint: EndpointDns) -> str:
    why = f"could not be read: {endpoint.unread}" if endpoint.unread else "is not known"
    return f"the address of private endpoint {endpoint.id.name} {why}"


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
        inside = "the server is VNet-integrated: it has no public path"
        return replace(step, result=Result.FAULT, says=inside, fix=("connect from within the network",))
    if server.public_access is PublicAccess.DISABLED:
        return replace(step, result=Result.FAULT, says="public network access is disabled", fix=_PRIVATELY)
    if server.public_access is PublicAccess.UNKNOWN:
        return replace(step, says=f"{public_access_said(server)}: whether anybody gets in is not known")
    if server.firewall_rules is None:
        return replace(step, says=unread_reason(server, Aspect.FIREWALL_RULES))
    if case.client is not None and _subnet_admitted(case):
        told = f"a virtual network rule admits subnet {case.client.id.name}"
        return replace(step, result=Result.WELL, says=told)
    return _by_rules(case, step)


_PRIVATELY: Final = ("connect through a private endpoint, or enable public network access",)


def _subnet_admitted(case: Case) -> bool:
    return case.client is not None and case.client.id.key in public_sources(case.server).subnets


def _by_rules(case: Case, step: Step) -> Step:
    public, server = public_sources(case.server), case.server
    some = (
        server.firewall_rules or server.virtual_network_rules or network_rules_missing(server) or public.odd
    )
    if not some:
        nobody = "there is no firewall rule: nobody can come in by the public path"
        return replace(step, result=Result.FAULT, says=nobody, fix=_opening(case))
    if case.client_address is None:
        held = ", ".join(public.describe()) or "none"
        return replace(step, says=f"a firewall rule must hold the client's public address; they hold {held}")
    if _holds(public.sources, case.client_address):
        return replace(step, result=Result.WELL, says=f"a firewall rule admits {case.client_address}")
    if public.all_azure:
        azure = f"only the rule for every Azure address could admit {case.client_address}"
        return replace(step, says=azure)
    if may_admit(server, case.client_address):
        odd = (
            f"no firewall rule that can be read admits {case.client_address}: {'; '.join(odd_texts(server))}"
        )
        return replace(step, says=odd)
    outside = f"no firewall rule admits {case.client_address}"
    return replace(step, result=Result.FAULT, says=outside, fix=_opening(case))


def _holds(sources: AddressSet, address: IPv4Address) -> bool:
    return AddressSet.of([(int(address), int(address))]).within(sources)


def _opening(case: Case) -> tuple[str, ...]:
    """The narrowest rule: for the client's address, where it is known."""
    if case.client_address is None:
        return ("add a firewall rule for the client's public address",)
    name = f"client-{str(case.client_address).replace('.', '-')}"
    rule = FirewallRule(name=name, start=case.client_address, end=case.client_address)
    return fix_commands([PutFirewallRule(server=case.server.id, rule=rule)], ACTIVE_CLOUD)
