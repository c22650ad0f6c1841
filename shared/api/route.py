"""What a route is, and what it says of itself for the OpenAPI document."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, TypeAlias

from pydantic import BaseModel

from shared.api.http import ApiRequest, ApiResponse
from shared.api.sources import Sources
from shared.model.values import value

Handler: TypeAlias = Callable[[ApiRequest, Sources], ApiResponse]


Shown: TypeAlias = Literal[
    "Run", "Alert", "Change", "Policy", "Explanation", "Exemption", "Health", "OpenApi"
]


@value
class Success:
    """An answer that is no problem; ``many`` is a list of what is shown, ``located`` adds ``Location``."""

    status: int
    text: str
    shown: Shown
    many: bool = False
    paged: bool = False
    """Whether the list may go on at another address, which the headers name."""
    located: bool = False


@value
class Route:
    """One route. ``problems`` are names in ``PROBLEMS``, beside those that every route can answer."""

    name: str
    method: Literal["GET", "POST"]
    path: str
    summary: str
    handler: Handler
    successes: tuple[Success, ...]
    problems: tuple[str, ...] = ()
    body: type[BaseModel] | None = None
    body_required: bool = True
    query: type[BaseModel] | None = None
    anonymous: bool = False
