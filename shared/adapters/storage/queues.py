"""``Queue`` over Azure Queue Storage (azure-storage-queue); works against Azurite as well.

Bodies are sent in base64, which is what the Functions host decodes by default (``messageEncoding`` in
``host.json``). Messages do not expire: the service would drop them after seven days, and a message is
a promise. Receiving is the host's business, not ours.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Final

from azure.core.exceptions import ResourceExistsError
from azure.storage.queue import QueueClient, TextBase64EncodePolicy

from shared.adapters.storage.account import (
    CLIENT_OPTIONS,
    Retries,
    Sleep,
    StorageAccount,
    store_errors,
    with_home,
)

_NO_QUEUE: Final = "QueueNotFound"
_NEVER_EXPIRES: Final = -1
_LONGEST_DELAY: Final = 7 * 24 * 3600
"""Seconds; the service refuses more. Looking earlier than asked is harmless: the question is asked anew."""


class AzureQueue:
    """Implements ``shared.model.interfaces.Queue``. Safe for use from many threads, as its client is."""

    def __init__(self, account: StorageAccount, sleep: Sleep, name: str = "reconcile") -> None:
        self._client = _client(account, name)
        self._name = name
        self._retries = Retries(sleep)

    def send(self, body: str, delay_seconds: float = 0) -> None:
        delay = min(math.ceil(delay_seconds), _LONGEST_DELAY)
        send = partial(self._client.send_message, body, visibility_timeout=delay, time_to_live=_NEVER_EXPIRES)
        with store_errors(f"sending to {self._name}"):
            self._retries(lambda: with_home(send, self._create, _NO_QUEUE))

    def _create(self) -> None:
        """Another worker may have created it meanwhile, which is as good."""
        try:
            self._client.create_queue()
        except ResourceExistsError:
            return


def _client(account: StorageAccount, name: str) -> QueueClient:
    if account.connection_string is not None:
        return QueueClient.from_connection_string(
            account.connection_string, name, message_encode_policy=TextBase64EncodePolicy(), **CLIENT_OPTIONS
        )
    return QueueClient(
        account.queue_url,
        name,
        credential=account.credential,
        message_encode_policy=TextBase64EncodePolicy(),
        **CLIENT_OPTIONS,
    )
