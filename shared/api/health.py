"""Whether the app could work if it had to (settings, ``policies.yaml``, store, sinks), and what is shut.

Anyone may ask, so the answer names the part that is wrong and the routes that nobody may use as the app is
set, and nothing else; the log says why, and ``status`` says more to who may read.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import Final

from shared.api.admission import ShutRoute, shut
from shared.api.http import ApiResponse
from shared.api.route import Route
from shared.api.sources import Sources
from shared.model.codec import to_json
from shared.model.errors import ConfigurationError, StoreError
from shared.model.values import value

LOG: Final = logging.getLogger("driftward")


class Condition(StrEnum):
    OK = "ok"
    FAILED = "failed"
    NONE = "none"
    """There is none: alerts open, and nobody is told."""


@value
class Parts:
    settings: Condition
    policies: Condition
    store: Condition
    sinks: Condition


@value
class HealthView:
    status: Condition
    parts: Parts
    shut: tuple[ShutRoute, ...]
    """What nobody may do as the app is set; none while the settings cannot be read."""


def health(sources: Sources, routes: Iterable[Route]) -> ApiResponse:
    """200 when no part has failed, 503 otherwise; without a sink everything works, and nobody hears of it."""
    parts = Parts(
        settings=_check("settings", lambda: sources.settings),
        policies=_check("policies", lambda: sources.configuration),
        store=_check("store", lambda: _ask_store(sources)),
        sinks=_sinks(sources),
    )
    fine = Condition.FAILED not in {parts.settings, parts.policies, parts.store, parts.sinks}
    closed = shut(routes, sources.settings) if parts.settings is Condition.OK else ()
    view = HealthView(status=Condition.OK if fine else Condition.FAILED, parts=parts, shut=closed)
    return ApiResponse(status=200 if fine else 503, body=to_json(view))


def _ask_store(sources: Sources) -> None:
    """One read of a table and one of a container; what they hold does not matter."""
    sources.store.first_passes.find("health")
    sources.store.break_glass("health", ())


def _sinks(sources: Sources) -> Condition:
    found = _check("sinks", lambda: sources.has_sinks)
    return Condition.NONE if found is Condition.OK and not sources.has_sinks else found


def _check(part: str, look: Callable[[], object]) -> Condition:
    try:
        look()
    except (ConfigurationError, StoreError) as error:
        LOG.warning("health: %s: %s", part, error)
        return Condition.FAILED
    return Condition.OK
