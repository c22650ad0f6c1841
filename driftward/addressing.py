"""Which app a command asks, and as whom: the same options for every command, and one place for refusals.

The app is that of ``--url`` (or ``DRIFTWARD_URL``), else the one that ``driftward use`` remembers. Who asks
is shown by ``--key`` or ``--token``, else by the person's own sign-in for the client id that belongs to the
address: one remembered for another address is not used. Libraries of Azure are imported by a sign-in alone.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import wraps
from typing import TYPE_CHECKING, Any, Concatenate, Final, ParamSpec

import click

from driftward.app import App, AppRefused, NoAnswer, app_at
from driftward.options import answers, tell_all
from driftward.refusing import complain, refuse
from driftward.remembered import Remembered, client_id_of, remembered
from shared.model.values import value

if TYPE_CHECKING:
    from shared.adapters.person import Token
    from shared.model.clouds import Cloud

P = ParamSpec("P")

URL: Final = click.option("--url", envvar="DRIFTWARD_URL", show_envvar=True, help="The app's address.")
KEY: Final = click.option("--key", envvar="DRIFTWARD_KEY", show_envvar=True, help="A function key.")
TOKEN: Final = click.option("--token", envvar="DRIFTWARD_TOKEN", show_envvar=True, help="An Entra token.")
CLIENT_ID: Final = click.option(
    "--client-id", metavar="ID", help="Sign in as yourself: the client id of the app's registration."
)
_OPTIONS: Final = (CLIENT_ID, TOKEN, KEY, URL)
_NAMES: Final = ("url", "key", "token", "client_id")
_OURS: Final = 500
_UNKNOWN: Final = 401
_EARLY: Final = timedelta(minutes=5)
"""How long before its end a token is fetched anew."""


@value
class Asked:
    """What a call says of the app that is asked, and of who asks."""

    url: str | None = None
    key: str | None = None
    token: str | None = None
    client_id: str | None = None

    def names_one(self) -> bool:
        """Whether there is an app to ask, by this call or remembered."""
        return bool(self.url) or remembered() is not None

    def app(self) -> App:
        """Raises ``NoAnswer`` where no app is named, or one that no secret should be sent to."""
        known = remembered()
        named = self.url or (known.url if known else None)
        if named is None:
            raise NoAnswer("which app? Give --url, or let `driftward use URL` remember it")
        return app_at(named, self.key, self.token or self._sign_in(named, known))

    def _sign_in(self, url: str, known: Remembered | None) -> Person | None:
        """A key says enough: nobody is signed in beside it."""
        client_id = client_id_of(self.client_id) or _client_id_at(url, known)
        return None if self.key or client_id is None else Person(client_id)


def addressed(command: Callable[Concatenate[Asked, P], int]) -> Callable[..., int]:
    """Add the options that say which app, and ``-o table|json``; the command gets ``Asked`` and ``as_json``.

    What the app refuses is exit code 1; where it cannot be asked, or fails by itself, 2.
    """

    @wraps(command)
    def called(*given: Any, **named: Any) -> int:
        asked = Asked(**{name: named.pop(name) for name in _NAMES})
        try:
            return command(asked, *given, **named)
        except AppRefused as error:
            return refused(error)
        except NoAnswer as error:
            return refuse(error)

    for option in _OPTIONS:
        option(called)
    return answers(called)


def of_an_app(command: Callable[Concatenate[App, P], int]) -> Callable[..., int]:
    """As ``addressed``, for a command that asks in any case: it gets the app."""

    @wraps(command)
    def called(asked: Asked, /, *given: P.args, **named: P.kwargs) -> int:
        return command(asked.app(), *given, **named)

    return addressed(called)


def refused(error: AppRefused) -> int:
    """Say what the app said, in a line; returns the exit code."""
    hint = "; show who asks: --key, --token, or --client-id to sign in" if error.status == _UNKNOWN else ""
    complain(f"{error}{hint}")
    return 2 if error.status >= _OURS else 1


class Person:
    """The token of whoever is signed in, fetched when it is first needed and again before it ends."""

    def __init__(self, client_id: str) -> None:
        self._client_id = client_id
        self._fetched: Token | None = None

    def __call__(self) -> str:
        """Raises ``NoAnswer`` where nobody is signed in."""
        if self._fetched is None or self._fetched.ends_at - _EARLY < datetime.now(UTC):
            self._fetched = _fetch(self._client_id)
        return self._fetched.text


def _fetch(client_id: str) -> Token:
    from driftward.signing_in import hush
    from shared.adapters.person import NoSignIn, token_for

    hush()
    try:
        return token_for(client_id, _cloud())
    except NoSignIn as error:
        tell_all(error)
        raise NoAnswer(str(error)) from None


def _cloud() -> Cloud:
    from shared.model.clouds import Cloud

    named = os.environ.get("CLOUD", "").strip().lower() or Cloud.PUBLIC
    try:
        return Cloud(named)
    except ValueError as error:
        raise NoAnswer(f"CLOUD {named}: one of {', '.join(Cloud)}") from error


def _client_id_at(url: str, known: Remembered | None) -> str | None:
    """That of the remembered app, where it is the one that is asked."""
    return known.client_id if known is not None and _bare(known.url) == _bare(url) else None


def _bare(url: str) -> str:
    return url.rstrip("/").lower()
