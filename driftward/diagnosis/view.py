"""A diagnosis for machines: every step as it was, and every client with its ways. Nothing is decided here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from driftward.diagnosis.words import (
    Diagnosis,
    Line,
    Needed,
    Result,
    Told,
    in_order,
    named,
    resolves_to,
)
from shared.model import ServerSnapshot
from shared.posture.ways.answers import Fact, State, Verdict, Way

_EXITS: Final[Mapping[Result, int]] = {Result.WELL: 0, Result.FAULT: 1, Result.UNKNOWN: 3}


def view(diagnosis: Diagnosis) -> dict[str, Any]:
    """``{"server", "result", "steps": [{"client", "stage", "result", "says", "resource", "fix", "evidence"}],
    "clients": [{"client", "state", "ways": [{"resolvesTo", "state", "facts", "blocking"}], "settles",
    "fix"}], "needs": [{"name", "result", "says", "resource", "fix"}]}``. A fault of a step is proved.
    The fixes of one answer go one after the other: what an earlier one mends is not told again.
    """
    return {
        "server": str(diagnosis.server.id),
        "result": str(diagnosis.result),
        "steps": [step for one in diagnosis.clients for step in _steps(diagnosis.server, one)],
        "clients": [_client(one) for one in diagnosis.clients],
        "needs": [_need(one) for one in diagnosis.needs],
    }


def exit_code(diagnosis: Diagnosis) -> int:
    """0 everybody connects, for sure; 1 a fault is proved; 3 not known."""
    return _EXITS[diagnosis.result]


def _need(need: Needed) -> dict[str, Any]:
    told = {"name": need.name, "result": str(need.result), "says": need.says}
    return {**told, "resource": need.resource, "fix": list(need.mends)}


def _steps(server: ServerSnapshot, told: Told) -> Iterator[dict[str, Any]]:
    """Every stage of every way; the fix stands with the first fault."""
    fix = list(told.mends)
    for line in (one for way in told.verdict.ways for one in in_order(server, way)):
        result = _result(told.verdict, line)
        given, fix = (fix, []) if result is Result.FAULT else ([], fix)
        yield {
            "client": named(told.verdict.client),
            "stage": str(line.stage),
            "result": str(result),
            "says": line.says,
            "resource": line.fact.resource if line.fact else "",
            "fix": given,
            "evidence": dict(line.fact.evidence) if line.fact else {},
        }


def _result(verdict: Verdict, line: Line) -> Result:
    """A part that blocks one of several ways is no fault that is proved."""
    doubted = line.result is Result.FAULT and verdict.state is not State.BLOCKED
    return Result.UNKNOWN if doubted else line.result


def _client(told: Told) -> dict[str, Any]:
    return {
        "client": named(told.verdict.client),
        "state": str(told.verdict.state),
        "ways": [_way(way) for way in told.verdict.ways],
        "settles": list(told.verdict.settles),
        "fix": list(told.mends),
    }


def _way(way: Way) -> dict[str, Any]:
    return {
        "resolvesTo": resolves_to(way.answer),
        "state": str(way.state),
        "facts": [_fact(fact) for fact in way.facts],
        "blocking": [_fact(fact) for fact in way.blocking],
    }


def _fact(fact: Fact) -> dict[str, Any]:
    told = {"stage": str(fact.stage), "state": str(fact.state), "says": fact.says}
    return {**told, "resource": fact.resource, "settles": fact.settles}
