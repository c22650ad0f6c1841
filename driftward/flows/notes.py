"""What an answer about a flow log says besides: what it cannot know, and what does not fit together. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from driftward.flows.counting import Group
from driftward.flows.deniers import Denier, about_denier, bare
from driftward.flows.told import Told, time_of
from driftward.flows.younger import about_denied, is_logged, other_groups
from shared.model import Json
from shared.nsg.engine.verdict import State
from shared.nsg.packets.addresses import networks_of


def notes_on(told: Told, groups: Sequence[Mapping[str, Json]]) -> list[str]:
    """What to know besides, in the order in which it matters."""
    return [
        *_about_subnet(told),
        *_about_tags(told, groups),
        *_about_deniers(told),
        *_about_rules(told),
        *_about_age(told, groups),
        *_about_reading(told),
    ]


def _about_subnet(told: Told) -> list[str]:
    counting = told.counting
    if told.setting.subnet:
        unmet = ", ".join(str(network) for network in networks_of(tuple(sorted(counting.sight.unmet))))
        return [f"no flow of the log is of {unmet}: nothing of it was looked at"] if unmet else []
    if not counting.groups:
        return []
    return [
        "the PostgreSQL subnet is not known: every flow of the log counts as its, and rules name every "
        "source; --subnet PREFIX says which it is, and tells traffic within it"
    ]


def _about_tags(told: Told, groups: Sequence[Mapping[str, Json]]) -> list[str]:
    services = told.setting.services
    if services is None or not services.missing or all(group["sure"] for group in groups):
        return []
    return [
        f"the tags that were given lack {', '.join(services.missing)}: an address in no tag may be theirs"
    ]


def _about_deniers(told: Told) -> list[str]:
    """Once for the log, beside what each group says."""
    groups = told.counting.groups.values()
    rules = {by: _logged(group for group in groups if group.denier is by) for by in Denier}
    present = [by for by in Denier if any(group.denier is by for group in groups)]
    return [note for by in present if (note := about_denier(by, _few(rules[by])))]


def _logged(groups: Iterable[Group]) -> list[str]:
    return list(dict.fromkeys(name for group in groups for name in group.rules.counts))


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _about_rules(told: Told) -> list[str]:
    """Of rules of an NSG: what is a bare name in the log is no such rule."""
    group = told.security_group
    if group is None:
        return []
    names = {rule.name.lower() for rule in (*group.rules, *group.default_rules)}
    ours = (found for found in told.counting.groups.values() if found.denier is Denier.NSG)
    strange = [name for name in _logged(ours) if name and not _is_of(name, names)]
    if not strange:
        return []
    return [
        f"the log names rules that {group.id.name} does not have ({_few(strange)}): it has changed since and "
        "its rules may be younger than the log, or the log is about another NSG"
    ]


def _is_of(logged: str, names: set[str]) -> bool:
    if logged.lower().startswith("defaultrule_"):
        return bare(logged).lower().startswith(("allow", "deny"))
    return any(is_logged(name, bare(logged)) for name in names)


def _about_age(told: Told, groups: Sequence[Mapping[str, Json]]) -> list[str]:
    """That the log is older than what is compared with it."""
    group, last = told.security_group, time_of(told.counting.last)
    if group is None:
        return []
    names = dict.fromkeys(name for found in groups if found["now"] for name in found["now"]["youngerRules"])
    rules = (
        f"{group.id.name} decides now by {_few([*map(repr, names)])}, which the log, whose last flow is of "
        f"{last}, does not name for these flows: it may be younger than the log, or was changed since"
    )
    would_pass = any(found["now"] and found["now"]["verdict"] == State.ALLOWED for found in groups)
    others = other_groups(told.counting.resources, group) if would_pass else []
    foreign = (
        f"the log is about {_few([other.name for other in others])} and not about {group.id.name}: what that "
        "one lets pass says nothing of these flows"
    )
    about = about_denied(told.denied_now, group, last)
    return [*([rules] if names else []), *([foreign] if others else []), *about]


def _about_reading(told: Told) -> list[str]:
    notes = []
    known = {"nsg/1", "nsg/2", "vnet/4"}
    if odd := sorted(set(told.counting.versions.counts) - known):
        notes.append(
            f"the log says format {', '.join(odd)}, which is not documented: read like the known ones"
        )
    if told.faults.count:
        notes.append(
            f"{told.faults.count} parts of the log could not be read and are not counted: see unread"
        )
    bounded = any(not group.addresses.is_complete for group in told.counting.groups.values())
    if bounded:
        notes.append("numbers of different addresses that say 'at least' were not counted further")
    return notes
