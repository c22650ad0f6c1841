"""ARM's answers out of documents: to a GET of a resource or a list, and to a question to Resource Graph.

What a document holds is answered as ARM would. What is missing from a list that is held is 404. All else is
refused with what the documents lack, so that it ends as Unknown with that reason, never as absent. A question
to Resource Graph about a kind of which not all are held gets what there is, and a row that names nothing
behind it: the readers know that such a row may stand for further ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from driftward.scanning.documents.holdings import LOCKS, Holdings, key_of
from driftward.scanning.documents.kql import NotUnderstood, Question, Row, question
from shared.model import Json
from shared.model.resource_id import ResourceId, parse_resource_id

if TYPE_CHECKING:
    from shared.adapters.arm.session.answered import Reply, Sent

_GRAPH: Final = "/providers/microsoft.resourcegraph/resources"
_ADMIN_RULES: Final = "/listnetworkmanagereffectivesecurityadminrules"
_TAGS: Final = "/servicetags"
_LOCKS: Final = f"/providers/{LOCKS}"
CODE: Final = "NotInDocuments"


class Answering:
    """What a scan's readings are answered with. Holds no state beside the documents."""

    def __init__(self, holdings: Holdings) -> None:
        self._held = holdings

    def __call__(self, sent: Sent) -> Reply:
        path = key_of(sent.path)
        if path == _GRAPH:
            return self._graph(sent.body)
        if sent.method != "GET" and not path.endswith(_ADMIN_RULES):
            return _refused(HTTPStatus.METHOD_NOT_ALLOWED, "documents are not written")
        if path.endswith(_TAGS):
            return self._tags(sent.path)
        if path.endswith(_LOCKS):
            return self._locks(sent.path)
        return self._resource(sent.path)

    # --- resources and lists

    def _resource(self, path: str) -> Reply:
        if (listed := self._held.listed(path)) is not None:
            return _found({"value": [*listed]})
        body = self._held.bodies.get(key_of(path))
        if body is not None:
            return _found(body)
        if self._is_gone(path):
            return _refused(HTTPStatus.NOT_FOUND, f"{self._held.source} shows that there is no {path}")
        return self._lacking(path)

    def _is_gone(self, path: str) -> bool:
        """Whether a list is held that would show it. What an address has a reason for is not known."""
        if key_of(path) in self._held.why_not:
            return False
        parent = path.rpartition("/")[0]
        if self._held.listed(parent) is not None:
            return True
        named = parse_resource_id(path)
        if named is None or named.parent is not None:
            return False
        return self._held.is_whole(named.subscription, named.type)

    def _lacking(self, path: str) -> Reply:
        """As what our identity may not see: ARM's other refusals mean something of their own."""
        return _refused(HTTPStatus.FORBIDDEN, self._held.lacks(path))

    def _tags(self, path: str) -> Reply:
        return self._lacking(path) if self._held.tags is None else _found(self._held.tags)

    def _locks(self, path: str) -> Reply:
        """The locks above, at and below a resource, of those of its subscription."""
        resource = parse_resource_id(path[: -len(_LOCKS)])
        held = None if resource is None else self._held.listed(_locks_of(resource))
        if held is None or resource is None:
            return self._lacking(path)
        return _found({"value": [one for one in held if _concerns(one, resource)]})

    # --- Resource Graph

    def _graph(self, sent: Json) -> Reply:
        asked = sent if isinstance(sent, Mapping) else {}
        try:
            meant = question(str(asked.get("query")))
        except NotUnderstood as error:
            return _refused(
                HTTPStatus.BAD_REQUEST, f"the question cannot be answered from documents: {error}"
            )
        named = asked.get("subscriptions") or self._held.subscriptions
        subscriptions = tuple(str(one).lower() for one in named)
        rows = meant.of(self._rows(meant, subscriptions))
        rows += self._hidden(meant, subscriptions)
        body = {"totalRecords": len(rows), "count": len(rows), "resultTruncated": "false", "data": rows}
        return _found(body)

    def _rows(self, meant: Question, subscriptions: tuple[str, ...]) -> Iterator[Row]:
        for body in (*self._held.bodies.values(), *self._held.named):
            named = ResourceId(str(body["id"]))
            if named.type in meant.types and named.subscription.lower() in subscriptions:
                yield {**body, **_columns(named)}

    def _hidden(self, meant: Question, subscriptions: tuple[str, ...]) -> Iterator[Row]:
        """A row without an id for each kind of which there may be more."""
        for kind in sorted(meant.types):
            if not all(self._held.is_whole(one, kind) for one in subscriptions):
                yield {"id": None, "name": f"{self._held.source} holds no list of all {kind}", "type": kind}


def _columns(named: ResourceId) -> dict[str, Json]:
    return {
        "type": named.type,
        "name": named.name,
        "resourceGroup": named.resource_group.lower(),
        "subscriptionId": named.subscription,
    }


def _locks_of(resource: ResourceId) -> str:
    return f"/subscriptions/{resource.subscription}{_LOCKS}"


def _concerns(lock: Json, resource: ResourceId) -> bool:
    """Whether a lock stands at the resource, above it or below it."""
    named = lock.get("id") if isinstance(lock, Mapping) else None
    scope = parse_resource_id(str(named).lower().rpartition(_LOCKS)[0])
    return scope is None or scope.within(resource) or resource.within(scope)


def _found(body: Json) -> Reply:
    from shared.adapters.arm.session.answered import Reply

    return Reply(status=HTTPStatus.OK, body=body)


def _refused(status: HTTPStatus, message: str) -> Reply:
    from shared.adapters.arm.session.answered import Reply

    return Reply(status=status, body={"error": {"code": CODE, "message": message}})
