"""A flow log as a stream: every form of file, the order of keys, and faults with their place."""

from __future__ import annotations

import io
import json
import tracemalloc
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftward.flows.counting import Counting
from driftward.flows.faults import BadLog, Faults
from driftward.flows.labels import Setting
from driftward.flows.reader import Event, Named, Origin, Seen
from driftward.flows.stream import read_events
from shared.model import Json
from tests.driftward.flows.builders import (
    LOGS,
    NSG_ID,
    encoded,
    events_of,
    log,
    nsg_record,
    nsg_tuple,
    vnet_record,
    vnet_tuple,
)


def seen(events: list[Event]) -> list[Seen]:
    return [event for event in events if isinstance(event, Seen)]


def rules_of(text: bytes) -> dict[str, int]:
    """Denied flows by rule, as they are counted."""
    counting = Counting(Setting())
    counting.take(read_events(io.BytesIO(text), Faults(strict=True)))
    rules: dict[str, int] = {}
    for group in counting.groups.values():
        for name, times in group.rules.counts.items():
            rules[name] = rules.get(name, 0) + times
    return rules


NSG = nsg_record([nsg_tuple(), nsg_tuple(how="T,O,A", second=1)])
VNET = vnet_record([vnet_tuple()])


@pytest.mark.parametrize(
    ("text", "flows", "formats"),
    [
        (encoded(log(NSG)), 2, ["nsg/2"]),
        (encoded(log(VNET)), 1, ["vnet/4"]),
        (encoded(log(NSG, VNET)), 3, ["nsg/2", "vnet/4"]),
        (encoded([NSG, VNET]), 3, ["nsg/2", "vnet/4"]),
        (encoded(NSG), 2, ["nsg/2"]),
        (encoded(log(NSG), log(VNET)), 3, ["nsg/2", "vnet/4"]),
        (json.dumps(NSG).encode() + b"\n" + json.dumps(VNET).encode() + b"\n", 3, ["nsg/2", "vnet/4"]),
        (b"\xef\xbb\xbf" + encoded(log(NSG)), 2, ["nsg/2"]),
        (encoded(log()), 0, []),
        (encoded(log(nsg_record([]))), 0, ["nsg/2"]),
        (encoded(log({"properties": {"flows": None}})), 0, ["nsg/?"]),
    ],
)
def test_every_form_of_file_is_read(text: bytes, flows: int, formats: list[str]) -> None:
    events, _ = events_of(text)
    assert len(seen(events)) == flows
    assert [event.version for event in events if isinstance(event, Origin)] == formats


def test_a_record_tells_where_it_is_from() -> None:
    events, _ = events_of(encoded(log(NSG)))
    assert events[-1] == Origin(NSG_ID, "nsg/2")


def test_keys_compare_without_case() -> None:
    text = encoded(log(NSG)).replace(b"flowTuples", b"FLOWTUPLES").replace(b'"rule"', b'"Rule"')
    assert rules_of(text) == {"UserRule_deny-all": 1}


@pytest.mark.parametrize("record", [NSG, VNET])
def test_a_rule_may_be_named_after_its_flows(record: Json) -> None:
    text = json.dumps(log(record, record), sort_keys=True).encode()
    assert text.index(b"flowTuples") < text.index(b'"rule"')
    assert rules_of(text) == {"UserRule_deny-all": 2}
    assert Named("UserRule_deny-all") in events_of(text)[0]


def test_flows_without_a_rule_are_of_no_rule() -> None:
    record = nsg_record([nsg_tuple()])
    del record["properties"]["flows"][0]["rule"]
    assert rules_of(encoded(log(record, NSG))) == {"": 1, "UserRule_deny-all": 1}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"", "byte 0: the file is empty"),
        (b"hello", "no JSON: lexical error"),
        (b"{}", "before the first record: no flow log: neither records nor flows"),
        (b'"x"', "no flow log"),
        (b'{"records": null}', "no flow log"),
        (encoded(log(NSG), {"more": 1}), "no flow log"),
        (encoded(log(NSG, {"category": "Other"})), "record 2: no flow record"),
        (encoded(log(NSG, 7)), "record 2: no object"),
        (encoded(log([NSG])), "record 1: no object"),
        (encoded(log(NSG))[:-40], "record 1.*byte [0-9]+: the file ends in the middle: it is truncated"),
        (encoded(log(NSG)) + b"]", "no JSON"),
        (encoded(log(NSG)).replace(b"10.1.0.4", b"10.1.\xff.4"), "record 1.*no JSON.*invalid bytes in UTF8"),
        (
            encoded(log(nsg_record([nsg_tuple(), "1,2"]))),
            "record 1, rule 'UserRule_deny-all', tuple 2: 2 fields",
        ),
        (
            encoded(log(NSG)).replace(b"flowTuples", b"tuples"),
            "record 1, rule 'UserRule_.*no list of flowtuples",
        ),
        (encoded(log(VNET)).replace(b"flowGroups", b"groups"), "record 1: no list of flowgroups"),
        (encoded(log({"properties": {"flows": [7]}})), "record 1: no object"),
        (encoded(log({"properties": {"flows": [{"rule": "r"}]}})), "record 1.*no list of flows"),
        (encoded(log(nsg_record([7]))), "tuple 1: no text stands where a flow tuple should"),
        (encoded(log(nsg_record([{"a": 1}]))), "tuple 1: no text stands where"),
        (json.dumps(log(NSG)).encode("utf-16"), "UTF-16: save it as UTF-8"),
        (b"\x1f\x8b\x08\x00", "compressed: unpack it first"),
        (b"[" * 100_000, "no object"),
        (b'{"a":' * 100_000, "nested too deeply"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_place(text: bytes, said: str) -> None:
    with pytest.raises(BadLog, match=said):
        events_of(text)


def test_a_number_of_thousands_of_digits_is_a_fault_and_not_the_end_of_the_process() -> None:
    text = b'{"records":[{"properties":{"Version":' + b"9" * 6000 + b',"flows":[]}}]}'
    with pytest.raises(BadLog, match=r"record 1.*no JSON: parse error: integer overflow"):
        events_of(text)


def test_faults_that_are_passed_over_are_counted_and_the_rest_is_read() -> None:
    odd = nsg_record([nsg_tuple(), "1,2", nsg_tuple(second=1)])
    text = encoded(log(odd, {"category": "Other"}, VNET, VNET))
    events, faults = events_of(text[: text.rindex(b"NX")], strict=False)
    assert len(seen(events)) == 3
    assert faults.count == 3
    assert [fault.place for fault in faults.first][:2] == [
        "record 1, rule 'UserRule_deny-all', tuple 2",
        "record 2",
    ]
    assert "truncated" in faults.first[2].message


def test_only_the_first_faults_are_told_in_words() -> None:
    _, faults = events_of(encoded(log(nsg_record(["x"] * 50))), strict=False)
    assert (faults.count, len(faults.first)) == (50, 10)


@given(st.integers(min_value=0, max_value=len(encoded(log(NSG, VNET))) - 1))
def test_no_cut_goes_unnoticed(length: int) -> None:
    """Whatever is missing at the end of a file, it is a fault; what stood before it was told."""
    events, faults = events_of(encoded(log(NSG, VNET))[:length], strict=False)
    assert faults.count == 1
    assert len(seen(events)) <= 3


@given(st.binary(max_size=60), st.integers(min_value=0, max_value=600))
def test_any_bytes_are_an_answer_or_a_fault(noise: bytes, at: int) -> None:
    text = encoded(log(NSG, VNET))
    with suppress(BadLog):
        events, faults = events_of(text[:at] + noise + text[at:], strict=False)
        assert len(seen(events)) == 3 or faults.count


def test_the_fixtures_of_the_thread_tell_the_same_story_in_every_format() -> None:
    stories = [
        [(event.packet and event.packet[:5], event.rule) for event in seen(events_of(path.read_bytes())[0])]
        for path in sorted(LOGS.glob("*_thread*.json"))
    ]
    assert len(stories) == 3
    assert stories[0] == stories[1] == stories[2]


class _Endless:
    """A log that is made while it is read, so that the file takes no memory either."""

    def __init__(self, megabytes: int, *, records: bool) -> None:
        self._pieces = self._made(megabytes << 20, records=records)
        self._left = b""

    def read(self, size: int, /) -> bytes:
        while len(self._left) < size and (piece := next(self._pieces, b"")):
            self._left += piece
        piece, self._left = self._left[:size], self._left[size:]
        return piece

    @staticmethod
    def _made(size: int, *, records: bool) -> Iterator[bytes]:
        head, tail = json.dumps(log(vnet_record(["@"]))).split('"@"')
        inner = json.dumps(vnet_record(["@"])).split('"@"')
        between = f"{inner[1]},{inner[0]}".encode() if records else b","
        yield head.encode()
        made = number = 0
        while made < size:
            listed = (vnet_tuple(_address(number + n), millisecond=number + n) for n in range(200))
            piece = ",".join(f'"{text}"' for text in listed).encode()
            yield piece if not number else between + piece
            made, number = made + len(piece), number + 200
        yield tail.encode()


def _address(number: int) -> str:
    """One of 3,000: more than a tally tells apart."""
    return f"20.0.{number % 3000 // 256}.{number % 3000 % 256}"


@pytest.mark.parametrize("records", [True, False], ids=["many records", "one record"])
def test_memory_does_not_grow_with_the_log(records: bool) -> None:
    """In one of the two files each flow is a member of one and the same list."""
    counting, events = Counting(Setting()), read_events(_Endless(2, records=records), Faults(strict=True))
    tracemalloc.start()
    counting.take(islice(events, 6_000))  # by then every cache and every tally is full
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.reset_peak()
    counting.take(events)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    (group,) = counting.groups.values()
    assert group.count == counting.flows > 20_000
    assert not group.addresses.is_complete
    assert peak < held + (256 << 10)  # some 14,000 flows that were kept would be 4 MB
    assert peak < 8 << 20
