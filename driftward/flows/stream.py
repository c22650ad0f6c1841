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
from typing import Final, NamedTuple, Protocol, TypeAlias

import ijson  # type: ignore[import-untyped]  # ships neither stubs nor a py.typed marker

from driftward.flows.tuples import BadTuple, Layout, Packet, read_flow, shown
from shared.model import Json
from shared.model.values import value

PIECE: Final = 1 << 16
MOST_FAULTS: Final = 10
"""Faults that are told in words; all are counted."""
_DEEPEST: Final = 32
"""A flow log nests ten levels deep."""


class Source(Protocol):
    """What is read: a file opened for bytes."""

    def read(self, size: int, /) -> bytes: ...


class BadLog(ValueError):
    """The file cannot be read as a flow log; the message names the place."""


class Seen(NamedTuple):
    """A flow, with the rule that decided it as the log names it; None where it is named only later."""

    time: int
    packet: Packet | None
    rule: str | None


class Named(NamedTuple):
    """The rule of the flows that were told with None since the last ``Named``; ``""`` where there is none."""

    rule: str


class Origin(NamedTuple):
    """What a record says of itself."""

    resource: str
    """The id of the NSG, or of what the flow log is about; ``""`` where absent."""
    version: str
    """``nsg/2``, ``vnet/4``."""


Event: TypeAlias = Seen | Named | Origin


@value
class Fault:
    place: str
    message: str

    def __str__(self) -> str:
        return f"{self.place}: {self.message}"


class Faults:
    """What could not be read, in the order of the file."""

    def __init__(self, *, strict: bool) -> None:
        self.strict = strict
        self.count = 0
        self.first: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Keep the fault. Raises ``BadLog`` where nothing may be passed over."""
        if self.strict:
            raise BadLog(str(fault))
        self.count += 1
        if len(self.first) < MOST_FAULTS:
            self.first.append(fault)


# --- where things stand ----------------------------------------------------------------------------

_EACH: Final = "*"
_BASES: Final = (("records", _EACH), (_EACH,), ())
"""Where records stand: in the list of the wrapper, in a bare list, as a document of their own."""
_Path: TypeAlias = tuple[str, ...]
_FLOWS: Final[dict[Layout, _Path]] = {
    Layout.NSG: ("properties", "flows"),
    Layout.VNET: ("flowrecords", "flows"),
}
_RULES: Final[dict[Layout, _Path]] = {
    Layout.NSG: (*_FLOWS[Layout.NSG], _EACH),
    Layout.VNET: (*_FLOWS[Layout.VNET], _EACH, "flowgroups", _EACH),
}
_TUPLES: Final[dict[Layout, _Path]] = {
    Layout.NSG: (*_RULES[Layout.NSG], "flows", _EACH, "flowtuples"),
    Layout.VNET: (*_RULES[Layout.VNET], "flowtuples"),
}


def _everywhere(paths: dict[Layout, _Path], *more: str) -> dict[_Path, Layout]:
    return {(*base, *path, *more): layout for base in _BASES for layout, path in paths.items()}


_HOLDERS: Final[dict[_Path, str]] = {
    (*base, *path): child
    for base in _BASES
    for path, child in (
        (_RULES[Layout.NSG], "flows"),
        (_TUPLES[Layout.NSG][:-1], "flowtuples"),
        ((*_FLOWS[Layout.VNET], _EACH), "flowgroups"),
        (_TUPLES[Layout.VNET][:-1], "flowtuples"),
    )
}
"""Objects that cannot do without a list: where it is missing or called otherwise, flows would be lost."""
_HELD: Final = frozenset((*where, child) for where, child in _HOLDERS.items())
_FLOWS_AT: Final = _everywhere(_FLOWS)
_RULE_AT: Final = _everywhere(_RULES)
_RULE_NAME_AT: Final = _everywhere(_RULES, "rule")
_TUPLES_AT: Final = _everywhere(_TUPLES)
_RESOURCE_AT: Final = _everywhere({Layout.NSG: ("resourceid",), Layout.VNET: ("targetresourceid",)})
_VERSION_AT: Final = _everywhere({Layout.NSG: ("properties", "version"), Layout.VNET: ("flowlogversion",)})
_LISTED: Final = frozenset(_BASES[:2])
_WRAPPERS: Final = frozenset({("records",), ()})


# --- reading ---------------------------------------------------------------------------------------


def read_events(source: Source, faults: Faults) -> Iterator[Event]:
    """What the file tells, in its order. Raises ``BadLog``, and ``OSError`` where it cannot be read."""
    pieces, reader = _Pieces(source), _Reader(faults)
    try:
        for event, found in ijson.basic_parse(pieces, multiple_values=True, use_float=True, buf_size=PIECE):
            if reader.tuples is None or event == "end_array":
                yield from reader.take(event, found)
            elif (seen := reader.read_tuple(event, found)) is not None:
                yield seen
    except ijson.JSONError as error:
        yield from reader.leave_rule()
        faults.add(Fault(place=f"{reader.place}, {pieces.place}", message=pieces.reason(str(error))))


class _Pieces:
    """The file's bytes, and how far they were handed out."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._last = 0
        self._read = 0
        self._ended = False

    def read(self, size: int) -> bytes:
        piece = self._source.read(size)
        if not self._read:
            piece = _without_mark(piece)
        self._last = self._read
        self._read += len(piece)
        self._ended = not piece
        return piece

    @property
    def place(self) -> str:
        return f"byte {self._read}" if self._ended else f"between bytes {self._last} and {self._read}"

    def reason(self, told: str) -> str:
        """yajl shows the text around the fault between its reason and a line with an arrow."""
        if self._ended:
            return "the file is empty" if not self._read else "the file ends in the middle: it is truncated"
        reason, _, around = told.partition("\n")
        text = around.rpartition("(right here)")[0].strip()
        return f"no JSON: {reason}" + (f" near {shown(text)}" if text else "")


_MARK: Final = b"\xef\xbb\xbf"
_NOT_UTF8: Final = {
    b"\xff\xfe": "the text is UTF-16: save it as UTF-8",
    b"\xfe\xff": "the text is UTF-16: save it as UTF-8",
    b"\x1f\x8b": "the file is compressed: unpack it first",
}


def _without_mark(piece: bytes) -> bytes:
    if reason := _NOT_UTF8.get(piece[:2]):
        raise BadLog(reason)
    return piece.removeprefix(_MARK)


class _Reader:
    """Follows the events of one file; all that it keeps is where it stands."""

    def __init__(self, faults: Faults) -> None:
        self.tuples: Layout | None = None
        """The layout of the flow tuples in whose list the reader stands."""
        self._faults = faults
        self._path: list[str] = []
        self._holds: list[bool] = []
        """For each step of the path, whether what must stand in it was met."""
        self._records = 0
        self._tuple = 0
        self._rule: str | None = None
        self._is_open = False
        """Whether denied flows were told whose rule is not named yet."""
        self._resource = ""
        self._version = ""
        self._layout: Layout | None = None
        """Of the record: known as soon as its list of flows is met."""
        self._has_records = False
        """Whether the document, outside of records, has a list for them."""

    @property
    def place(self) -> str:
        if not self._records:
            return "before the first record"
        rule = f", rule {shown(self._rule)}" if self._rule else ""
        return f"record {self._records}{rule}" + (f", tuple {self._tuple}" if self._tuple else "")

    def take(self, event: str, found: Json) -> Iterator[Event]:
        """Any event but a flow tuple."""
        match event:
            case "map_key":
                self._path[-1] = found.lower()
            case "start_map" | "start_array":
                self._enter(event)
            case "end_map" | "end_array":
                yield from self._leave()
            case _:
                yield from self._scalar(found)

    def read_tuple(self, event: str, found: Json) -> Seen | None:
        """A flow; None for a text that is none, where faults are passed over."""
        self._tuple += 1
        if event != "string" or self.tuples is None:
            raise BadLog(f"{self.place}: no text stands where a flow tuple should")
        try:
            time, packet = read_flow(found, self.tuples)
        except BadTuple as error:
            self._add(f"{error}: {shown(found)}")
            return None
        if self._rule is None and packet is not None:
            self._is_open = True
        return Seen(time, packet, self._rule)

    def leave_rule(self) -> Iterator[Event]:
        """Say whose the flows were that no rule was named for."""
        if self._is_open:
            yield Named(self._rule or "")
        self._rule, self._is_open, self._tuple = None, False, 0

    # --- going in and out --------------------------------------------------------------------------

    def _enter(self, event: str) -> None:
        where = tuple(self._path)
        if len(where) >= _DEEPEST:
            raise BadLog(f"{self.place}: nested too deeply for a flow log")
        if event == "start_map":
            self._enter_object(where)
            self._path.append("")
        else:
            self._enter_list(where)
            self._path.append(_EACH)
        self._holds.append(False)

    def _enter_object(self, where: _Path) -> None:
        if where in _LISTED:
            self._records += 1
            self._begin_record()
        elif not where:
            self._has_records = False
            self._begin_record()
        elif where in _RULE_AT:
            self._rule, self._is_open, self._tuple = None, False, 0

    def _begin_record(self) -> None:
        self._resource = self._version = ""
        self._rule, self._layout, self._tuple = None, None, 0

    def _enter_list(self, where: _Path) -> None:
        if where in _HELD:
            self._holds[-1] = True
        if where in _LISTED:
            self._records += 1
            self._add("no object")
        elif where in _WRAPPERS:
            self._has_records = True
        elif where in _FLOWS_AT:
            self._meet_flows(where)
        elif where in _TUPLES_AT:
            self.tuples = _TUPLES_AT[where]

    def _meet_flows(self, where: _Path) -> None:
        if self._layout is None and where in _FLOWS.values():
            self._records += 1  # a document of its own shows only here that it is a record
        self._layout = _FLOWS_AT[where]

    def _leave(self) -> Iterator[Event]:
        self._path.pop()
        self.tuples = None
        where = tuple(self._path)
        if not self._holds.pop() and where in _HOLDERS:
            self._add(f"no list of {_HOLDERS[where]}")
        if where in _RULE_AT:
            yield from self.leave_rule()
        elif where in _LISTED or not where:
            yield from self._leave_record(where)

    def _leave_record(self, where: _Path) -> Iterator[Event]:
        if self._layout is not None:
            yield Origin(self._resource, f"{self._layout}/{self._version or '?'}")
        elif where in _LISTED:
            self._add("no flow record: neither properties.flows nor flowRecords.flows")
        elif not self._has_records:
            self._add("no flow log: neither records nor flows")
        self._layout = None

    # --- values ------------------------------------------------------------------------------------

    def _scalar(self, found: Json) -> Iterator[Event]:
        where = tuple(self._path)
        if where in _RULE_NAME_AT and isinstance(found, str):
            yield from self._name(found)
        elif where in _RESOURCE_AT and isinstance(found, str):
            self._resource = found
        elif where in _VERSION_AT:
            self._version = f"{found:g}" if isinstance(found, float) else str(found)
        elif found is None and where in _FLOWS_AT:
            self._meet_flows(where)
        elif found is None and where in _HELD:
            self._holds[-1] = True
        else:
            self._misplaced(where)

    def _misplaced(self, where: _Path) -> None:
        """A value where an object belongs; any other value says nothing of flows."""
        if where in _LISTED:
            self._records += 1
        if where in _LISTED or where in _HOLDERS:
            self._add("no object")
        elif not where:
            self._add("no flow log: neither records nor flows")

    def _name(self, rule: str) -> Iterator[Event]:
        self._rule = rule
        if self._is_open:
            yield Named(rule)
        self._is_open = False

    def _add(self, message: str) -> None:
        self._faults.add(Fault(place=self.place, message=message))
