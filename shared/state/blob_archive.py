"""What is kept as blobs: immutable texts under their hash, dead letters, anchors, the break-glass switch.

Snapshots, proofs and inverses are written once and addressed by the SHA-256 of their bytes, so a
reference in a table also says that the text is still the one that was meant; reading checks it. The
break-glass switch is a blob, so that a person without any tool of ours can throw it: ``break-glass``
stops every write, ``break-glass/<subscription>`` those to one subscription.
"""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, TypeVar

from shared.model import codec
from shared.model.errors import TextGone
from shared.model.interfaces import Blobs

if TYPE_CHECKING:
    from typing_extensions import TypeForm

_T = TypeVar("_T")

_SNAPSHOTS: Final = "snapshots"
_DEAD_LETTERS: Final = "deadletters"
_CONTROL: Final = "control"
_BREAK_GLASS: Final = "break-glass"
_JOURNAL: Final = "journal"


def reference(text: str) -> str:
    """What a text is kept under: the SHA-256 of its UTF-8 bytes, 64 hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()


class Archive:
    """The blobs of Driftward. Every method may raise ``StoreError``; ``TextGone`` is one."""

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs

    def keep_text(self, text: str) -> str:
        """Write a text unless it is there already, and return its reference."""
        name = reference(text)
        if name not in self._blobs.names(_SNAPSHOTS, prefix=name):
            self._blobs.put(_SNAPSHOTS, name, text.encode())
        return name

    def text(self, name: str) -> str | None:
        """The text with this reference; None when there is none."""
        data = self._blobs.get(_SNAPSHOTS, name)
        if data is None:
            return None
        if hashlib.sha256(data).hexdigest() != name:
            raise TextGone(f"the blob {name} does not hold what its name says")
        try:
            return data.decode()
        except UnicodeDecodeError as error:
            raise TextGone(f"the blob {name} holds no text") from error

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

    def break_glass(self, subscription: str) -> bool:
        """Whether somebody forbade all writes, here or everywhere."""
        wanted = {_switch(None), _switch(subscription)}
        return any(name.lower() in wanted for name in self._blobs.names(_CONTROL, prefix=_BREAK_GLASS))

    def set_break_glass(
        self, on: bool, subscription: str | None, *, by: str, reason: str, now: datetime
    ) -> None:
        """Throw the switch for one subscription, or for everything, and note who did it and why."""
        name = _switch(subscription)
        if on:
            note = codec.canonical({"by": by, "reason": reason, "time": _rfc3339(now)})
            self._blobs.put(_CONTROL, name, note.encode())
            return
        for present in list(self._blobs.names(_CONTROL, prefix=_BREAK_GLASS)):
            if present.lower() == name:
                self._blobs.delete(_CONTROL, present)

    def switches(self) -> dict[str, bytes]:
        """What stands in the container of switches that may be one, by its name in lower case."""
        names = [name for name in self._blobs.names(_CONTROL) if name.lower().startswith(_BREAK_GLASS)]
        return {name.lower(): self._blobs.get(_CONTROL, name) or b"" for name in names}

    def put_anchor(self, name: str, text: str) -> None:
        self._blobs.put(_JOURNAL, name, text.encode())

    def anchor(self, name: str) -> str | None:
        """The text of an anchor, whatever it is; None when there is none."""
        data = self._blobs.get(_JOURNAL, name)
        return None if data is None else data.decode(errors="replace")

    def anchor_names(self) -> list[str]:
        return sorted(self._blobs.names(_JOURNAL))


def _switch(subscription: str | None) -> str:
    """The switch's name; a person may have written the subscription in capitals."""
    return _BREAK_GLASS if subscription is None else f"{_BREAK_GLASS}/{subscription.lower()}"


def _rfc3339(time: datetime) -> str:
    return time.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _readable(body: str | bytes) -> dict[str, str]:
    if isinstance(body, str):
        return {"body": body}
    try:
        return {"body": body.decode()}
    except UnicodeDecodeError:
        return {"bodyBase64": base64.b64encode(body).decode()}
