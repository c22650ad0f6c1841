"""One allow rule in the making: what it is for, and what it names. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Final

from driftward.proposal.traffic import Traffic
from shared.model import Direction
from shared.model.values import value
from shared.nsg import Protocol, Spans, minus, networks_of


class Purpose(StrEnum):
    """In the order in which rules are proposed."""

    WITHIN = "withinSubnet"
    STORAGE = "storage"
    ENTRA = "entra"
    KEY_VAULT = "keyVault"
    DNS = "dns"
    REPLICAS = "replicas"
    CLIENTS = "declaredClients"
    PROBES = "probes"
    OBSERVED = "observed"
    NAMED = "named"


OF_SERVICE: Final = frozenset(
    {Purpose.WITHIN, Purpose.STORAGE, Purpose.ENTRA, Purpose.KEY_VAULT, Purpose.DNS, Purpose.REPLICAS}
)
"""What the service needs, seen or not."""
WORDS: Final = {
    Purpose.WITHIN: "the servers of the subnet among themselves",
    Purpose.STORAGE: "write-ahead log and backups go to Storage",
    Purpose.ENTRA: "sign-in with Microsoft Entra, and tokens for a key of your own",
    Purpose.KEY_VAULT: "a key of your own in Key Vault",
    Purpose.DNS: "names are asked of the network's DNS servers",
    Purpose.REPLICAS: "replication with servers of other subnets",
    Purpose.CLIENTS: "declared clients",
    Purpose.PROBES: "health probes of the platform",
    Purpose.OBSERVED: "seen in the flow logs",
    Purpose.NAMED: "set apart, and kept because --keep names it",
}


@value
class Want:
    """What one rule is to let pass between the subnet and ``other``."""

    purpose: Purpose
    direction: Direction
    protocol: Protocol
    other: tuple[str, ...]
    """Prefixes of one family, or one service tag."""
    addresses: Spans
    """Those that ``other`` is known to hold: none of a tag whose prefixes are not known."""
    ports: Spans
    depends: str = ""
    """Why it is not known whether it is needed; ``""`` where it is, or was seen."""


class Covers:
    """Which of several wants surely lets a stream pass: the first one, by its number."""

    def __init__(self, wants: Sequence[Want]) -> None:
        self._wants = wants
        self._of_kind: dict[tuple[Direction, Protocol | None, Spans], Sequence[int]] = {}

    def first(self, one: Traffic) -> int | None:
        kind = (one.direction, one.protocol, one.ports)
        numbers = self._of_kind.get(kind)
        if numbers is None:
            numbers = self._of_kind[kind] = self._alike(*kind)
        other = one.stream.other
        return next((n for n in numbers if holds_many(self._wants[n].addresses, other)), None)

    def _alike(self, direction: Direction, protocol: Protocol | None, ports: Spans) -> Sequence[int]:
        return [
            number
            for number, want in enumerate(self._wants)
            if want.direction is direction and want.protocol is protocol and not minus(ports, want.ports)
        ]


def to_addresses(
    purpose: Purpose,
    direction: Direction,
    protocol: Protocol,
    addresses: Spans,
    ports: Spans,
    depends: str = "",
) -> Want:
    """A want that names addresses of one family."""
    return Want(
        purpose=purpose,
        direction=direction,
        protocol=protocol,
        other=tuple(map(str, networks_of(addresses))),
        addresses=addresses,
        ports=ports,
        depends=depends,
    )


def holds_many(spans: Spans, place: int) -> bool:
    """For sets of many spans."""
    low, high = 0, len(spans)
    while low < high:
        middle = (low + high) // 2
        if spans[middle][1] < place:
            low = middle + 1
        else:
            high = middle
    return low < len(spans) and spans[low][0] <= place
