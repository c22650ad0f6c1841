"""Sessions that nobody encrypts, as far as they are there while it is looked.

Who comes from the server's own machine (the service itself, and the pooler that it runs there) crosses no
network. Sessions of others are shown to members of ``pg_read_all_stats`` alone (PostgreSQL manual, 28.2).
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address
from typing import Final

from shared.model import Severity
from shared.posture.controls import MCSB
from shared.posture.findings import Judged
from shared.posture.policy import AnyPolicy
from shared.roles.names import literal
from shared.roles.reading import Inside, Part, Session
from shared.roles.telling import Case, beside_unread, check, not_read, told

_HIDDEN: Final = "the sessions of other roles: the reading role is no member of pg_read_all_stats"
_FIRST: Final = "-- first require_secure_transport = on at the server and sslmode=verify-full at the client"
_ENDED: Final = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) "
    "WHERE NOT ssl AND usename = {};"
)


def without_tls(inside: Inside) -> Judged:
    if inside.sessions is None:
        return not_read(inside, Part.SESSIONS)
    judged = told(
        _cases(inside.sessions),
        "sessions without TLS now: of {}",
        "every session that crosses a network is encrypted now",
    )
    return beside_unread(judged, [] if inside.sees_all_sessions else [_HIDDEN])


def _cases(sessions: tuple[Session, ...]) -> Iterator[Case]:
    """One for each role and address: how often it is connected says nothing more."""
    from_where = {(one.role, one.address): one for one in sessions if not one.encrypted and _crosses(one)}
    for one in from_where.values():
        ended = _ENDED.format(literal(one.role))
        yield Case(name=one.role, detail=f"from {one.address}", sql=(_FIRST, ended))


def _crosses(one: Session) -> bool:
    try:
        return not ip_address(one.address.partition("/")[0]).is_loopback
    except ValueError:
        return bool(one.address)


CHECKS: Final[tuple[AnyPolicy, ...]] = (
    check(
        "postgres-session-without-tls",
        "A session of a PostgreSQL server is not encrypted",
        Severity.HIGH,
        without_tls,
        "Whoever is on the way reads along, the answers and a token or a password among them.",
        (MCSB.DP_3,),
    ),
)
