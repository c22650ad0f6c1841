"""What a route is, who may ask it, and what it says of itself for the OpenAPI document."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal, TypeAlias

from pydantic import BaseModel

from shared.api.http import ApiRequest, ApiResponse
from shared.api.rights import Right
from shared.api.sources import Sources
from shared.config.settings import Settings
from shared.controller.deps import Deps
from shared.model.values import value

Handler: TypeAlias = Callable[[ApiRequest, Sources], ApiResponse]

Shown: TypeAlias = Literal[
    "Run",
    "Alert",
    "Change",
    "Policy",
    "Explanation",
    "Exemption",
    "Health",
    "Status",
    "BreakGlass",
    "Examination",
    "Summary",
    "Compliance",
    "OpenApi",
    "Page",
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
class Raised:
    """The right that some requests to a route need: those to which it ``applies``, which ``when`` says."""

    right: Right
    when: str
    applies: Callable[[ApiRequest, Settings], bool]
    """May raise ``Refused`` for a body that cannot be read."""


@value
class Route:
    """One route. ``problems`` are names in ``PROBLEMS``, beside those that every route can answer.

    ``right`` is what it takes to ask; a route that writes says so here, or by ``raised``.
    """

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
    right: Right = Right.READ
    raised: Raised | None = None
    page: bool = False
    """Whether people look at it with a browser: it takes forms and answers with HTML. Problems are HTML to
    whoever takes that."""

    @property
    def anonymous(self) -> bool:
        """Whether the platform's authentication leaves it out, and no key is asked for."""
        return self.right is Right.NONE

    @property
    def rights(self) -> tuple[tuple[Right, str], ...]:
        """Each right that a request to it may need, and when: ``""`` is always."""
        always = (self.right, "")
        return (always,) if self.raised is None else (always, (self.raised.right, self.raised.when))


def with_deps(handler: Callable[[ApiRequest, Deps], ApiResponse]) -> Handler:
    """The handler of a route that needs all that a run works with."""
    return lambda request, sources: handler(request, sources.deps())


BAD_BODY: Final = ("malformed-json", "invalid-input", "too-large")
"""The problems of every route that takes a body."""
