"""What is wrong with a recording: each thing that must not be, counted, with its evidence. Pure."""

from __future__ import annotations

import json
import statistics
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Final

from local.chaos.landscape import ALL_AZURE, EXPOSED, JUDGED, PUBLIC_ACCESS, WHOLE_INTERNET
from local.chaos.model import amiss, by_id
from local.chaos.recording import Recording
from local.chaos.writes import Deed, Ours, matches, ours, reopens, what_is_undeclared
from local.simulator.values import JsonObject, as_list, as_object, as_text, dig
from shared.model.values import value

_NOT_JUDGED: Final = "target-not-judged"
_POISONED: Final = "poisoned-message"
_OF_THE_LOOK: Final = frozenset({_NOT_JUDGED, _POISONED})
"""Patterns that say that nobody could look: over with the first look that went through."""
_UNKNOWN: Final = "unknown"
_RESTLESS_FROM: Final = 2
"""What was opened so often within an hour may stay told for an hour, though it is shut."""
_HAVE_A_CLOCK: Final = frozenset({PUBLIC_ACCESS, ALL_AZURE, WHOLE_INTERNET, EXPOSED})
_OPENED: Final = "Driftward.Alert.Opened"
_UPDATED: Final = "Driftward.Alert.Updated"
_RESOLVED: Final = "Driftward.Alert.Resolved"
_TOLD_OF_CHANGES: Final = {
    "Reverted": "Driftward.Change.Applied",
    "RolledBack": "Driftward.Change.RolledBack",
}
_SLACK: Final = 2.0
"""Seconds between what two clocks say of one moment."""


@value
class Evidence:
    """One thing that must not be."""

    counter: str
    about: str
    text: str


@value
class Verdict:
    """Of one run."""

    evidence: tuple[Evidence, ...]
    chain_valid: bool
    recovery: tuple[float, ...]
    """Seconds for each kill that met a change: until that had ended, beyond Azure's operation."""
    found_by_sweep: tuple[str, ...]
    """Drifts that nobody knew of until the last sweep, in words."""

    @property
    def holds(self) -> bool:
        return self.chain_valid and not self.evidence

    def count(self, counter: str) -> int:
        return sum(one.counter == counter for one in self.evidence)


def judge(run: Recording) -> Verdict:
    """Everything that is wrong. Raises CannotJudge for what the model knows nothing of."""
    found = [
        Evidence(counter=counter, about=about, text=text)
        for counter, count in COUNTERS.items()
        for about, text in count(run)
    ]
    early = lost_in(run, _resources(run.early), _listed(run.early, "alerts"))
    return Verdict(
        evidence=tuple(found),
        chain_valid=run.journal["exit"] == 0,
        recovery=tuple(recoveries(run)),
        found_by_sweep=tuple(f"{about}: {text}" for about, text in early),
    )


def figures(run: Recording, verdict: Verdict) -> JsonObject:
    """The line that a run ends with."""
    recovery = verdict.recovery
    return {
        "seed": run.seed,
        "events": len(run.deeds),
        "kills": len(run.kills),
        **{counter: verdict.count(counter) for counter in COUNTERS},
        "chainValid": verdict.chain_valid,
        "recoverySeconds": {
            "median": round(statistics.median(recovery), 1) if recovery else 0,
            "max": round(max(recovery), 1) if recovery else 0,
        },
        "foundBySweep": len(verdict.found_by_sweep),
        "faults": sum(int(str(fault["hits"])) for fault in run.faults),
        "ourWrites": len(ours(run)),
        "cpuSeconds": round(run.cpu_seconds),
        "seconds": round(run.seconds),
    }


_Found = Iterator[tuple[str, str]]
"""What something is about, and what is wrong with it."""


# --- the end: lost, outlived ------------------------------------------------------------------------


def lost(run: Recording) -> _Found:
    """A drift that stands, and neither an alert nor an exemption nor an unknown says so."""
    yield from lost_in(run, by_id(run.resources), run.alerts)


def lost_in(run: Recording, held: Mapping[str, JsonObject], alerts: Sequence[JsonObject]) -> _Found:
    """The same of these resources and alerts."""
    told = {(_target(alert), as_text(alert.get("policy"))) for alert in alerts if _is_open(alert)}
    for place in run.places:
        where = place.id.lower()
        for policy in sorted(amiss(place, held) or ()):
            known = {(where, policy), (where, _NOT_JUDGED), (where, _POISONED)} & told
            if not known and not _is_exempt(run, where, policy):
                yield place.id, f"{policy} stands and nobody is told"


def _is_exempt(run: Recording, where: str, policy: str) -> bool:
    """Whether an exemption stands over it: of those that came with a rollback, one that did happen."""
    made = {as_text(one.get("id")) for one in run.changes if one.get("outcome") == "RolledBack"}
    return any(
        one.get("policy") == policy
        and one.get("standing") is True
        and f"{where}/".startswith(f"{as_text(one.get('scope')).lower()}/")
        and (one.get("rollback") is None or one["rollback"] in made)
        for one in run.exemptions
    )


def outlived(run: Recording) -> _Found:
    """An open alert whose finding is not there."""
    held = by_id(run.resources)
    wrong = {place.id.lower(): amiss(place, held) for place in run.places}
    opened = _openings(run)
    for alert in filter(_is_open, run.alerts):
        where, policy = _target(alert), as_text(alert.get("policy"))
        stands = policy in (wrong.get(where) or ())
        unknown = as_text(alert.get("fingerprint")) == _UNKNOWN
        restless = wrong.get(where) is not None and opened[where, policy] >= _RESTLESS_FROM
        if policy in _OF_THE_LOOK and as_text(alert.get("fingerprint")).startswith("sink "):
            continue  # what is told elsewhere: see `untold`
        if policy in _OF_THE_LOOK or (policy in JUDGED and (unknown or not (stands or restless))):
            yield as_text(dig(alert, "target", "id")), _named(alert)


def _openings(run: Recording) -> dict[tuple[str, str], int]:
    """How often somebody opened what lets people in, by place and policy."""
    counted: dict[tuple[str, str], int] = defaultdict(int)
    groups = {place.group.lower(): place.id.lower() for place in run.places if place.group}
    for deed in Deed.effective(run):
        for policy in deed.opens() & _HAVE_A_CLOCK:
            counted[groups.get(deed.owner, deed.owner), policy] += 1
    return counted


# --- our writes -------------------------------------------------------------------------------------


def double_writes(run: Recording) -> _Found:
    """The same write twice, though the first had taken effect and nobody had undone it since."""
    everybody = Deed.effective(run)
    earlier: dict[str, Ours] = {}
    for write in (one for one in ours(run) if one.accepted):
        before = earlier.get(write.identity)
        undone = before is not None and any(
            before.at < deed.effect and deed.at < write.at + _SLACK and reopens(deed, write)
            for deed in everybody
        )
        if before is not None and before.effect and before.effect < write.at and not undone:
            yield (
                write.path,
                f"{write.method} at {_clock(write.at)} again; it had taken effect at {_clock(before.effect)}",
            )
        if write.effect or before is None:
            earlier[write.identity] = write


def outside_box(run: Recording) -> _Found:
    """A write that no policy declares."""
    for write in ours(run):
        if problem := what_is_undeclared(write, run):
            yield write.path, f"{write.method} {json.dumps(write.body)} at {_clock(write.at)}: {problem}"


def unproved(run: Recording) -> _Found:
    """A write without a change that says it, with a proof that holds, begun before it and not yet ended."""
    for write in (one for one in ours(run) if one.accepted):
        fitting = [change for change in run.changes if _covers(change, write)]
        if not any(_is_proved(change) for change in fitting):
            says = "its change has no proof that holds" if fitting else "no change says it"
            yield write.path, f"{write.method} at {_clock(write.at)}: {says}"


def _covers(change: JsonObject, write: Ours) -> bool:
    begun, ended = _time(change.get("createdAt")), _time(change.get("finishedAt"))
    in_time = begun - _SLACK <= write.at and (not ended or write.at <= ended + _SLACK)
    return in_time and any(matches(as_object(edit), write) for edit in as_list(change.get("edits")))


def _is_proved(change: JsonObject) -> bool:
    steps = as_list(dig(change, "proof", "steps"))
    return bool(steps) and all(as_object(step).get("holds") is True for step in steps)


# --- what does not end -------------------------------------------------------------------------------


def stuck(run: Recording) -> _Found:
    """Leases, changes, readings and messages that are still under way though everything is quiet."""
    for change in run.changes:
        if change.get("outcome") == "InProgress":
            yield as_text(dig(change, "target", "id")), f"the change {change.get('id')} is in progress"
    for record in map(as_object, as_list(run.kept["targets"])):
        if problem := _held(record):
            yield as_text(dig(record, "target", "id")), problem
    for row in map(as_object, as_list(run.kept["coalesced"])):
        yield as_text(row.get("row")), f"a reading waits or runs: {json.dumps(row)[:300]}"
    yield from _left_in_queues(run)


def _left_in_queues(run: Recording) -> _Found:
    for queue, count in as_object(run.kept["visible"]).items():
        if count:
            yield queue, f"{count} messages that nobody takes"
    for queue, count in as_object(run.kept["messages"]).items():
        if count and queue != "reconcile":
            yield queue, f"{count} messages that wait"
    if run.grid["waiting"]:
        yield "Event Grid", f"{run.grid['waiting']} deliveries that no host took"


def _held(record: JsonObject) -> str:
    for name in ("activeChange", "leaseUntil", "change"):
        if record.get(name):
            return f"{name} is {json.dumps(record[name])[:120]}"
    return ""


# --- people ------------------------------------------------------------------------------------------


def untold(run: Recording) -> _Found:
    """What the sink has not heard of: an alert that opened or resolved, a change that was made."""
    heard = _heard(run)
    for alert in run.alerts:
        if as_text(alert.get("severity")) != "Informational" and (problem := _unheard(alert, heard)):
            yield as_text(dig(alert, "target", "id")), f"{_named(alert)}: {problem}"
    for change in run.changes:
        kind = _TOLD_OF_CHANGES.get(as_text(change.get("outcome")))
        if kind and kind not in [one for one, _ in heard[as_text(change.get("id"))]]:
            yield (
                as_text(dig(change, "target", "id")),
                f"{kind} of the change {change.get('id')} was never told",
            )


def _unheard(alert: JsonObject, heard: Mapping[str, list[tuple[str, str]]]) -> str:
    kinds = [kind for kind, _ in heard[as_text(alert.get("id"))]]
    if _OPENED not in kinds:
        return "that it opened was never told"
    if _is_open(alert):
        return "the last that was told is that it is resolved" if kinds[-1] == _RESOLVED else ""
    return "" if kinds[-1] == _RESOLVED else "that it is resolved was never told"


def duplicate_alerts(run: Recording) -> _Found:
    """Two open alerts of one finding, or two messages that it opened without one between that it was over."""
    opened = _openings(run)
    standing: dict[tuple[str, str], list[JsonObject]] = defaultdict(list)
    for alert in filter(_is_open, run.alerts):
        standing[_target(alert), as_text(alert.get("policy"))].append(alert)
    for (where, policy), alerts in standing.items():
        if policy in JUDGED and len(alerts) > 1 and opened[where, policy] < _RESTLESS_FROM:
            yield where, f"{len(alerts)} open alerts: {'; '.join(map(_named, alerts))}"
    for subject, told in _heard(run).items():
        kinds = [kind for kind, _ in told if kind in {_OPENED, _RESOLVED}]
        again = sum(one == other == _OPENED for one, other in pairwise(kinds))
        if again:
            yield subject, f"told {again + 1} times that it opened: {told}"


def _heard(run: Recording) -> dict[str, list[tuple[str, str]]]:
    """What was told of each alert and change by its id: type and time, in the order of what happened. What
    was delivered again, under the same id, counts once."""
    told: dict[str, dict[str, tuple[str, str]]] = defaultdict(dict)
    for event in (as_object(one["event"]) for one in run.deliveries):
        about = as_text(dig(event, "data", "id"))
        told[about].setdefault(
            as_text(event.get("id")), (as_text(event.get("type")), as_text(event.get("time")))
        )
    in_order = {about: sorted(one.values(), key=lambda kind: _time(kind[1])) for about, one in told.items()}
    return defaultdict(list, in_order)


COUNTERS: Final[Mapping[str, Callable[[Recording], _Found]]] = {
    "lost": lost,
    "doubleWrites": double_writes,
    "duplicateAlerts": duplicate_alerts,
    "outsideBox": outside_box,
    "unproved": unproved,
    "stuck": stuck,
    "outlived": outlived,
    "untold": untold,
}


# --- recovery ----------------------------------------------------------------------------------------


def recoveries(run: Recording) -> Iterator[float]:
    """For each kill that met changes: how long the slowest took from then, beyond Azure's operation."""
    writes = ours(run)
    spans = [(_time(one.get("createdAt")), _time(one.get("finishedAt")), one) for one in run.changes]
    for kill in run.kills:
        met = [(ended, change) for begun, ended, change in spans if begun < kill < ended]
        if met:
            yield max(ended - max(kill, _azure_done(change, writes)) for ended, change in met)


def _azure_done(change: JsonObject, writes: Iterable[Ours]) -> float:
    return max((write.effect for write in writes if write.effect and _covers(change, write)), default=0.0)


# --- reading documents -------------------------------------------------------------------------------


def _resources(document: JsonObject) -> dict[str, JsonObject]:
    return by_id(_listed(document, "resources"))


def _listed(document: JsonObject, name: str) -> list[JsonObject]:
    return [as_object(one) for one in as_list(document.get(name))]


def _is_open(alert: JsonObject) -> bool:
    return alert.get("status") != "resolved"


def _target(document: JsonObject) -> str:
    return as_text(dig(document, "target", "id")).lower()


def _named(alert: JsonObject) -> str:
    seen = f"first seen {as_text(alert.get('firstSeen'))}, last {as_text(alert.get('lastSeen'))}"
    return f"alert {alert.get('id')} ({alert.get('policy')}, {alert.get('status')}, {seen})"


def _time(text: object) -> float:
    return datetime.fromisoformat(str(text)).timestamp() if text else 0.0


def _clock(at: float) -> str:
    return datetime.fromtimestamp(at).astimezone().isoformat(timespec="milliseconds")
