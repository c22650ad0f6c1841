"""`driftward use`: which app is asked where a call names none.

Exit codes: 0 it is remembered, shown or forgotten; 1 none is remembered; 2 the input cannot be used.
"""

from __future__ import annotations

import json
from typing import Final

import click

from driftward.app import NoAnswer, app_at, is_in_clear
from driftward.options import answers
from driftward.refusing import complain, plain, refuse
from driftward.remembered import Remembered, client_id_of, forget, place, remember, remembered

_HELP: Final = """\
Remembers the address of an app, so that no other call has to name it; without an address it shows what is
remembered. With --client-id every call signs in as yourself (`az login`) for the registration of that app;
the id belongs to the address and is used for no other. No key and no token is kept.

\b
  driftward use https://driftward-app.azurewebsites.net --client-id 00000000-0000-0000-0000-000000000000
  driftward use
  driftward use --forget
"""
_EPILOG: Final = """\
Exit codes: 0 remembered, shown or forgotten; 1 no app is remembered; 2 the input cannot be used.
"""
_CLIENT_ID: Final = "The client id of the app's registration (docs/deploy.md, who may write)."


@click.command("use", help=_HELP, epilog=_EPILOG)
@click.argument("url", required=False)
@click.option("--client-id", metavar="ID", help=_CLIENT_ID)
@click.option("--forget", "forgets", is_flag=True, help="Remember none any more.")
@answers
def use(url: str | None, client_id: str | None, forgets: bool, as_json: bool) -> int:
    """Remember, show or forget."""
    try:
        return _done(url, client_id_of(client_id), forgets=forgets, as_json=as_json)
    except NoAnswer as error:
        return refuse(error)


def _done(url: str | None, client_id: str | None, *, forgets: bool, as_json: bool) -> int:
    if forgets and (url or client_id):
        raise NoAnswer("--forget goes with nothing else")
    if forgets:
        return 0 if forget() else _none()
    if url is None and client_id is not None:
        raise NoAnswer("--client-id belongs to an address: give it as well")
    if url is not None:
        remember(Remembered(url=_usable(url, client_id), client_id=client_id))
    return _shown(remembered(), as_json=as_json)


def _usable(url: str, client_id: str | None) -> str:
    """Raises ``NoAnswer`` for an address to which every later call would refuse to send who asks."""
    found = app_at(url, None, client_id).url
    if is_in_clear(found):
        raise NoAnswer(f"{url}: without TLS only this machine is asked; give its https:// address")
    return found


def _none() -> int:
    complain("no app is remembered: `driftward use URL` remembers one")
    return 1


def _shown(known: Remembered | None, *, as_json: bool) -> int:
    if known is None:
        return _none()
    said = {"url": known.url, "clientId": known.client_id, "file": str(place())}
    who = f"signing in for {known.client_id}" if known.client_id else "with --key or --token"
    print(json.dumps(said, indent=2) if as_json else plain(f"{known.url}, {who} ({place()})"))
    return 0
