"""Whether an answer of ``explain-nsg`` is right: what it differs in from z3 and from the plain loop.

The answer is taken as JSON, as it is printed, so that nothing of the engine is needed here. z3 judges the
verdict, the rules to blame, the open sets and the fix; the plain loop judges every witness; the rest
are ARM's rules for what may be written, and the promises of the interface.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from ipaddress import ip_address, ip_network
from itertools import product
from typing import Final, cast

from tests.nsg_check.plain import Packet, Way, first_match, outcomes, ways
from tests.nsg_check.reading import PROTOCOLS, WHOLE, Json, Line, read_line
from tests.nsg_check.second_engine import Blame, Verdict, blame, fix_holds, verdict

_NAME: Final = re.compile(r"\w([\w.-]{0,78}\w)?", re.ASCII)
_MET: Final = {"allow": Verdict.ALLOWED, "deny": Verdict.DENIED}
_SHOWN: Final = {
    Verdict.ALLOWED: {("allowed", True)},
    Verdict.DENIED: {("denied", True)},
    Verdict.MIXED: {("allowed", True), ("denied", True)},
    Verdict.DEPENDS: {("allowed", False), ("denied", False)},
}


def differences(line: Json, answer: Json) -> list[str]:
    """What is wrong with the answer, in words; nothing when both engines agree."""
    if "error" in answer:
        return [f"error: {answer['error']}"]
    read = read_line(line)
    decided = verdict(line)
    found = [] if answer["verdict"] == decided else [f"verdict {answer['verdict']}, z3 says {decided}"]
    known = blame(line)
    is_met = line.get("want") is None or decided is _MET[cast(str, line["want"])]
    return [
        *found,
        *_blame(known, answer),
        *_witnesses(read, answer, decided),
        *(_nothing_to_do(answer) if is_met else _fix(line, answer, _free_below(line, read, known))),
    ]


def _blame(known: Blame, answer: Json) -> Iterator[str]:
    expected = {
        "blockingRules": known.blocking,
        "exposingRules": known.exposing,
        "shadowedRules": known.shadowed,
    }
    for field, names in expected.items():
        given = {cast(str, rule["name"]) for rule in _objects(answer, field)}
        if given != names:
            yield f"{field}: too many {sorted(given - names)}, missing {sorted(names - given)}"
    sets = {name.lower() for name in cast(Sequence[str], answer["dependsOn"])}
    if sets != known.depends_on:
        yield f"dependsOn {sorted(sets)}, z3 says {sorted(known.depends_on)}"


def _witnesses(read: Line, answer: Json, decided: Verdict) -> Iterator[str]:
    witnesses = _objects(answer, "witnesses")
    shown = set()
    for witness in witnesses:
        packet, way = _packet(witness), _way(read, witness)
        if way not in set(ways(read, packet)):
            yield f"no packet of the question: {witness}"
            continue
        rule, sure = first_match(read, packet, way), len(outcomes(read, packet)) == 1
        shown.add((witness["outcome"], sure))
        if (rule.name, "allowed" if rule.allow else "denied") != (witness["rule"], witness["outcome"]):
            yield f"decided by {rule.name}: {witness}"
        if witness.get("sure", sure) != sure:
            yield f"sure is wrong: {witness}"
    if not shown >= _SHOWN[decided]:
        yield f"{decided} is not shown by its witnesses: {witnesses}"


def _packet(witness: Json) -> Packet:
    source = ip_address(cast(str, witness["source"]))
    destination = ip_address(cast(str, witness["destination"]))
    if source.version != destination.version:
        raise ValueError(f"two IP versions in one packet: {witness}")
    return Packet(
        version=source.version,
        protocol=PROTOCOLS.index(cast(str, witness["protocol"]).lower()),
        source=int(source),
        source_port=cast(int, witness["sourcePort"]),
        destination=int(destination),
        port=cast(int, witness["destinationPort"]),
    )


def _way(read: Line, witness: Json) -> Way:
    """Sets that neither a rule of this direction nor the question names make no difference: left out."""
    keys = {name: key for key, name in read.names.items()}
    members = cast(Mapping[str, Sequence[str]], witness["memberships"])
    named = ({name.lower() for name in members[end]} for end in ("source", "destination"))
    return Way(*(frozenset(keys[name] for name in names & keys.keys()) for names in named))


def _nothing_to_do(answer: Json) -> Iterator[str]:
    if answer["fix"] is not None or answer["noFixReason"] is not None:
        yield f"a fix or a reason where nothing is to do: {answer['fix']} {answer['noFixReason']}"


def _fix(line: Json, answer: Json, free: list[int]) -> Iterator[str]:
    """``free`` are the free priorities below every rule that stands in the way, in order."""
    fix, reason = answer["fix"], answer["noFixReason"]
    if fix is None:
        if not reason or (len(free) >= _most_rules(line) and not _unnamed(line)):
            yield f"no fix though {free[-2:]} are free: {reason}"
        return
    added = _objects(cast(Json, fix), "rules")
    yield from (text for rule in added for text in _refused(line, rule))
    if [cast(Json, rule["properties"])["priority"] for rule in added] != free[: -len(added) - 1 : -1]:
        yield f"priorities are not the largest free ones below the lowest: {added}"
    if not 1 <= len(added) <= _most_rules(line) or not fix_holds(line, added):
        yield f"z3 does not accept the fix: {added}"
    if any(fix_holds(line, [*added[:n], *added[n + 1 :]]) for n in range(len(added))):
        yield f"one of the rules is not needed: {added}"


def _most_rules(line: Json) -> int:
    """One rule for each pair of what can stand in one rule: prefixes of one IP version, `*`, or a tag."""
    sides = (_kinds(cast(Sequence[str], line[side])) for side in ("source", "destination"))
    return sum(1 for one, other in product(*sides) if 0 in (one, other) or one == other)


def _kinds(texts: Sequence[str]) -> list[int]:
    """IP versions, and 0 for each `*` or tag, which hold both."""
    kinds = [6 if ":" in text else 4 if text[0].isdigit() else 0 for text in texts]
    return [*sorted({kind for kind in kinds if kind}), *(kind for kind in kinds if not kind)]


def _unnamed(line: Json) -> bool:
    """A guard names what it protects, so an exposure of everything has no fix."""
    box = read_line(line).box
    protected = box.destination if box.direction == "inbound" else box.source
    return line["want"] == "deny" and any(whole in protected.ranges for whole in WHOLE)


def _free_below(line: Json, read: Line, known: Blame) -> list[int]:
    against = known.blocking if line["want"] == "allow" else known.exposing
    lowest = min(rule.priority for rule in read.rules if rule.name in against)
    used = {rule.priority for rule in read.rules}
    return [n for n in range(100, min(lowest, 4097)) if n not in used]


def _refused(line: Json, rule: Json) -> Iterator[str]:
    """Why ARM would refuse to write the rule, and names that are taken."""
    fields = cast(Json, rule["properties"])
    name, direction = cast(str, rule["name"]), cast(str, line["direction"]).lower()
    both = [read_line({**line, "openTags": True}, way) for way in ("inbound", "outbound")]
    if name.lower() in {one.name.lower() for read in both for one in read.rules} or not _NAME.fullmatch(name):
        yield f"the name {name!r} is taken or not well-formed"
    if cast(str, fields["direction"]).lower() != direction:
        yield f"another direction than the question's: {rule}"
    if len(cast(str, fields.get("description", ""))) > 140:
        yield f"the description is too long: {rule}"
    for side in ("source", "destination"):
        listed = [
            ip_network(text) for text in cast(Sequence[str], fields.get(f"{side}AddressPrefixes") or [])
        ]
        if any(a.overlaps(b) for n, a in enumerate(listed) for b in listed[:n]):
            yield f"overlapping prefixes: {rule}"


def _objects(holder: Json, field: str) -> list[Json]:
    return cast("list[Json]", holder[field])
