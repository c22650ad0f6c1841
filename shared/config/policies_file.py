"""The form of ``policies.yaml``, and what is wrong with a file that does not have it.

The file is parsed strictly: an unknown key, an unknown policy, a value of the wrong kind is a
``ConfigurationError`` with one line for each mistake, ``policies.yaml:12: scopes.0.scope: …``, and the app
refuses to work rather than guess. The published JSON Schema is made from the same models
(``local.pages.schema``); ``docs/configuration.md`` says what each key means.

What the file answers for a target is ``shared.config.configuration``'s business.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time
from difflib import get_close_matches
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationError,
    WithJsonSchema,
)

from shared.config.marked_yaml import NotYaml, Path, Places, read_yaml
from shared.guardrails.schedule import Weekday, WhenClosed
from shared.model import Effect, TargetKind
from shared.model.errors import ConfigurationError
from shared.model.resource_id import InvalidResourceId, ResourceId
from shared.model.values import camel_case, value
from shared.posture.policy import AnyPolicy

LONGEST_TAG_EXEMPTION: Final = 7
"""Days. Whoever may tag may not thereby exempt a breach."""
_MOST_SHOWN: Final = 20
_CLOCK: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)", re.ASCII)
_MIDNIGHT: Final = "24:00"


# --- the kinds of values -----------------------------------------------------------------------------


_EVERY_KIND: Final = frozenset(TargetKind)
_INSIDE: Final[Mapping[str, frozenset[TargetKind]]] = {
    "microsoft.resources/subscriptions": _EVERY_KIND,
    "microsoft.resources/subscriptions/resourcegroups": _EVERY_KIND,
    "microsoft.dbforpostgresql/flexibleservers": frozenset({TargetKind.FLEXIBLE_SERVER}),
    "microsoft.dbforpostgresql/servers": frozenset({TargetKind.SINGLE_SERVER}),
    "microsoft.network/virtualnetworks": frozenset({TargetKind.SUBNET}),
    "microsoft.network/virtualnetworks/subnets": frozenset({TargetKind.SUBNET}),
}
"""The targets that a scope can hold, by its type. One that holds none would silently say nothing."""


def _scope(text: object) -> ResourceId:
    try:
        scope = ResourceId(str(text))
    except InvalidResourceId as error:
        raise ValueError(str(error)) from None
    if scope.type not in _INSIDE:
        raise ValueError(
            "a scope is a subscription, a resource group, a server, a virtual network or a subnet; "
            f"policies look at nothing in a {scope.type}"
        )
    return scope


def _moment(said: object) -> datetime:
    """A time without a zone is UTC, and a date is its first moment; a bare number is no time."""
    match said:
        case datetime():
            moment = said
        case date():
            moment = datetime.combine(said, time())
        case str():
            moment = datetime.fromisoformat(said)
        case _:
            raise ValueError("a time is written as 2027-01-31T18:00:00Z")
    try:
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except OverflowError:
        raise ValueError("a time is between the years 1 and 9999, in UTC as well") from None


def _time_of_day(said: object) -> time:
    found = _CLOCK.fullmatch(str(said))
    if found is None:
        raise ValueError('a time of the day is written as "22:00"')
    return time(int(found[1]), int(found[2]))


def _end_of_day(said: object) -> time:
    """Only an end may be 24:00: as a beginning it would mean the day before the one that is named."""
    return time() if str(said) == _MIDNIGHT else _time_of_day(said)


def _zone(said: object) -> ZoneInfo:
    try:
        return ZoneInfo(str(said))
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: "Europe" is a directory
        raise ValueError(f"there is no time zone {str(said)[:60]!r}, for example Europe/Berlin") from None


def _tags(tags: dict[str, str]) -> dict[str, str]:
    """Azure compares the names of tags without case, their values with it."""
    if len({name.lower() for name in tags}) < len(tags):
        raise ValueError("a tag is named twice: names are compared without case")
    return tags


Scope = Annotated[
    ResourceId,
    BeforeValidator(_scope),
    WithJsonSchema({"type": "string", "pattern": "^/?[sS]ubscriptions/[^/]+(/.+)?$"}),
]
Moment = Annotated[
    datetime,
    BeforeValidator(_moment),
    WithJsonSchema({"type": "string", "pattern": "^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt ].+)?$"}),
]
TimeOfDay = Annotated[
    time,
    BeforeValidator(_time_of_day),
    WithJsonSchema({"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$"}),
]
EndOfDay = Annotated[
    time,
    BeforeValidator(_end_of_day),
    WithJsonSchema({"type": "string", "pattern": "^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$"}),
]
Zone = Annotated[ZoneInfo, BeforeValidator(_zone), WithJsonSchema({"type": "string"})]
Tags = Annotated[dict[str, str], AfterValidator(_tags)]


# --- the sections ------------------------------------------------------------------------------------


class _Strict(BaseModel):
    model_config = ConfigDict(
        extra="forbid", frozen=True, alias_generator=camel_case, arbitrary_types_allowed=True
    )


class PolicySection(_Strict):
    """What a section says of one policy; absent keys say nothing."""

    effect: Effect | None = Field(default=None, description="What is done about a finding.")
    adopt: bool | None = Field(default=None, description="Revert what was never seen compliant, too.")
    without_approval: bool | None = Field(
        default=None, description="Make reverts without the approval that they would need."
    )
    settle_seconds: float | None = Field(
        default=None, ge=0, le=86_400, description="Quiet time after the last foreign write before a revert."
    )
    during_freeze: WhenClosed | None = Field(
        default=None, description="`revert` writes in spite of a change freeze; `alert` (default) does not."
    )
    outside_window: WhenClosed | None = Field(
        default=None,
        description="`revert` writes outside the maintenance windows as well; `alert` (default) waits.",
    )
    parameters: dict[str, Any] = Field(default_factory=dict, description="The policy's own settings.")


class Defaults(_Strict):
    """What holds where nothing else is said."""

    effect: Effect = Field(default=Effect.REVERT, description="Advice and opt-in policies have their own.")
    adopt: bool = Field(default=False, description="Revert what was never seen compliant, too.")
    without_approval: bool = Field(
        default=False, description="Make reverts without the approval that they would need."
    )


class ScopeSection(_Strict):
    """What holds below a scope, where the resource has these tags."""

    scope: Scope = Field(description="A subscription, a resource group or a resource.")
    tags: Tags = Field(
        default_factory=dict,
        description="Only servers with all of these tags. Names are compared without case, values with it.",
    )
    effect: Effect | None = Field(default=None, description="For every policy that is on anyway.")
    adopt: bool | None = Field(default=None, description="Revert what was never seen compliant, too.")
    without_approval: bool | None = Field(
        default=None, description="Make reverts without the approval that they would need."
    )
    policies: dict[str, PolicySection] = Field(default_factory=dict, description="By policy.")


class ExemptionSection(_Strict):
    """A stated reason not to act on a policy, with an end."""

    scope: Scope = Field(description="A subscription, a resource group or a resource.")
    policy: str = Field(description="The policy's id.")
    reason: str = Field(min_length=3, description="Why; people will read it.")
    approver: str = Field(min_length=1, description="Who answers for it.")
    expires: Moment = Field(description="When it ends: an alert says so. Without a zone it is UTC.")


class TagExemptions(_Strict):
    """Whether a tag on a server may lower reverts to alerts for a while."""

    enabled: bool = Field(default=False, description="Off unless it is switched on here.")
    tag: str = Field(default="driftward-exempt", min_length=1, max_length=512, description="The tag's name.")
    days: int = Field(
        default=LONGEST_TAG_EXEMPTION, ge=1, le=LONGEST_TAG_EXEMPTION, description="For how long at most."
    )


class FreezeSection(_Strict):
    """A time without writes."""

    scope: Scope = Field(description="A subscription, a resource group or a resource.")
    starts: Moment = Field(alias="from", description="Without a zone it is UTC.")
    ends: Moment = Field(alias="to", description="Writes are made again from this moment on.")
    reason: str = Field(min_length=3, description="Why; people will read it.")


class WindowSection(_Strict):
    """When reverts are made; where a scope has none, always."""

    scope: Scope = Field(description="A subscription, a resource group or a resource.")
    days: tuple[Weekday, ...] = Field(
        default=tuple(Weekday), min_length=1, description="The days on which it opens."
    )
    opens: TimeOfDay = Field(alias="from", description="Local time.")
    closes: EndOfDay = Field(alias="to", description="Local time; at or before `from`: on the next day.")
    timezone: Zone = Field(default=ZoneInfo("UTC"), description="For example Europe/Berlin.")


class Budgets(_Strict):
    """Writes and reverts that are too many to be right."""

    writes_per_target: int = Field(default=10, ge=0, description="Per hour.")
    writes_per_subscription: int = Field(default=100, ge=0, description="Per hour.")
    flapping_reverts: int = Field(default=3, ge=1, description="Reverts of the same drift…")
    flapping_minutes: int = Field(default=60, ge=1, description="…within this time.")


class PoliciesFile(_Strict):
    """Effects, scopes, parameters, exemptions, freezes, windows and budgets of Driftward."""

    version: int = Field(ge=1, le=1)
    defaults: Defaults = Field(default=Defaults())
    policies: dict[str, PolicySection] = Field(default_factory=dict, description="Per policy, everywhere.")
    scopes: tuple[ScopeSection, ...] = Field(default=(), description="Per scope; the most specific wins.")
    exemptions: tuple[ExemptionSection, ...] = Field(default=(), description="Stated reasons not to act.")
    tag_exemptions: TagExemptions = Field(default=TagExemptions())
    freezes: tuple[FreezeSection, ...] = Field(default=(), description="Times without writes.")
    maintenance_windows: tuple[WindowSection, ...] = Field(default=(), description="Times for reverts.")
    budgets: Budgets = Field(default=Budgets())

    _places: Places = PrivateAttr(default_factory=Places)
    _name: str = PrivateAttr(default="policies.yaml")

    def place(self, path: Path) -> str:
        """``policies.yaml:12`` for a part of the file."""
        return f"{self._name}:{self._places.line_of(path)}"


# --- parsing -----------------------------------------------------------------------------------------


@value
class Mistake:
    """What is wrong with a part of the file."""

    path: Path
    reason: str


def parse_policies_file(text: str, policies: Sequence[AnyPolicy], *, name: str) -> PoliciesFile:
    """Parse the file; raises ``ConfigurationError`` with ``name``, line and reason of every mistake."""
    try:
        data, places = read_yaml(text)
    except NotYaml as error:
        raise ConfigurationError(f"{name}:{error.line}: not YAML: {error}") from None
    try:
        file = PoliciesFile.model_validate(data if data is not None else {})
    except ValidationError as error:
        raise _refusal(_form_mistakes(error), name, places) from None
    mistakes = [*_mistakes(file, {policy.id: policy for policy in policies})]
    if mistakes:
        raise _refusal(mistakes, name, places)
    file._places, file._name = places, name
    return file


def _refusal(mistakes: Iterable[Mistake], name: str, places: Places) -> ConfigurationError:
    """One line for each mistake, in the order of the file."""
    told = sorted((places.line_of(m.path), f"{_spelled(m.path)}: {m.reason}") for m in mistakes)
    lines = [f"{name}:{line}: {text}" for line, text in told[:_MOST_SHOWN]]
    more = [f"{name}: and {len(told) - _MOST_SHOWN} more"] if len(told) > _MOST_SHOWN else []
    return ConfigurationError("\n".join([*lines, *more]))


def _spelled(path: Path) -> str:
    return ".".join(str(part) for part in path) or "the file"


def _form_mistakes(error: ValidationError) -> Iterator[Mistake]:
    for wrong in error.errors(include_url=False, include_input=False, include_context=False):
        reason = str(wrong["msg"]).removeprefix("Value error, ")
        if wrong["type"] == "extra_forbidden":
            reason = "there is no such key"
        elif wrong["type"] == "missing":
            reason = "is required"
        yield Mistake(path=wrong["loc"], reason=reason[:1].lower() + reason[1:])


def _mistakes(file: PoliciesFile, known: Mapping[str, AnyPolicy]) -> Iterator[Mistake]:
    """What the form alone does not tell: names that do not exist, and what is said twice."""
    yield from _twice(file.scopes)
    yield from _of_policies(file.policies, ("policies",), known)
    for i, section in enumerate(file.scopes):
        yield from _of_policies(section.policies, ("scopes", i, "policies"), known)
        for policy_id in section.policies:
            yield from _idle(known.get(policy_id), section.scope, ("scopes", i, "policies", policy_id))
        if section.tags and _INSIDE[section.scope.type] == {TargetKind.SUBNET}:
            yield Mistake(path=("scopes", i, "tags"), reason="a subnet has no tags in Azure")
        yield from _tagged_times(section, ("scopes", i, "policies"))
    for i, exemption in enumerate(file.exemptions):
        if exemption.policy not in known:
            yield _no_policy(("exemptions", i, "policy"), exemption.policy, known)
        yield from _idle(known.get(exemption.policy), exemption.scope, ("exemptions", i, "policy"))
    for i, freeze in enumerate(file.freezes):
        if freeze.ends <= freeze.starts:
            yield Mistake(path=("freezes", i, "to"), reason="the freeze ends before it begins")


def _tagged_times(section: ScopeSection, place: Path) -> Iterator[Mistake]:
    """Whoever may tag a resource shall not decide when it is written to."""
    reason = "must not depend on tags: whoever may tag would decide when writes are made"
    for policy_id, said in section.policies.items() if section.tags else ():
        for key, chosen in (("duringFreeze", said.during_freeze), ("outsideWindow", said.outside_window)):
            if chosen is WhenClosed.REVERT:
                yield Mistake(path=(*place, policy_id, key), reason=reason)


def _twice(sections: Sequence[ScopeSection]) -> Iterator[Mistake]:
    seen: dict[tuple[ResourceId, frozenset[tuple[str, str]]], int] = {}
    for i, section in enumerate(sections):
        key = (section.scope, frozenset((name.lower(), text) for name, text in section.tags.items()))
        if key in seen:
            tagged = " with these tags" if section.tags else ""
            reason = f"{section.scope}{tagged} has a section already: scopes.{seen[key]}"
            yield Mistake(path=("scopes", i, "scope"), reason=reason)
        seen.setdefault(key, i)


def _of_policies(
    sections: Mapping[str, PolicySection], path: Path, known: Mapping[str, AnyPolicy]
) -> Iterator[Mistake]:
    for policy_id, said in sections.items():
        if policy_id not in known:
            yield _no_policy((*path, policy_id), policy_id, known)
            continue
        yield from _of_parameters(known[policy_id], said, (*path, policy_id, "parameters"))


def _of_parameters(policy: AnyPolicy, section: PolicySection, path: Path) -> Iterator[Mistake]:
    parameters = {parameter.name: parameter for parameter in policy.parameters}
    for key, setting in section.parameters.items():
        if key not in parameters:
            reason = f"{policy.id} has no parameter {key!r}{_meant(key, parameters)}"
            yield Mistake(path=(*path, key), reason=reason)
            continue
        wrong = parameters[key].check(setting)
        if wrong:
            yield Mistake(path=(*path, key), reason=wrong)


def _idle(policy: AnyPolicy | None, scope: ResourceId, path: Path) -> Iterator[Mistake]:
    """What is said of a policy in a scope that holds nothing that it looks at."""
    if policy is not None and not policy.targets & _INSIDE[scope.type]:
        kinds = " and ".join(sorted(policy.targets))
        yield Mistake(path=path, reason=f"{policy.id} looks at a {kinds}, and a {scope.type} holds none")


def _no_policy(path: Path, policy_id: str, known: Mapping[str, AnyPolicy]) -> Mistake:
    return Mistake(path=path, reason=f"there is no policy {policy_id!r}{_meant(policy_id, known)}")


def _meant(name: str, known: Iterable[str]) -> str:
    close = get_close_matches(name, [*known], n=1)
    return f": is {close[0]} meant?" if close else ""
