"""What must pass whether it was seen or not: what the service needs, and what declared clients need.

Within the subnet PostgreSQL's port, and PgBouncer's unless it is known that nothing uses it; Storage on 443;
Microsoft Entra and Key Vault on 443 unless the server is known to do without; the network's own DNS servers;
5432 from and to the subnets of replicas. Sources: private access networking, major version upgrades and data
encryption of Azure Database for PostgreSQL. What hangs on a feature that is not known is kept, and says so:
a server that loses its key stops within the hour.

A service tag stands for a whole service and only where the service is needed as a whole. Storage "may be
narrowed to the region" (private access networking): it is where region and prefixes are known, every call
that was seen went there, and no replica is declared. Nothing here ever asks for Internet. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from driftward.flows.labels import AZURE_DNS_AT, DNS_PORT, HTTPS, Features
from driftward.flows.services import ENTRA, KEY_VAULT, STORAGE
from driftward.proposal.traffic import PROBES_AT, Place, Traffic
from driftward.proposal.wants import Purpose, Want, holds_many, to_addresses
from shared.model import Direction
from shared.model.values import value
from shared.nsg import WHOLE, Protocol, Spans, Tags, common, minus
from shared.posture.service_questions import in_region

POSTGRES_PORT: Final = 5432
PGBOUNCER_PORT: Final = 6432
_NO_SERVER: Final = "not known of the server (--server tells): kept, because it stops without"
_MAY_POOL: Final = "whether PgBouncer or high availability uses 6432 is not known (--server tells)"
_DNS_DEPENDS: Final = "no article says whether the service asks the network's own DNS servers"


@value
class Needed:
    """What is known of the servers and their clients."""

    features: Features = Features()
    region: str = ""
    """The servers', as tags spell it; ``""`` where it is not known."""
    dns: Spans = ()
    replicas: Spans = ()
    """Prefixes of subnets whose servers replicate with the subnet's."""
    clients: Spans = ()
    """Declared prefixes."""
    ports: tuple[int, ...] = (POSTGRES_PORT,)
    """Which declared clients use."""


def needs(needed: Needed, place: Place, tags: Tags, traffic: Iterable[Traffic]) -> tuple[Want, ...]:
    """All of them, in the order of their purposes."""
    return (
        *_within(needed.features, place),
        _storage(needed, tags, traffic),
        *_entra(needed.features, tags),
        *_key_vault(needed, tags),
        *_dns(needed, place),
        *_replication(needed, place),
        *_clients(needed, place),
    )


def families(spans: Spans) -> Iterator[Spans]:
    """The parts of one family each: a rule names one."""
    yield from filter(None, (common(spans, whole) for whole in WHOLE.values()))


def _alike(others: Spans, place: Place) -> Iterator[Spans]:
    """The parts of one family each, of families that the subnet has: others do not reach it."""
    for whole in WHOLE.values():
        if common(place.subnet, whole) and (own := common(others, whole)):
            yield own


def _within(features: Features, place: Place) -> Iterator[Want]:
    """In both directions: it is filtered where it leaves one server and where it reaches the other."""
    ports = one(POSTGRES_PORT) + (() if features.pooled is False else one(PGBOUNCER_PORT))
    unsure = _MAY_POOL if features.pooled is None else ""
    for own in families(place.subnet):
        for direction in Direction:
            yield to_addresses(Purpose.WITHIN, direction, Protocol.TCP, own, ports, depends=unsure)


def _storage(needed: Needed, tags: Tags, traffic: Iterable[Traffic]) -> Want:
    regional = in_region(STORAGE, needed.region)
    here = tags.closed.get(regional.lower(), ())
    elsewhere = minus(tags.closed.get(STORAGE.lower(), ()), here)
    called = (seen.stream for seen in traffic if seen.stream.outbound and seen.stream.port == HTTPS)
    narrow = bool(here) and not needed.replicas and not any(holds_many(elsewhere, s.other) for s in called)
    return _to_tag(Purpose.STORAGE, regional if narrow else STORAGE, tags)


def _entra(features: Features, tags: Tags) -> Iterator[Want]:
    """Key Vault depends on AzureActiveDirectory (service tags overview): a key brings both."""
    facts = (features.entra, features.customer_key)
    if True in facts or None in facts:
        yield _to_tag(Purpose.ENTRA, ENTRA, tags, "" if True in facts else _NO_SERVER)


def _key_vault(needed: Needed, tags: Tags) -> Iterator[Want]:
    """All of it: a key may lie in a vault of another region."""
    key = needed.features.customer_key
    if key is not False:
        yield _to_tag(Purpose.KEY_VAULT, KEY_VAULT, tags, "" if key else _NO_SERVER)


def _dns(needed: Needed, place: Place) -> Iterator[Want]:
    """What the platform's own resolver is asked needs no rule."""
    for own in _alike(minus(needed.dns, AZURE_DNS_AT), place):
        for protocol in (Protocol.UDP, Protocol.TCP):
            yield to_addresses(
                Purpose.DNS, Direction.OUTBOUND, protocol, own, one(DNS_PORT), depends=_DNS_DEPENDS
            )


def _replication(needed: Needed, place: Place) -> Iterator[Want]:
    for there in _alike(needed.replicas, place):
        for direction in Direction:
            yield to_addresses(Purpose.REPLICAS, direction, Protocol.TCP, there, one(POSTGRES_PORT))


def _clients(needed: Needed, place: Place) -> Iterator[Want]:
    ports = tuple((port, port) for port in sorted(set(needed.ports)))
    for there in _alike(needed.clients, place):
        yield to_addresses(Purpose.CLIENTS, Direction.INBOUND, Protocol.TCP, there, ports)


def probes(seen: Iterable[Traffic]) -> Iterator[Want]:
    """A rule for the platform's probes of a protocol and port on which some were seen."""
    for protocol, ports in sorted({(found.protocol, found.ports) for found in seen if found.protocol}):
        yield Want(
            purpose=Purpose.PROBES,
            direction=Direction.INBOUND,
            protocol=protocol,
            other=("AzureLoadBalancer",),
            addresses=PROBES_AT,
            ports=ports,
        )


def _to_tag(purpose: Purpose, tag: str, tags: Tags, depends: str = "") -> Want:
    return Want(
        purpose=purpose,
        direction=Direction.OUTBOUND,
        protocol=Protocol.TCP,
        other=(tag,),
        addresses=tags.closed.get(tag.lower(), ()),
        ports=one(HTTPS),
        depends=depends,
    )


def one(port: int) -> Spans:
    return ((port, port),)
