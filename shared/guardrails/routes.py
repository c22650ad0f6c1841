"""Which sinks hear of something: what ``policies.yaml`` routes, as values and one question.

A sink that no route names hears of everything. One that a route names hears of what one of its routes lets
through. What is High or Critical and would reach nobody goes to every sink: a gap between routes is no
silence. Event Grid's subscribers are machines, with filters of their own, and hear of everything.
"""

from __future__ import annotations

import re
from typing import Final

from shared.model.kinds import Severity
from shared.model.resource_id import ResourceId
from shared.model.values import value

_TOPIC: Final = "eventgrid"
_NAME: Final = re.compile(r"(?:(?P<number>\d+) )?(?P<kind>[^:#]*)")


@value
class Route:
    """What the sinks of these names hear of."""

    sinks: tuple[str, ...]
    severity: Severity
    """This one and graver ones."""
    scope: ResourceId | None = None

    def names(self, sink: str) -> bool:
        return any(_is_named(sink, name) for name in self.sinks)

    def lets_through(self, severity: Severity, resource: ResourceId | None) -> bool:
        within = self.scope is None or (resource is not None and resource.within(self.scope))
        return within and severity.rank >= self.severity.rank


def heard_by(
    sinks: tuple[str, ...], severity: Severity, resource: ResourceId | None, routes: tuple[Route, ...]
) -> tuple[str, ...]:
    """Those of the sinks that hear of something as grave as this about a resource."""
    wanted = tuple(sink for sink in sinks if _wants(sink, severity, resource, routes))
    is_told = any(_kind(sink) != _TOPIC for sink in wanted)
    return wanted if is_told or severity.rank < Severity.HIGH.rank else sinks


def machines(sinks: tuple[str, ...]) -> tuple[str, ...]:
    """Those that hear of everything, also of what people are not told of."""
    return tuple(sink for sink in sinks if _kind(sink) == _TOPIC)


def people(sinks: tuple[str, ...]) -> tuple[str, ...]:
    """The others."""
    return tuple(sink for sink in sinks if _kind(sink) != _TOPIC)


def _wants(sink: str, severity: Severity, resource: ResourceId | None, routes: tuple[Route, ...]) -> bool:
    own = [route for route in routes if route.names(sink)]
    if not own or _kind(sink) == _TOPIC:
        return True
    return any(route.lets_through(severity, resource) for route in own)


def _is_named(sink: str, name: str) -> bool:
    """``slack``, ``1`` or the whole name; ``mailto`` and ``mailtos`` are one kind."""
    found = _NAME.match(sink)
    number = found["number"] if found is not None else None
    return name in (sink, number) or name.lower().rstrip("s") == _kind(sink).rstrip("s")


def _kind(sink: str) -> str:
    found = _NAME.match(sink)
    return found["kind"].lower() if found is not None else ""
