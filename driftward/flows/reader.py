"""The reader of a flow log: follows the events of one file and tells flows, rules and records.

Where an event stands is kept here, because ijson's events carry no path. What flows mean does not belong
here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple, TypeAlias

from driftward.flows.faults import BadLog, Fault, Faults
from driftward.flows.places import (
    EACH,
    FLOWS,
    FLOWS_AT,
    HELD,
    HOLDERS,
    LISTED,
    RESOURCE_AT,
    RULE_AT,
    RULE_NAME_AT,
    TUPLES_AT,
    VERSION_AT,
    WRAPPERS,
    Path,
)
from driftward.flows.tuples import BadTuple, Layout, Packet, read_flow, shown, this_side
from shared.model import Json

_DEEPEST: Final = 32
"""A flow log nests ten levels deep."""


class Seen(NamedTuple):
    """A flow, with the rule that decided it as the log names it; None where it is named only later."""

    time: int
    packet: Packet | None
    """None where it was allowed."""
    rule: str | None
    passed: Packet | None = None
    """What was allowed, where every flow is read."""


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
Watch: TypeAlias = Callable[[str, bool], bool]
"""Told of a flow that passed: the address of its own side, and whether it went out; says whether to go on."""


class Reader:
    """Follows the events of one file; all that it keeps is where it stands."""

    def __init__(self, faults: Faults, watch: Watch | None = None, *, every: bool = False) -> None:
        self._watch = watch
        self._every = every
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
            time, packet, passed = read_flow(found, self.tuples, every=self._every)
        except BadTuple as error:
            self._add(f"{error}: {shown(found)}")
            return None
        if packet is None:
            self._tell(found)
        elif self._rule is None:
            self._is_open = True
        return Seen(time, packet, self._rule, passed)

    def _tell(self, found: str) -> None:
        if self._watch is not None and not self._watch(*this_side(found)):
            self._watch = None

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
            self._path.append(EACH)
        self._holds.append(False)

    def _enter_object(self, where: Path) -> None:
        if where in LISTED:
            self._records += 1
            self._begin_record()
        elif not where:
            self._has_records = False
            self._begin_record()
        elif where in RULE_AT:
            self._rule, self._is_open, self._tuple = None, False, 0

    def _begin_record(self) -> None:
        self._resource = self._version = ""
        self._rule, self._layout, self._tuple = None, None, 0

    def _enter_list(self, where: Path) -> None:
        if where in HELD:
            self._holds[-1] = True
        if where in LISTED:
            self._records += 1
            self._add("no object")
        elif where in WRAPPERS:
            self._has_records = True
        elif where in FLOWS_AT:
            self._meet_flows(where)
        elif where in TUPLES_AT:
            self.tuples = TUPLES_AT[where]

    def _meet_flows(self, where: Path) -> None:
        if self._layout is None and where in FLOWS.values():
            self._records += 1  # a document of its own shows only here that it is a record
        self._layout = FLOWS_AT[where]

    def _leave(self) -> Iterator[Event]:
        self._path.pop()
        self.tuples = None
        where = tuple(self._path)
        if not self._holds.pop() and where in HOLDERS:
            self._add(f"no list of {HOLDERS[where]}")
        if where in RULE_AT:
            yield from self.leave_rule()
        elif where in LISTED or not where:
            yield from self._leave_record(where)

    def _leave_record(self, where: Path) -> Iterator[Event]:
        if self._layout is not None:
            yield Origin(self._resource, f"{self._layout}/{self._version or '?'}")
        elif where in LISTED:
            self._add("no flow record: neither properties.flows nor flowRecords.flows")
        elif not self._has_records:
            self._add("no flow log: neither records nor flows")
        self._layout = None

    # --- values ------------------------------------------------------------------------------------

    def _scalar(self, found: Json) -> Iterator[Event]:
        where = tuple(self._path)
        if where in RULE_NAME_AT and isinstance(found, str):
            yield from self._name(found)
        elif where in RESOURCE_AT and isinstance(found, str):
            self._resource = found
        elif where in VERSION_AT:
            self._version = f"{found:g}" if isinstance(found, float) else str(found)
        elif found is None and where in FLOWS_AT:
            self._meet_flows(where)
        elif found is None and where in HELD:
            self._holds[-1] = True
        else:
            self._misplaced(where)

    def _misplaced(self, where: Path) -> None:
        """A value where an object belongs; any other value says nothing of flows."""
        if where in LISTED:
            self._records += 1
        if where in LISTED or where in HOLDERS:
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
