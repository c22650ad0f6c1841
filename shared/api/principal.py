"""Who asks, as App Service authentication says it in ``X-MS-CLIENT-PRINCIPAL`` and in ``-ID`` and ``-NAME``.

The header is base64 of ``{"auth_typ": "aad", "claims": [{"typ", "val"}], "name_typ", "role_typ"}``; the
platform removes what a client sent under that name, but only where its authentication is on and the path is
not left out of it (learn.microsoft.com/azure/app-service/configure-authentication-user-identities). Whether
it may be believed is therefore asked in ``rights``; here it is only read. What cannot be read is nobody.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final

from shared.model import Json
from shared.model.values import value

PRINCIPAL_HEADER: Final = "x-ms-client-principal"
LONGEST_HEADER: Final = 64 * 1024
"""Characters; more than App Service lets all headers of a request have together."""
_ENTRA: Final = "aad"
_LONGEST_TEXT: Final = 200

_SCHEMAS: Final = "http://schemas.microsoft.com"
_SOAP: Final = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims"
_ROLES: Final = ("roles", f"{_SCHEMAS}/ws/2008/06/identity/claims/role")
_OBJECT_IDS: Final = ("oid", f"{_SCHEMAS}/identity/claims/objectidentifier")
_APP_IDS: Final = ("appid", "azp")
_NAMES: Final = ("name", "preferred_username", "upn", f"{_SOAP}/upn", f"{_SOAP}/name")
"""Claim types by their short names and by the addresses that a mapping makes of them; names in the order in
which those of events are read, so that one person has one."""


class Who(StrEnum):
    NOBODY = "nobody"
    KEY_HOLDER = "key-holder"
    """Whoever holds a function key, which the host has checked: one secret of many people."""
    SIGNED_IN = "signed-in"
    """A person or program with a token of Microsoft Entra ID."""


@value
class Principal:
    """Who asks. Names, ids and roles are those of the token; nobody else has any."""

    who: Who = Who.NOBODY
    name: str | None = None
    object_id: str | None = None
    app_id: str | None = None
    roles: frozenset[str] = frozenset()


NOBODY: Final = Principal()
KEY_HOLDER: Final = Principal(who=Who.KEY_HOLDER)


def principal_in(headers: Mapping[str, str]) -> Principal:
    """Whom the header names; nobody without a header, with one that cannot be read, of another identity
    provider than Entra, or of somebody without name and ids. What its claims do not say, the short headers
    do, which the platform makes and removes with it."""
    document = _decoded(headers.get(PRINCIPAL_HEADER, ""))
    if str(document.get("auth_typ")).lower() != _ENTRA:
        return NOBODY
    claims = tuple(_claims(document.get("claims")))
    role_types = (*_ROLES, document.get("role_typ"))
    named = Principal(
        who=Who.SIGNED_IN,
        name=_first(claims, _NAMES) or _short(headers, "name"),
        object_id=_first(claims, _OBJECT_IDS) or _short(headers, "id"),
        app_id=_first(claims, _APP_IDS),
        roles=frozenset(text for kind, text in claims if kind in role_types),
    )
    return named if named.name or named.object_id or named.app_id else NOBODY


def _short(headers: Mapping[str, str], part: str) -> str | None:
    return _tidy(headers.get(f"{PRINCIPAL_HEADER}-{part}", "")) or None


def _decoded(header: str) -> Mapping[str, Json]:
    """The object in the header; empty when there is none. Padding may be absent."""
    if len(header) > LONGEST_HEADER:
        return {}
    try:
        document = json.loads(base64.b64decode(header + "=" * (-len(header) % 4), validate=True))
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def _claims(listed: Json) -> Iterable[tuple[str, str]]:
    """Type and text of each claim; what is no claim is passed over."""
    for claim in listed if isinstance(listed, list) else ():
        match claim:
            case {"typ": str(kind), "val": str(text)}:
                yield kind, text


def _first(claims: Iterable[tuple[str, str]], kinds: Iterable[str]) -> str | None:
    """The first text of the first of these types that there is, on one line and not long."""
    found = dict(reversed(tuple(claims)))
    texts = (_tidy(found.get(kind, "")) for kind in kinds)
    return next((text for text in texts if text), None)


def _tidy(text: str) -> str:
    return "".join(char for char in text if char.isprintable()).strip()[:_LONGEST_TEXT]
