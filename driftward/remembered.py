"""Which app is asked where a call names none: one address, kept in this user's own configuration.

No secret is kept. The client id belongs to the address: a token is asked for that app, and sent to it alone.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Final

import click

from driftward.app import NoAnswer
from driftward.documents import NotJson, read_json
from shared.model.values import value

_CLIENT_ID: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


@value
class Remembered:
    """An app's address, and the client id of the registration that its tokens are for."""

    url: str
    client_id: str | None = None


def place() -> Path:
    """The file, which need not be there."""
    return Path(click.get_app_dir("driftward")) / "app.json"


def remembered() -> Remembered | None:
    """None where nothing is. Raises ``NoAnswer`` for a file that says something else."""
    try:
        return _understood(place().read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except UnicodeDecodeError:
        raise _nothing_there() from None


def remember(app: Remembered) -> None:
    place().parent.mkdir(parents=True, exist_ok=True)
    said = {"url": app.url, "clientId": app.client_id}
    place().write_text(json.dumps(said, indent=2) + "\n", encoding="utf-8")


def forget() -> bool:
    """Whether there was something to forget."""
    was_there = place().exists()
    place().unlink(missing_ok=True)
    return was_there


def client_id_of(text: str | None) -> str | None:
    """Raises ``NoAnswer`` for what is no client id: a token is asked for whatever stands there."""
    if text is not None and not _CLIENT_ID.fullmatch(text):
        raise NoAnswer(f"--client-id {text}: the client id of the app's registration is expected, a GUID")
    return text


def _understood(text: str) -> Remembered:
    try:
        said = read_json(text)
    except NotJson:
        said = None
    match said:
        case {"url": str(url), "clientId": str() | None as client_id}:
            return Remembered(url=url, client_id=client_id_of(client_id))
    raise _nothing_there()


def _nothing_there() -> NoAnswer:
    return NoAnswer(f"{place()}: no address of an app stands there; `driftward use URL` writes it anew")
