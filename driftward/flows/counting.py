"""Denied flows by what they are: counted, with first and last time, and with samples, in bounded memory.

The number of groups is bounded by the number of tags, everything in a group by its tallies. What one denier
denied is a group of its own. Flows whose rule is named only after them wait in groups apart until it is.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from driftward.flows.deniers import Denier, denier
from driftward.flows.labels import Label, Labelled, Setting, label
from driftward.flows.reader import Event, Named, Origin, Seen
from driftward.flows.sight import Sight
from driftward.flows.tallies import Tally
from driftward.flows.tuples import Packet

_REMEMBERED: Final = 1 << 13


class Group:
    """What was seen of one label and one denier."""

    __slots__ = ("addresses", "count", "denier", "first", "here", "label", "last", "ports", "rules", "tags")

    def __init__(self, found: Label, by: Denier) -> None:
        self.label = found
        self.denier = by
        self.count = 0
        self.first = 0
        self.last = 0
        self.addresses: Tally[int] = Tally()
        """The other ends, as places."""
        self.here: Tally[int] = Tally()
        """The subnet's ends, as places."""
        self.ports: Tally[tuple[str, int]] = Tally()
        """Protocol and port of the destination."""
        self.rules: Tally[str] = Tally()
        """As the log names them."""
        self.tags: Tally[str] = Tally()
        """The narrowest tags that hold the other ends."""

    def add(self, time: int, packet: Packet, rule: str | None, tag: str) -> None:
        self._at(time, time, 1)
        here, there = packet.source, packet.destination
        if not packet.outbound:
            here, there = there, here
        self.addresses.add(there)
        self.here.add(here)
        self.ports.add((packet.protocol, packet.port))
        if rule is not None:
            self.rules.add(rule)
        if tag:
            self.tags.add(tag)

    def merge(self, other: Group, rule: str) -> None:
        """Take in what ``other`` has counted, all of it denied by ``rule``."""
        self._at(other.first, other.last, other.count)
        self.addresses.merge(other.addresses)
        self.here.merge(other.here)
        self.ports.merge(other.ports)
        self.tags.merge(other.tags)
        self.rules.add(rule, other.count)

    def _at(self, first: int, last: int, times: int) -> None:
        self.first = min(self.first, first) if self.count else first
        self.last = max(self.last, last)
        self.count += times


class Counting:
    """What a flow log holds, event by event."""

    def __init__(self, setting: Setting, *, outbound: bool | None = None) -> None:
        self.groups: dict[tuple[Label, Denier], Group] = {}
        self.flows = 0
        self.denied = 0
        self.elsewhere = 0
        """Denied flows that are not the subnet's."""
        self.left_out = 0
        """Denied flows of the direction that was not asked for."""
        self.first: int | None = None
        self.last: int | None = None
        self.records = 0
        self.resources: Tally[str] = Tally()
        self.versions: Tally[str] = Tally()
        self.sight = Sight(setting.subnet, outbound)
        self._outbound = outbound
        self._unnamed: dict[tuple[Label, Denier], tuple[Group, str]] = {}
        """Groups whose rule is not named yet, with the state of encryption of a flow in them."""
        self._labelled = lru_cache(maxsize=_REMEMBERED)(lambda packet: label(packet, setting))

    def take(self, events: Iterable[Event]) -> None:
        """Count all of ``events``."""
        for event in events:
            match event:
                case Seen():
                    self._flow(event)
                case Named():
                    self._name(event.rule)
                case Origin():
                    self.records += 1
                    self.resources.add(event.resource)
                    self.versions.add(event.version)

    def passed(self, address: str, outbound: bool) -> bool:
        """A flow that was allowed; says whether further ones matter."""
        self.sight.passed(address, outbound=outbound)
        return not self.sight.is_done

    def _flow(self, seen: Seen) -> None:
        time, packet, rule, _ = seen
        self.flows += 1
        if self.first is None or self.last is None:
            self.first = self.last = time
        elif time > self.last:
            self.last = time
        elif time < self.first:
            self.first = time
        if packet is not None:
            self._refusal(time, packet, rule)

    def _refusal(self, time: int, packet: Packet, rule: str | None) -> None:
        self.denied += 1
        if not self.sight.is_done:
            self.sight.denied(packet)
        found: Labelled | None = self._labelled(packet)
        if found is None:
            self.elsewhere += 1
        elif self._outbound is not None and packet.outbound is not self._outbound:
            self.left_out += 1
        else:
            self._group(found.label, packet, rule).add(time, packet, rule, found.tag)

    def _group(self, found: Label, packet: Packet, rule: str | None) -> Group:
        """Where a flow is counted: with its likes, or apart until its rule is named."""
        by = denier(rule or "", packet.encryption)
        if rule is not None:
            return self._named(found, by)
        return self._unnamed.setdefault((found, by), (Group(found, by), packet.encryption))[0]

    def _named(self, found: Label, by: Denier) -> Group:
        return self.groups.get((found, by)) or self.groups.setdefault((found, by), Group(found, by))

    def _name(self, rule: str) -> None:
        for (found, _), (group, encryption) in self._unnamed.items():
            self._named(found, denier(rule, encryption)).merge(group, rule)
        self._unnamed.clear()
