"""Who wants to connect, as a person names them: ``--from`` and ``--nat`` as values. Nothing is read here."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import AddressValueError, IPv4Address, IPv4Network, ip_network
from typing import Final, TypeAlias

from shared.model import Target, TargetKind
from shared.model.resource_id import ResourceId, parse_resource_id
from shared.model.values import value
from shared.posture.traffic import PUBLIC_ADDRESSES, AddressSet, span_of
from shared.posture.ways.world import AnyAzure, PublicClient

_SERVERS: Final = {
    "microsoft.dbforpostgresql/flexibleservers": TargetKind.FLEXIBLE_SERVER,
    "microsoft.dbforpostgresql/servers": TargetKind.SINGLE_SERVER,
}
_SUBNET: Final = "microsoft.network/virtualnetworks/subnets"
_AZURE: Final = "azure"
_PRIVATE: Final = AddressSet.of(
    span_of(IPv4Network(text)) for text in ("10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16")
)
"""What a network may use for itself (RFC 1918, RFC 6598)."""


class BadInput(ValueError):
    """An argument that cannot be used; the message names it."""


@value
class InSubnet:
    """Somebody in a subnet, and the public addresses by which it leaves, where they are told."""

    subnet: ResourceId
    nat: tuple[IPv4Address, ...] = ()


@value
class InRange:
    """Somebody with a private address: in a network that is read, else on-premises."""

    prefix: IPv4Network
    nat: tuple[IPv4Address, ...] = ()


Who: TypeAlias = InSubnet | InRange | PublicClient | AnyAzure


def server_named(text: str) -> Target:
    """The server with this id. Raises ``BadInput``."""
    found = parse_resource_id(text)
    kind = _SERVERS.get(found.type) if found is not None else None
    if found is None or kind is None:
        raise BadInput(f"SERVER: {text!r} is not the resource id of a PostgreSQL server")
    return Target(kind=kind, id=found)


def client_named(text: str | None, nat: Iterable[str] = ()) -> Who | None:
    """Who wants to connect; None where nobody is named. Raises ``BadInput``."""
    by = tuple(map(_public, nat))
    who = _named(text, by) if text is not None else None
    if by and not isinstance(who, InSubnet | InRange):
        raise BadInput("--nat: only with --from and a subnet or an on-premises range, which leave by it")
    return who


def _named(text: str, nat: tuple[IPv4Address, ...]) -> Who:
    found = parse_resource_id(text)
    if found is not None and found.type == _SUBNET:
        return InSubnet(subnet=found, nat=nat)
    if text.lower() == _AZURE:
        return AnyAzure()
    prefix = _prefix(text)
    if _lies_in(_PRIVATE, prefix):
        return InRange(prefix=prefix, nat=nat)
    if prefix.prefixlen == 32 and _lies_in(PUBLIC_ADDRESSES, prefix):
        return PublicClient(address=prefix.network_address)
    raise BadInput(f"--from: {text!r} is neither one public address nor a private range")


def _prefix(text: str) -> IPv4Network:
    try:
        found = ip_network(text)
    except ValueError:
        found = None
    if not isinstance(found, IPv4Network):
        wanted = "a public IPv4 address, a private range such as 192.168.0.0/16, or azure"
        raise BadInput(f"--from: {text!r} is not the resource id of a subnet, {wanted}")
    return found


def _public(text: str) -> IPv4Address:
    try:
        address = IPv4Address(text)
    except AddressValueError:
        raise BadInput(f"--nat: {text!r} is not an IPv4 address") from None
    if not _lies_in(PUBLIC_ADDRESSES, IPv4Network(address)):
        raise BadInput(f"--nat: {text} is not a public address: name the one by which the client leaves")
    return address


def _lies_in(whole: AddressSet, prefix: IPv4Network) -> bool:
    return AddressSet.of([span_of(prefix)]).within(whole)
