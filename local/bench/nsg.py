"""Benchmarks of the NSG engine: milliseconds, and ratios to z3 giving the same verdict in the same run.

*Cold* begins at the parsed JSON and ends at the verdict, for both: the engine's reading and its parsed form
are in it, and so are z3's reading and encoding. *Rules* begins at the rules as the gateway hands them over,
every address still a text. *Warm* is a further question on the parsed form. Engine and z3 take turns, texts
that were read are forgotten before, and a figure is the median over the seeds; a ratio is the median of the
seeds' ratios, below 1 where the engine is faster. That both say the same is checked each time; blame,
witnesses and fixes are compared on seeded lines of their own (agreement). Milliseconds are processor time:
both work in one thread, and a busy machine does not count.

    python -m local.bench.nsg [quick|full]

A table for people, then one JSON line per figure. Exit code 1 when the engines differ, or when the engine
needs more memory than it may; times are figures, not failures.
"""

from __future__ import annotations

import argparse
import gc
import json
import math
import os
import statistics
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeAlias, TypeVar

from shared.model import SecurityGroup
from shared.nsg.asking import Asked, read_question
from shared.nsg.documents.document import read_group, read_program
from shared.nsg.engine.program import parse
from shared.nsg.engine.verdict import state_of
from shared.nsg.explain import explain
from shared.nsg.packets.addresses import parse_addresses
from shared.nsg.rules.reading import read_ports
from tests.nsg_check import adversarial
from tests.nsg_check.agreement import differences
from tests.nsg_check.instances import Object, instance
from tests.nsg_check.second_engine import verdict

_T = TypeVar("_T")
_Q = TypeVar("_Q")
Figures: TypeAlias = dict[str, tuple[float, str]]
"""Value and unit by name, as in ``local.bench``."""

_HARD: Final = 990
_SIZES: Final = (125, 250, 500, 1000)
_FEWER: Final = (5, 10, 20, 30)
"""Rules between groups: with more that are told apart, the answer is that it is too complex."""
MEMORY_LIMIT: Final = 100.0
"""Megabytes that the engine may hold at once for the largest NSG."""
_TARGETS: Final[Mapping[str, float]] = {
    "typical.cold": 5,
    "groups.cold": 2000,
    "random1000.cold": 10,
    "random1000.rules": 10,
    "largest.cold": 30,
    "largest.rules": 30,
    "largest.warm": 10,
    "largestParts.cold": 30,
    "largestParts.rules": 30,
    "largestParts.warm": 10,
    "largestRandom.cold": 30,
    "largestRandom.rules": 30,
    "largestRandom.warm": 10,
    "partition2.ratio": 1,
    "partition3.ratio": 1,
    "partition4.ratio": 2,
}


class EnginesDiffer(Exception):
    """The text says on what."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Milliseconds for one line, or for several lines on one NSG."""

    cold: float
    rules: float
    warm: float
    z3: float


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m local.bench.nsg", description="Benchmarks of the NSG engine."
    )
    parser.add_argument("extent", nargs="?", choices=["quick", "full"], default="full")
    extent = parser.parse_args(arguments).extent
    try:
        figures = measure(is_quick=extent == "quick")
    except EnginesDiffer as error:
        print(f"the engines differ: {error}", file=sys.stderr)
        return 1
    for name, (amount, unit) in figures.items():
        print(json.dumps({"figure": f"nsg.{name}", "value": amount, "unit": unit}))
    peak, _ = figures["largest.memory"]
    wrong, _ = figures["agreement.differences"]
    return 0 if peak <= MEMORY_LIMIT and not wrong else 1


def measure(*, is_quick: bool) -> Figures:
    """All figures. Raises ``EnginesDiffer`` where a measured verdict is not z3's."""
    figures: Figures = {}
    heads = f"{'cold ms':>10}{'rules ms':>10}{'warm ms':>10}{'z3 ms':>10}{'cold : z3':>11}"
    print(f"{'NSG engine':<24}{heads}   target")
    for name, make, seeds in _cases(is_quick):
        figures |= _case(name, [make(seed) for seed in range(1, seeds + 1)])
    figures |= _growth(2 if is_quick else 5)
    figures |= _memory()
    figures |= _agreement(300 if is_quick else 10_000)
    return figures


def _cases(is_quick: bool) -> Iterator[tuple[str, Callable[[int], Sequence[Object]], int]]:
    """Name, what makes the lines of a seed (all on one NSG), and the number of seeds."""
    small, large = (5, 3) if is_quick else (25, 9)
    for count in (10, 100, 1000):
        yield f"random{count}", _one(partial(adversarial.random_rules, count)), small
    yield "typical", lambda _: adversarial.typical(), small
    yield "largest", _one(adversarial.largest), large
    yield "largestParts", _one(adversarial.largest_parts), large
    yield "largestRandom", _one(adversarial.largest_random), large
    for dimensions in (2, 3, 4):
        whole = partial(adversarial.partition, dimensions, _HARD)
        yield f"partition{dimensions}", _one(whole), large
        yield f"partition{dimensions}Missing", _one(partial(whole, missing=1)), large
    yield "disjointDenies", _one(partial(adversarial.disjoint_denies, _HARD)), large
    yield "nested", _one(partial(adversarial.nested, _HARD)), large
    yield "groups", _one(partial(adversarial.between_groups, 20)), small


def _one(make: Callable[[int], Object]) -> Callable[[int], Sequence[Object]]:
    return lambda seed: [make(seed)]


def _case(name: str, seeds: Iterable[Sequence[Object]]) -> Figures:
    timings = [_timing(lines) for lines in seeds]
    columns = zip(*((t.cold, t.rules, t.warm, t.z3) for t in timings), strict=True)
    cold, rules, warm, z3 = (round(statistics.median(column), 2) for column in columns)
    ratios = [timing.cold / timing.z3 for timing in timings]
    ratio, worst = round(statistics.median(ratios), 3), round(max(ratios), 3)
    figures: Figures = {
        f"{name}.cold": (cold, "ms"),
        f"{name}.rules": (rules, "ms"),
        f"{name}.warm": (warm, "ms"),
        f"{name}.z3": (z3, "ms"),
        f"{name}.ratio": (ratio, "1"),
        f"{name}.worstRatio": (worst, "1"),
    }
    shown = f"{cold:>10.2f}{rules:>10.2f}{warm:>10.2f}{z3:>10.2f}{ratio:>11.3f}"
    print(f"{name:<24}{shown}   {_told(figures)}", flush=True)
    return figures


def _told(figures: Figures) -> str:
    """Each target that one of the figures has, and whether it is met."""
    known = {name: (figures[name][0], most) for name, most in _TARGETS.items() if name in figures}
    said = (
        f"{name.rpartition('.')[2]} ≤ {most:g}{'' if got <= most else ' missed'}"
        for name, (got, most) in known.items()
    )
    return ", ".join(said)


def _timing(lines: Sequence[Object]) -> Timing:
    cold, states = _cold(_answer_cold, lines)
    questions = [read_question(line) for line in lines]
    group = read_group(lines[0]["nsg"])
    rules, _ = _cold(partial(_answer_from_rules, group), questions)
    warm, again = _timed(_further_questions(lines))
    z3, expected = _timed(lambda: [verdict(line).value for line in lines])
    if not states == again == expected:
        raise EnginesDiffer(f"verdicts {states} and {again}, z3 says {expected}")
    return Timing(cold=cold, rules=rules, warm=warm / len(lines), z3=z3)


def _cold(answer: Callable[[Sequence[_Q]], list[str]], questions: Sequence[_Q]) -> tuple[float, list[str]]:
    """With every text that was read forgotten."""
    parse_addresses.cache_clear()
    read_ports.cache_clear()
    gc.unfreeze()
    gc.collect()
    gc.freeze()  # or z3's terms of earlier lines are looked through while the engine is timed
    return _timed(lambda: answer(questions))


def _answer_from_rules(group: SecurityGroup, questions: Sequence[Asked]) -> list[str]:
    """The verdicts on rules that the gateway read."""
    program = parse(group, questions[0].tags)
    return [state_of(program, asked.question).value for asked in questions]


def _answer_cold(lines: Sequence[Object]) -> list[str]:
    """The verdicts on one NSG, which is read once."""
    questions = [read_question(line) for line in lines]
    _, program = read_program(lines[0]["nsg"], questions[0].tags)
    return [state_of(program, asked.question).value for asked in questions]


def _further_questions(lines: Sequence[Object]) -> Callable[[], list[str]]:
    """What asks again on the parsed form. The first question was asked before."""
    questions = [read_question(line) for line in lines]
    _, program = read_program(lines[0]["nsg"], questions[0].tags)
    state_of(program, questions[0].question)
    return lambda: [state_of(program, asked.question).value for asked in questions]


def _timed(action: Callable[[], _T]) -> tuple[float, _T]:
    """Milliseconds of processor time: one thread works, and a busy machine does not count."""
    started = time.process_time()
    result = action()
    return (time.process_time() - started) * 1000, result


def _growth(seeds: int) -> Figures:
    """Milliseconds from parsed JSON to verdict for more and more rules, and the exponent that fits best."""
    makers: dict[str, Callable[[int, int], Object]] = {"random": adversarial.random_rules}
    makers |= {f"partition{d}": partial(adversarial.partition, d) for d in (2, 3, 4)}
    makers["groups"] = adversarial.between_groups
    figures: Figures = {}
    for name, make in makers.items():
        sizes = _FEWER if name == "groups" else _SIZES
        costs = [_median_cost(partial(make, size), seeds) for size in sizes]
        exponent = round(_slope(sizes, costs), 2)
        figures |= {f"growth.{name}.{n}": (round(ms, 2), "ms") for n, ms in zip(sizes, costs, strict=True)}
        figures[f"growth.{name}.exponent"] = (exponent, "1")
        shown = ", ".join(f"{n}: {ms:.1f}" for n, ms in zip(sizes, costs, strict=True))
        print(f"cost of {name:<16} n^{exponent:<6} ms by number of rules: {shown}", flush=True)
    return figures


def _median_cost(make: Callable[[int], Object], seeds: int) -> float:
    lines = [make(seed) for seed in range(1, seeds + 1)]
    return statistics.median(_cold(_answer_cold, [line])[0] for line in lines)


def _slope(sizes: Sequence[int], costs: Sequence[float]) -> float:
    """Least squares on the logarithms."""
    return statistics.linear_regression(
        [math.log(size) for size in sizes], [math.log(cost) for cost in costs]
    ).slope


def _memory() -> Figures:
    """What the engine holds at most while it explains the largest NSG, the JSON not counted."""
    line = adversarial.largest(1)
    tracemalloc.start()
    explain(line)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    megabytes = round(peak / 1e6, 1)
    print(f"memory for the largest   {megabytes:.1f} MB (limit {MEMORY_LIMIT:g})", flush=True)
    return {"largest.memory": (megabytes, "MB")}


def _agreement(seeds: int) -> Figures:
    """Seeded lines on which verdict, blame, witnesses and fix are compared, and those that differ."""
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        found = [
            seed for seed, texts in enumerate(pool.map(_differences, range(seeds), chunksize=20)) if texts
        ]
    print(f"agreement with z3 and the plain loop: {seeds} seeds, {len(found)} differ {found[:10] or ''}")
    return {"agreement.seeds": (seeds, "1"), "agreement.differences": (len(found), "1")}


def _differences(seed: int) -> list[str]:
    line = instance(seed)
    return differences(line, explain(line))


if __name__ == "__main__":
    sys.exit(main())
