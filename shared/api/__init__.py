"""The HTTP API without the platform: plain requests in, plain answers out, problems by RFC 9457.

``routes`` is the table and ``openapi`` describes it; ``admission`` is the door before it, with ``principal``
(who asks), ``rights`` (who may) and ``browsers`` (who was made to ask). ``http`` holds the values and the
problem types, ``problems`` maps errors to them, ``bodies``, ``queries`` and ``views`` are what is taken and
shown, ``paging`` is how lists go on. ``alert_page`` is what a link in a message leads to, ``html`` how pages
look, ``form_tokens`` what their forms bring back. The rest is one module per noun. Nothing here knows Azure
Functions, and nothing here decides what is done to a resource.
"""

from __future__ import annotations

import logging
from typing import Final

from shared.alerts.lifecycle import IllegalTransition
from shared.api.admission import admitted
from shared.api.html import problem_page, takes_html
from shared.api.http import ApiRequest, ApiResponse, Refused, problem_response
from shared.api.problems import refusal
from shared.api.queries import refuse_unknown
from shared.api.routes import BY_NAME
from shared.api.sources import Sources
from shared.controller.rollback import RollbackRefused
from shared.controller.runs import EnforcementDisabled, NamesNothing, NotATarget
from shared.model.errors import ConfigurationError, GatewayError, StoreError

__all__ = ["ApiRequest", "ApiResponse", "answer", "unexpected"]

LOG: Final = logging.getLogger("driftward")
_OURS: Final = 500


def answer(name: str, request: ApiRequest, sources: Sources) -> ApiResponse:
    """Answer a request to the route of this name. Raises only what nobody expected."""
    route = BY_NAME[name]
    try:
        known = admitted(route, request, sources)
        refuse_unknown(known, route.query)
        return route.handler(known, sources)
    except (
        Refused,
        EnforcementDisabled,
        NotATarget,
        NamesNothing,
        RollbackRefused,
        IllegalTransition,
        GatewayError,
        StoreError,
        ConfigurationError,
    ) as error:
        refused = refusal(error)
        if refused.kind.status >= _OURS:
            LOG.warning("%s: %s: %s", name, refused.kind.name, error)
        answered = problem_response(refused)
        return problem_page(answered) if route.page and takes_html(request) else answered


def unexpected() -> ApiResponse:
    """What is said when something broke: nothing of what it was, which the log knows."""
    return problem_response(Refused("unexpected", "the log says what happened"))
