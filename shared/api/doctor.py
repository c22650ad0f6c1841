"""The deep look, for who may read: what the installation lacks, with the commands that mend it.

It has a path of its own: on the path of health nobody is known, since neither the host's keys nor the
platform's authentication are asked there. ``/api/health?deep=true`` leads here.
"""

from __future__ import annotations

from typing import Final

from shared.api.http import ApiRequest, ApiResponse
from shared.api.queries import Query, read_query
from shared.api.sources import Sources
from shared.controller.doctor import Asked, Verdict
from shared.model.codec import to_json

PATH: Final = "doctor"


class DeepQuery(Query):
    deep: bool = False


def doctor(sources: Sources) -> ApiResponse:
    """200 where nothing is missing or unknown, 503 otherwise; nothing is sent to anybody."""
    report = sources.examined(Asked())
    return ApiResponse(status=200 if report.verdict is Verdict.WELL else 503, body=to_json(report))


def is_deep(request: ApiRequest) -> bool:
    """Raises ``Refused`` for a word that is neither true nor false."""
    return read_query(DeepQuery, request).deep


def led_there() -> ApiResponse:
    """Key and token come along: it is the same host."""
    said = f"the deep look takes a key or a token: /api/{PATH}"
    return ApiResponse(status=307, body={"detail": said}, headers={"Location": f"/api/{PATH}"})
