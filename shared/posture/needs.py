"""What the servers of a delegated subnet need: the one list, and the finding on each of it.

A ``Need`` says what must pass as a question to the NSG and as a way that the routes must lead. The
policies about cut connections ask for theirs, the lock-down lets all of them pass, and ``driftward
diagnose`` goes through ``needs``; ``need_verdicts`` judges one. Pure.

What must not live here: who asks for which of them, what is found, and what is done about it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from ipaddress import IPv4Address, ip_address, ip_network
from typing import Final

from shared.model import Aspect, Direction, IPNetwork, SubnetServer, SubnetSnapshot
from shared.model.values import value
from shared.nsg import Protocol, networks_of, spans_of
from shared.posture.client_questions import as_enforced, between_replicas, databases
from shared.posture.need_routes import ToNetworks, ToService, Whither
from shared.posture.service_questions import (
    CUSTOMER_KEY,
    ENTRA,
    ENTRA_SIGN_IN,
    KEY_VAULT,
    STORAGE,
    Needing,
    Service,
    in_region,
)
from shared.posture.subnet_answers import spell_ports
from shared.posture.subnet_facts import (
    CLUSTER_PORTS,
    PGBOUNCER_PORT,
    delegated,
    partners,
    some_server,
)
from shared.posture.subnet_questions import (
    About,
    Inquiry,
    from_networks,
    networks,
    outside_tags,
    ports_of,
    to_networks,
    vnet_tags,
    within_itself,
)
from shared.posture.unread import unread_reason
from shared.posture.ways.zones import AZURE_RESOLVER

DNS_PORT: Final = 53
DNS_DEPENDS: Final = "no article says whether the service asks the DNS servers that the network names"
"""Looked for in vain in private access networking of Azure Database for PostgreSQL, its DNS configuration
patterns, and "Name resolution for resources in Azure virtual networks", 2026-11-29."""


@value
class Need:
    """One thing that must pass: what is asked of the NSG, where its packets go, and who needs it."""

    about: About
    name: str
    """What it is called: ``tcp/443 to Storage.westeurope``."""
    asked: Inquiry | Service
    whither: Whither | None
    """None where the routes are not asked."""
    by: Needing | None = None
    """Which servers need it; None: every one."""
    appliances_serve: bool = False
    """Whether an appliance on the way is ordinary: it is no finding, and told in the evidence."""
    depends: str = ""
    """Why it is not known whether anybody needs it; ``""`` where it is."""


def needs(about: About, subnet: SubnetSnapshot, clients: list[str], ports: list[int]) -> tuple[Need, ...]:
    """All of them, also what is needed only if a server has what could not be read of it.

    ``clients`` are declared prefixes and may be none; to ``ports`` come those on which a server may listen
    besides.
    """
    asked = _ports_needed(subnet, ports)
    listed = (
        within(about, subnet, asked),
        declared(about, subnet, clients, asked),
        replication(about, subnet),
        *storages(about, subnet),
        entra(about, _ENTRA_OR_KEY),
        key_vault(about, subnet),
        *own_dns(about, subnet),
    )
    return tuple(need for need in listed if _asks(need) and _may_be_needed(need, subnet))


def _asks(need: Need) -> bool:
    return isinstance(need.asked, Service) or bool(need.asked.questions)


def _may_be_needed(need: Need, subnet: SubnetSnapshot) -> bool:
    return need.by is None or some_server(subnet, need.by.fact) is not False


# --- each of them ----------------------------------------------------------------------------------


def within(about: About, subnet: SubnetSnapshot, ports: list[int]) -> Need:
    return Need(
        about=about,
        name=f"tcp/{spell_ports(ports_of(ports))} within the subnet",
        asked=to_itself(subnet, ports),
        whither=ToNetworks(prefixes=subnet.prefixes),
    )


def to_itself(subnet: SubnetSnapshot, ports: list[int]) -> Inquiry:
    """From the subnet to itself, in both directions: primary, standby, PgBouncer, nodes of a cluster."""
    prefixes = ", ".join(map(str, networks_of(spans_of(subnet.prefixes))))
    return Inquiry(
        subnet=subnet,
        questions=within_itself(subnet, ports),
        tags=vnet_tags(subnet),
        holds=f"tcp/{spell_ports(ports_of(ports))} from {prefixes} to itself passes inbound and outbound",
    )


def declared(about: About, subnet: SubnetSnapshot, clients: list[str], ports: list[int]) -> Need:
    """Answers go back by the routes of a delegated subnet alone; through a hub's firewall is ordinary."""
    return Need(
        about=about,
        name="the declared clients",
        asked=from_clients(subnet, clients, ports),
        whither=ToNetworks(prefixes=networks(clients)) if clients and delegated(subnet) else None,
        appliances_serve=True,
    )


def from_clients(subnet: SubnetSnapshot, clients: list[str], ports: list[int]) -> Inquiry:
    """From declared clients to the databases."""
    return Inquiry(
        subnet=as_enforced(subnet),
        questions=from_networks(subnet, networks(clients), ports, databases(subnet)),
        tags=vnet_tags(subnet),
        holds=f"the declared clients ({', '.join(clients)}) reach the databases",
    )


def replication(about: About, subnet: SubnetSnapshot) -> Need:
    """From and to the subnets of the servers that those of this one replicate with."""
    there = {prefix for partner in partners(subnet) for prefix in partner.prefixes}
    return Need(
        about=about,
        name="replication with other subnets",
        asked=between_replicas(subnet),
        whither=ToNetworks(prefixes=tuple(sorted(there, key=str))),
    )


def storages(about: About, subnet: SubnetSnapshot) -> list[Need]:
    """Storage of the subnet's region and of the regions of those that its servers replicate with."""
    regions = {subnet.location, *(partner.location for partner in partners(subnet))}
    places = {in_region(STORAGE, region): region for region in sorted(regions)}
    return [storage(about, subnet, place) for _, place in sorted(places.items())]


def storage(about: About, subnet: SubnetSnapshot, region: str) -> Need:
    """Storage of one region; the endpoint ``Microsoft.Storage`` serves the network's own and the one
    paired with it (Virtual network service endpoints)."""
    asked, everywhere = in_region(STORAGE, region), frozenset({"microsoft.storage.global"})
    nearby = frozenset({"microsoft.storage"})
    at_home = asked == in_region(STORAGE, subnet.location)
    whither = ToService(
        tag=STORAGE,
        asked=asked,
        endpoints=everywhere | nearby if at_home else everywhere,
        offered="Microsoft.Storage" if at_home else "Microsoft.Storage.Global",
        maybe=frozenset() if at_home else nearby,
    )
    return _service(about, whither)


def entra(about: About, by: Needing = ENTRA_SIGN_IN) -> Need:
    return _service(about, ToService(tag=ENTRA, asked=ENTRA), by)


def key_vault(about: About, subnet: SubnetSnapshot) -> Need:
    asked = in_region(KEY_VAULT, subnet.location)
    endpoint = "Microsoft.KeyVault"
    reached = ToService(tag=KEY_VAULT, asked=asked, endpoints=frozenset({endpoint.lower()}), offered=endpoint)
    return _service(about, reached, CUSTOMER_KEY)


def _service(about: About, whither: ToService, by: Needing | None = None) -> Need:
    asked = Service(about=about, tag=whither.tag, asked=whither.asked)
    return Need(about=about, name=f"tcp/443 to {whither.asked}", asked=asked, whither=whither, by=by)


_ENTRA_OR_KEY: Final = Needing(
    fact=lambda server: _either(server.entra, server.customer_key),
    name="entraOrCustomerKey",
    words=f"{ENTRA_SIGN_IN.words} or {CUSTOMER_KEY.words}",
)
"""``AzureKeyVault`` depends on ``AzureActiveDirectory`` (service tags overview): a key brings both."""


def _ports_needed(subnet: SubnetSnapshot, ports: list[int]) -> list[int]:
    """``ports``, and those on which a server listens that has PgBouncer, a standby, or nodes of a cluster."""
    listening: tuple[tuple[tuple[int, ...], Callable[[SubnetServer], bool | None]], ...] = (
        ((PGBOUNCER_PORT,), lambda server: _either(server.high_availability, server.pgbouncer)),
        (CLUSTER_PORTS, lambda server: server.elastic_cluster),
    )
    more = (port for held, fact in listening if some_server(subnet, fact) is not False for port in held)
    return sorted({*ports, *more})


def _either(one: bool | None, other: bool | None) -> bool | None:
    if one or other:
        return True
    return None if None in (one, other) else False


# --- DNS -------------------------------------------------------------------------------------------


def own_dns(about: About, subnet: SubnetSnapshot) -> tuple[Need, ...]:
    """DNS to the servers that the network names; nothing where Azure's own resolver answers."""
    found = tuple(_dns_networks(subnet))
    if not found:
        return ()
    name = f"DNS to {', '.join(str(one.network_address) for one in found)}"
    asked = to_networks(subnet, found, [DNS_PORT])
    both = (replace(one, protocol=protocol) for protocol in (Protocol.UDP, Protocol.TCP) for one in asked)
    inquiry = Inquiry(
        subnet=subnet, questions=tuple(both), tags=outside_tags(subnet), holds=f"{name} passes outbound"
    )
    need = Need(
        about=about, name=name, asked=inquiry, whither=ToNetworks(prefixes=found), depends=DNS_DEPENDS
    )
    return (need,)


def dns_unknown(subnet: SubnetSnapshot) -> str:
    """Why it is not known whom the network's names are asked of; ``""`` where it is."""
    if subnet.virtual_network is None:
        return unread_reason(subnet, Aspect.VIRTUAL_NETWORK)
    odd = [text for text in subnet.virtual_network.dns_servers if _address(text) is None]
    return f"DNS server {', '.join(map(repr, odd))} of the network is no address" if odd else ""


def _dns_networks(subnet: SubnetSnapshot) -> Iterator[IPNetwork]:
    named = subnet.virtual_network.dns_servers if subnet.virtual_network else ()
    for text in dict.fromkeys(named):
        if text.strip() != AZURE_RESOLVER and (address := _address(text)) is not None:
            yield ip_network(address)


def _address(text: str) -> IPv4Address | None:
    """Networks name IPv4 addresses here."""
    try:
        found = ip_address(text.strip())
    except ValueError:
        return None
    return found if isinstance(found, IPv4Address) else None


# --- parts of one ---------------------------------------------------------------------------------


def in_one_direction(need: Need, direction: Direction) -> Need | None:
    """The part of it that passes in this direction; None without any."""
    if isinstance(need.asked, Service):
        return need if direction is Direction.OUTBOUND else None
    questions = tuple(one for one in need.asked.questions if one.direction is direction)
    return replace(need, asked=replace(need.asked, questions=questions)) if questions else None


def by_group_alone(need: Need) -> Need:
    """The same where another policy judges the routes."""
    return replace(need, whither=None)
