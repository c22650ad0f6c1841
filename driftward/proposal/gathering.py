"""Counting the flows of a log by stream, in memory that does not grow with the log.

Each lot holds a bounded number of streams; what comes when it is full is counted as over the bound. A stream
remembers how many of its flows fell into each hour of the last day that was seen so far, for which day that
is shows only at the end of the log.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from driftward.flows.labels import holds
from driftward.flows.reader import Event, Seen
from driftward.flows.tuples import TCP, UDP, Packet
from driftward.proposal.traffic import Lot, Observed, Place, Stream, Traffic

MOST: Final = 1 << 14
"""Streams that one lot tells apart."""
HOUR: Final = 3_600_000
DAY: Final = 24
_REMEMBERED: Final = 1 << 13


class _Count:
    """What was seen of one stream."""

    __slots__ = ("first", "flows", "hours", "last")

    def __init__(self, time: int) -> None:
        self.flows = 0
        self.first = self.last = time
        self.hours: dict[int, int] = {}

    def add(self, time: int) -> None:
        self.flows += 1
        if time > self.last:
            self.last = time
        elif time < self.first:
            self.first = time
        hour = time // HOUR
        if hour in self.hours:
            self.hours[hour] += 1
        else:
            self._begin(hour)

    def _begin(self, hour: int) -> None:
        """Remember an hour, and forget what lies a day before the newest one."""
        self.hours[hour] = 1
        if len(self.hours) > DAY:
            oldest = max(self.hours) - DAY
            self.hours = {at: times for at, times in self.hours.items() if at > oldest}

    def lately(self, newest: int) -> int:
        return sum(times for at, times in self.hours.items() if at > newest - DAY)


class Gathering:
    """What the logs of one subnet hold, event by event."""

    def __init__(self, place: Place, most: int = MOST) -> None:
        self.flows = 0
        self.elsewhere = 0
        self._place = place
        self._most = most
        self._lots: dict[Lot, dict[Stream, _Count]] = {lot: {} for lot in Lot}
        self._over = dict.fromkeys(Lot, 0)
        self._first: int | None = None
        self._last = 0
        self._found = lru_cache(maxsize=_REMEMBERED)(self._read)

    def take(self, events: Iterable[Event]) -> None:
        """Count all of ``events``."""
        for event in events:
            if isinstance(event, Seen):
                self._flow(event)

    def _flow(self, seen: Seen) -> None:
        self.flows += 1
        packet = seen.packet or seen.passed
        found = None if packet is None else self._found(packet, seen.packet is not None)
        if found is None:
            self.elsewhere += 1
            return
        self._note(seen.time)
        lot, stream = found
        self._count(lot, stream, seen.time)

    def _note(self, time: int) -> None:
        self._first = time if self._first is None or time < self._first else self._first
        self._last = max(self._last, time)

    def _count(self, lot: Lot, stream: Stream, time: int) -> None:
        counts = self._lots[lot]
        count = counts.get(stream)
        if count is None:
            if len(counts) >= self._most:
                self._over[lot] += 1
                return
            count = counts[stream] = _Count(time)
        count.add(time)

    def _read(self, packet: Packet, denied: bool) -> tuple[Lot, Stream] | None:
        """Which stream of which lot a packet is; None where it is not the subnet's."""
        here, there = packet.source, packet.destination
        if not packet.outbound:
            here, there = there, here
        if not holds(self._place.subnet, here):
            return None
        port = packet.port if packet.protocol in {TCP, UDP} else 0
        return self._lot(packet, there, denied), Stream(packet.outbound, packet.protocol, port, there)

    def _lot(self, packet: Packet, there: int, denied: bool) -> Lot:
        if denied:
            return Lot.DENIED
        if not self._place.is_public(there):
            return Lot.INSIDE
        return Lot.TO_INTERNET if packet.outbound else Lot.FROM_INTERNET

    def observed(self) -> Observed:
        """What there is to tell, in an order that does not hang on that of the log."""
        newest = self._last // HOUR
        found = [
            Traffic(stream, lot is Lot.DENIED, count.flows, count.first, count.last, count.lately(newest))
            for lot, counts in self._lots.items()
            for stream, count in counts.items()
        ]
        seen = self._first is not None
        return Observed(
            traffic=tuple(sorted(found)),
            flows=self.flows,
            elsewhere=self.elsewhere,
            first=self._first,
            last=self._last if seen else None,
            since=(newest - DAY + 1) * HOUR if seen else None,
            over=dict(self._over),
        )
