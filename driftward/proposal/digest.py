"""What is set apart in few rows: a scan by its source, much of a sort in one row, the rest singly. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final

from driftward.flows.told import time_of
from driftward.proposal.sifting import WORDS, SetApart, Why
from driftward.proposal.traffic import Traffic
from shared.model import Json
from shared.nsg.packets.addresses import address_at

_FEW: Final = 4
"""So many streams of a sort are told one by one."""


def digest(apart: Iterable[SetApart]) -> list[dict[str, Json]]:
    """Rows with their flows, what passed of them first, then what there was most of."""
    sorts: defaultdict[tuple[object, ...], list[Traffic]] = defaultdict(list)
    for one in apart:
        sorts[_sort(one)].append(one.traffic)
    rows = [row for (why, *_), found in sorts.items() for row in _rows(Why(str(why)), found)]
    return sorted(rows, key=lambda row: (-row["passed"], -row["flows"], row["address"], row["port"]))


def _sort(one: SetApart) -> tuple[object, ...]:
    stream = one.traffic.stream
    return one.why, stream.outbound, stream.other if one.why is Why.SCAN else None


def _rows(why: Why, traffic: Sequence[Traffic]) -> list[dict[str, Json]]:
    if len(traffic) <= _FEW:
        return [_row(why, [one]) for one in traffic]
    return [_row(why, traffic)]


def _row(why: Why, traffic: Sequence[Traffic]) -> dict[str, Json]:
    """``address`` and ``port`` are those with the most flows where there are several."""
    most = max(traffic, key=lambda one: (one.flows, one.stream))
    return {
        "why": why.value,
        "because": WORDS[why],
        "direction": most.direction.value,
        "address": str(address_at(most.stream.other)),
        "addresses": len({one.stream.other for one in traffic}),
        "port": f"{most.stream.protocol.lower()} {most.stream.port}",
        "ports": len({(one.stream.protocol, one.stream.port) for one in traffic}),
        "flows": sum(one.flows for one in traffic),
        "passed": sum(one.flows for one in traffic if not one.denied),
        "lastDay": sum(one.lately for one in traffic),
        "last": time_of(max(one.last for one in traffic)),
    }
