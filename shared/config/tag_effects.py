"""Whoever may tag a server shall not thereby lower what is done about its drift.

A section with tags that switches policies off, or lowers an effect below what would hold without it, is a
mistake of the file unless the section says ``tagsMayLower: true``. What is compared is what holds for a
server in the section's scope, and in the scopes within it that have sections of their own: with its tags,
alone and together with those of other sections that raise an effect there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from shared.config.configuration import Configuration
from shared.config.file_values import KINDS_INSIDE
from shared.config.marked_yaml import Path
from shared.config.policies_file import PoliciesFile, ScopeSection
from shared.model import Effect, TargetKind
from shared.model.resource_id import ResourceId
from shared.posture.policy import AnyPolicy

_RANK: Final = tuple(Effect)
"""From the least that is done to the most."""
_ALLOWS: Final = "tagsMayLower: true in this section allows it"
_TAGGED: Final = frozenset({TargetKind.FLEXIBLE_SERVER, TargetKind.SINGLE_SERVER})


def is_lower(effect: Effect, than: Effect) -> bool:
    return _RANK.index(effect) < _RANK.index(than)


def lowered_by_tags(file: PoliciesFile, policies: Mapping[str, AnyPolicy]) -> Iterator[tuple[Path, str]]:
    """Every place in the file where a tag lowers an effect, with the reason to refuse it."""
    for i, section in enumerate(file.scopes):
        place: Path = ("scopes", i)
        if section.tags_may_lower and not section.tags:
            yield (*place, "tagsMayLower"), "without tags there is nothing to allow"
        elif section.tags and not section.tags_may_lower:
            for path, reason in _of_section(file, i, policies):
                yield (*place, *path), reason


def _of_section(file: PoliciesFile, i: int, policies: Mapping[str, AnyPolicy]) -> Iterator[tuple[Path, str]]:
    for path, effect, named in _said(file.scopes[i], policies):
        if effect is Effect.OFF:
            yield path, f"a tag would switch this off, and whoever may tag would decide; {_ALLOWS}"
        elif effect is Effect.ALERT and (found := _lowered(file, i, named)):
            policy_id, before = found
            yield path, f"a tag would lower {policy_id} from {before} to {effect}; {_ALLOWS}"


def _said(
    section: ScopeSection, policies: Mapping[str, AnyPolicy]
) -> Iterator[tuple[Path, Effect, list[AnyPolicy]]]:
    """The effects that a section says, and the policies for which each is its last word."""
    named = {policy_id: said.effect for policy_id, said in section.policies.items() if said.effect}
    if section.effect is not None:
        yield ("effect",), section.effect, [one for one in policies.values() if one.id not in named]
    for policy_id, effect in named.items():
        if policy_id in policies:
            yield ("policies", policy_id, "effect"), effect, [policies[policy_id]]


def _lowered(file: PoliciesFile, i: int, policies: Iterable[AnyPolicy]) -> tuple[str, Effect] | None:
    """The first policy whose effect is lower with the section than without it, and what it would be."""
    others = [section for number, section in enumerate(file.scopes) if number != i]
    whole = Configuration(file)
    without = Configuration(file.model_copy(update={"scopes": tuple(others)}))
    servers = [policy for policy in policies if policy.targets & _TAGGED]
    for place, tags in _situations(file.scopes[i], others):
        for policy in servers:
            if not policy.targets & KINDS_INSIDE[place.type]:
                continue
            before = without.effect(policy, place, tags)
            if is_lower(whole.effect(policy, place, tags), before):
                return policy.id, before
    return None


def _situations(
    section: ScopeSection, others: list[ScopeSection]
) -> Iterator[tuple[ResourceId, Mapping[str, str]]]:
    """Where the section may decide: its scope and those within it, its tags and those beside them."""
    within = [other.scope for other in others if other.scope.within(section.scope)]
    beside = [section.tags] + [
        {**other.tags, **section.tags} for other in others if _raises(other) and _goes_with(other, section)
    ]
    for place in dict.fromkeys([section.scope, *within]):
        yield from ((place, tags) for tags in beside)


def _raises(section: ScopeSection) -> bool:
    said = [section.effect, *(policy.effect for policy in section.policies.values())]
    return bool(section.tags) and Effect.REVERT in said


def _goes_with(other: ScopeSection, section: ScopeSection) -> bool:
    """Whether one server may be of both."""
    mine = {name.lower(): text for name, text in section.tags.items()}
    agree = all(mine.get(name.lower(), text) == text for name, text in other.tags.items())
    return agree and (other.scope.within(section.scope) or section.scope.within(other.scope))
