"""From the body of a queue message to the message in it.

The difference matters that ``StoreError`` alone does not tell: a body that is no message will never be
one, a message whose text could not be fetched may be readable a minute later.
"""

from __future__ import annotations

from shared.model import codec
from shared.model.errors import StoreError
from shared.model.messages import Message
from shared.state.store import Store


def understand(body: bytes, store: Store) -> Message | None:
    """The message; None when the body is none that this version knows, and never will be.

    Raises ``StoreError`` when the body refers to a text that cannot be fetched now, and ``TextGone``, which
    is one, when that text is kept no more.
    """
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return None
    return _parsed(store.message_text(text))


def _parsed(text: str) -> Message | None:
    try:
        message = codec.load(Message, text)
    except StoreError:
        return None
    return message if message.is_whole else None
