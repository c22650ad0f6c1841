"""The HTTP API of an app, as commands ask it: with a function key or a token, and nowhere else. Which app is
asked, and who asks, is ``addressing``'s.

A key or a token goes to the host that was named and to no other: redirects are not followed, a page that
leads to another host is refused, and without TLS only this machine is asked. Both may come from the
environment, so that they stand in nobody's shell history.
"""

from __future__ import annotations

import http.client
import json
import re
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from ipaddress import ip_address
from typing import Final, TypeAlias
from urllib.parse import urlencode, urljoin, urlsplit

from driftward.documents import NotJson, read_json
from shared.model import Json
from shared.model.values import value

_ANSWER_SECONDS: Final = 30
_DEED_SECONDS: Final = 240
"""The platform gives an answer up a little before: what becomes of a deed is better waited for."""
_NEXT: Final = re.compile(r'<([^>]*)>\s*;\s*rel="?next"?')
_MOST_PAGES: Final = 1_000

Token: TypeAlias = str | Callable[[], str]
"""A token, or who has one when it is needed."""


class NoAnswer(ValueError):
    """The app cannot be asked, or what it answered is no answer of it."""


class AppRefused(Exception):
    """The app answered with a problem."""

    def __init__(self, status: int, said: str) -> None:
        super().__init__(f"the app answered {status}: {said}")
        self.status = status


@value
class App:
    """Where an app is, and what shows that one may ask it."""

    url: str
    key: str | None = None
    token: Token | None = None

    def get_all(self, path: str, query: Mapping[str, str] | None = None) -> list[Json]:
        """Every item of a list, page by page. Raises ``NoAnswer`` and ``AppRefused``."""
        return [item for page in self._pages(f"{path}{_asked(query)}") for item in page]

    def get(
        self, path: str, query: Mapping[str, str] | None = None, also: tuple[int, ...] = ()
    ) -> dict[str, Json]:
        """One object; what comes with a status of ``also`` is an answer as well. Raises ``NoAnswer`` and
        ``AppRefused``."""
        return self._object(f"{path}{_asked(query)}", None, also)

    def post(self, path: str, body: Json) -> dict[str, Json]:
        """What became of it. Raises ``NoAnswer`` and ``AppRefused``."""
        return self._object(path, json.dumps(body).encode())

    def _object(self, path: str, body: bytes | None, also: tuple[int, ...] = ()) -> dict[str, Json]:
        found, _ = self._ask(self._at(path), body, also)
        if not isinstance(found, dict):
            raise NoAnswer(f"{self._at(path)}: an object was expected")
        return found

    def _pages(self, path: str) -> Iterator[list[Json]]:
        address: str | None = self._at(path)
        for _ in range(_MOST_PAGES):
            if address is None:
                return
            page, after = self._ask(address)
            if not isinstance(page, list):
                raise NoAnswer(f"{address}: a list was expected")
            yield page
            address = self._following(after, address)
        raise NoAnswer(f"{self.url}: the list has more than {_MOST_PAGES} pages")

    def _following(self, link: str | None, address: str) -> str | None:
        """The next page, on the same host."""
        found = _NEXT.search(link or "")
        if found is None:
            return None
        following: str = urljoin(address, found[1])
        if urlsplit(following)[:2] != urlsplit(address)[:2]:
            raise NoAnswer(f"{address}: the next page is said to be on another host, {following}")
        return following

    def _at(self, path: str) -> str:
        return f"{self.url.rstrip('/')}/api/{path}"

    def _ask(
        self, address: str, body: bytes | None = None, also: tuple[int, ...] = ()
    ) -> tuple[Json, str | None]:
        """The answer, and where the headers say that the next page is."""
        request = urllib.request.Request(address, data=body, headers=self._headers())
        patience = _ANSWER_SECONDS if body is None else _DEED_SECONDS
        try:
            with _opener().open(request, timeout=patience) as reply:
                return _read(reply.read(), address), reply.headers.get("Link")
        except urllib.error.HTTPError as error:
            with error:
                if error.code in also and error.headers.get_content_type() == "application/json":
                    return _read(error.read(), address), None
                raise AppRefused(error.code, _detail(error.read())) from None
        except (OSError, http.client.HTTPException) as error:
            raise NoAnswer(f"{self.url}: no answer: {error}") from error

    def _headers(self) -> dict[str, str]:
        token = self.token() if callable(self.token) else self.token
        shown = {"x-functions-key": self.key} if self.key else {}
        shown |= {"Authorization": f"Bearer {token}"} if token else {}
        return {"Content-Type": "application/json", "Accept": "application/json", **shown}


def _asked(query: Mapping[str, str] | None) -> str:
    return f"?{urlencode(query)}" if query else ""


def app_at(url: str, key: str | None, token: Token | None) -> App:
    """Raises ``NoAnswer`` for an address that no secret should be sent to, or that is none."""
    try:
        parts = urlsplit(url)
        named = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        named = False
    if not named or not url.isascii() or not url.isprintable() or " " in url:
        raise NoAnswer(f"--url {url}: an https:// address is expected")
    if parts.username is not None or parts.query or parts.fragment:
        raise NoAnswer("--url: the address of the app alone; the key is given with --key")
    if (key or token) and is_in_clear(url):
        raise NoAnswer(f"--url {url}: without TLS a key or a token is sent to this machine alone")
    return App(url=url, key=key, token=token)


def is_in_clear(url: str) -> bool:
    """Whether others could read on the way what is sent to an address."""
    parts = urlsplit(url)
    return parts.scheme == "http" and not _is_here(str(parts.hostname))


def _is_here(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _read(data: bytes, address: str) -> Json:
    try:
        return read_json(data.decode())
    except (NotJson, UnicodeDecodeError) as error:
        raise NoAnswer(f"{address}: {error}") from error


def _detail(data: bytes) -> str:
    """What a problem says (RFC 9457); the platform's own refusals say nothing."""
    try:
        problem = read_json(data.decode())
    except (NotJson, UnicodeDecodeError):
        problem = None
    said = [problem.get("title"), problem.get("detail")] if isinstance(problem, dict) else []
    return ": ".join(str(part) for part in said if part) or "no reason is given"


class _Stay(urllib.request.HTTPRedirectHandler):
    """A redirect is an answer like any other: the key stays with the host that was named."""

    def redirect_request(self, *_: object) -> None:
        return None


@cache
def _opener() -> urllib.request.OpenerDirector:
    """Without TLS only this machine is asked, and a proxy would see who asks."""
    proxies = {scheme: at for scheme, at in urllib.request.getproxies().items() if scheme != "http"}
    return urllib.request.build_opener(_Stay, urllib.request.ProxyHandler(proxies))
