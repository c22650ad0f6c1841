"""What a proposal is made from, out of options and files: the subnet, what it needs, what to keep."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from driftward.catalogue.file import Chosen, chosen
from driftward.flows.advice import granted, template_group
from driftward.flows.inputs import read_addresses
from driftward.flows.known import Known, Sources
from driftward.proposal.needs import POSTGRES_PORT, Needed
from driftward.proposal.proposing import Given
from driftward.proposal.sifting import Keep
from driftward.proposal.traffic import Observed, Place
from shared.model import Json, SecurityGroup
from shared.model.resource_id import ResourceId
from shared.model.values import value
from shared.nsg import (
    PUBLIC_ADDRESSES,
    Family,
    Spans,
    Tags,
    common,
    family_at,
    minus,
    networks_of,
    parse_addresses,
    tolerated,
)
from shared.nsg.asking import BadInput
from shared.policies.nsg.nsg_blocks_postgres_clients import POLICY as CLIENTS

_KEEP: Final = re.compile(
    r"\[(?P<six>[^\]]+)\](?::(?P<port6>\d{1,5}))?|(?P<four>[^:]+)(?::(?P<port4>\d{1,5}))?"
)
_LAST_PORT: Final = 65535
_MOST_PUBLIC: Final = {Family.IPV4: 1 << 24, Family.IPV6: 1 << 112}
"""Addresses in a row: there are organisations that own a /8."""
_SHOWN: Final = 3


@value
class Clients:
    """Who is declared, and who says so."""

    prefixes: Spans
    ports: tuple[int, ...]
    source: str


@value
class Wishes:
    """What the options say beside ``Sources``."""

    clients: tuple[str, ...]
    replicas: tuple[str, ...]
    keeps: tuple[str, ...]
    file: Path | None


def place_of(known: Known) -> Place:
    """Raises ``BadInput`` where the subnet is not known: rules for any subnet would be none for this."""
    if not known.subnet:
        raise BadInput(
            "--subnet is missing: the prefix of the PostgreSQL subnet, or --server with an id", field="subnet"
        )
    network = known.setting.virtual_network
    return Place(subnet=_narrow(known.subnet, "subnet", network), network=network)


def _narrow(found: Spans, option: str, network: Spans) -> Spans:
    """Raises ``BadInput`` for what is the Internet in other words: no rule for that is ever proposed."""
    for first, last in minus(common(found, PUBLIC_ADDRESSES), network):
        if last - first >= _MOST_PUBLIC[family_at(first)]:
            shown = ", ".join(map(str, networks_of(((first, last),))[:_SHOWN]))
            raise BadInput(
                f"--{option} holds so much of the Internet that it stands for all of it ({shown}): name the "
                "networks, public ones not wider than /8 (IPv6: /16)",
                field=option,
            )
    return found


def clients_of(wishes: Wishes, known: Known, environment: Mapping[str, str]) -> Clients:
    """Those of ``--client`` and those that policies.yaml declares for the server and its subnet.

    Raises ``BadInput`` and ``ConfigurationError``.
    """
    found = chosen(wishes.file, environment)
    declared = [*_declared(found, known)]
    texts = [text for one in declared for text in one.get("clients", ())]
    ports = {port for one in declared for port in one.get("ports", ())} or {POSTGRES_PORT}
    return Clients(
        prefixes=_read([*wishes.clients, *texts], "client", known),
        ports=tuple(sorted(ports)),
        source=found.source if texts else "",
    )


def _read(texts: Iterable[str], option: str, known: Known) -> Spans:
    return _narrow(read_addresses(texts, option), option, known.setting.virtual_network)


def _declared(found: Chosen, known: Known) -> Iterator[Mapping[str, Json]]:
    """The parameters of the policy about clients, for every place that is known; else for everywhere."""
    places = list(_places(known))
    for place in places:
        yield found.configuration.settings_for(CLIENTS, place).parameters
    if not places:
        yield found.configuration.everywhere(CLIENTS).parameters


def _places(known: Known) -> Iterator[ResourceId]:
    if known.server is not None and known.server.id is not None:
        yield known.server.id
    if known.server is not None and known.server.subnet is not None:
        yield known.server.subnet
    elif known.group is not None and len(known.group.subnets) == 1:
        yield known.group.subnets[0]


def keeps_of(texts: Iterable[str]) -> tuple[Keep, ...]:
    """``203.0.113.7``, ``203.0.113.0/24:5432``, ``[2001:db8::7]:5432``. Raises ``BadInput``."""
    return tuple(_keep(part.strip()) for text in texts for part in text.split(","))


def _keep(text: str) -> Keep:
    found = _KEEP.fullmatch(text)
    addresses = parse_addresses(found["six"] or found["four"]) if found else None
    port = (found["port6"] or found["port4"]) if found else None
    if addresses is None or (port is not None and int(port) > _LAST_PORT):
        said = "an address or a prefix, with a port behind a colon: 203.0.113.7:5432, [2001:db8::7]:5432"
        raise BadInput(f"--keep {text!r} is not {said}", field="keep")
    return Keep(text=text, addresses=addresses, port=None if port is None else int(port))


def group_of(known: Known) -> SecurityGroup:
    """The NSG that stands, what cannot be read of it beside the rest; without one a new one, whose name and
    group only the reader knows.

    One that serves other subnets alone is shared as soon as the server's subnet gets it.
    """
    group = tolerated(known.group)
    if group is None:
        return SecurityGroup(id=template_group().id, rules=(), default_rules=())
    here = known.server.subnet if known.server is not None else None
    if here is None or not group.subnets or here in group.subnets:
        return group
    return replace(group, subnets=(*group.subnets, here))


def given_of(known: Known, sources: Sources, wishes: Wishes, clients: Clients, observed: Observed) -> Given:
    region = sources.location or (known.server.location if known.server else "")
    return Given(
        observed=observed,
        place=place_of(known),
        needed=Needed(
            features=known.setting.features,
            region=region,
            dns=_narrow(known.dns, "dns-server", known.setting.virtual_network),
            replicas=_read(wishes.replicas, "replica", known),
            clients=clients.prefixes,
            ports=clients.ports,
        ),
        group=group_of(known),
        tags=granted(known.setting, known.tags or Tags()),
        keeps=keeps_of(wishes.keeps),
    )
