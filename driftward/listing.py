"""What the lists of an app have in common: by which policy, and below which scope.

The app lists by target, so a scope that is one, or lies in one, is the app's to look for. A subscription, a
group or a network holds many: then every page is asked for, and what lies below is chosen here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import click

from driftward.app import App
from driftward.scopes import target_of, within
from shared.model import Json

_POLICY: Final = click.option("--policy", metavar="ID", help="Only of this policy.")
_SCOPE: Final = click.option(
    "--scope", metavar="ID", help="Only below this subscription, resource group or resource."
)


def by_policy_and_scope(command: Callable[..., int]) -> Callable[..., int]:
    """Add the two options."""
    return _POLICY(_SCOPE(command))


def listed_in(
    app: App, path: str, scope: str | None, by: dict[str, str | None], **more: str | None
) -> list[dict[str, Json]]:
    """The items of a list that lie below a scope and fit. Raises ``NoAnswer`` for what is no scope."""
    wanted, target = within(scope), target_of(scope)
    said = {**by, **more, "target": target}
    query = {name: text for name, text in said.items() if text is not None}
    found = (one for one in app.get_all(path, query) if isinstance(one, dict))
    return [one for one in found if wanted(one.get("resourceId"))]
