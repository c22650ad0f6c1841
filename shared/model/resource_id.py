"""ARM resource ids: kept in the spelling that ARM returned, compared without case.

Azure's own services disagree on letter case within one answer (``resourcegroups`` and
``resourceGroups``, ``Microsoft.DBForPostgreSql`` and ``Microsoft.DBforPostgreSQL``), so an id that is
compared as text would make two resources of one. Parsing is total over what ARM can send: a text
that is no resource id raises ``InvalidResourceId``, which names the text. Names are compared in the same way.

An id is a path of requests: one with ``.`` or ``..`` in it, an empty part or a control character, plain or in
percent-encoding, would lead to another resource than it names (RFC 3986, 5.2.4), and is refused.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import unquote

_SUBSCRIPTIONS: Final = "subscriptions"
_GROUPS: Final = "resourcegroups"
_PROVIDERS: Final = "providers"


class InvalidResourceId(ValueError):
    """The text is not the id of a resource, a resource group or a subscription."""


class ResourceId:
    """An id such as ``/subscriptions/…/resourceGroups/…/providers/Microsoft.X/type/name[/child/name]``.

    ``type`` is lower case and holds the whole type path (``microsoft.x/type/child``); ``name`` is the
    last segment. A subscription and a resource group are ids too, with types
    ``microsoft.resources/subscriptions`` and ``…/resourcegroups``.
    """

    __slots__ = ("_segments", "_text")

    def __init__(self, text: str) -> None:
        segments = tuple(text.strip().strip("/").split("/"))
        if not _is_wellformed(segments):
            raise InvalidResourceId(f"not an ARM resource id: {text[:200]!r}")
        self._segments = segments
        self._text = "/" + "/".join(segments)

    def __str__(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return f"ResourceId({self._text!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ResourceId) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)

    def __lt__(self, other: ResourceId) -> bool:
        return self.key < other.key

    @property
    def key(self) -> str:
        """The id in lower case: what ids are compared and stored by."""
        return self._text.lower()

    @property
    def subscription(self) -> str:
        return self._segments[1]

    @property
    def resource_group(self) -> str:
        """The resource group's name, or ``""`` for a subscription."""
        return self._segments[3] if len(self._segments) > 3 else ""

    @property
    def name(self) -> str:
        return self._segments[-1]

    @property
    def type(self) -> str:
        if len(self._segments) == 2:
            return "microsoft.resources/subscriptions"
        if len(self._segments) == 4:
            return "microsoft.resources/subscriptions/resourcegroups"
        provider, *rest = self._segments[5:]
        return "/".join([provider, *rest[0::2]]).lower()

    @property
    def parent(self) -> ResourceId | None:
        """The resource that this one is a child of or extends (a lock); None for a top-level resource."""
        if len(self._segments) <= 8:
            return None
        own = 4 if self._segments[-4].lower() == _PROVIDERS else 2
        return ResourceId("/".join(self._segments[:-own]))

    def ancestor(self, resource_type: str) -> ResourceId | None:
        """This id or the nearest of its parents that has ``resource_type``; None when there is none."""
        candidate: ResourceId | None = self
        while candidate is not None and candidate.type != resource_type.lower():
            candidate = candidate.parent
        return candidate

    def child(self, collection: str, name: str) -> ResourceId:
        return ResourceId(f"{self._text}/{collection}/{name}")

    def within(self, scope: ResourceId) -> bool:
        """Whether this id is ``scope`` or lies below it."""
        return self.key == scope.key or self.key.startswith(scope.key + "/")

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        """In JSON an id is its text; pydantic is met only where values are stored or served."""
        from pydantic_core import core_schema

        def parse(value: object) -> ResourceId:
            return value if isinstance(value, ResourceId) else ResourceId(str(value))

        return core_schema.no_info_plain_validator_function(
            parse, serialization=core_schema.to_string_ser_schema()
        )


def parse_resource_id(text: object) -> ResourceId | None:
    """The id that ``text`` holds; None when it holds none (absent, empty, not an id)."""
    if not isinstance(text, str):
        return None
    try:
        return ResourceId(text)
    except InvalidResourceId:
        return None


def _is_wellformed(segments: tuple[str, ...]) -> bool:
    if len(segments) < 2 or segments[0].lower() != _SUBSCRIPTIONS or not all(map(is_name, segments)):
        return False
    if len(segments) == 2:
        return True
    if segments[2].lower() != _GROUPS:
        return False
    return len(segments) == 4 or _names_resource(segments[4:])


_STEPS: Final = frozenset({"", ".", ".."})


def is_name(segment: str) -> bool:
    """Whether Azure can call anything so. Half of a surrogate pair is no text, and is not printable."""
    if segment in _STEPS or not segment.isprintable() or segment != segment.strip():
        return False
    return "%" not in segment or all(map(_leads_nowhere, _decoded(segment).split("/")))


def leads_elsewhere(name: str) -> bool:
    """Whether an address with this name in it would lead to another resource, however often it is encoded."""
    return not _STEPS.isdisjoint(_decoded(name).split("/"))


def _leads_nowhere(part: str) -> bool:
    return part not in _STEPS and part.isprintable()


def _decoded(segment: str) -> str:
    """However often it was encoded."""
    while (plainer := unquote(segment)) != segment:
        segment = plainer
    return segment


def _names_resource(segments: tuple[str, ...]) -> bool:
    """Whether it reads ``providers/<namespace>``, types with their names, and maybe the same again."""
    starts = [first.lower() == _PROVIDERS for first in segments[::2]]
    if len(segments) % 2 or not any(starts[:1]):
        return False
    namespaces = (name.lower() for start, name in zip(starts, segments[1::2], strict=True) if start)
    without_type = (start and follows for start, follows in zip(starts, [*starts[1:], True], strict=True))
    return not any(without_type) and _PROVIDERS not in namespaces


def free_name(wanted: str, taken: Iterable[str]) -> str:
    """A name for something new in Azure: ``wanted``, or ``wanted-2`` and so on where that is taken.

    Azure compares names without case, and making something under a name that is taken replaces what has it.
    """
    lower = {name.lower() for name in taken}
    names = (wanted, *(f"{wanted}-{number}" for number in range(2, len(lower) + 2)))
    return next(name for name in names if name.lower() not in lower)
