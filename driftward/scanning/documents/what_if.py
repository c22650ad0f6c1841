"""What a deployment would change (`az deployment … what-if --no-pretty-print`), as the estate that it leaves.

Each change holds the resource as it was (``before``) and will be (``after``). What is ignored or not changed
stays as it is; what is deleted is gone; what what-if cannot tell (``Unsupported``, ``Deploy`` without an
``after``, potential changes) is Unknown with its reason, and so is the list that it would stand in. What
stands in brackets is an expression that only the deployment resolves: no reader takes it for a value. Source:
"What-if deployment" and the REST reference, Deployments - What If (2024-11-01). Pure.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from driftward.scanning.documents.holdings import FLEXIBLE, FOUND_BY, NETWORKS, Holdings
from driftward.scanning.documents.joining import Body, joined, properties
from driftward.scanning.documents.shapes import as_arm_has_it
from shared.model import Json
from shared.model.resource_id import ResourceId, parse_resource_id
from shared.model.values import value
from shared.nsg.asking import BadInput

FIELD: Final = "what-if"
SOURCE: Final = "the what-if"
_KEPT: Final = frozenset({"nochange", "ignore"})
_TOLD: Final = frozenset({"create", "modify", "deploy", "delete", "unsupported", *_KEPT})


@value
class Foreseen:
    """``says`` is what somebody ought to know of it, in words."""

    holdings: Holdings
    says: tuple[str, ...]


@value
class _Change:
    id: ResourceId
    kind: str
    """In lower case."""
    body: Body | None
    reason: str


def foreseen(document: Json, path: str) -> Foreseen:
    """Raises ``BadInput`` that names the file."""
    listed = _listed(document, "changes")
    if listed is None:
        raise BadInput(
            f"{path}: no what-if as `az deployment … what-if --no-pretty-print` writes it", field=FIELD
        )
    potential = _changes(_listed(document, "potentialChanges") or [], may_be=True)
    named = [*_once(_changes(listed)), *potential]
    return Foreseen(
        holdings=_holdings(named),
        says=tuple(f"{path}: {said}" for said in _says(document, listed)),
    )


def _listed(document: Json, name: str) -> list[Json] | None:
    """az lifts ``properties`` into the answer, ``az rest`` does not."""
    if not isinstance(document, Mapping):
        return None
    found = document.get(name, properties(document).get(name))
    return found if isinstance(found, list) else None


def _says(document: Json, listed: list[Json]) -> Iterator[str]:
    error = document.get("error") if isinstance(document, Mapping) else None
    if error:
        yield f"what-if failed ({_text(error, 'code')}): what it left out is not judged"
    for one in listed:
        if isinstance(one, Mapping) and parse_resource_id(one.get("resourceId")) is None:
            named = str(one.get("resourceId"))[:200]
            yield f"what would become of {named!r} cannot be told: it is not judged"


def _changes(listed: list[Json], *, may_be: bool = False) -> Iterator[_Change]:
    for one in listed:
        named = parse_resource_id(one.get("resourceId")) if isinstance(one, Mapping) else None
        if named is not None:
            yield _potential(named) if may_be else _change(named, one)


def _potential(named: ResourceId) -> _Change:
    reason = f"{named.name} may be changed by the deployment, which what-if cannot tell"
    return _Change(id=named, kind="unsupported", body=None, reason=reason)


def _change(named: ResourceId, one: Mapping[str, Json]) -> _Change:
    kind = _text(one, "changeType").lower()
    found = one.get("before") if kind in _KEPT else one.get("after")
    if found is None and kind in _KEPT:
        found = one.get("after")
    shown = found if isinstance(found, Mapping) and _is_shown(named, found) else None
    body = None if shown is None else {**as_arm_has_it(shown), "id": str(named)}
    why = _text(one, "unsupportedReason") or f"its change is {_text(one, 'changeType') or 'not named'}"
    if isinstance(found, Mapping) and shown is None:
        why = "what it will be is an expression that only the deployment resolves"
    known = kind in _TOLD - {"unsupported", "delete"}
    reason = f"what-if cannot tell what becomes of {named.name}: {why}"
    return _Change(id=named, kind=kind, body=body if known else None, reason=reason)


def _is_shown(named: ResourceId, found: Mapping[str, Json]) -> bool:
    """Whether its properties, and of a network which subnets it has, are no expression."""
    held = found.get("properties")
    if named.type == NETWORKS and isinstance(held, Mapping):
        return isinstance(held.get("subnets"), list | None)
    return isinstance(held, Mapping | None)


def _once(changes: Iterable[_Change]) -> Iterator[_Change]:
    """Of a resource that several deployments change nobody can say which comes last."""
    several: dict[str, list[_Change]] = defaultdict(list)
    for one in changes:
        several[one.id.key].append(one)
    for found in several.values():
        first = found[0]
        if all((one.kind, one.body) == (first.kind, first.body) for one in found):
            yield first
        else:
            reason = f"what-if has {first.id.name} more than once, and not alike"
            yield _Change(id=first.id, kind="unsupported", body=None, reason=reason)


def _holdings(changes: list[_Change]) -> Holdings:
    written = [_made(one) if one.kind == "create" else one.body for one in changes if one.body is not None]
    there = {one.id.key for one in changes if one.kind != "create"}
    gone = {one.id.key for one in changes if one.kind == "delete"}
    found = joined([one for one in written if one is not None], there, gone)
    why_not = {**found.why_not, **dict(_unknown(changes))}
    subscriptions = {one.id.subscription.lower() for one in changes}
    return Holdings(
        source=SOURCE,
        bodies={key: body for key, body in found.bodies.items() if key not in why_not},
        lists={
            **{f"/subscriptions/{one}/providers/{kind}": () for one in subscriptions for kind in FOUND_BY},
            **{place: held for place, held in found.lists.items() if place not in why_not},
        },
        named=(*found.others, *_stubs(changes)),
        why_not=why_not,
    )


def _unknown(changes: list[_Change]) -> Iterator[tuple[str, str]]:
    for one in changes:
        if one.body is None and one.kind != "delete":
            yield one.id.key, one.reason
            if one.id.parent is not None:
                yield one.id.key.rpartition("/")[0], one.reason


def _stubs(changes: list[_Change]) -> Iterator[Body]:
    """What is there, or will be, and of which nothing is known: a server of it is looked at and Unknown."""
    for one in changes:
        if one.body is None and one.kind != "delete" and one.id.type in FOUND_BY:
            yield {"id": str(one.id), "properties": {}}


def _made(change: _Change) -> Body:
    """What is created, with what a server has once it was made."""
    body = change.body or {}
    if change.id.type != FLEXIBLE:
        return body
    made: dict[str, Json] = {
        "state": "Ready",
        "fullyQualifiedDomainName": f"{change.id.name}.postgres.database.azure.com",
    }
    return {**body, "properties": {**made, **properties(body)}}


def _text(found: Json, name: str) -> str:
    held = found.get(name) if isinstance(found, Mapping) else None
    return held if isinstance(held, str) else ""
