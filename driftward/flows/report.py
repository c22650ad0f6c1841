"""The answer about a flow log as JSON: what was read, what was denied and what each part of that is.

The shape is that of `explain-flows --json`; the text for people is made from the same object. Everything is
sorted by what matters: kind, need, then how often. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final

from driftward.flows.advice import Present
from driftward.flows.counting import Group
from driftward.flows.deniers import WHAT_TO_DO
from driftward.flows.labels import Features, Kind, Label, Need, Setting, need, reason
from driftward.flows.notes import notes_on
from driftward.flows.rules import fix_view
from driftward.flows.tallies import Tally
from driftward.flows.told import Told, time_of
from driftward.flows.younger import other_groups, younger
from shared.model import Json
from shared.nsg.engine.verdict import State
from shared.nsg.packets.addresses import address_at, networks_of
from shared.nsg.rules.reading import Rule

SAMPLES: Final = 5
_LISTED: Final = 20
"""Ports, rules, tags and resources that are listed of each group."""


class Answer(StrEnum):
    REQUIRED_DENIED = "requiredDenied"
    UNKNOWN = "unknown"
    """Nothing required is known to be denied, but some denied flows may be."""
    NOTHING_REQUIRED_DENIED = "nothingRequiredDenied"


def report(told: Told) -> dict[str, Json]:
    """The answer."""
    features = told.setting.features
    ordered = sorted(told.counting.groups.values(), key=lambda group: _rank(group, features))
    groups = [_group(group, told) for group in ordered]
    return {
        "answer": answer(told, groups).value,
        **_about_log(told),
        **_about_setting(told),
        "groups": groups,
        "unread": {"count": told.faults.count, "first": [str(fault) for fault in told.faults.first]},
        "notes": [*told.notes, *notes_on(told, groups)],
    }


def _about_log(told: Told) -> dict[str, Json]:
    counting = told.counting
    return {
        "files": list(told.files),
        "formats": sorted(counting.versions.counts),
        "records": counting.records,
        "resources": [name for name, _ in counting.resources.first(_LISTED) if name],
        "first": time_of(counting.first),
        "last": time_of(counting.last),
        "flows": {
            "total": counting.flows,
            "denied": counting.denied,
            "ofOtherSubnets": counting.elsewhere,
            "ofOtherDirection": counting.left_out,
            "explained": sum(group.count for group in counting.groups.values()),
        },
    }


def _about_setting(told: Told) -> dict[str, Json]:
    services = told.setting.services
    return {
        "subnet": [str(network) for network in networks_of(told.setting.subnet)],
        "server": told.server,
        "nsg": None if told.security_group is None else str(told.security_group.id),
        "tags": None if services is None else {**(told.tags or {}), "missing": list(services.missing)},
    }


def answer(told: Told, groups: Iterable[Mapping[str, Json]]) -> Answer:
    """What the groups come to. What the NSG that was given lets pass is not denied any more."""
    denied = [group for group in groups if not passes(group)]
    if any(group["need"] == Need.REQUIRED for group in denied):
        return Answer.REQUIRED_DENIED
    if told.faults.count or told.denied_now or any(_may_be_required(group, told.setting) for group in denied):
        return Answer.UNKNOWN
    return Answer.NOTHING_REQUIRED_DENIED


def passes(group: Mapping[str, Json]) -> bool:
    """Whether the NSG whose log it is lets it pass now."""
    now: Mapping[str, Json] | None = group["now"]
    return now is not None and now["verdict"] == State.ALLOWED and not now["isOfAnotherNsg"]


def _may_be_required(group: Mapping[str, Json], setting: Setting) -> bool:
    """Whether it is not known to be something that the service does without."""
    if group["sure"]:
        return bool(group["kind"] == Kind.UNKNOWN or group["need"] == Need.DEPENDS)
    missing = () if setting.services is None else setting.services.missing
    needs = {need(Label(Kind.PLATFORM, name, True), setting.features) for name in missing}
    return not needs <= {Need.OPTIONAL}


# --- a group ---------------------------------------------------------------------------------------


def _rank(group: Group, features: Features) -> tuple[int, int, int, str, bool]:
    kinds, needs = list(Kind), list(Need)
    label = group.label
    return (
        kinds.index(label.kind),
        needs.index(need(label, features)),
        -group.count,
        label.name,
        label.outbound,
    )


def _group(group: Group, told: Told) -> dict[str, Json]:
    label, advice = group.label, told.advice.get(group)
    services = told.setting.services
    return {
        "kind": label.kind.value,
        "name": label.name,
        "direction": "Outbound" if label.outbound else "Inbound",
        "need": need(label, told.setting.features).value,
        "why": reason(label),
        "sure": not (label.kind is Kind.UNKNOWN_CDN and services is not None and services.missing),
        "deniedBy": group.denier.value,
        "whatToDo": WHAT_TO_DO[group.denier] or None,
        **_seen(group),
        "now": None if advice is None or advice.present is None else _present(advice.present, group, told),
        "fix": None if advice is None else fix_view(advice, told.security_group),
    }


def _seen(group: Group) -> dict[str, Json]:
    """What the log shows of it."""
    return {
        "count": group.count,
        "first": time_of(group.first),
        "last": time_of(group.last),
        "ports": [
            {"protocol": protocol, "port": port, "count": times}
            for (protocol, port), times in group.ports.first(_LISTED)
        ],
        "distinctPorts": _distinct(group.ports),
        "rules": _named(group.rules),
        "addresses": _samples(group.addresses),
        "distinctAddresses": _distinct(group.addresses),
        "servers": _samples(group.here),
        "distinctServers": _distinct(group.here),
        "tags": _named(group.tags),
    }


def _named(tally: Tally[str]) -> list[Json]:
    return [{"name": name, "count": times} for name, times in tally.first(_LISTED)]


def _samples(places: Tally[int]) -> list[Json]:
    return [{"address": str(address_at(place)), "count": times} for place, times in places.first(SAMPLES)]


def _distinct(tally: Tally[str] | Tally[int] | Tally[tuple[str, int]]) -> dict[str, Json]:
    return {"count": len(tally), "isLowerBound": not tally.is_complete}


def _present(present: Present, group: Group, told: Told) -> dict[str, Json]:
    return {
        "verdict": present.state.value,
        "blockingRules": _rules(present.blocking),
        "allowingRules": _rules(present.allowing),
        "youngerRules": list(younger(group, present)),
        "isOfAnotherNsg": bool(other_groups(told.counting.resources, told.security_group)),
        "dependsOn": list(present.depends_on),
        "asked": "every address of the tag" if present.partial else "the addresses that were called",
    }


def _rules(rules: Iterable[Rule]) -> list[Json]:
    return [{"name": rule.name, "priority": rule.priority} for rule in rules]
