"""Denied flows by what they are: counted, with first and last time, and with samples, in bounded memory.

The number of groups is bounded by the number of tags, everything in a group by its tallies. A rule that is
named only after its flows is counted under a placeholder until then.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from driftward.flows.labels import Label, Labelled, Setting, label
from driftward.flows.reader import Event, Named, Origin, Seen
from driftward.flows.tallies import Tally
from driftward.flows.tuples import Packet

_NOT_YET: Final = "\0"
"""Stands for the rule of flows until it is named; no rule's name holds it."""
_REMEMBERED: Final = 1 << 13


class Group:
    """What was seen of one label."""

    __slots__ = ("addresses", "count", "first", "here", "label", "last", "ports", "rules", "tags")

    def __init__(self, found: Label) -> None:
        self.label = found
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
        self.first = min(self.first, time) if self.count else time
        self.last = max(self.last, time)
        self.count += 1
        here, there = packet.source, packet.destination
        if not packet.outbound:
            here, there = there, here
        self.addresses.add(there)
        self.here.add(here)
        self.ports.add((packet.protocol, packet.port))
        self.rules.add(_NOT_YET if rule is None else rule)
        if tag:
            self.tags.add(tag)


class Counting:
    """What a flow log holds, event by event."""

    def __init__(self, setting: Setting, *, outbound: bool | None = None) -> None:
        self.groups: dict[Label, Group] = {}
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
        self._outbound = outbound
        self._unnamed: dict[Label, Group] = {}
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

    def _flow(self, seen: Seen) -> None:
        time, packet, rule = seen
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
        found: Labelled | None = self._labelled(packet)
        if found is None:
            self.elsewhere += 1
        elif self._outbound is not None and packet.outbound is not self._outbound:
            self.left_out += 1
        else:
            group = self.groups.get(found.label) or self.groups.setdefault(found.label, Group(found.label))
            group.add(time, packet, rule, found.tag)
            if rule is None:
                self._unnamed[found.label] = group

    def _name(self, rule: str) -> None:
        for group in self._unnamed.values():
            if times := group.rules.take(_NOT_YET):
                group.rules.add(rule, times)
        self._unnamed.clear()
