"""What is kept as blobs: immutable texts under their hash, dead letters, anchors, the break-glass switch.

Snapshots, proofs and inverses are written once and addressed by the SHA-256 of their bytes, so a
reference in a table also says that the text is still the one that was meant; reading checks it. The
break-glass switch is a blob, so that a person without any tool of ours can throw it; which blobs are one,
and what it stops, is in ``break_glass``.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Collection, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice, takewhile
from typing import TYPE_CHECKING, Final, TypeVar

from shared.model import codec
from shared.model.errors import EntityChanged, StoreError, TextGone
from shared.model.interfaces import Blobs, Written
from shared.model.resource_id import ResourceId
from shared.state.break_glass import BreakGlassSwitch, note_in, switch_for, switches

if TYPE_CHECKING:
    from typing_extensions import TypeForm

_T = TypeVar("_T")

SNAPSHOTS: Final = "snapshots"
_DEAD_LETTERS: Final = "deadletters"
_CONTROL: Final = "control"
ANCHORS: Final = "journal"
CONTAINERS: Final = (_CONTROL, _DEAD_LETTERS, ANCHORS, SNAPSHOTS)
_MOST_CONTROLS: Final = 5_000
"""One page of a listing, as the service makes it. A container of which nobody saw the end tells nothing."""


def reference(text: str) -> str:
    """What a text is kept under: the SHA-256 of its UTF-8 bytes, 64 hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()


class Archive:
    """The blobs of Driftward. Every method may raise ``StoreError``; ``TextGone`` is one."""

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs

    def keep_text(self, text: str) -> str:
        """Write a text and return its reference. What is there already is written again: asking first costs
        as much, and a text that is written anew is not taken for one that nobody needs any more."""
        name = reference(text)
        self._blobs.put(SNAPSHOTS, name, text.encode())
        return name

    def text(self, name: str) -> str | None:
        """The text with this reference; None when there is none."""
        data = self._blobs.get(SNAPSHOTS, name)
        if data is None:
            return None
        if hashlib.sha256(data).hexdigest() != name:
            raise TextGone(f"the blob {name} does not hold what its name says")
        try:
            return data.decode()
        except UnicodeDecodeError as error:
            raise TextGone(f"the blob {name} holds no text") from error

    def texts_before(self, part: str, time: datetime) -> list[Written]:
        """The texts whose references begin with a part and that nobody wrote since a time."""
        return [one for one in self._blobs.written(SNAPSHOTS, part) if one.at < time]

    def remove_text(self, text: Written) -> bool:
        """Remove a text, unless it was written since; whether it went."""
        try:
            self._blobs.delete(SNAPSHOTS, text.name, text.etag)
        except EntityChanged:
            return False
        return True

    def remove_dead_letters(self, before: datetime, most: int) -> int:
        """Remove up to so many of those that were put aside before the day of a time; how many went."""
        day = f"{before.astimezone(UTC):%Y/%m/%d}"
        old = islice(takewhile(lambda name: name < day, self._blobs.names(_DEAD_LETTERS)), most)
        names = list(old)
        for name in names:
            self._blobs.delete(_DEAD_LETTERS, name)
        return len(names)

    def value(self, form: TypeForm[_T], name: str) -> _T | None:
        """The value with this reference; None when there is none."""
        text = self.text(name)
        return None if text is None else codec.load(form, text)

    def dead_letter(self, reason: str, body: str | bytes, now: datetime) -> str:
        """Put aside what cannot be processed, with the reason; returns the blob's name.

        Bytes that are no UTF-8 are kept in base64 (``bodyBase64`` instead of ``body``).
        """
        moment = now.astimezone(UTC)
        text = codec.canonical({"reason": reason, "time": _rfc3339(now), **_readable(body)})
        name = f"{moment:%Y/%m/%d}/{moment:%H%M%S.%fZ}-{reference(text)[:16]}.json"
        self._blobs.put(_DEAD_LETTERS, name, text.encode())
        return name

    def break_glass(
        self, subscription: str, scopes: Collection[ResourceId], now: datetime | None = None
    ) -> bool:
        """Whether somebody forbade all writes, here or everywhere."""
        thrown = (switch.within(scopes) for switch in self._thrown(now))
        return any(switch.concerns(subscription) for switch in thrown)

    def break_glass_switches(
        self, scopes: Collection[ResourceId], now: datetime | None = None
    ) -> tuple[BreakGlassSwitch, ...]:
        """Every switch that is thrown, as it counts in the scopes, with what it says."""
        return tuple(self._with_note(switch.within(scopes)) for switch in self._thrown(now))

    def _thrown(self, now: datetime | None) -> list[BreakGlassSwitch]:
        """Those that have not ended by themselves."""
        return [switch for switch in switches(self._controls()) if not switch.has_ended(now)]

    def remove_ended_switches(self, now: datetime) -> None:
        for switch in switches(list(self._controls())):
            if switch.has_ended(now):
                self._blobs.delete(_CONTROL, switch.name)

    def set_break_glass(
        self,
        on: bool,
        subscription: str | None = None,
        *,
        by: str,
        reason: str,
        now: datetime,
        until: datetime | None = None,
    ) -> None:
        """Throw the switch for one subscription, or for everything, and note who did it and why.

        Switching off removes every blob that concerns the same, however it is spelled: those that name the
        subscription, or those that name no id. What one of them stops besides stays stopped, for as long.
        """
        note = codec.canonical({"by": by, "reason": reason, "time": _rfc3339(now)}).encode()
        if on:
            self._blobs.put(_CONTROL, switch_for(subscription, until), note)
            return
        wanted = () if subscription is None else (subscription.strip().lower(),)
        for switch in switches(list(self._controls())):
            named = set(switch.subscriptions)
            if named.issuperset(wanted) and bool(named) is bool(wanted):
                for other in sorted(named.difference(wanted)):
                    self._blobs.put(_CONTROL, switch_for(other, switch.until), note)
                self._blobs.delete(_CONTROL, switch.name)

    def _controls(self) -> Iterator[str]:
        """The names in the container, whatever their letter case: a prefix of the service has one."""
        for number, name in enumerate(self._blobs.names(_CONTROL)):
            if number == _MOST_CONTROLS:
                raise StoreError(
                    f"{_CONTROL} holds more than {_MOST_CONTROLS} blobs: the switch may be among them"
                )
            yield name

    def put_anchor(self, name: str, text: str) -> None:
        self._blobs.put(ANCHORS, name, text.encode())

    def anchor(self, name: str) -> str | None:
        """The text of an anchor, whatever it is; None when there is none."""
        data = self._blobs.get(ANCHORS, name)
        return None if data is None else data.decode(errors="replace")

    def anchor_names(self) -> list[str]:
        return sorted(self._blobs.names(ANCHORS))

    def switches(self, now: datetime) -> dict[str, bytes]:
        """Every switch that is thrown, by its name in lower case."""
        return {one.name.lower(): self._blobs.get(_CONTROL, one.name) or b"" for one in self._thrown(now)}

    def _with_note(self, switch: BreakGlassSwitch) -> BreakGlassSwitch:
        note, thrown_at = note_in(self._blobs.get(_CONTROL, switch.name))
        return replace(switch, note=note, thrown_at=thrown_at)


def _rfc3339(time: datetime) -> str:
    return time.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _readable(body: str | bytes) -> dict[str, str]:
    if isinstance(body, str):
        return {"body": body}
    try:
        return {"body": body.decode()}
    except UnicodeDecodeError:
        return {"bodyBase64": base64.b64encode(body).decode()}
