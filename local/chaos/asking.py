"""What is asked of a run from outside: Driftward's API and commands, the rows and queues of its storage."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import quote

from azure.core.exceptions import AzureError, ResourceNotFoundError
from azure.data.tables import TableServiceClient
from azure.storage.queue import QueueServiceClient

from local.dev.environments import ROOT
from local.simulator.values import JsonObject, JsonValue, as_list, as_object
from shared.model.values import value

_ANSWER_SECONDS: Final = 60
_TRIES: Final = 5
_NEXT: Final = re.compile(r'<([^>]+)>; rel="next"')
_UNAVAILABLE: Final = 503
_PAGE: Final = 200
_AT_ONCE: Final[Mapping[str, Any]] = {"retry_total": 1, "connection_timeout": 5, "read_timeout": 20}


class AskingFailed(Exception):
    """Driftward's API, its journal or its storage gave no usable answer."""


def listed(url: str, path: str, *, paged: bool = True) -> list[JsonObject]:
    """All pages of a list of the HTTP API. Raises AskingFailed."""
    found: list[JsonObject] = []
    following = f"{url}/api/{path}" + (f"?limit={_PAGE}" if paged else "")
    while following:
        said, link = _asked(following)
        found += [as_object(one) for one in as_list(said)]
        after = _NEXT.search(link)
        following = after[1] if after else ""
    return found


def _asked(url: str) -> tuple[JsonValue, str]:
    """What one GET says, and its Link; a store that is busy is asked again."""
    for attempt in range(_TRIES):
        try:
            with urllib.request.urlopen(url, timeout=_ANSWER_SECONDS) as reply:
                return json.loads(reply.read()), reply.headers.get("Link") or ""
        except urllib.error.HTTPError as error:
            with error:
                said = error.read().decode("utf-8", "replace")
            if error.code != _UNAVAILABLE or attempt == _TRIES - 1:
                raise AskingFailed(f"{url} was answered {error.code}: {said[:300]}") from error
        except (OSError, ValueError) as error:
            if attempt == _TRIES - 1:
                raise AskingFailed(f"{url} got no answer: {error}") from error
        time.sleep(1)
    raise AskingFailed(url)


def roll_back(url: str, change_id: str, expires_at: str) -> int:
    """Ask for a rollback; the status of the answer, 0 where there was none."""
    body = {"reason": "it was right as it was", "expiresAt": expires_at, "by": "Jane Doe"}
    request = urllib.request.Request(
        f"{url}/api/changes/{change_id}/rollback",
        data=json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
        method="POST",
    )
    try:
        with urllib.request.urlopen(request, timeout=_ANSWER_SECONDS) as reply:
            return int(reply.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code
    except OSError:
        return 0


def sweep(url: str) -> None:
    """Have the sweep run now. Raises AskingFailed."""
    request = urllib.request.Request(
        f"{url}/admin/functions/{quote('sweep')}",
        data=b"{}",
        headers={"Content-Type": "application/json"},
        method="POST",
    )
    try:
        with urllib.request.urlopen(request, timeout=_ANSWER_SECONDS):
            return
    except OSError as error:
        raise AskingFailed(f"the sweep could not be asked for: {error}") from error


def command(settings: Mapping[str, str], *words: str) -> tuple[int, JsonValue]:
    """The exit code of `driftward …` and what it said as JSON (None for what is none)."""
    ended = subprocess.run(
        [sys.executable, "-m", "driftward", *words, "--json"],
        cwd=ROOT,
        env={**settings},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    try:
        return ended.returncode, json.loads(ended.stdout)
    except ValueError:
        return ended.returncode, {"stdout": ended.stdout[-2000:], "stderr": ended.stderr[-2000:]}


@value
class Kept:
    """What the storage holds beside what the API shows: rows by table, messages by queue."""

    targets: tuple[JsonObject, ...]
    """Records of targets: what is remembered, what is in flight."""
    coalesced: tuple[JsonObject, ...]
    """Rows of queue keys with a reading that was asked for or has begun, each with its `row`."""
    messages: Mapping[str, int]
    """How many are in each queue, those that are hidden for now too."""
    visible: Mapping[str, int]
    """How many of them anybody could take now (at most 32 are counted)."""


class Account:
    """The storage account of a run, read from outside."""

    def __init__(self, connection: str) -> None:
        self._tables = TableServiceClient.from_connection_string(connection, **_AT_ONCE)
        self._queues = QueueServiceClient.from_connection_string(connection, **_AT_ONCE)

    def kept(self) -> Kept:
        """Raises AskingFailed."""
        try:
            names = [queue.name for queue in self._queues.list_queues()]
            clients = {name: self._queues.get_queue_client(name) for name in names}
            return Kept(
                targets=tuple(record for _, record in self._rows("t-")),
                coalesced=tuple(
                    {"row": row, **record}
                    for row, record in self._rows("q-")
                    if record.get("pending") or record.get("running")
                ),
                messages={
                    name: client.get_queue_properties().approximate_message_count or 0
                    for name, client in clients.items()
                },
                visible={name: len(client.peek_messages(32)) for name, client in clients.items()},
            )
        except AzureError as error:
            raise AskingFailed(f"the storage gave no answer: {error}") from error

    def _rows(self, prefix: str) -> Iterator[tuple[str, JsonObject]]:
        """The rows of the table of targets whose keys begin so, each with its JSON."""
        after = f"{prefix[:-1]}{chr(ord(prefix[-1]) + 1)}"
        wanted = f"RowKey ge '{prefix}' and RowKey lt '{after}'"
        try:
            for entity in self._tables.get_table_client("targets").query_entities(wanted):
                pieces = sorted((name for name in entity if name.startswith("json")), key=_place)
                if pieces and pieces[0] != "jsonBlob":
                    yield (
                        str(entity["RowKey"]),
                        as_object(json.loads("".join(entity[name] for name in pieces))),
                    )
        except ResourceNotFoundError:
            return

    def close(self) -> None:
        self._tables.close()
        self._queues.close()


def _place(name: str) -> int:
    number = name.removeprefix("json")
    return int(number) if number.isdigit() else -1
