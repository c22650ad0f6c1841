"""What is enqueued: a message as its text, or where that is too long for the queue as a reference to it.

A reference is the hash of the text, alone in an object; the text is then among the blobs.
"""

from __future__ import annotations

import re
from typing import Final

from shared.model import codec
from shared.model.errors import TextGone
from shared.model.interfaces import Queue
from shared.model.messages import Message, MessageKind
from shared.state.blob_archive import Archive

_LONGEST: Final = 48_000
"""Bytes: the service takes 64 KiB, and base64 makes four of three."""

_NAME: Final = "messageBlob"
_REFERENCE: Final = re.compile(rf'\s*\{{\s*"{_NAME}"\s*:\s*"([0-9a-f]{{64}})"\s*\}}\s*')


class Outbox:
    """The queues, with blobs beside them for what is too long. What sinks are told has one of its own."""

    def __init__(self, queue: Queue, notices: Queue, archive: Archive) -> None:
        self._queue = queue
        self._notices = notices
        self._archive = archive

    def send(self, message: Message, delay_seconds: float) -> None:
        body = codec.dump(message)
        if len(body) > _LONGEST:
            body = codec.canonical({_NAME: self._archive.keep_text(body)})
        queue = self._notices if message.kind is MessageKind.NOTIFY else self._queue
        queue.send(body, delay_seconds)

    def text(self, body: str) -> str:
        """The text that was enqueued or put aside.

        Raises ``TextGone`` where that is kept no more, ``StoreError`` where it cannot be fetched now.
        """
        referred = _REFERENCE.fullmatch(body)
        text = self._archive.text(referred[1]) if referred else body
        if text is None:
            raise TextGone(f"the text of the message {body} is gone")
        return text
