"""What a query may hold, strictly: a name that a route does not know is refused, and a value without meaning.

A filter that is passed over in silence shows everything, and reads like an answer. Only the names that the
Functions host takes for itself are left alone (``code``, the function key, and ``clientId``, the key's name).
Query parameters are texts and are converted. Models are flat, so a problem's ``field`` is the parameter.
"""

from __future__ import annotations

from typing import Annotated, Final, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, WithJsonSchema

from shared.api.bodies import refused, resource_in
from shared.api.http import ApiRequest, invalid
from shared.controller.event_targets import locate
from shared.controller.expired_exemptions import EXPIRED
from shared.controller.giving_exemptions import GIVEN
from shared.controller.lowered_by_tags import LOWERED
from shared.controller.not_continued import NOT_CONTINUED
from shared.controller.poison import PATTERN
from shared.model import Outcome, Severity, Target
from shared.model.alert_records import AlertStatus
from shared.model.values import camel_case
from shared.policies import families, family_of, find, modules

MOST_ITEMS: Final = 1000
OF_THE_HOST: Final = frozenset({"code", "clientId"})
_BESIDES: Final = frozenset({EXPIRED.id, GIVEN.id, LOWERED.id, NOT_CONTINUED.id, PATTERN})
"""What alerts are about that is no policy."""

_Model = TypeVar("_Model", bound=BaseModel)


def _named(description: str, *names: str) -> WithJsonSchema:
    return WithJsonSchema(
        {"type": "string", "description": description, **({"enum": list(names)} if names else {})}
    )


Family = Annotated[str | None, _named("The family that the policy belongs to.", *families())]
TargetText = Annotated[
    str | None, _named("The id of a server or subnet, or of something below one; `resourceId` is the same.")
]


class Query(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, alias_generator=camel_case)


class ListQuery(Query):
    """What every listing takes."""

    policy: str | None = None
    family: Family = None
    target: TargetText = None
    resource_id: str | None = None
    limit: int = Field(default=100, ge=1, le=MOST_ITEMS, description="How many at most on this page.")
    after: str | None = Field(default=None, description="Where the page begins, as `Link` says it.")


class AlertQuery(ListQuery):
    status: AlertStatus | None = None
    severity: Severity | None = None


class ChangeQuery(ListQuery):
    outcome: Outcome | None = None


class ExemptionQuery(ListQuery):
    standing: bool | None = Field(default=None, description="Only those that stand, or that have ended.")


class RunQuery(Query):
    compliant: bool = Field(
        default=True,
        description="`false` leaves out compliant findings and outcomes, and targets with nothing else.",
    )


class ComplianceQuery(Query):
    framework: str | None = Field(
        default=None, description="What its name begins with, for example `CIS`; then its controls are told."
    )


def refuse_unknown(request: ApiRequest, model: type[BaseModel] | None) -> None:
    """Raises ``Refused`` for the first name of the query that the route does not know."""
    fields = model.model_fields.items() if model is not None else ()
    known = {field.alias or name for name, field in fields} | OF_THE_HOST
    for name in request.query:
        if name not in known:
            said = ", ".join(sorted(known - OF_THE_HOST)) or "none"
            raise invalid(name[:100], f"{name[:100]}: no such query parameter; this route takes {said}")


def read_query(model: type[_Model], request: ApiRequest) -> _Model:
    """The query parameters. Raises ``Refused``."""
    try:
        return model.model_validate(dict(request.query))
    except ValidationError as error:
        raise refused(error) from None


def target_of(query: ListQuery) -> Target | None:
    """The target that a listing is about; None for all. Raises ``Refused``."""
    named = {"target": query.target, "resourceId": query.resource_id}
    found = {field: _target_in(text, field) for field, text in named.items() if text is not None}
    if len(set(found.values())) > 1:
        raise invalid("target", "target and resourceId are the same filter, and name different targets")
    return next(iter(found.values()), None)


def _target_in(text: str, field: str) -> Target:
    found = locate(resource_in(text, field))
    if not isinstance(found, Target):
        raise invalid(field, "alerts and changes are kept for servers and subnets")
    return found


def policies_of(query: ListQuery) -> frozenset[str] | None:
    """The policies that a listing is about; None for all. Raises ``Refused``."""
    if query.policy is not None and find(query.policy) is None and query.policy not in _BESIDES:
        raise invalid("policy", f"there is no policy {query.policy[:100]!r}")
    if query.family is not None and query.family not in families():
        raise invalid("family", f"family is one of {', '.join(families())}")
    if query.policy is None and query.family is None:
        return None
    wanted = {query.policy} if query.policy is not None else set(modules())
    if query.family is None:
        return frozenset(wanted)
    return frozenset(name for name in wanted - _BESIDES if family_of(name) == query.family)
