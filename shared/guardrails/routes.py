"""Which sinks hear of something: what ``policies.yaml`` routes, as values and one question.

A sink that no route names hears of everything. One that a route names hears of what one of its routes lets
through. What is High or Critical and would reach nobody goes to every sink: a gap between routes is no
silence. Event Grid's subscribers are machines, with filters of their own, and hear of everything.
"""

from __future__ import annotations

from shared.guardrails.sink_names import TOPIC, is_named, kind_of
from shared.model.kinds import Severity
from shared.model.resource_id import ResourceId
from shared.model.values import value


@value
class Route:
    """What the sinks of these names hear of."""

    sinks: tuple[str, ...]
    severity: Severity
    """This one and graver ones."""
    scope: ResourceId | None = None

    def names(self, sink: str) -> bool:
        return any(is_named(sink, name) for name in self.sinks)

    def lets_through(self, severity: Severity, resource: ResourceId | None) -> bool:
        within = self.scope is None or (resource is not None and resource.within(self.scope))
        return within and severity.rank >= self.severity.rank


def heard_by(
    sinks: tuple[str, ...], severity: Severity, resource: ResourceId | None, routes: tuple[Route, ...]
) -> tuple[str, ...]:
    """Those of the sinks that hear of something as grave as this about a resource."""
    wanted = tuple(sink for sink in sinks if _wants(sink, severity, resource, routes))
    is_told = any(kind_of(sink) != TOPIC for sink in wanted)
    return wanted if is_told or severity.rank < Severity.HIGH.rank else sinks


def _wants(sink: str, severity: Severity, resource: ResourceId | None, routes: tuple[Route, ...]) -> bool:
    own = [route for route in routes if route.names(sink)]
    if not own or kind_of(sink) == TOPIC:
        return True
    return any(route.lets_through(severity, resource) for route in own)
