"""What a browser must not be made to ask by another site: every request that may change something. Pure.

App Service authentication knows a person's browser by a cookie, which goes along whichever site makes the
browser ask. So a request that a browser says comes from elsewhere is refused: `Sec-Fetch-Site` says so (W3C,
Fetch Metadata), and where that is not sent, an `Origin` that is not the host that was asked. A program sends
neither, and is known by what it brings itself. A form can send its body as three kinds, none of them JSON,
and says which where the body is empty as well: so what may have come with nothing but the cookie must not say
that it is anything but JSON. What says nothing can only come from a script, whose ``Origin`` every browser
sends.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from shared.api.http import ApiRequest, Refused
from shared.config.settings import Settings

FORM: Final = "application/x-www-form-urlencoded"
_JSON: Final = "application/json"
_OURS: Final = frozenset({"same-origin", "none"})
"""``none``: the person has asked, and no site."""


def refuse_from_elsewhere(request: ApiRequest) -> None:
    """Raises ``Refused`` where a browser says that another site has it ask."""
    site = request.headers.get("sec-fetch-site", "").strip().lower()
    origin = request.headers.get("origin", "").strip()
    if not site and not origin:
        return
    if site in _OURS if site else _is_host(origin, request):
        return
    raise Refused("from-elsewhere", "this was asked by a page of another site: ask from this app's own page")


def refuse_other_media(request: ApiRequest, settings: Settings, *, form: bool) -> None:
    """Raises ``Refused`` for a body of another kind: a form's where one is expected, and JSON where the
    request may have come with nothing but a cookie."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    wanted = FORM if form else _JSON
    if kind == wanted or not (form or (kind and _by_cookie(request, settings))):
        return
    raise Refused("wrong-media-type", f"the body has to be sent as {wanted}", field="body")


def _by_cookie(request: ApiRequest, settings: Settings) -> bool:
    """Whether nothing but a cookie may have come along: no site can make a browser send a token."""
    has_token = request.headers.get("authorization", "").lower().startswith("bearer ")
    return settings.authentication and not has_token


def _is_host(origin: str, request: ApiRequest) -> bool:
    """``null`` and what is no address are nobody's."""
    asked = request.headers.get("host", "") or urlsplit(request.url).netloc
    try:
        return bool(asked) and urlsplit(origin).netloc.lower() == asked.strip().lower()
    except ValueError:
        return False
