"""The sweep: what no event told us. Enumerate, fan out, and let the same reconcile decide.

Resource Graph says which targets exist (it lags and does not decide anything); each gets a look of
its own through the queue. Targets that we remember and Resource Graph does not list are looked at too:
their reading says whether they are gone. The first complete pass over a subscription marks the line
between what was inherited and what is new.
"""

from __future__ import annotations

from shared.controller.delivering import call_again
from shared.controller.deps import Deps
from shared.controller.dispatch import ask
from shared.controller.ended_exemptions import resolve_what_is_over, tell_of_ended_exemptions
from shared.controller.expired_exemptions import tell_of_expired_exemptions
from shared.controller.journaling import keep_journal
from shared.controller.nearly_spent import end_warnings
from shared.model import Cause, CauseKind, Target
from shared.model.errors import GatewayError
from shared.model.interfaces import Enumerated
from shared.model.resource_id import ResourceId
from shared.model.values import value


@value
class Swept:
    """What a sweep asked for, for the log line."""

    scopes: int
    targets: int
    missing: int
    """Remembered targets that were not enumerated."""


def sweep(deps: Deps) -> Swept:
    """Ask for a look at every target in the configured scopes."""
    cause = Cause(kind=CauseKind.SWEEP, time=deps.clock.now())
    counts: list[tuple[int, int]] = []
    failures: list[GatewayError] = []
    resolve_what_is_over(cause, deps)
    for scope in deps.settings.scopes:
        try:
            counts.append(_sweep_scope(scope, cause, deps))
        except GatewayError as error:  # the other scopes are swept before it is raised
            failures.append(error)
    tell_of_expired_exemptions(cause, deps)
    end_warnings(cause, deps)
    deps.store.names.forget_old(cause.time)
    call_again(cause, deps)
    keep_journal(deps)
    swept = Swept(
        scopes=len(counts),
        targets=sum(targets for targets, _ in counts),
        missing=sum(missing for _, missing in counts),
    )
    deps.log(
        {"cause": cause.kind, "scopes": swept.scopes, "targets": swept.targets, "missing": swept.missing}
    )
    if failures:
        raise failures[0]
    return swept


def _sweep_scope(scope: ResourceId, cause: Cause, deps: Deps) -> tuple[int, int]:
    started = deps.clock.now()
    seen: set[Target] = set()
    for page in deps.gateway.enumerate(scope):
        ask(page, cause, deps)
        seen.update(page.targets)
    missing: list[Target] = []
    for record in deps.store.known_targets(scope.subscription):
        tell_of_ended_exemptions(record, cause, deps)
        if record.target not in seen and record.target.id.within(scope):
            missing.append(record.target)
    ask(Enumerated(targets=tuple(missing)), cause, deps)
    if not scope.resource_group:
        deps.store.complete_first_pass(scope.subscription, started)
    return len(seen), len(missing)
