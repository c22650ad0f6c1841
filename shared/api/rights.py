"""Who may do what: the right that a route needs, and whether somebody has it. Pure.

Reading takes a function key or a token. Writing takes a token with an app role, or, where the platform's
authentication is off and ``OPERATOR_KEYS`` is ``allow``, the key as well. A principal counts only where the
platform makes it: while its authentication is off anybody could send the header, and on the routes that it
leaves out too. The page docs/authorisation.md is made from ``standing``.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from shared.api.principal import KEY_HOLDER, NOBODY, Principal, Who, principal_in
from shared.config.settings import Settings

OPENED_BY: Final = "OPERATOR_KEYS=allow"
"""The one setting that lets holders of a function key write."""


class Right(StrEnum):
    """What a route asks for."""

    NONE = "none"
    """The platform's authentication leaves these routes out, and so nobody is known there."""
    SIGN_IN = "sign-in"
    """A page for people. Whoever signed in may read; everybody else is asked to, and told nothing: no key is
    asked for, since a link in a message has none."""
    READ = "read"
    OPERATE = "operate"
    APPROVE = "approve"


ROLES: Final[Mapping[Right, str]] = {
    Right.OPERATE: "Driftward.Operator",
    Right.APPROVE: "Driftward.Approver",
}
"""The app role that a token must hold."""


class Standing(StrEnum):
    ADMITTED = "admitted"
    UNKNOWN = "unknown"
    """Nobody is known to ask: 401."""
    LACKING = "lacking"
    """Somebody asks who may not: 403."""


def caller(right: Right, headers: Mapping[str, str], settings: Settings, *, page: bool = False) -> Principal:
    """Who asks for something of this right; a key was checked by the host before we are asked. On a page a
    key is nobody's: only whoever signed in is known there."""
    if right is Right.NONE:
        return NOBODY
    if settings.authentication:
        return principal_in(headers)
    return NOBODY if page else KEY_HOLDER


def standing(right: Right, principal: Principal, settings: Settings) -> Standing:
    """What becomes of the principal who asks for something of this right."""
    if right in {Right.NONE, Right.SIGN_IN}:
        return Standing.ADMITTED
    if principal.who is Who.NOBODY:
        return Standing.UNKNOWN
    if right is Right.READ or ROLES[right] in principal.roles or _by_key(principal, settings):
        return Standing.ADMITTED
    return Standing.LACKING


def _by_key(principal: Principal, settings: Settings) -> bool:
    return principal.who is Who.KEY_HOLDER and settings.operator_keys and not settings.authentication
