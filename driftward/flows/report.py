"""The answer about a flow log as JSON: what was read, what was denied and what each part of that is.

The shape is that of `explain-flows --json`; the text for people is made from the same object. Everything is
sorted by what matters: kind, need, then how often. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from driftward.flows.advice import Advice, Present
from driftward.flows.counting import Counting, Group
from driftward.flows.faults import Faults
from driftward.flows.labels import Features, Kind, Label, Need, Setting, need, reason
from driftward.flows.rules import fix_view
from driftward.flows.tallies import Tally
from shared.model import Json, SecurityGroup
from shared.model.values import value
from shared.nsg.engine.verdict import State
from shared.nsg.packets.addresses import address_at, networks_of

SAMPLES: Final = 5
_LISTED: Final = 20
"""Ports, rules, tags and resources that are listed of each group."""
_LONGEST_LOGGED: Final = 65
"""Longer names of rules may be cut in a log (NSG flow logs overview, best practices)."""
_PREFIXES: Final = ("UserRule_", "DefaultRule_")


class Answer(StrEnum):
    REQUIRED_DENIED = "requiredDenied"
    UNKNOWN = "unknown"
    """Nothing required is known to be denied, but some denied flows may be."""
    NOTHING_REQUIRED_DENIED = "nothingRequiredDenied"


@value
class Told:
    """What goes into an answer."""

    files: Sequence[str]
    counting: Counting
    faults: Faults
    setting: Setting
    advice: Mapping[Group, Advice]
    security_group: SecurityGroup | None = None
    tags: Mapping[str, Json] | None = None
    """Where the prefixes are from."""
    server: Mapping[str, Json] | None = None
    notes: Sequence[str] = ()


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
        "notes": [*told.notes, *_notes(told, groups)],
    }


def _about_log(told: Told) -> dict[str, Json]:
    counting = told.counting
    return {
        "files": list(told.files),
        "formats": sorted(counting.versions.counts),
        "records": counting.records,
        "resources": [name for name, _ in counting.resources.first(_LISTED) if name],
        "first": _time(counting.first),
        "last": _time(counting.last),
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
    if told.faults.count or any(_may_be_required(group, told.setting) for group in denied):
        return Answer.UNKNOWN
    return Answer.NOTHING_REQUIRED_DENIED


def passes(group: Mapping[str, Json]) -> bool:
    now: Mapping[str, Json] | None = group["now"]
    return now is not None and bool(now["verdict"] == State.ALLOWED)


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
        **_seen(group),
        "now": None if advice is None or advice.present is None else _present(advice.present),
        "fix": None if advice is None else fix_view(advice, told.security_group),
    }


def _seen(group: Group) -> dict[str, Json]:
    """What the log shows of it."""
    return {
        "count": group.count,
        "first": _time(group.first),
        "last": _time(group.last),
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


def _present(present: Present) -> dict[str, Json]:
    return {
        "verdict": present.state.value,
        "blockingRules": [{"name": rule.name, "priority": rule.priority} for rule in present.blocking],
        "dependsOn": list(present.depends_on),
        "asked": "every address of the tag" if present.partial else "the addresses that were called",
    }


def _time(milliseconds: int | None) -> str | None:
    """RFC 3339 in UTC, with milliseconds where there are any."""
    if milliseconds is None:
        return None
    seconds, rest = divmod(milliseconds, 1000)
    moment = datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest * 1000)
    return moment.isoformat(timespec="milliseconds" if rest else "seconds").replace("+00:00", "Z")


# --- notes -----------------------------------------------------------------------------------------


def _notes(told: Told, groups: Sequence[Mapping[str, Json]]) -> list[str]:
    return [*_about_subnet(told), *_about_tags(told, groups), *_about_rules(told), *_about_reading(told)]


def _about_subnet(told: Told) -> list[str]:
    counting = told.counting
    if told.setting.subnet:
        strangers = counting.denied and counting.elsewhere == counting.denied
        return ["no denied flow of the log is of the subnet that was given"] if strangers else []
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


def _about_rules(told: Told) -> list[str]:
    group = told.security_group
    if group is None:
        return []
    names = {rule.name.lower() for rule in (*group.rules, *group.default_rules)}
    defaults = ("allow", "deny")
    logged = dict.fromkeys(name for found in told.counting.groups.values() for name in found.rules.counts)
    strange = [name for name in logged if name and not _is_of(name, names, defaults)]
    if not strange:
        return []
    shown = ", ".join(strange[:3]) + (f" and {len(strange) - 3} more" if len(strange) > 3 else "")
    return [
        f"the log names rules that {group.id.name} does not have ({shown}): it has changed since, the log is "
        "about another NSG, or they are security admin rules of Virtual Network Manager, which no NSG rule "
        "overrides"
    ]


def _is_of(logged: str, names: set[str], defaults: tuple[str, ...]) -> bool:
    if logged.startswith("DefaultRule_"):
        return logged.removeprefix("DefaultRule_").lower().startswith(defaults)
    name = logged.removeprefix("UserRule_").lower()
    return name in names or (len(name) >= _LONGEST_LOGGED and any(other.startswith(name) for other in names))


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
