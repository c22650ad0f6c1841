"""The HTTP API: one function per route, named as in the table of ``shared.api``, which says what it means.

A request becomes plain parts, the answer becomes an ``HttpResponse``. The outermost line turns what
nobody expected into a problem document without any detail, and the log gets the traceback.
"""

from __future__ import annotations

import logging
from urllib.parse import parse_qsl, urlsplit

import azure.functions as func

from functions.blueprint import blueprint

bp = blueprint()
LOG = logging.getLogger("driftward")


@bp.route(route="health", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
def health(req: func.HttpRequest) -> func.HttpResponse:
    return _answer("health", req)


@bp.route(route="doctor", methods=["GET"])
def doctor(req: func.HttpRequest) -> func.HttpResponse:
    return _answer("doctor", req)


@bp.route(route="status", methods=["GET"])
def status(req: func.HttpRequest) -> func.HttpResponse:
    return _answer("status", req)


@bp.route(route="break-glass", methods=["POST"])
def set_break_glass(req: func.HttpRequest) -> func.HttpResponse:
    return _answer("set_break_glass", req)


@bp.route(route="runs", methods=["POST"])
def start_run(req: func.HttpRequest) -> func.HttpResponse:
    return _answer("start_run", req)


@bp.route(route="runs/{id}", methods=["GET"])
def get_run(req: func.HttpRequest) -> func.HttpResponse:
    return _answer("get_run", req)


@bp.route(route="alerts", methods=["GET"])
def list_alerts(req: func.HttpRequest) -> func.HttpResponse:
    return _answer("list_alerts", req)


@bp.route(route="alerts/{id}", methods=["GET"])
def get_alert(req: func.HttpRequest) -> func.HttpResponse:
    return _answer("get_alert", req)


@bp.route(route="alerts/{id}/acknowledge", methods=["POST"])
def acknowledge_alert(req: func.HttpRequest) -> func.HttpResponse:
    return _answer("acknowledge_alert", req)


@bp.route(route="alerts/{id}/approve", methods=["POST"])
def approve_alert(req: func.HttpRequest) -> func.HttpResponse:
    return _answer("approve_alert", req)


@bp.route(route="alerts/{id}/page", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
def show_alert_page(req: func.HttpRequest) -> func.HttpResponse:
    """A link in a message has no key; without a sign-in the page shows nothing of the alert."""
    return _answer("show_alert_page", req)


@bp.route(route="alerts/{id}/page/acknowledge", methods=["POST"])
def acknowledge_on_page(req: func.HttpRequest) -> func.HttpResponse:
    return _answer("acknowledge_on_page", req)


@bp.route(route="alerts/{id}/page/approve", methods=["POST"])
def approve_on_page(req: func.HttpRequest) -> func.HttpResponse:
    return _answer("approve_on_page", req)


@bp.route(route="report", methods=["GET"])
def report(req: func.HttpRequest) -> func.HttpResponse:
    return _answer("report", req)


@bp.route(route="summary", methods=["GET"])
def summary(req: func.HttpRequest) -> func.HttpResponse:
    return _answer("summary", req)


@bp.route(route="compliance", methods=["GET"])
def compliance(req: func.HttpRequest) -> func.HttpResponse:
    return _answer("compliance", req)


@bp.route(route="changes", methods=["GET"])
def list_changes(req: func.HttpRequest) -> func.HttpResponse:
    return _answer("list_changes", req)


@bp.route(route="changes/{id}", methods=["GET"])
def get_change(req: func.HttpRequest) -> func.HttpResponse:
    return _answer("get_change", req)


@bp.route(route="changes/{id}/rollback", methods=["POST"])
def rollback_change(req: func.HttpRequest) -> func.HttpResponse:
    return _answer("rollback_change", req)


@bp.route(route="exemptions", methods=["GET"])
def list_exemptions(req: func.HttpRequest) -> func.HttpResponse:
    return _answer("list_exemptions", req)


@bp.route(route="exemptions", methods=["POST"])
def add_exemption(req: func.HttpRequest) -> func.HttpResponse:
    return _answer("add_exemption", req)


@bp.route(route="exemptions/{id}/revoke", methods=["POST"])
def revoke_exemption(req: func.HttpRequest) -> func.HttpResponse:
    return _answer("revoke_exemption", req)


@bp.route(route="policies", methods=["GET"])
def list_policies(req: func.HttpRequest) -> func.HttpResponse:
    return _answer("list_policies", req)


@bp.route(route="nsg/explain", methods=["POST"])
def explain_nsg(req: func.HttpRequest) -> func.HttpResponse:
    return _answer("explain_nsg", req)


@bp.route(route="openapi.json", methods=["GET"])
def openapi(req: func.HttpRequest) -> func.HttpResponse:
    return _answer("openapi", req)


def blanks(url: str) -> list[str]:
    """The query parameters without a value, which the host drops: a filter that is blank is a mistake."""
    return [name for name, text in parse_qsl(urlsplit(url).query, keep_blank_values=True) if not text]


def _answer(name: str, req: func.HttpRequest) -> func.HttpResponse:
    from shared.api import ApiRequest, answer, unexpected
    from shared.wiring import wiring

    request = ApiRequest(
        parameters=dict(req.route_params),
        query={**dict.fromkeys(blanks(req.url), ""), **req.params},
        url=req.url,
        headers={header.lower(): text for header, text in req.headers.items()},
        body=req.get_body(),
    )
    try:
        response = answer(name, request, wiring())
    except Exception:
        LOG.exception("%s failed", name)
        response = unexpected()
    return func.HttpResponse(
        response.text,
        status_code=response.status,
        headers=dict(response.headers),
        mimetype=response.media_type,
    )
