"""A list that is answered page by page: the body stays a list, the headers say the rest.

``X-Total-Count`` is how many there are in all; a list that is too long to be counted for a page goes without.
``Link`` (RFC 8288) is where the next page is: with the filters that were asked for and without the key that
the caller may have put into the query. A page may be short, or empty, and have a next one all the same. The
link leads where the caller came from, by the headers of the request; without them it is relative.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from typing import Final, TypeVar
from urllib.parse import urlencode

from shared.api.http import ApiRequest, ApiResponse, invalid
from shared.api.queries import OF_THE_HOST
from shared.model import Json
from shared.state.listings import Page

TOTAL: Final = "X-Total-Count"
_HOST: Final = re.compile(r"[A-Za-z0-9.-]+(:[0-9]{1,5})?|\[[0-9A-Fa-f:.]+\](:[0-9]{1,5})?")
_SCHEMES: Final = frozenset({"http", "https"})

_Record = TypeVar("_Record")


def paged(
    request: ApiRequest, path: str, page: Page[_Record], view: Callable[[_Record], dict[str, Json]]
) -> ApiResponse:
    """The page as an answer. ``path`` is the route's, and names the list in the cursor as well."""
    headers = {} if page.total is None else {TOTAL: str(page.total)}
    if page.after is not None:
        headers["Link"] = f'<{_next(request, path, page.after)}>; rel="next"'
    return ApiResponse(status=200, body=[view(record) for record in page.records], headers=headers)


def place_in(after: str | None, path: str) -> str:
    """The place that a cursor of this list holds; ``""`` for none. Raises ``Refused``."""
    if after is None:
        return ""
    try:
        text = urlsafe_b64decode(after.encode()).decode()
    except ValueError:  # no base64, or no text in it
        text = ""
    kind, _, place = text.partition(" ")
    if kind != path or not place:
        raise invalid(
            "after", "after: not where a page of this list begins; follow the link of the page before"
        )
    return place


def _next(request: ApiRequest, path: str, place: str) -> str:
    kept = {name: text for name, text in request.query.items() if name not in {*OF_THE_HOST, "after"}}
    cursor = urlsafe_b64encode(f"{path} {place}".encode()).decode()
    return f"{_origin(request)}/api/{path}?{urlencode({**kept, 'after': cursor})}"


def _origin(request: ApiRequest) -> str:
    """Scheme and host as the caller named them; ``""`` where that is not known, or is no host."""
    headers = request.headers
    host = (headers.get("x-forwarded-host") or headers.get("host") or "").partition(",")[0].strip()
    scheme = (
        (headers.get("x-forwarded-proto") or request.url.partition(":")[0]).partition(",")[0].strip().lower()
    )
    return f"{scheme}://{host}" if scheme in _SCHEMES and _HOST.fullmatch(host) else ""
