"""``policies.yaml`` read strictly: a file, or every mistake in it with its line.

An unknown key, an unknown policy, a value of the wrong kind is a ``ConfigurationError`` with one line for
each mistake, ``policies.yaml:12: scopes.0.scope: …``, and the app refuses to work rather than guess.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Final

from pydantic import ValidationError

from shared.config.file_values import KINDS_INSIDE
from shared.config.marked_yaml import NotYaml, Path, Places, read_yaml
from shared.config.policies_file import PoliciesFile, PolicySection, ScopeSection
from shared.config.tag_effects import lowered_by_tags
from shared.guardrails.schedule import WhenClosed
from shared.model import TargetKind
from shared.model.errors import ConfigurationError
from shared.model.resource_id import ResourceId
from shared.model.values import value
from shared.posture.policy import AnyPolicy

_MOST_SHOWN: Final = 20
_NO_TAGS: Final = "a subnet has no tags in Azure"


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
        if section.tags and _holds_subnets_alone(section.scope):
            yield Mistake(path=("scopes", i, "tags"), reason=_NO_TAGS)
        yield from _tagged_times(section, ("scopes", i, "policies"))
    yield from (Mistake(path=path, reason=reason) for path, reason in lowered_by_tags(file, known))
    yield from _routes_by_no_tag(file)
    yield from _of_exemptions(file, known)
    for i, freeze in enumerate(file.freezes):
        if freeze.ends <= freeze.starts:
            yield Mistake(path=("freezes", i, "to"), reason="the freeze ends before it begins")


def _of_exemptions(file: PoliciesFile, known: Mapping[str, AnyPolicy]) -> Iterator[Mistake]:
    for i, exemption in enumerate(file.exemptions):
        if exemption.policy not in known:
            yield _no_policy(("exemptions", i, "policy"), exemption.policy, known)
        yield from _idle(known.get(exemption.policy), exemption.scope, ("exemptions", i, "policy"))
    for i, policy_id in enumerate(file.given_exemptions.never):
        if policy_id not in known:
            yield _no_policy(("givenExemptions", "never", i), policy_id, known)


def _holds_subnets_alone(scope: ResourceId) -> bool:
    return KINDS_INSIDE[scope.type] == {TargetKind.SUBNET}


def _routes_by_no_tag(file: PoliciesFile) -> Iterator[Mistake]:
    for i, route in enumerate(file.alerts.routes):
        if route.tags and route.scope is not None and _holds_subnets_alone(route.scope):
            yield Mistake(path=("alerts", "routes", i, "tags"), reason=_NO_TAGS)


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
    if policy is not None and not policy.targets & KINDS_INSIDE[scope.type]:
        kinds = " and ".join(sorted(policy.targets))
        yield Mistake(path=path, reason=f"{policy.id} looks at a {kinds}, and a {scope.type} holds none")


def _no_policy(path: Path, policy_id: str, known: Mapping[str, AnyPolicy]) -> Mistake:
    return Mistake(path=path, reason=f"there is no policy {policy_id!r}{_meant(policy_id, known)}")


def _meant(name: str, known: Iterable[str]) -> str:
    close = get_close_matches(name, [*known], n=1)
    return f": is {close[0]} meant?" if close else ""
