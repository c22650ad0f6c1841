"""What people have exempted while the app runs, asked for at most once in a look, and only where it matters.

The order is that of ``docs/configuration.md``: an exemption of ``policies.yaml`` comes first, then one that
came with a rollback, then one that a person gave. What the file does not let people exempt is not exempt,
whenever the exemption was given; nor is what its giver had just written.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from shared.controller.deps import Deps
from shared.model.memory import Exemption
from shared.model.resource_id import ResourceId
from shared.model.scope_exemptions import ScopeExemption


class ExemptedScopes:
    """The exemptions of scopes as they are when one is first asked for."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps
        self._kept: tuple[ScopeExemption, ...] | None = None

    def exemption(
        self,
        policy: str,
        resource: ResourceId,
        now: datetime,
        is_own: Callable[[ScopeExemption], bool] = lambda _given: False,
    ) -> Exemption | None:
        """The one that covers a policy's findings on a resource; of several the one that ends last.

        ``is_own`` says of which the giver wrote what was found; it is asked of those alone that cover it.
        """
        if not self._deps.configuration.lets_exempt(policy):
            return None
        held = (one for one in self._all() if one.stands(now) and one.covers(policy, resource))
        covering = (one.exemption for one in held if not is_own(one))
        return max(covering, key=lambda one: one.expires_at, default=None)

    def _all(self) -> tuple[ScopeExemption, ...]:
        if self._kept is None:
            self._kept = tuple(self._deps.store.exemptions.all())
        return self._kept
