"""A flow log as a stream: flows and the rules that decided them, in memory that does not grow with the file.

The file is read in pieces of 64 KiB by ijson, whose events carry no path; where an event stands is kept here.
Read alike are an NSG's log, a virtual network's, a list of records without its wrapper, single records, and
several of these behind one another (`cat PT1H.json …`, JSON Lines). Keys compare without case. The order of
keys is free: where a rule is named after its flows, they are told with ``rule=None`` and a ``Named`` follows.

What cannot be read is a fault with its place. A strict reader stops at the first one (``BadLog``); another
one passes over a flow or a record that is none, tells how many, and ends where the text is no JSON any more.

Numbers are asked for as doubles: with ijson 3.6.0 an integer of more than 4,300 digits ends the process
(Python refuses to convert it, and the C code does not look). What flows mean does not belong here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import ijson  # type: ignore[import-untyped]  # ships neither stubs nor a py.typed marker

from driftward.flows.faults import Fault, Faults
from driftward.flows.pieces import Pieces, Source
from driftward.flows.reader import Event, Reader, Watch

PIECE: Final = 1 << 16


def read_events(
    source: Source, faults: Faults, watch: Watch | None = None, *, every: bool = False
) -> Iterator[Event]:
    """What the file tells, in its order; ``every`` tells the packets of flows that passed as well.

    Raises ``BadLog``, and ``OSError`` where it cannot be read.
    """
    pieces, reader = Pieces(source), Reader(faults, watch, every=every)
    try:
        for event, found in ijson.basic_parse(pieces, multiple_values=True, use_float=True, buf_size=PIECE):
            if reader.tuples is None or event == "end_array":
                yield from reader.take(event, found)
            elif (seen := reader.read_tuple(event, found)) is not None:
                yield seen
    except ijson.JSONError as error:
        yield from reader.leave_rule()
        faults.add(Fault(place=f"{reader.place}, {pieces.place}", message=pieces.reason(str(error))))
