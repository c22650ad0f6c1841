"""Which sinks hear of something: what ``policies.yaml`` routes, as values and one question.

A sink that no route names hears of everything. One that a route names hears of what one of its routes lets
through. What is High or Critical and would reach nobody goes to every sink: a gap between routes is no
silence. Event Grid's subscribers are machines, with filters of their own, and hear of everything.

Whoever may tag a server may not silence what is High or graver: of that a route by tags adds a sink and takes
none away. A sink whose routes are all by tags hears of all of it, and one with other routes of what those let
through and its tags add.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Final

from shared.guardrails.sink_names import TOPIC, is_named, kind_of
from shared.model.kinds import Severity
from shared.model.resource_id import ResourceId
from shared.model.values import value

NO_TAGS: Final[Mapping[str, str]] = {}


@value
class Route:
    """What the sinks of these names hear of."""

    sinks: tuple[str, ...]
    severity: Severity
    """This one and graver ones."""
    scope: ResourceId | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    """Of the server, all of these; names compare without case."""

    def names(self, sink: str) -> bool:
        return any(is_named(sink, name) for name in self.sinks)

    def lets_through(self, told: _Told) -> bool:
        within = self.scope is None or (told.resource is not None and told.resource.within(self.scope))
        tagged = all(told.tags.get(name.lower()) == text for name, text in self.tags.items())
        return within and tagged and told.severity.rank >= self.severity.rank


@value
class _Told:
    """What is told of, as far as routes ask."""

    severity: Severity
    resource: ResourceId | None
    tags: Mapping[str, str]

    @property
    def is_grave(self) -> bool:
        return self.severity.rank >= Severity.HIGH.rank


def heard_by(
    sinks: tuple[str, ...],
    severity: Severity,
    resource: ResourceId | None,
    routes: tuple[Route, ...],
    tags: Mapping[str, str] = NO_TAGS,
) -> tuple[str, ...]:
    """Those of the sinks that hear of something as grave as this about a resource. ``tags`` are those of its
    server, their names in lower case."""
    told = _Told(severity=severity, resource=resource, tags=tags)
    wanted = tuple(sink for sink in sinks if _wants(sink, told, routes))
    is_told = any(kind_of(sink) != TOPIC for sink in wanted)
    return wanted if is_told or not told.is_grave else sinks


def machines(sinks: tuple[str, ...]) -> tuple[str, ...]:
    """Those that hear of everything, also of what people are not told of."""
    return tuple(sink for sink in sinks if kind_of(sink) == TOPIC)


def people(sinks: tuple[str, ...]) -> tuple[str, ...]:
    """The others."""
    return tuple(sink for sink in sinks if kind_of(sink) != TOPIC)


def _wants(sink: str, told: _Told, routes: tuple[Route, ...]) -> bool:
    own = [route for route in routes if route.names(sink)]
    narrowing = [route for route in own if not (told.is_grave and route.tags)]
    if not narrowing or kind_of(sink) == TOPIC:
        return True
    return any(route.lets_through(told) for route in own)
