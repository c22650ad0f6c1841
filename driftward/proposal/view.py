"""The proposal as JSON: the shape of `propose-nsg -o json`; the text for people is made from the same object.

Lists of streams are cut where they are long, beside counts that are not: those with the most flows come
first. Pure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Final

from driftward.flows.told import time_of
from driftward.proposal.digest import digest
from driftward.proposal.fitting import MOST_PREFIXES, MOST_RULES
from driftward.proposal.proposing import Allowed, Given, Proposal
from driftward.proposal.sifting import WORDS as WHY_WORDS
from driftward.proposal.sifting import SetApart
from driftward.proposal.traffic import Lot, Observed, Traffic, total
from driftward.proposal.wants import WORDS
from shared.model import Json, SecurityGroup, SecurityRule
from shared.nsg import networks_of
from shared.nsg.packets.addresses import address_at
from shared.nsg.rules.spelling import rule_body

MOST_LISTED: Final = 1000
"""Streams that are listed one by one of each heap."""


class Answer(StrEnum):
    PROVED = "proved"
    UNKNOWN = "unknown"
    """Proved for what is known, but not all of the log is; or no client is known at all."""
    NOT_KEPT = "notKept"
    """Something legitimate would not pass, or something else would."""


def answer_of(proposal: Proposal, given: Given, unread: int) -> Answer:
    if not proposal.proof.holds or proposal.left_out:
        return Answer.NOT_KEPT
    is_doubtful = unread or _lost(given) or not proposal.lets_somebody_in
    return Answer.UNKNOWN if is_doubtful else Answer.PROVED


def _lost(given: Given) -> int:
    """Flows that may be legitimate and are not known one by one: any that --keep may have meant."""
    legitimate = Lot if given.keeps else (Lot.INSIDE, Lot.TO_INTERNET)
    return sum(given.observed.over.get(lot, 0) for lot in legitimate)


def view(proposal: Proposal, given: Given, files: Sequence[str], unread: int = 0) -> dict[str, Json]:
    """The answer; what performs it is added by whoever knows where it is pasted."""
    observed = given.observed
    return {
        "answer": answer_of(proposal, given, unread).value,
        "subnet": [str(network) for network in networks_of(given.place.subnet)],
        "log": _log(observed, files, unread),
        "rules": [_allowed(one) for one in proposal.allows],
        "denies": [_rule(rule, proposal) for rule in proposal.denies],
        "removed": [{"name": rule.name, "priority": rule.priority} for rule in proposal.removed],
        "limits": _limits(proposal.after),
        "proof": _proof(proposal),
        "deniedLastDay": _last_day(proposal, observed),
        "setApart": _apart(proposal.apart),
        "passesBeside": _apart(proposal.beside),
        "leftOut": _streams(proposal.left_out),
        "needsNoRule": _streams(proposal.unfiltered),
        "widenedBy": proposal.widened_by,
    }


def _log(observed: Observed, files: Sequence[str], unread: int) -> dict[str, Json]:
    return {
        "files": len(files),
        "flows": observed.flows,
        "ofOtherSubnets": observed.elsewhere,
        "first": time_of(observed.first),
        "last": time_of(observed.last),
        "streams": len(observed.traffic),
        "overTheBound": {lot.value: count for lot, count in observed.over.items() if count},
        "unread": unread,
    }


def _allowed(one: Allowed) -> dict[str, Json]:
    return {
        **rule_body(one.rule),
        "purpose": one.want.purpose.value,
        "for": WORDS[one.want.purpose],
        "depends": one.want.depends or None,
        "stands": one.stood,
        "flows": one.flows,
        "streams": one.streams,
        "first": time_of(one.first),
        "last": time_of(one.last),
    }


def _rule(rule: SecurityRule, proposal: Proposal) -> dict[str, Json]:
    return {**rule_body(rule), "stands": rule not in proposal.added}


def _limits(group: SecurityGroup) -> dict[str, Json]:
    rules = group.standing
    return {
        "rules": len(rules),
        "rulesAtMost": MOST_RULES,
        "sources": sum(len(rule.sources) for rule in rules),
        "destinations": sum(len(rule.destinations) for rule in rules),
        "prefixesAtMost": MOST_PREFIXES,
    }


def _proof(proposal: Proposal) -> dict[str, Json]:
    proof = proposal.proof
    return {
        "holds": proof.holds,
        "streamsThatPass": proof.kept,
        "needsThatPass": proof.needs,
        "streamsThatAreDenied": proof.denied,
        "doNotPass": list(proof.lost),
        "areNotDenied": list(proof.leaking),
        "otherRulesThatDecide": list(proof.deciding),
        "brokenOnTheWay": list(proof.broken),
    }


def _last_day(proposal: Proposal, observed: Observed) -> dict[str, Json]:
    """What the proposal would have denied in the last day, and how much of it had passed."""
    apart = [one for one in proposal.apart if one.traffic.lately]
    lost = [one for one in proposal.left_out if one.lately]
    lately = [*(one.traffic for one in apart), *lost]
    return {
        "since": time_of(observed.since),
        "flows": sum(one.lately for one in lately),
        "ofThemPassed": sum(one.lately for one in lately if not one.denied),
        "streams": len(lately),
    }


def _apart(apart: Iterable[SetApart]) -> dict[str, Json]:
    listed = sorted(apart, key=lambda one: (one.traffic.denied, -one.traffic.flows, one.traffic))
    flows: Counter[str] = Counter()
    for one in listed:
        flows[one.why.value] += one.traffic.flows
    return {
        "flows": total(one.traffic for one in listed),
        "streams": len(listed),
        "byReason": dict(flows),
        "digest": digest(listed),
        "listed": [
            {**_stream(one.traffic), "why": one.why.value, "because": WHY_WORDS[one.why]}
            for one in listed[:MOST_LISTED]
        ],
    }


def _streams(traffic: Iterable[Traffic]) -> dict[str, Json]:
    listed = sorted(traffic, key=lambda one: (-one.flows, one))
    return {
        "flows": total(listed),
        "streams": len(listed),
        "listed": [_stream(one) for one in listed[:MOST_LISTED]],
    }


def _stream(one: Traffic) -> Mapping[str, Json]:
    return {
        "direction": one.direction.value,
        "protocol": one.stream.protocol,
        "port": one.stream.port,
        "address": str(address_at(one.stream.other)),
        "passed": not one.denied,
        "flows": one.flows,
        "lastDay": one.lately,
        "first": time_of(one.first),
        "last": time_of(one.last),
    }
