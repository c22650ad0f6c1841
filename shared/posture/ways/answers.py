"""What is said of a way and of a client: facts, ways, the verdict. Values, and how they are joined.

``State`` has three values. A fact is one part of a way; the way stands where all of its facts do, in every
completion of what is unknown, and is blocked where none lets it stand: then ``blocking`` is the shortest set
of facts that shows it. A client may take several ways where it is not known what the name resolves to for it:
it can connect for sure where each of them stands, surely not where each is blocked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field
from enum import StrEnum
from ipaddress import IPv4Address

from shared.model import Edit, Json
from shared.model.resource_id import ResourceId
from shared.model.values import value
from shared.nsg.packets.boxes import Box
from shared.posture.steps import Step
from shared.posture.ways.world import Client


class State(StrEnum):
    STANDS = "stands"
    BLOCKED = "blocked"
    UNKNOWN = "unknown"


class Stage(StrEnum):
    """What is looked at, in the order of the Private Link article's troubleshooting."""

    ADDRESS = "address"
    NSG = "nsg"
    ROUTES = "routes"
    DNS = "dns"
    FIREWALL = "firewall"


@value
class Fact:
    """One part of a way: whether it lets the connection through, and why."""

    stage: Stage
    state: State
    says: str
    resource: str = ""
    """The id of what it was read off."""
    settles: str = ""
    """Of what is unknown: what would settle it."""
    denied: tuple[Box, ...] = ()
    """Of what is unknown: the packets that are surely stopped, though others are not."""
    remedy: tuple[Step | Edit, ...] = ()
    """Of what blocks: what mends it, in order; a text without a command is a sentence."""
    evidence: Mapping[str, Json] = field(default_factory=dict)
    """Of an NSG: its answer, with the rules that decide and a packet."""


@value
class Resolved:
    """What the name resolves to for a client, and so where its packets go; all at rest: nothing."""

    addresses: tuple[IPv4Address, ...] = ()
    """The private address, where it is known."""
    endpoint: ResourceId | None = None
    """The approved private endpoint that has it; None where none has."""
    inside: bool = False
    """Some address of the server's own subnet."""
    public: bool = False

    @property
    def leads(self) -> bool:
        """Whether there is anything at the end of it."""
        return self.public or self.inside or self.endpoint is not None


@value
class Way:
    """One way of a client to the server, with its facts in the order of ``Stage``."""

    answer: Resolved
    state: State
    facts: tuple[Fact, ...]
    blocking: tuple[Fact, ...] = ()
    """The fewest facts that show that it is blocked; none where it is not."""


@value
class Verdict:
    """Whether a client can connect, by the ways that it may take."""

    client: Client
    state: State
    ways: tuple[Way, ...]
    """One for each thing that the name may resolve to for this client; more than one: that is not known."""

    @property
    def settles(self) -> tuple[str, ...]:
        """What would settle what is unknown, each once; of the name first, for the way hangs on it."""
        if self.state is not State.UNKNOWN:
            return ()
        facts = [fact for way in self.ways for fact in way.facts]
        named = [fact.settles for fact in facts if fact.stage is Stage.DNS]
        others = [fact.settles for fact in facts if fact.state is State.UNKNOWN]
        return tuple(dict.fromkeys(text for text in (*named, *others) if text))


def among(states: Iterable[State]) -> State:
    """Of things of which one is so and it is not known which: what all of them are, else unknown."""
    held = set(states)
    return held.pop() if len(held) == 1 else State.UNKNOWN
