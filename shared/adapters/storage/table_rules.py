"""What Table Storage demands of keys, transactions and sizes, free of any SDK.

Both implementations of ``Tables`` obey these rules, so a unit test on the one in memory meets the
same refusals and the same order of entities as the service gives. Source: "Understanding the Table
service data model" and "Performing entity group transactions" in the REST reference of Azure Storage.
"""

from __future__ import annotations

import re
import string
from collections.abc import Sequence
from typing import Final

from shared.model.errors import StoreError
from shared.model.interfaces import Row, TableWrite

_PLAIN: Final = frozenset(string.ascii_letters + string.digits + "-_.:")
_ESCAPED: Final = re.compile(r"(?:~[0-9a-f]{2})+")
MAX_WRITES: Final = 100
_MAX_PROPERTY_CHARACTERS: Final = 32 * 1024
_MAX_ENTITY_BYTES: Final = 1024 * 1024


def encode_key(text: str) -> str:
    """A text as a partition or row key: UTF-8 with ``~2f`` for ``/`` and everything else unsafe.

    Table Storage forbids ``/ \\ # ?`` and control characters and has trouble with ``%``; what is left
    is ASCII, so that the service's order of keys and Python's are the same. A prefix of a text
    becomes a prefix of its key.
    """
    return "".join(character if character in _PLAIN else _escape(character) for character in text)


def decode_key(key: str) -> str:
    """The text that ``encode_key`` wrote."""
    return _ESCAPED.sub(lambda found: bytes.fromhex(found[0].replace("~", "")).decode(), key)


def after_prefix(prefix: str) -> str:
    """The smallest key above every key that begins with the (encoded, not empty) prefix."""
    return prefix[:-1] + chr(ord(prefix[-1]) + 1)


def check_transaction(writes: Sequence[TableWrite]) -> None:
    """Raises ``ValueError`` for what no transaction may be: a mistake of the caller, not of the store."""
    if not 1 <= len(writes) <= MAX_WRITES:
        raise ValueError(f"a transaction has 1 to {MAX_WRITES} writes, not {len(writes)}")
    if len({write.partition for write in writes}) > 1:
        raise ValueError("a transaction stays in one partition")
    if len({write.row for write in writes}) < len(writes):
        raise ValueError("a transaction writes a row once")


def check_size(row: Row) -> None:
    """Raises ``StoreError`` for an entity that the service would refuse: texts are UTF-16 there."""
    texts = {name: text for name, text in row.items() if isinstance(text, str)}
    for name, text in texts.items():
        if _utf16_length(text) > _MAX_PROPERTY_CHARACTERS:
            raise StoreError(f"property {name} is longer than {_MAX_PROPERTY_CHARACTERS} characters")
    if sum(2 * (len(name) + _utf16_length(text)) for name, text in texts.items()) > _MAX_ENTITY_BYTES:
        raise StoreError("an entity holds 1 MiB at most")


def _escape(character: str) -> str:
    return "".join(f"~{byte:02x}" for byte in character.encode())


def _utf16_length(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2
