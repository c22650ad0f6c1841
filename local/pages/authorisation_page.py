"""docs/authorisation.md: which route answers what to whom, for each way in which the app can be set.

The rows are the table of routes, the cells are `local.pages.callers`; a test sends the same requests to the
API. Nothing is decided here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from local.pages.callers import DOORS, Caller, status_for
from local.pages.markdown import GENERATED, code, page, table
from shared.api.rights import OPENED_BY, ROLES, Right
from shared.api.routes import ROUTES
from shared.config.settings import Settings

_TAKES: Final = {
    Right.NONE: "nothing",
    Right.SIGN_IN: "token",
    Right.READ: "key or token",
    **{right: code(role) for right, role in ROLES.items()},
}
_INTRODUCTION: Final = (
    "Reading takes a function key while the platform's authentication is off, and a token of Microsoft "
    "Entra ID where it is on. Writing takes a token with an app role. A key is one secret of many "
    f"people and says nothing about who holds it: it writes only where `{OPENED_BY}` says so, and the "
    "journal then calls every name *claimed, by function key*."
)
_HEADER: Final = (
    "Who signed in is read from the header `X-MS-CLIENT-PRINCIPAL`, which App Service authentication "
    "makes. It counts only where the platform says that this authentication is on "
    "(`WEBSITE_AUTH_ENABLED`), because it removes forged ones, and not on the routes that it leaves "
    "out; everywhere else it is ignored. One that cannot be read is nobody. Routes ask for a key or for "
    "a token as the app was started: after authentication is switched on or off the platform starts it "
    "anew."
)
_SELF: Final = (
    "Nobody approves what follows from their own write: `POST /api/alerts/{id}/approve` answers 403 "
    "(`/problems/own-write`) to whoever is known to have written to the target since the alert opened, "
    "by object id, or by app id where one of the two has no other. Where the writer or the approver is "
    "not known, the approval says so (`notKnown`)."
)
_PAGES: Final = (
    "The page of an alert (`GET /api/alerts/{id}/page`) is for whoever signed in. No key is asked for and "
    "none is taken: while the platform's authentication is off it shows nothing of any alert and names the "
    "commands. Its forms take the role that the route of the API takes, and what the page has shown: of "
    "another caller, another alert or another plan they are refused, and so they are after half an hour."
)
_BROWSERS: Final = (
    "App Service authentication knows a browser by a cookie, which goes along whichever site has the browser "
    "ask. So every `POST` that a browser says comes from another site (`Sec-Fetch-Site`, or an `Origin` that "
    "is not the host) is 403 (`/problems/from-elsewhere`), and one that brings no token of its own must not "
    "say that its body is anything but `application/json` (415). Programs send neither header."
)
_LEGEND: Final = (
    "**yes**: the request is answered, by 404 or 409 perhaps. **401**: nobody is known to ask. **403**: "
    "somebody asks who may not. *Another role* is the other one of the two."
)


def authorisation_page() -> str:
    doors = [block for name, door in DOORS.items() for block in (f"## {name}", _table(door))]
    said = (GENERATED, _INTRODUCTION, _HEADER, _SELF, _PAGES, _BROWSERS, _LEGEND)
    return page(["# Who may do what", *said, *doors, _WEBHOOK])


def _table(door: Settings) -> str:
    rows = (_row(asked, right, page=page, door=door) for asked, right, page in _rows())
    return table(("route", "takes", *Caller), rows)


def _rows() -> Iterator[tuple[str, Right, bool]]:
    for route in ROUTES:
        for right, when in route.rights:
            asked = code(f"{route.method} /api/{route.path}")
            yield (f"{asked}, where {when}" if when else asked), right, route.page


def _row(asked: str, right: Right, *, page: bool, door: Settings) -> tuple[str, ...]:
    return (asked, _TAKES[right], *(_word(status_for(right, who, door, page=page)) for who in Caller))


def _word(status: int) -> str:
    return "yes" if status == 200 else str(status)


_WEBHOOK: Final = (
    "Event Grid's webhook and `/admin` are the platform's: it asks for its system key and its master "
    "key there, whatever is set here."
)
