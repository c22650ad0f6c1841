"""Whether anything was looked at: the subnets and the direction that were asked about, and the flows met.

A log that holds no flow of the subnet says nothing of it, which is not the same as that nothing of it was
denied. Flows that passed count here too, and this is the only thing that their addresses are read for: as
soon as every subnet was met they are not looked at any more.
"""

from __future__ import annotations

from driftward.flows.labels import holds
from driftward.flows.tuples import BadTuple, Packet, place_of
from shared.nsg import Spans


class Sight:
    """What of the question the log was seen to be about."""

    def __init__(self, subnet: Spans, outbound: bool | None) -> None:
        self.unmet = set(subnet)
        """The parts of the subnet that no flow was of."""
        self.met_direction = False
        """Whether a flow of the subnet went the way that was asked for."""
        self._subnet = subnet
        self._outbound = outbound

    @property
    def is_done(self) -> bool:
        return self.met_direction and not self.unmet

    @property
    def met_subnet(self) -> bool:
        """Whether any flow was of the subnet."""
        return not self._subnet or len(self.unmet) < len(self._subnet)

    def denied(self, packet: Packet) -> None:
        self._meet(packet.source if packet.outbound else packet.destination, packet.outbound)

    def passed(self, address: str, *, outbound: bool) -> None:
        """A flow that was allowed, by the address of this side; one that is none says nothing."""
        try:
            self._meet(place_of(address), outbound)
        except BadTuple:
            return

    def _meet(self, here: int, outbound: bool) -> None:
        if self._subnet and not holds(self._subnet, here):
            return
        self.met_direction = self.met_direction or self._outbound in {None, outbound}
        self.unmet = {span for span in self.unmet if not span[0] <= here <= span[1]}
