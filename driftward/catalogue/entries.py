"""The catalogue as entries that can be chosen from: by severity, family, target, effect, and by words."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence

from driftward.catalogue.outcome import Verb, verb_of
from shared.api.views import PolicyView, policy_view
from shared.config.configuration import Configuration
from shared.model import Effect, Severity, TargetKind
from shared.model.values import value
from shared.policies import discover, family_of, modules
from shared.posture.policy import AnyPolicy


@value
class Entry:
    """A policy with what the file says of it everywhere."""

    policy: AnyPolicy
    view: PolicyView
    family: str
    """In words: ``public reach``."""
    verb: Verb

    @property
    def docstring(self) -> str:
        """What the policy's module says of it."""
        return inspect.cleandoc(modules()[self.policy.id].__doc__ or "")


@value
class Filters:
    """What an entry must be to be shown; an empty filter lets every entry pass."""

    severities: frozenset[Severity] = frozenset()
    families: frozenset[str] = frozenset()
    targets: frozenset[TargetKind] = frozenset()
    effects: frozenset[Effect] = frozenset()
    words: str = ""

    def admit(self, entry: Entry) -> bool:
        return (
            (not self.severities or entry.view.severity in self.severities)
            and (not self.families or entry.family in self.families)
            and (not self.targets or bool(self.targets & entry.policy.targets))
            and (not self.effects or entry.view.effect in self.effects)
            and all(word in _searched(entry) for word in self.words.lower().split())
        )


def entries(configuration: Configuration) -> tuple[Entry, ...]:
    """Every policy, in the order in which changes are made."""
    return tuple(_entry(policy, configuration) for policy in discover())


def families() -> tuple[str, ...]:
    """The families in words, in the order in which their first change is made."""
    return tuple(dict.fromkeys(_in_words(family_of(policy.id)) for policy in discover()))


def by_family(listed: Sequence[Entry]) -> Iterator[tuple[str, list[Entry]]]:
    """The families that have an entry; in each, the most severe first."""
    severities = list(Severity)
    for family in families():
        found = [entry for entry in listed if entry.family == family]
        if found:
            yield family, sorted(found, key=lambda one: (severities.index(one.view.severity), one.policy.id))


def _entry(policy: AnyPolicy, configuration: Configuration) -> Entry:
    settings = configuration.everywhere(policy)
    return Entry(
        policy=policy,
        view=policy_view(policy, configuration),
        family=_in_words(family_of(policy.id)),
        verb=verb_of(policy, settings.effect, without_approval=settings.without_approval),
    )


def _in_words(folder: str) -> str:
    return folder.replace("_", " ")


def _searched(entry: Entry) -> str:
    """What ``--search`` looks at: id, title, why, and the controls with their ids."""
    controls = (f"{one.framework} {one.version} {one.id} {one.title}" for one in entry.view.controls)
    return "\n".join((entry.policy.id, entry.view.title, entry.policy.why, *controls)).lower()
