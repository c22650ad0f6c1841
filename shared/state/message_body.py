"""From the body of a queue message to the message in it.

The difference matters that ``StoreError`` alone does not tell: a body that is no message will never be
one, a message whose text could not be fetched may be readable a minute later.
"""

from __future__ import annotations

import re
from typing import Final

from shared.model import codec
from shared.model.errors import StoreError
from shared.model.messages import Message
from shared.state.store import Store

_HASH: Final = re.compile(r"[0-9a-f]{64}")


def understand(body: bytes, store: Store) -> Message | None:
    """The message; None when the body is none and never will be.

    Raises ``StoreError`` when the body refers to a text that cannot be fetched now.
    """
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return None
    return store.read_message(text) if _is_reference(text) else _parsed(text)


def _parsed(text: str) -> Message | None:
    try:
        return codec.load(Message, text)
    except StoreError:
        return None


def _is_reference(text: str) -> bool:
    """A long message travels as the hash of its text, alone in an object."""
    try:
        (held,) = codec.load(dict[str, str], text).values()
    except (StoreError, ValueError):
        return False
    return _HASH.fullmatch(held) is not None
