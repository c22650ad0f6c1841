"""Azure's own log against the journal: every write by our identity is an edit of a change, within its time.

A request leaves several lines, which its correlation id holds together; each edit of a change accounts for
one request that did something, and for those before it that Azure refused: what it refused in passing is sent
again. The time has room on both sides for clocks that differ and for Azure's own delay. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from driftward.journal.entries import Texts, Vouched
from driftward.journal.findings import Findings, fault, together
from shared.model import Actor, Change, DeleteFirewallRule, DeleteSecurityRule, Edit, codec, edited_resource
from shared.model.chain import FaultKind
from shared.model.deeds import DeedKind
from shared.model.errors import StoreError, TextGone
from shared.model.operations import LoggedWrite
from shared.model.resource_id import ResourceId
from shared.model.values import value
from shared.posture.permissions import only_reads

BEFORE: Final = timedelta(minutes=2)
"""How much earlier than its claim Azure's clock may have it."""

AFTER: Final = timedelta(minutes=15)
"""How long after its end Azure may still write lines about it."""
_REFUSED: Final = "failed"


@value
class Expected:
    """One edit that a change was claimed for, and when it may have been sent."""

    change: str
    resource: str
    """In lower case, as ids compare."""
    verb: str
    first: datetime
    last: datetime


@value
class Request:
    """The lines of one request, by the first of them."""

    write: LoggedWrite
    first: datetime
    is_refused: bool
    """Whether all that the log says of it is that it failed."""


def writers(known: Vouched, anchored: Iterable[Actor]) -> tuple[Actor, ...]:
    """Who we have been to Azure: those that claims and anchors name, each once."""
    of_claims = (
        Actor(app_id=one.what.get("writerAppId"), object_id=one.what.get("writerObjectId"))
        for told in known.told.values()
        for one in told
        if one.kind == DeedKind.CHANGE_CLAIMED
    )
    found = {(one.app_id, one.object_id): one for one in (*of_claims, *anchored)}
    return tuple(one for (app, oid), one in sorted(found.items(), key=repr) if app or oid)


def check_writes(
    logged: Iterable[LoggedWrite], ours: Sequence[Actor], known: Vouched, texts: Texts, now: datetime
) -> Findings:
    """The writes by ``ours`` that no change accounts for."""
    open_edits = list(_expected(known, texts, now))
    found = []
    for request in _requests(one for one in logged if _is_by(one, ours)):
        match = _accounting(request, open_edits)
        if match is not None:
            if not request.is_refused:
                open_edits.remove(match)
        elif not only_reads(request.write.operation):
            found.append(_unknown(request))
    return together(found)


def _is_by(write: LoggedWrite, ours: Sequence[Actor]) -> bool:
    """By the object id; by the app's id where the log has that in its place."""
    said = {one.lower() for one in (write.caller.object_id, write.caller.app_id, write.caller.name) if one}
    ids = {one.lower() for actor in ours for one in (actor.object_id, actor.app_id) if one}
    return bool(said & ids)


def _requests(writes: Iterable[LoggedWrite]) -> list[Request]:
    """In the order in which they began."""
    lines: dict[tuple[str, str, str], list[LoggedWrite]] = {}
    for write in writes:
        request = (write.correlation_id or write.id, write.resource.lower(), write.operation.lower())
        lines.setdefault(request, []).append(write)
    return sorted(map(_request, lines.values()), key=lambda one: one.first)


def _request(lines: Sequence[LoggedWrite]) -> Request:
    begun = min(lines, key=lambda line: line.time)
    is_refused = all(line.status.lower() == _REFUSED for line in lines)
    return Request(write=begun, first=begun.time, is_refused=is_refused)


def _accounting(request: Request, expected: Sequence[Expected]) -> Expected | None:
    resource = request.write.resource.rstrip("/").lower()
    verb = request.write.operation.rpartition("/")[2].lower()
    return next(
        (
            one
            for one in expected
            if (one.resource, one.verb) == (resource, verb) and one.first <= request.first <= one.last
        ),
        None,
    )


def _unknown(request: Request) -> Findings:
    write = request.write
    detail = f"{write.operation} at {request.first.isoformat()} ({write.status}) is no edit of a change"
    return fault(FaultKind.WRITE_UNKNOWN, write.resource, f"{detail}; correlation id {write.correlation_id}")


# --- what the journal accounts for -----------------------------------------------------------------


def _expected(known: Vouched, texts: Texts, now: datetime) -> Iterator[Expected]:
    """The edits of every claimed change, by the text that its link names; a lapsed one has sent nothing."""
    for told in known.told.values():
        ends = {str(one.what.get("change")): one.time for one in told if one.kind == DeedKind.CHANGE_ENDED}
        lapsed = {one.what.get("change") for one in told if one.kind == DeedKind.CHANGE_LAPSED}
        for claim in told:
            name = str(claim.what.get("change"))
            if claim.kind == DeedKind.CHANGE_CLAIMED and name not in lapsed:
                yield from _edits(name, claim.blobs, (claim.time, ends.get(name, now)), texts)


def _edits(
    name: str, blobs: Mapping[str, str], between: tuple[datetime, datetime], texts: Texts
) -> Iterator[Expected]:
    for edit in _claimed(blobs.get("change", ""), texts):
        verb = "delete" if isinstance(edit, DeleteFirewallRule | DeleteSecurityRule) else "write"
        yield Expected(
            change=name,
            resource=_key(edited_resource(edit)),
            verb=verb,
            first=between[0] - BEFORE,
            last=between[1] + AFTER,
        )


def _key(resource: ResourceId) -> str:
    return str(resource).lower()


def _claimed(reference: str, texts: Texts) -> tuple[Edit, ...]:
    """None where the text is gone or no change: its write is then unaccounted for, which is true."""
    try:
        text = texts(reference)
        return codec.load(Change, text).edits if text else ()
    except (TextGone, StoreError):
        return ()
