"""Where a person goes on from a message: to the resource, and to the alert's page in the app.

By following a link nothing happens: mail and chats follow links by themselves to look what is behind them.
Where App Service authentication stands before the app, the link leads through its sign-in, which brings the
person back to the page: without a session it would answer 401 before the app is asked
(learn.microsoft.com/azure/app-service/configure-authentication-customize-sign-in-out).
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote

from shared.model.alert_records import AlertRecord, AlertStatus
from shared.model.sections import Link
from shared.model.web_addresses import is_loopback

OPEN_RESOURCE: Final = "Open the resource"
ACT: Final = "Look at it, acknowledge or approve"
LOOK: Final = "Look at the alert"
_HOST: Final = re.compile(r"[A-Za-z0-9.-]+(:\d{1,5})?")


def links_of(alert: AlertRecord, page: str) -> tuple[Link, ...]:
    """``page`` is the address of the alert's page; ``""`` where the app does not know its own."""
    resource = Link(label=OPEN_RESOURCE, url=alert.portal)
    if not page:
        return (resource,)
    label = LOOK if alert.status is AlertStatus.RESOLVED else ACT
    return (resource, Link(label=label, url=page))


def page_path(alert_id: str) -> str:
    """The page's path on its own host."""
    return f"/api/alerts/{alert_id}/page"


def sign_in_path(alert_id: str) -> str:
    """The platform's sign-in, which leads back to the page of the same host."""
    return f"/.auth/login/aad?post_login_redirect_uri={quote(page_path(alert_id), safe='')}"


def page_link(alert_id: str, host: str, *, signs_in: bool) -> str:
    """The address for a message. ``host`` is as the platform names the app (``WEBSITE_HOSTNAME``); without
    one, or with a text that is none, there is no address."""
    if not _HOST.fullmatch(host):
        return ""
    scheme = "http" if is_loopback(f"http://{host}") else "https"
    return f"{scheme}://{host}{sign_in_path(alert_id) if signs_in else page_path(alert_id)}"
