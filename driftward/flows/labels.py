"""What a denied flow of a PostgreSQL subnet is, and whether the service needs it.

Platform traffic is what goes to a service tag that a flexible server may call, on TCP 443, and what the
servers of one subnet say to each other. Required is Storage (write-ahead log and backups), Microsoft Entra
while it signs people in or fetches tokens for a customer's key, Key Vault with a customer's key, 5432 within
the subnet and, with high availability or PgBouncer, 6432; no article on flexible servers asks for Monitor.
Sources: private access networking, major version upgrades and data encryption of Azure Database for
PostgreSQL; Virtual network service tags (Key Vault depends on AzureActiveDirectory).

Names are resolved at the network's own DNS servers, or at 168.63.129.16 where it has none: whether a denied
flow to port 53 went to those is not known unless they are given.

An address on port 443 that is in no tag is like those of a content delivery network, which servers were
seen to call (Microsoft Q&A 74105480): an NSG rule names addresses and tags, not hosts, so only a rule for
the whole Internet would admit them, and none is proposed. Everything else is somebody else's.

Pure: flows come in as ``Packet``, what is known of subnet, server and tags as ``Setting``.
"""

from __future__ import annotations

from enum import StrEnum
from ipaddress import ip_network
from typing import Final, NamedTuple

from driftward.flows.services import (
    ENTRA,
    KEY_VAULT,
    MONITOR,
    PLATFORM,
    STORAGE,
    Services,
    without_region,
)
from driftward.flows.tuples import TCP, UDP, Packet
from shared.model.values import value
from shared.nsg.packets.addresses import PUBLIC_ADDRESSES, spans_of
from shared.nsg.packets.spans import Spans

HTTPS: Final = 443
DNS_PORT: Final = 53
POSTGRES: Final = "postgres"
PGBOUNCER: Final = "pgbouncer"
DNS: Final = "dns"
AZURE_DNS: Final = "azureDns"
"""The resolver that every network has, at 168.63.129.16."""
WITHIN: Final = {5432: POSTGRES, 6432: PGBOUNCER}
"""What servers of one subnet say to each other, by port."""

INBOUND: Final = "inbound"
PRIVATE: Final = "private"
OTHER_PORTS: Final = "otherPorts"
PLATFORM_ADDRESS: Final = "platformAddress"
RESERVED: Final = "reserved"


class Kind(StrEnum):
    """In the order in which they are told."""

    PLATFORM = "platform"
    UNKNOWN = "unknown"
    """A public address on 443, and the prefixes of service tags are not known."""
    UNKNOWN_CDN = "unknownCdn"
    """A public address on 443 in no service tag: no rule can name it."""
    OTHER = "other"


class Need(StrEnum):
    """In the order in which they are told."""

    REQUIRED = "required"
    DEPENDS = "depends"
    """On a feature of the server that is not known."""
    OPTIONAL = "optional"
    NONE = "none"


class Label(NamedTuple):
    """What flows of one group have in common."""

    kind: Kind
    name: str
    """A service tag, or one of this module's names; ``""`` where the kind says it all."""
    outbound: bool


class Labelled(NamedTuple):
    label: Label
    tag: str
    """The narrowest service tag that holds the other end; ``""`` where none is known to."""


@value
class Features:
    """What of a server decides which traffic it needs; None is not known."""

    entra: bool | None = None
    """Whether Microsoft Entra sign-in is on."""
    customer_key: bool | None = None
    pooled: bool | None = None
    """Whether high availability or PgBouncer is on."""
    dns: bool | None = None
    """True where the network's DNS servers are known: what was denied to them is needed."""


@value
class Setting:
    """What is known besides the log."""

    subnet: Spans = ()
    """The PostgreSQL subnet; empty where it is not known, and then every flow counts as its."""
    services: Services | None = None
    virtual_network: Spans = ()
    dns: Spans = ()
    """The network's DNS servers; empty where they are not known."""
    features: Features = Features()


AZURE_DNS_AT: Final = spans_of([ip_network("168.63.129.16/32")])
_HOST: Final = spans_of(map(ip_network, ("168.63.129.16/32", "169.254.169.254/32")))
"""DNS, DHCP, probes and instance metadata (what is 168.63.129.16)."""
_NO_HOSTS: Final = spans_of(
    map(
        ip_network,
        # RFC 6890 and RFC 4291: this network, loopback, link-local, benchmarking, multicast, reserved
        (
            *("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "198.18.0.0/15", "224.0.0.0/3"),
            *("::/127", "fe80::/10", "ff00::/8"),
        ),
    )
)


def label(packet: Packet, setting: Setting) -> Labelled | None:
    """What the denied flow is; None where it is not the subnet's."""
    here, there = packet.source, packet.destination
    if not packet.outbound:
        here, there = there, here
    if setting.subnet and not holds(setting.subnet, here):
        return None
    if name := _within(packet, setting):
        return Labelled(Label(Kind.PLATFORM, name, packet.outbound), "")
    if not packet.outbound:
        return _other(INBOUND, packet)
    return _going_out(packet, there, setting)


def _within(packet: Packet, setting: Setting) -> str | None:
    """What the flow is that stays in the subnet; None for any other."""
    inside = holds(setting.subnet, packet.source) and holds(setting.subnet, packet.destination)
    return WITHIN.get(packet.port) if inside and packet.protocol == TCP else None


def _going_out(packet: Packet, there: int, setting: Setting) -> Labelled:
    if _may_resolve(packet, there, setting):
        name = AZURE_DNS if holds(AZURE_DNS_AT, there) else DNS
        return Labelled(Label(Kind.PLATFORM, name, packet.outbound), "")
    if holds(_HOST, there):
        return _other(PLATFORM_ADDRESS, packet)
    if holds(setting.virtual_network, there) or not holds(PUBLIC_ADDRESSES, there):
        return _other(PRIVATE, packet)
    if holds(_NO_HOSTS, there):
        return _other(RESERVED, packet)
    if (packet.protocol, packet.port) != (TCP, HTTPS):
        return _other(OTHER_PORTS, packet)
    if setting.services is None:
        return Labelled(Label(Kind.UNKNOWN, "", packet.outbound), "")
    return _by_tag(setting.services.at(there), packet)


def _may_resolve(packet: Packet, there: int, setting: Setting) -> bool:
    """Whether the flow asks a DNS server of the network for a name, as far as is known which those are."""
    asks = packet.protocol in {TCP, UDP} and packet.port == DNS_PORT
    return asks and (not setting.dns or holds(setting.dns, there))


def _by_tag(tags: tuple[str, ...], packet: Packet) -> Labelled:
    if not tags:
        return Labelled(Label(Kind.UNKNOWN_CDN, "", packet.outbound), "")
    for name in PLATFORM:
        if found := next((tag for tag in tags if tag == name or tag.startswith(f"{name}.")), None):
            return Labelled(Label(Kind.PLATFORM, name, packet.outbound), found)
    whole = without_region(tags[0], tags)
    return Labelled(Label(Kind.OTHER, whole, packet.outbound), tags[0])


def _other(name: str, packet: Packet) -> Labelled:
    return Labelled(Label(Kind.OTHER, name, packet.outbound), "")


def holds(spans: Spans, place: int) -> bool:
    """For sets of few spans."""
    for first, last in spans:  # noqa: SIM110  # asked for every flow, and twice as fast as any()
        if first <= place <= last:
            return True
    return False


# --- what is needed --------------------------------------------------------------------------------


def need(found: Label, features: Features) -> Need:
    """Whether the service needs such traffic."""
    if found.kind is not Kind.PLATFORM:
        return Need.NONE
    if found.name in {STORAGE, POSTGRES}:
        return Need.REQUIRED
    switches = {
        ENTRA: (features.entra, features.customer_key),
        KEY_VAULT: (features.customer_key,),
        PGBOUNCER: (features.pooled,),
        DNS: (features.dns,),
        AZURE_DNS: (features.dns,),
    }
    return _while_any(*switches.get(found.name, (False,)))


def _while_any(*switches: bool | None) -> Need:
    if True in switches:
        return Need.REQUIRED
    return Need.DEPENDS if None in switches else Need.OPTIONAL


_REASONS: Final = {
    STORAGE: "every flexible server archives its write-ahead log and backups to Storage",
    POSTGRES: "the servers of one subnet reach each other on 5432",
    PGBOUNCER: "PgBouncer and high availability reach each other on 6432",
    ENTRA: "Microsoft Entra sign-in, and tokens for a customer's key",
    KEY_VAULT: "a customer's key in Key Vault",
    MONITOR: "no article on flexible servers asks for it",
    INBOUND: "others tried to reach the subnet: an answer needs no rule, a client that is meant needs one",
    PRIVATE: "private addresses: another subnet, a peered network, on-premises",
    OTHER_PORTS: "public addresses, other ports or protocols: nothing that the service is documented to call",
    PLATFORM_ADDRESS: "the host's own addresses (DHCP, probes, metadata): only a rule for a tag such as "
    "AzurePlatformIMDS denies them",
    RESERVED: "addresses that no host on the Internet has",
    DNS: "without an answer the server resolves no name, if these are the network's DNS servers "
    "(--dns-server names them)",
    AZURE_DNS: "without an answer the server resolves no name, if the network has no DNS servers of its own "
    "(--dns-server names them)",
}
_UNKNOWN: Final = "the prefixes of service tags are not known: give --tags, or --subscription and --location"
_UNKNOWN_CDN: Final = (
    "in no service tag, as the addresses of content delivery networks are: no rule can name them, only one "
    "for Internet:443 would admit them, and that is not proposed"
)


def reason(found: Label) -> str:
    """Why it is what it is, in half a sentence."""
    match found.kind:
        case Kind.UNKNOWN:
            return _UNKNOWN
        case Kind.UNKNOWN_CDN:
            return _UNKNOWN_CDN
        case _:
            return _REASONS.get(found.name, "another service's tag: nothing that the service asks for")
